import json
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from specdet.runs.control import pending
from specdet.runs.trash import move_to_trash
from specdet.runs.user import read_user
from tests.app.conftest import APP
from tests.runs.made import made, owned

DONE = {"state": "finished", "attempt": 1, "t": 1500.0}
HOSTILE = "![x](http://evil.example/x.png) :red[y] <b>"


def opened(**query: str | list[str]) -> AppTest:
    at = AppTest.from_file(str(APP / "shell.py"), default_timeout=30)
    at.switch_page("pages/runs.py")
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def table(at: AppTest) -> dict[str, list]:
    assert not at.exception
    return at.dataframe[0].value.to_dict("list")


def pick(at: AppTest, *ids: str, key: str = "runs-table") -> AppTest:
    at.session_state[f"{key}-picked"] = ids
    return at.run()


def press(at: AppTest, label: str) -> AppTest:
    at = next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


@pytest.fixture
def root(workspace: Path) -> Path:
    root = workspace / "runs"
    best = {"bbox/AP": {"value": 0.5, "iter": 80}}
    made(root, "20260103-000000-a-000a", meta={"name": "a", "created": 3000.0}, state=DONE,
         progress={"iter": 90, "max_iters": 90, "last": {"bbox/AP": 0.25}, "best": best},
         user={"tags": ["coco"], "note": "first\nrest", "star": True})  # fmt: skip
    made(root, "20260102-000000-b-000b", meta={"name": HOSTILE, "created": 2000.0}, state={**DONE, "state": "failed"},
         user={"tags": ["coco", HOSTILE.replace(" ", "")], "note": HOSTILE})  # fmt: skip
    made(root, "20260101-000000-c-000c", meta={"name": "c", "created": 1000.0}, state=DONE, user={"archived": True})
    return root


A, B, C = "20260103-000000-a-000a", "20260102-000000-b-000b", "20260101-000000-c-000c"


def test_a_folder_without_runs_says_what_to_do(workspace):
    at = opened()
    assert not at.exception and "launch a spec" in at.info[0].value


def test_runs_are_rows_with_where_they_stand(root):
    rows = table(opened())
    assert rows["id"] == [A, B]
    assert rows["state"] == ["✓ finished", "✗ failed"]
    assert (rows["progress"][0], rows["best"][0], rows["last"][0]) == (100.0, 0.5, 0.25)
    assert (rows["star"], rows["about"][0]) == (["★", ""], "first")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"state": "failed"}, [B]),
        ({"state": ["failed", "finished"]}, [A, B]),
        ({"tag": "coco", "star": "1"}, [A]),
        ({"q": "first"}, [A]),
        ({"archived": "1"}, [A, B, C]),
        ({"archived": "1", "reverse": "1"}, [C, B, A]),
        ({"sort": "bbox/AP"}, [A, B]),
        ({"since": "1970-01-02"}, []),
        ({"state": "nonsense", "tag": "nobody", "sort": "x", "p": "-3", "metric": "x", "star": "yes"}, [A, B]),
    ],
)
def test_the_url_says_which_runs_are_shown(root, query, ids):
    assert table(opened(**query)).get("id", []) == ids


def test_what_is_chosen_stands_in_the_url(root):
    at = opened()
    at.multiselect(key="runs-tag").set_value(["coco"])
    at.text_input(key="runs-q").set_value("first")
    at.toggle(key="runs-archived").set_value(True).run()
    assert {**at.query_params} == {"tag": "coco", "q": "first", "archived": "1"}
    at.multiselect(key="runs-tag").set_value([])
    at.text_input(key="runs-q").set_value("")
    at.toggle(key="runs-archived").set_value(False).run()
    assert not at.query_params


def test_a_time_that_is_none_is_told(root):
    at = opened(since="yesterday")
    assert "is no time" in at.error[0].value and table(at)["id"] == [A, B]
    at.selectbox(key="runs-since").set_value("1h").run()
    assert not at.error and at.query_params["since"] == "1h"


def test_pages_have_twenty_five_runs_and_the_url_says_which(workspace):
    for number in range(60):
        made(workspace / "runs", f"20260101-000000-x-{number:04x}", meta={"created": 1000.0 + number}, state=DONE)
    assert table(opened(p="2"))["id"] == [f"20260101-000000-x-{number:04x}" for number in range(34, 9, -1)]
    assert len(table(opened(p="99"))["id"]) == 10


def test_words_of_strangers_are_cells_and_never_markdown(root):
    at = pick(opened(), A, B)
    assert HOSTILE in table(at)["name"] and HOSTILE in table(at)["about"]
    at = press(at, "Trash")
    shown = [*at.markdown, *at.caption, *at.info, *at.error, *at.warning, *at.title]
    texts = [*(each.value for each in shown), *(button.label for button in at.button)]
    assert [text for text in texts if "evil.example" in text]  # as the name of the tag that can be removed
    assert not [text for text in texts if "![x](" in text or " :red[" in text or text.count("<b>")]


def test_what_is_picked_stays_picked_while_runs_come_and_go(root):
    at = pick(opened(), B)
    made(root, "20260104-000000-d-000d", meta={"created": time.time()}, state=DONE)
    at.session_state["runs-q"] = ""
    time.sleep(1.6)  # a list is shown again for so long
    at.run()
    assert table(at)["id"][0] == "20260104-000000-d-000d"
    assert at.session_state["runs-table-picked"] == (B,)
    assert at.text[0].value == "1 picked"


def test_a_filter_unpicks_what_it_hides(root):
    at = pick(opened(), A, B)
    at.multiselect(key="runs-state").set_value(["failed"]).run()
    assert at.session_state["runs-table-picked"] == (B,)


def test_many_runs_are_starred_and_archived_at_once_and_back(root):
    at = press(pick(opened(), A, B), "Star")
    assert read_user(root / A).star and read_user(root / B).star
    at = press(at, "Unstar")
    assert not read_user(root / A).star
    at = press(at, "Archive")
    assert read_user(root / B).archived and table(opened()).get("id", []) == []
    at = pick(opened(archived="1"), A, B)
    press(at, "Unarchive")
    assert not read_user(root / A).archived


def test_nothing_is_written_where_a_link_among_the_runs_leads(root):
    elsewhere = made(root.parent.parent / "elsewhere", "x", state=DONE)
    (root / "20260107-000000-l-0001").symlink_to(elsewhere)
    at = press(pick(opened(), "20260107-000000-l-0001", A), "Star")
    assert read_user(root / A).star and not (elsewhere / "user.json").exists()
    assert "outside of the folders" in at.error[0].value


def test_tags_are_added_to_all_and_removed_from_all(root):
    at = pick(opened(), A, B)
    at.text_input(key="tag-to-add").set_value("new").run()
    assert "new" in read_user(root / A).tags and "new" in read_user(root / B).tags
    at = press(at, "coco")
    assert "coco" not in read_user(root / A).tags + read_user(root / B).tags
    at.text_input(key="tag-to-add").set_value("two words").run()
    assert "is no tag" in at.error[0].value


def test_a_run_is_stopped_only_after_a_yes(workspace):
    run = made(workspace / "runs", A, state={"state": "running", "attempt": 1, "t": time.time()},
               progress={"phase": "train", "iter": 1, "t": time.time()})  # fmt: skip
    with owned(run):
        at = press(pick(opened(), A), "Stop and save")
        assert not pending(run)
        at = press(at, "Leave it")
        assert not pending(run) and not [button for button in at.button if button.label == "Stop and save them"]
        at = press(press(at, "Stop and save"), "Stop and save them")
        (command,) = pending(run)
        assert (command.kind, command.by) == ("stop", "app")
        assert "has not answered yet" in at.info[0].value


def test_removed_runs_are_in_the_trash_and_come_back(root):
    at = press(press(pick(opened(), A), "Trash"), "Move them to the trash")
    assert table(at)["id"] == [B] and not (root / A).exists()
    at = opened(view="trash")
    assert table(at)["id"] == [A]
    press(pick(at, A, key="trash-table"), "Put back")
    assert (root / A / "meta.json").exists()


def test_a_run_that_is_alive_is_not_removed_and_says_why(workspace):
    run = made(workspace / "runs", A, state={"state": "running", "attempt": 1, "t": time.time()})
    with owned(run):
        at = press(press(pick(opened(), A), "Trash"), "Move them to the trash")
    assert "stop it first" in at.error[0].value and run.exists()


def test_a_place_that_is_taken_is_told_when_a_run_is_put_back(root):
    move_to_trash(root / A)
    made(root, A)
    at = press(pick(opened(view="trash"), A, key="trash-table"), "Put back")
    assert "is there already" in at.error[0].value


def test_a_folder_of_runs_that_is_none_is_told(workspace):
    (workspace / "runs").touch()
    at = opened()
    assert not at.exception and "Not a directory" in at.error[0].value


def test_an_empty_queue_and_the_devices_are_shown(workspace, monkeypatch):
    monkeypatch.setenv("SPECDET_DEVICES", "cpu")
    at = opened(view="queue")
    assert "No run waits" in at.info[0].value
    assert table(at)["held"] == ["free"]


def test_a_broken_run_directory_does_not_hide_the_others(root):
    broken = root / "20260105-000000-z-000z"
    broken.mkdir()
    (root / A / "events.jsonl").write_bytes(b"\xff\n{")
    made(root, "20260106-000000-y-0001", meta="{", state="[]", progress="nothing", user=json.dumps([]))
    assert {A, B} <= {*table(opened())["id"]}
