import pytest

from app.browsing.subject import read, subject_of
from app.security.roots import Outside, Roots
from specdet.experiment import load, resolved
from tests.runs.made import RUN_ID, made


def test_a_spec_of_the_workspace_and_a_shipped_one_are_meant(roots):
    (roots.workspace / "my.toml").write_text('extends = ["specdet:rpn.toml"]\n')
    for name in ("my.toml", "specdet:rpn.toml"):
        subject = subject_of({"spec": name}, roots=roots)
        assert subject is not None
        assert (subject.kind, subject.name) == ("spec", name)
        found = read(subject).experiment
        assert found is not None
        assert found.data.train == load("specdet:rpn.toml").data.train


def test_a_run_means_its_stored_spec(roots: Roots):
    run = made(roots.runs)
    with pytest.raises(Outside, match=r"has no spec\.toml"):
        subject_of({"run": RUN_ID}, roots=roots)
    (run / "spec.toml").write_text(resolved(load("specdet:rpn.toml")))
    subject = subject_of({"run": RUN_ID}, roots=roots)
    assert subject is not None
    assert (subject.kind, subject.path) == ("run", run / "spec.toml")


def test_a_stored_spec_that_is_a_link_to_elsewhere_is_not_read(roots, tmp_path):
    (tmp_path / "secret.toml").write_text("spec = 1\n")
    (made(roots.runs) / "spec.toml").symlink_to(tmp_path / "secret.toml")
    with pytest.raises(Outside, match="link to outside"):
        subject_of({"run": RUN_ID}, roots=roots)


@pytest.mark.parametrize(
    "parameters",
    [
        {"spec": "../secret.toml"},
        {"spec": "/etc/passwd"},
        {"spec": "gone.toml"},
        {"spec": "specdet:../pyproject.toml"},
        {"run": "../.."},
        {"run": "gone"},
        {"run": RUN_ID, "spec": "specdet:rpn.toml"},
    ],
)
def test_whatever_else_a_url_names_is_refused(roots, parameters):
    with pytest.raises(Outside):
        subject_of(parameters, roots=roots)


def test_nothing_is_meant_by_nothing(roots):
    assert subject_of({}, roots=roots) is None


def test_a_spec_with_problems_lists_all_of_them(roots):
    (roots.workspace / "my.toml").write_text('extends = ["specdet:rpn.toml"]\nseeed = 1\noptimizer.lr = "fast"\n')
    subject = subject_of({"spec": "my.toml"}, roots=roots)
    assert subject is not None
    assert [problem.path for problem in read(subject).problems] == ["seeed", "optimizer.lr"]
