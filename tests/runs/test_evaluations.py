import pytest

from specdet.runs.evaluations import file_name, forget_later, read_details, write_details


def test_what_was_told_is_read_back(tmp_path):
    details = {"confusion": {"classes": ["cat", "background"], "matrix": [[1, 0], [2, 0]]}}
    path = write_details(tmp_path, details, iter=40, epoch=2)
    assert path == tmp_path / file_name(40) == tmp_path / "evaluations/iter_00000040.json"
    assert read_details(tmp_path, iter=40) == details
    write_details(tmp_path, {}, iter=40, epoch=2)
    assert read_details(tmp_path, iter=40) == {}


def test_what_cannot_be_read_says_which_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_details(tmp_path, iter=1)
    path = write_details(tmp_path, {}, iter=1, epoch=0)
    for text in ("{", "[]", '{"details": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"iter_00000001\.json"):
            read_details(tmp_path, iter=1)


def test_a_run_that_goes_back_forgets_what_came_later(tmp_path):
    forget_later(tmp_path, iter=0)
    for iter in (10, 20, 30):
        write_details(tmp_path, {}, iter=iter, epoch=0)
    (tmp_path / "evaluations/iter_notes.json").touch()
    forget_later(tmp_path, iter=20)
    assert sorted(path.name for path in (tmp_path / "evaluations").iterdir()) == [
        "iter_00000010.json", "iter_00000020.json", "iter_notes.json",
    ]  # fmt: skip
