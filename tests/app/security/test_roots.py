import os

import pytest

from app.editing.checked import check_text
from app.security.roots import Outside, Roots, file_of, why_no_base
from specdet.spec.compose import shipped_specs
from tests.runs.made import RUN_ID, made


@pytest.fixture
def roots(workspace) -> Roots:
    return Roots.here()


def test_the_folders_are_the_working_one_the_runs_and_those_named(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_APP_ROOTS", os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "b")]))
    roots = Roots.here()
    assert (roots.workspace, roots.runs) == (workspace, workspace / "runs")
    assert roots.data == (tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../outside", "runs/../../outside", "inside/../../outside", "/", "a\0b"]
)
def test_a_path_that_leads_out_is_refused(roots, path):
    with pytest.raises(Outside):
        roots.inside(path)


def test_a_link_that_leads_out_is_refused_and_one_that_stays_is_followed(roots, workspace, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (workspace / "out").symlink_to(tmp_path / "secret")
    (workspace / "folder").symlink_to(tmp_path)
    (workspace / "own").write_text("mine")
    (workspace / "in").symlink_to(workspace / "own")
    for path in ("out", "folder/secret"):
        with pytest.raises(Outside, match="SPECDET_APP_ROOTS"):
            roots.inside(workspace / path)
    assert roots.inside(workspace / "in") == (workspace / "own").resolve()


def test_a_neighbour_whose_name_begins_alike_is_not_inside(roots, workspace):
    with pytest.raises(Outside):
        roots.inside(f"{workspace}-of-another/file")


def test_a_workspace_that_is_itself_a_link_is_where_it_leads(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    roots = Roots(workspace=tmp_path / "link", runs=tmp_path / "link" / "runs")
    assert roots.inside(tmp_path / "link" / "file") == (tmp_path / "real" / "file").resolve()


@pytest.mark.parametrize(
    "run_id", ["", ".", "..", "../x", "a/b", "..\\x", "/etc", ".trash", "no-such-run", "a\nb", "a\0b", "x" * 5000]
)
def test_what_is_no_id_of_a_run_is_refused(roots, workspace, run_id):
    made(workspace / "runs")
    with pytest.raises(Outside):
        roots.run(run_id)


def test_a_run_is_found_by_its_id_alone(roots, workspace, tmp_path):
    run = made(workspace / "runs")
    assert roots.run(RUN_ID) == run
    elsewhere = made(tmp_path / "elsewhere", "20260101-120000-rpn-0002")
    (workspace / "runs" / elsewhere.name).symlink_to(elsewhere)
    with pytest.raises(Outside):
        roots.run(elsewhere.name)


def test_a_file_of_a_run_is_not_one_of_elsewhere(roots, workspace, tmp_path):
    run = made(workspace / "runs")
    (tmp_path / "secret").write_text("secret")
    (run / "out.log").symlink_to(tmp_path / "secret")
    (run / "checkpoints").symlink_to("/etc")
    for name in ("out.log", "checkpoints/passwd", "../../../secret", "/etc/passwd"):
        with pytest.raises(Outside, match="outside of its directory"):
            file_of(run, name)
    assert file_of(run, "meta.json") == run / "meta.json"
    assert file_of(run, "not-there-yet") == run / "not-there-yet"


def test_a_spec_extends_what_is_shown_and_no_secret(roots, workspace, tmp_path):
    (tmp_path / "secret.toml").write_text('[auth]\ncookie_secret = "1"\n')
    (workspace / ".streamlit").mkdir()
    (workspace / ".streamlit" / "secrets.toml").write_text('[auth]\ncookie_secret = "1"\n')
    (workspace / "base.toml").write_text("spec = 1\n")
    assert why_no_base(workspace / "base.toml") == ""
    assert why_no_base(shipped_specs() / "rpn.toml") == ""
    assert "hidden" in why_no_base(workspace / ".streamlit" / "secrets.toml")
    for extends in ("../secret.toml", ".streamlit/secrets.toml"):
        checked = check_text(workspace / "own.toml", f'extends = ["{extends}"]\n')
        assert "is not opened" in checked.problems[0].message
        assert "auth" not in checked.composed.tree
