import pytest

from app.editing.naming import new_target, proposed_name
from app.editing.target import target_of
from app.security.roots import Outside, Roots
from specdet.spec import SpecError
from tests.runs.made import made


@pytest.mark.parametrize(
    "name",
    ["", "../other.toml", "/etc/passwd", "/etc/x.toml", "notes.txt", "a\0b.toml", "specdet:../pyproject.toml",
     "specdet:", "specdet:nothing.toml", "specdet:README.md"],
)  # fmt: skip
def test_what_is_no_spec_of_the_workspace_is_refused(workspace, name):
    (workspace.parent / "other.toml").write_text("spec = 1")
    with pytest.raises(Outside):
        target_of(name, roots=Roots.here())


def test_a_link_out_of_the_workspace_is_refused(workspace):
    (workspace.parent / "secret.toml").write_text("spec = 1")
    (workspace / "link.toml").symlink_to(workspace.parent / "secret.toml")
    with pytest.raises(Outside):
        target_of("link.toml", roots=Roots.here())


@pytest.mark.parametrize("name", [".streamlit/secrets.toml", "a/.hidden/b.toml", "link.toml"])
def test_what_lies_in_a_hidden_folder_is_refused(workspace, name):
    (workspace / ".streamlit").mkdir()
    (workspace / ".streamlit/secrets.toml").write_text('[auth]\ncookie_secret = "x"\n')
    (workspace / "link.toml").symlink_to(workspace / ".streamlit/secrets.toml")
    with pytest.raises(Outside, match="hidden"):
        target_of(name, roots=Roots.here())


def test_a_file_is_named_from_the_workspace_however_it_is_asked_for(workspace):
    roots = Roots.here()
    assert target_of(str(workspace / "a/../a/b.toml"), roots=roots).name == "a/b.toml"
    assert target_of("a/b.toml", roots=roots).why_fixed == ""


def test_what_a_run_was_trained_with_and_what_is_shipped_is_not_changed_in_its_place(workspace):
    run = made(workspace / "runs", spec="spec = 1")
    (run / "spec.toml").write_text("spec = 1")
    roots = Roots.here()
    assert run.name in target_of(f"runs/{run.name}/spec.toml", roots=roots).why_fixed
    shipped = target_of("specdet:rpn.toml", roots=roots)
    assert shipped.why_fixed
    assert shipped.is_shipped


def test_a_base_is_known_by_its_folder(workspace):
    roots = Roots.here()
    assert target_of("specdet:base/coco.toml", roots=roots).is_part
    assert target_of("mine/base/x.toml", roots=roots).is_part
    assert not target_of("base.toml", roots=roots).is_part


def test_a_new_file_gets_its_ending_and_replaces_none(workspace):
    assert new_target("first").path == workspace / "first.toml"
    (workspace / "first.toml").write_text("spec = 1")
    with pytest.raises(SpecError, match="exists already"):
        new_target("first.toml")
    with pytest.raises(Outside):
        new_target("../first")
    run = made(workspace / "runs")
    with pytest.raises(Outside, match="run directory"):
        new_target(f"runs/{run.name}/first")


def test_a_proposed_name_is_free(workspace):
    target = target_of("specdet:rpn.toml", roots=Roots.here())
    assert proposed_name(target) == "rpn.toml"
    (workspace / "rpn.toml").touch()
    assert proposed_name(target) == "rpn_copy.toml"
