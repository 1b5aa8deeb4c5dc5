"""What strangers may have written, in a real browser: it is shown as text; nothing is read, run or asked for."""

import http.client
import json
import re

import pytest
from playwright.sync_api import expect

from tests.runs.made import made

NASTY = "![x](http://evil.example/x.png)<img src=http://evil.example/y.png onerror=alert(1)><script>alert(2)</script>"
SECRET = "the-content-of-a-secret"
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
SHELL = "$(touch pwned) `touch pwned`; touch pwned #"


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text(f"{SECRET}\n")
    return path


def text_of(tab) -> str:
    return tab.page.locator("body").inner_text()


def metric(step: int, name: str) -> str:
    event = {"v": 1, "seq": step, "attempt": 1, "t": 1000.0 + step, "kind": "metric", "step": step, "epoch": 0}
    return json.dumps({**event, "data": {"loss": 1.0, name: 0.5}})


def crafted(server, secret, run_id: str = "20260101-120000-crafted-0001"):
    """A run directory with something in each of its texts."""
    run = made(
        server.workspace / "runs",
        run_id,
        meta={"name": NASTY, "created": 1000.0, "argv": [NASTY], "host": {"name": NASTY}},
        state={"state": "failed", "attempt": 1, "t": 1001.0, "reason": "error", "message": NASTY,
               "last_lines": [NASTY]},
        progress={"attempt": 1, "t": 1001.0, "phase": "train", "iter": 3, "max_iters": 5,
                  "last": {NASTY: 1.0}, "best": {NASTY: {"value": 1.0, "iter": 1}}},
        user={"note": NASTY, "tags": [NASTY.replace(" ", "")], "name": NASTY},
    )  # fmt: skip
    (run / "events.jsonl").write_text("\n".join([*(metric(step, NASTY) for step in range(9)), "{torn"]) + "\n")
    (run / "out.log").write_text(f"{NASTY}\n\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\nERROR {NASTY}\n")
    (run / "spec.toml").write_text(f'extends = ["{secret}"]\nname = """{NASTY}"""\n')
    (run / "checkpoints" / "iter_00000003").mkdir(parents=True)
    return run


def test_texts_of_a_crafted_run_are_texts(tab, server, secret):
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    run = crafted(server, secret)
    other = crafted(server, secret, "20260101-120000-crafted-0002")
    for address in (
        "/runs",
        *(f"/run?run={run.name}&tab={part}" for part in
          ("charts", "log", "events", "evaluations", "checkpoints", "spec", "origin")),
        f"/compare?run={run.name}&run={other.name}",
        f"/predictions?run={run.name}",
        f"/data?run={run.name}",
        f"/launch?rerun={run.name}",
        f"/launch?resume={run.name}",
    ):  # fmt: skip
        tab.open(address)
        tab.page.wait_for_timeout(300)
        assert SECRET not in text_of(tab), address
        assert tab.page.locator('img[src*="evil"], script[src*="evil"]').count() == 0, address
    assert dialogs == []
    assert "Traceback" not in server.said


def test_a_run_whose_files_are_links_is_not_read(tab, server, secret, tmp_path):
    run = crafted(server, secret)
    elsewhere = crafted(server, secret, "20260101-120000-crafted-0003")
    for name in ("out.log", "events.jsonl", "user.json", "spec.toml", "spec.source.toml", "dirty.patch"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(secret)
    (run / "predictions").symlink_to(tmp_path)
    moved = elsewhere.rename(tmp_path / elsewhere.name)
    elsewhere.symlink_to(moved)
    for name in (run.name, elsewhere.name):
        for part in ("charts", "log", "events", "spec", "origin"):
            tab.open(f"/run?run={name}&tab={part}")
            assert SECRET not in text_of(tab)
        tab.open(f"/predictions?run={name}")
        assert SECRET not in text_of(tab)
    assert "Traceback" not in server.said


def test_what_is_no_id_of_a_run_is_a_sentence(tab, server, secret):
    for run_id in ("../secret.txt", "/etc", "..%2F..%2Fetc", "%00", "a" * 3000):
        tab.open(f"/run?run={run_id}")
        expect(tab.page.get_by_text(re.compile("no id of a run|no run")).first).to_be_visible()
    for page in ("compare?run", "predictions?run", "data?run", "launch?rerun", "launch?resume"):
        tab.open(f"/{page}=../secret.txt")
        assert SECRET not in text_of(tab)
    assert "Traceback" not in server.said


def test_no_spec_is_opened_out_of_the_folder(tab, server, secret):
    (server.workspace / "link.toml").symlink_to(secret)
    for page in ("edit?file", "launch?spec", "data?spec"):
        for name in ("../secret.txt", "/etc/passwd", "link.toml", "specdet:../../pyproject.toml"):
            tab.open(f"/{page}={name}")
            shown = text_of(tab)
            assert SECRET not in shown and "root:" not in shown and "hatchling" not in shown
            assert re.search("lies outside|is not|no spec|not opened|no such", shown, re.IGNORECASE), (
                page,
                name,
                shown,
            )
    assert "Traceback" not in server.said


def test_data_out_of_the_folders_is_not_opened(tab, server, secret, tmp_path):
    images = tmp_path / "elsewhere"
    images.mkdir()
    (images / "annotations.json").write_text(json.dumps({"images": [], "annotations": [], "categories": [
        {"id": 1, "name": SECRET}]}))  # fmt: skip
    (server.workspace / "link").symlink_to(images)
    for folder in (str(images), "../elsewhere", "link"):
        (server.workspace / "data.toml").write_text(
            'spec = 1\nextends = ["specdet:rpn.toml"]\n[data.val]\ntype = "Coco"\n'
            f'images = "{folder}"\nannotations = "{folder}/annotations.json"\n'
        )
        tab.open("/data?spec=data.toml&set=val")
        tab.page.get_by_role("radio", name="Findings").click()
        expect(tab.page.get_by_text(re.compile("SPECDET_APP_ROOTS")).first).to_be_visible()
        assert SECRET not in text_of(tab)
    assert "Traceback" not in server.said


def test_marks_of_a_shell_mean_nothing_in_any_field(tab, server):
    (server.workspace / "own.toml").write_text('spec = 1\nextends = ["specdet:rpn.toml"]\n[train]\nmax_iters = 1\n')
    tab.open("/launch?spec=own.toml")
    tab.page.get_by_role("textbox", name="Name").fill(SHELL)
    expect(tab.page.locator("code").filter(has_text="'--name=$(touch pwned)").first).to_be_visible()
    tab.open("/edit?file=own.toml&section=general")
    tab.page.get_by_role("textbox", name=re.compile(r"\bname\b")).first.fill(SHELL)
    expect(tab.page.get_by_text("unsaved")).to_be_visible()
    tab.open("/runs")
    for box in tab.page.get_by_role("textbox").all():
        if box.is_editable():
            box.fill(SHELL)
    tab.settle()
    assert not list(server.workspace.parent.rglob("pwned"))


def test_a_name_that_was_made_to_mean_this_machine_is_refused(server):
    """DNS rebinding: a page of evil.example, whose name now means 127.0.0.1, asks the server in its own name."""
    for host in ("evil.example", "localhost.evil.example:8501", "127.0.0.1.nip.example"):
        for path in ("/", "/_stcore/health", "/_stcore/host-config", "/_stcore/stream", "/specdet-files/x"):
            asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            upgrade = UPGRADE if path.endswith("stream") else {}
            asking.request("GET", path, headers={"Host": host, "Origin": f"http://{host}", **upgrade})
            assert asking.getresponse().status == 403, (host, path)
            asking.close()


def test_another_site_may_not_talk_to_the_server(server):
    """A page of evil.example asks localhost by its right name."""
    asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    asking.request(
        "GET",
        "/_stcore/stream",
        headers={"Host": f"localhost:{server.port}", "Origin": "http://evil.example", **UPGRADE},
    )
    assert asking.getresponse().status == 403
    asking.close()
