"""What a person does with the app, from a spec to a compared run, with a real training; see the pictures it leaves."""

import json
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from small_training import PLUGIN

from specdet.runs.checkpoints import read_checkpoints
from specdet.runs.status import read_status

STEPS = 320
# A small network on few drawn images, whose steps take their time on a fast machine too.
SPEC = """\
# What the journey trains.
spec = 1
extends = ["specdet:rpn.toml"]
plugins = ["slow.py"]
name = "journey"

[model]
backbone = { base_channels = 8, norm = "GN" }
neck = { out_channels = 16 }
rpn_head = { feat_channels = 16 }

[data]
images_per_device = 2
workers_per_device = 0
train = { count = 64 }
val = { count = 12 }

[optimizer]
lr = 2e-3    # found by hand

[train]
max_epochs = 10
threads_per_process = 1
log_every.iters = 10

[hooks.evaluate]
every.epochs = 2

[hooks.slow]
type = "slow:Slow"
"""


def until(condition: Callable[[], object], *, within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it has not come to that in time"
        time.sleep(0.1)


@pytest.fixture
def spec(tmp_path, server_environment) -> Path:
    """A spec file in the workspace, with a plugin that is trusted."""
    folder = tmp_path / "workspace" / "specs"
    folder.mkdir()
    (folder / "slow.py").write_text(PLUGIN)
    trust = [sys.executable, "-m", "specdet.cli", "trust", str(folder / "slow.py")]
    subprocess.run(trust, env=server_environment, check=True, stdout=subprocess.DEVNULL)
    server_environment["SLOW"] = "step 0.15"
    (folder / "rpn.toml").write_text(SPEC)
    return folder / "rpn.toml"


@pytest.mark.timeout(600)
def test_from_a_spec_to_a_compared_run(spec, tab, server):
    page = tab.page

    # Choose the spec.
    tab.open("/")
    page.get_by_role("link", name="specs/rpn.toml").first.wait_for()
    tab.shoot("specs")
    page.get_by_role("link", name="specs/rpn.toml").first.click()
    page.wait_for_url(re.compile(r"/edit\?.*file="))
    tab.settle()

    line = 1 + SPEC.splitlines().index("lr = 2e-3    # found by hand")

    # A wrong value is told at its field and at its line, while it is typed.
    page.get_by_role("radio", name=re.compile("optimizer")).click()
    rate = page.get_by_role("textbox", name=re.compile(r"\blr\b"))
    rate.fill("fast")
    expect(page.get_by_text('expected a number, got "fast"').first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(rf"line {line}: optimizer\.lr"))).to_be_visible()
    tab.shoot("edit-wrong")

    # Corrected, what changed is shown, and saving keeps the comment.
    rate.fill("4e-3")
    expect(page.get_by_text('expected a number, got "fast"')).to_have_count(0)
    page.get_by_role("radio", name="Changes").click()
    expect(page.locator("code").filter(has_text="+lr = 4e-3    # found by hand")).to_be_visible()
    tab.shoot("edit-changes")
    assert spec.read_text() == SPEC
    page.keyboard.press("Control+s")
    until(lambda: spec.read_text() == SPEC.replace("lr = 2e-3", "lr = 4e-3"))
    page.get_by_role("radio", name="What it costs").click()
    expect(page.get_by_text(re.compile("parameters", re.IGNORECASE)).first).to_be_visible(timeout=60_000)
    tab.shoot("edit-cost")

    # Look at the images that it will train on.
    page.get_by_role("button", name="Data").click()
    page.wait_for_url(re.compile(r"/data\?"))
    tab.settle()
    page.wait_for_timeout(3000)
    tab.shoot("data")
    tab.open("/edit?file=specs/rpn.toml")

    # Launch: a double click starts one run.
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/launch\?"))
    tab.settle()
    expect(page.get_by_text("specdet launch specs/rpn.toml").first).to_be_visible()
    tab.shoot("launch")
    page.get_by_role("button", name="Launch", exact=False).first.dblclick()
    page.wait_for_url(re.compile(r"/run\?.*run="))
    tab.settle()
    (run,) = server.runs
    assert json.loads((run / "meta.json").read_text())["via"] == "gui"
    assert tomllib.loads((run / "spec.toml").read_text())["optimizer"]["lr"] == 4e-3

    # Live charts move.
    charts = page.locator('[data-testid="stVegaLiteChart"]')
    charts.first.wait_for(timeout=90_000)
    until(lambda: read_status(run).iter > 30)
    before = read_status(run).iter
    shown = page.get_by_text(re.compile(r"\d+ (of|/) 320"))
    first = shown.first.inner_text()
    until(lambda: read_status(run).iter > before + 20)
    expect(shown.first).not_to_have_text(first)
    tab.shoot("run-live")

    # Loaded anew, it is still there; with another server, too.
    address = page.url
    page.reload()
    tab.settle()
    expect(charts.first).to_be_visible()
    server.kill()
    assert read_status(run).state == "running"
    server.start()
    page.goto(address)
    tab.settle()
    expect(charts.first).to_be_visible()
    before = read_status(run).iter
    until(lambda: read_status(run).iter > before)

    # A checkpoint now, acknowledged; stop and save; resume; finished.
    page.get_by_role("button", name=re.compile("Checkpoint$")).click()
    expect(page.get_by_text(re.compile("Asked .* to .*checkpoint.*: done")).first).to_be_visible()
    saved = {each.iter for each in read_checkpoints(run).found}
    assert saved
    page.get_by_role("button", name="Stop and save").click()
    until(lambda: read_status(run).state == "stopped")
    stopped_at = read_status(run).iter
    assert 0 < stopped_at < STEPS
    assert max(each.iter for each in read_checkpoints(run).found) == stopped_at
    expect(page.get_by_text("stopped").first).to_be_visible()
    tab.shoot("run-stopped")
    page.get_by_role("button", name="Resume", exact=True).click()
    until(lambda: read_status(run).state == "running", within=90)
    until(lambda: read_status(run).state == "finished", within=240)
    assert read_status(run).attempt == 2
    expect(page.get_by_text("finished").first).to_be_visible()
    for part in ("Charts", "Log", "Events", "Evaluations", "Checkpoints", "Spec", "Origin"):
        page.get_by_role("radiogroup", name="Part").get_by_role("radio", name=re.compile(part)).click()
        tab.settle()
        page.wait_for_timeout(500)
        tab.shoot(f"run-{part.lower()}")

    # Another run, and the two compared.
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(re.compile(r"/launch\?.*rerun="))
    tab.settle()
    page.get_by_role("textbox", name="Name").fill("shorter")
    page.get_by_role("button", name="Launch again").click()
    page.wait_for_url(re.compile(r"/run\?.*run="))
    until(lambda: len(server.runs) == 2)
    other = next(each for each in server.runs if each != run)
    until(lambda: read_status(other).iter > 70, within=120)
    tab.open("/runs")
    tab.shoot("runs")
    tab.open(f"/compare?run={run.name}&run={other.name}")
    page.locator('[data-testid="stVegaLiteChart"]').first.wait_for()
    tab.shoot("compare")

    # What it found.
    tab.open(f"/predictions?run={run.name}")
    page.get_by_role("button", name="Best F1").click()
    tab.shoot("predictions")
    assert "Traceback" not in server.said
