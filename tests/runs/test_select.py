import pytest

from specdet.runs.select import find_run
from specdet.spec import SpecError
from tests.runs.made import made

OLD, RPN, MASK = "20260101-120000-rpn-00a1", "20260102-120000-rpn-large-00b2", "20260103-120000-mask-00c3"


@pytest.fixture
def root(tmp_path):
    for created, (name, state) in enumerate([(OLD, "failed"), (RPN, "failed"), (MASK, "finished")]):
        made(tmp_path, name, meta={"created": created}, state={"state": state, "attempt": 1, "t": 1.0})
    (tmp_path / "plots").mkdir()
    (tmp_path / ".trash").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OLD, OLD),
        ("20260102", RPN),
        ("00c3", MASK),
        ("Mask", MASK),
        (" large ", RPN),
        ("last", MASK),
        ("last-failed", RPN),
    ],
)
def test_a_run_is_meant_by_its_id_a_part_or_its_age(root, text, expected):
    assert find_run(text, root=root) == root / expected


def test_a_path_means_the_run_that_it_lies_in(root, tmp_path, monkeypatch):
    checkpoint = root / MASK / "checkpoints" / "iter_00000010"
    checkpoint.mkdir(parents=True)
    elsewhere = tmp_path / "no runs here"
    assert find_run(str(checkpoint), root=elsewhere) == root / MASK
    monkeypatch.chdir(root / MASK)
    assert find_run(".", root=elsewhere) == root / MASK
    assert find_run("./checkpoints", root=elsewhere) == root / MASK


def test_a_beginning_outranks_a_part(tmp_path):
    for name in ("b-a", "a-b"):
        made(tmp_path, name)
    assert find_run("a", root=tmp_path).name == "a-b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rpn", ["2 runs are meant by 'rpn'", OLD, RPN]),
        ("rpn-lrage", [f"did you mean {RPN}?"]),
        ("zzz", [f"the newest is {MASK}"]),
        ("", ["no run"]),
        ("plots", ["no run"]),
        (".trash", ["no run"]),
        ("./nowhere", ["nowhere does not exist"]),
        ("/", ["/ is no run and lies in none"]),
    ],
)
def test_what_means_no_one_run_is_told_with_what_was_likely_meant(root, text, words):
    with pytest.raises(SpecError) as caught:
        find_run(text, root=root)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_nothing_to_choose_from_is_told(tmp_path):
    with pytest.raises(SpecError, match=r"there are no runs in .*SPECDET_RUNS"):
        find_run("last", root=tmp_path / "nowhere")
    made(tmp_path, state={"state": "finished"})
    with pytest.raises(SpecError, match="none of the 1 runs"):
        find_run("last-failed", root=tmp_path)
