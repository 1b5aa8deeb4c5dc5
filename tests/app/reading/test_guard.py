import shutil

import pytest

from app.reading.guard import FILES, refuse_links
from app.security.roots import Outside, file_of
from tests.runs.made import made


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_a_run_may_lead_elsewhere(tmp_path, name):
    run = made(tmp_path / "runs")
    refuse_links(run)
    secret = tmp_path / "secret"
    secret.mkdir() if name in ("control", "checkpoints", "control/new", "control/done") else secret.write_text("{}")
    path = run / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(secret)
    with pytest.raises(Outside, match="link to outside"):
        refuse_links(run)


def test_links_within_a_run_are_its_own_affair(tmp_path):
    run = made(tmp_path)
    (run / "part.log").write_text("x")
    (run / "out.log").symlink_to("part.log")
    refuse_links(run)
    assert file_of(run, "out.log").read_text() == "x"


def test_a_run_that_is_gone_is_said_to_be(tmp_path):
    run = made(tmp_path)
    shutil.rmtree(run)
    with pytest.raises(Outside, match="not there any more"):
        refuse_links(run)
