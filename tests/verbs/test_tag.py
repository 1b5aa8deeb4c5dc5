import pytest

from specdet.cli import main
from tests.runs.made import RUN_ID, made


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path))
    return made(tmp_path, user={"tags": ["a", "b"]})


@pytest.mark.parametrize(
    ("changes", "tags"),
    [
        ([], ["a", "b"]),
        (["+c"], ["a", "b", "c"]),
        (["c"], ["a", "b", "c"]),
        (["-a"], ["b"]),
        (["-a", "+c", "-b", "d"], ["c", "d"]),
        (["-n"], ["a", "b"]),
    ],
)
def test_tags_come_and_go(capsys, changes, tags):
    assert main(["tag", RUN_ID, *changes]) == 0
    assert capsys.readouterr().out.split() == tags
    main(["tag", "last"])
    assert capsys.readouterr().out.split() == tags


def test_what_is_no_tag_changes_nothing(capsys):
    assert main(["tag", "last", "+c", "two words"]) == 1
    assert "'two words' is no tag" in capsys.readouterr().err
    main(["tag", "last"])
    assert capsys.readouterr().out.split() == ["a", "b"]
