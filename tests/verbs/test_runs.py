import json
import time

import pytest

from specdet.cli import main
from tests.runs.made import made

DAY = 86400


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path))
    now = time.time()
    best = {"bbox/AP": {"value": 0.5, "iter": 80}}
    made(tmp_path, "old", meta={"name": "rpn", "created": now - 9 * DAY}, user={"tags": ["a", "b"], "star": True},
         state={"state": "finished", "attempt": 2, "t": now},
         progress={"iter": 90, "max_iters": 90, "last": {"bbox/AP": 0.4}, "best": best})  # fmt: skip
    made(
        tmp_path,
        "mid",
        meta={"name": "Mask", "created": now - 2 * DAY},
        user={"tags": ["a"], "note": "first\nrest"},
        state={"state": "failed", "attempt": 1, "t": now, "reason": "oom"},
        progress={"iter": 9, "max_iters": 90, "last": {"loss": None}, "best": {"bbox/AP": {"value": 0.7, "iter": 8}}},
    )
    made(tmp_path, "new", meta={"name": "rpn", "created": now - 60}, user={"archived": True},
         state={"state": "stopped", "attempt": 1, "t": now})  # fmt: skip
    return tmp_path


def listed(capsys, *arguments):
    assert main(["runs", *arguments]) == 0
    return [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]


def test_a_row_says_where_a_run_stands(root, capsys):
    assert main(["runs"]) == 0
    head, mid, old = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["run", "name", "state", "try", "iter", "left", "metric", "tags", "about"]
    assert " ".join(mid) == "mid Mask failed 1 9/90 bbox/AP best 0.7 at 8 a it ran out of memory; first"
    assert " ".join(old) == "old rpn finished 2 90/90 bbox/AP 0.4 (best 0.5 at 80) * a b"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["mid", "old"]),
        (["--all"], ["new", "mid", "old"]),
        (["--reverse"], ["old", "mid"]),
        (["--all", "-n", "1"], ["new"]),
        (["--all", "-n", "0"], ["new", "mid", "old"]),
        (["--state", "finished,failed"], ["mid", "old"]),
        (["--state", "failed"], ["mid"]),
        (["--tag", "a", "--tag", "b"], ["old"]),
        (["--name", "MASK"], ["mid"]),
        (["--all", "--since", "3d"], ["new", "mid"]),
        (["--all", "--since", "2000-01-01"], ["new", "mid", "old"]),
        (["--sort", "name"], ["mid", "old"]),
        (["--all", "--sort", "bbox/AP"], ["mid", "old", "new"]),
        (["--all", "--sort", "bbox/AP", "--reverse"], ["old", "mid", "new"]),
    ],
)
def test_filters_and_order(root, capsys, arguments, expected):
    assert listed(capsys, *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--state", "dead"], "there is no state 'dead'"),
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--sort", "bbox/ap"], "no run has a metric 'bbox/ap'"),
        (["prune", "--keep-last", "0"], "a run keeps at least one checkpoint"),
    ],
)
def test_wrong_usage_is_told(root, capsys, arguments, words):
    try:
        code = main(["runs", *arguments])
    except SystemExit as ended:
        code = ended.code
    assert code == 2 and words in capsys.readouterr().err


def test_a_metric_can_be_chosen(root, capsys):
    main(["runs", "--metric", "loss"])
    assert "loss not finite" in capsys.readouterr().out


def test_json_says_all_of_it(root, capsys):
    assert main(["runs", "--json", "--state", "finished"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["directory"] == str(root / "old") and row["tags"] == ["a", "b"] and row["best"] == {"bbox/AP": 0.5}
    assert row["state"] == "finished" and row["archived"] is False and "settled" not in row


def test_no_runs_are_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path / "nowhere"))
    assert main(["runs"]) == 0
    assert "nowhere does not exist" in capsys.readouterr().err
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_pruning_can_be_tried_first(root, capsys):
    for serial, step in enumerate((10, 20), start=1):
        folder = root / "old" / "checkpoints" / f"iter_{step:08d}"
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"x" * 2000)
        (folder / "manifest.json").write_text(json.dumps({"serial": serial, "files": {"weights": {"size": 2000}}}))
    assert main(["runs", "prune", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "old/checkpoints/iter_00000010" in out and "nothing was removed" in out and "2.1 kB would be freed" in out
    assert len([*(root / "old" / "checkpoints").iterdir()]) == 2
    assert main(["runs", "prune"]) == 0
    assert "2.1 kB freed" in capsys.readouterr().out
    assert [path.name for path in (root / "old" / "checkpoints").iterdir()] == ["iter_00000020"]
