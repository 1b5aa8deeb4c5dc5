import pytest

from specdet.spec.read import read_file


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("norm_eval = True", "small letters"),
        ("neck = None", "leave the key out"),
        ("size = (1, 2)", "square brackets"),
        ("neck = dict(type='FPN')", "{ key = value }"),
        ("type = ResNet", "in quotes"),
        ("lr = .001", "before its point"),
        ("lr = 1.", "behind its point"),
        ('root = "C:\\Users\\me"', "single quotes"),
        ("name: 'x'", "= between them"),
        ("lr = 0.02,", "no comma"),
    ],
)
def test_a_slip_says_what_to_write(tmp_path, line, said):
    problem = read_file(tmp_path / "spec.toml", text=f"seed = 1\n{line}\n").problem
    assert problem.place.line == 2
    assert said in problem.message


def test_what_is_no_slip_gets_no_hint(tmp_path):
    assert "(" not in read_file(tmp_path / "spec.toml", text="[a").problem.message
