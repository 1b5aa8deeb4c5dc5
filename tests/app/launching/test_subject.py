import pytest

from app.launching.subject import subject_of
from app.security.roots import Outside, Roots
from tests.runs.made import made


def subject(**parameters):
    return subject_of(parameters, roots=Roots.here())


def test_a_url_names_a_spec_of_the_workspace_or_a_shipped_one(workspace):
    (workspace / "a.toml").touch()
    found = subject(spec="./a.toml", resume="", rerun="")
    assert (found.verb, found.name, found.path) == ("launch", "a.toml", workspace / "a.toml")
    assert subject(spec="specdet:rpn.toml").argument == "specdet:rpn.toml"


def test_a_url_names_a_run_to_go_on_with_or_to_train_again(workspace):
    run = made(workspace / "runs")
    for verb in ("resume", "rerun"):
        found = subject(**{verb: run.name})
        assert (found.verb, found.path, found.spec) == (verb, run, run / "spec.toml")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"spec": ""},
        {"spec": "../outside.toml"},
        {"spec": "/etc/passwd"},
        {"spec": "specdet:../../pyproject.toml"},
        {"spec": "link.toml"},
        {"spec": "gone.toml"},
        {"spec": "a\0.toml"},
        {"spec": "$(touch x).toml"},
        {"resume": ".."},
        {"resume": "../runs/20260101-120000-rpn-0001"},
        {"rerun": "20260101-120000-rpn-0002"},
        {"rerun": "linked"},
        {"spec": "a.toml", "rerun": "20260101-120000-rpn-0001"},
    ],
)
def test_what_leads_elsewhere_or_nowhere_is_refused_with_a_sentence(workspace, parameters):
    (workspace / "a.toml").touch()
    (workspace.parent / "outside.toml").touch()
    (workspace / "link.toml").symlink_to(workspace.parent / "outside.toml")
    made(workspace / "runs")
    (workspace / "runs/linked").symlink_to(made(workspace.parent / "elsewhere", "run"))
    with pytest.raises(Outside, match=" "):
        subject(**parameters)


@pytest.mark.parametrize("name", ["spec.toml", "spec.source.toml", "checkpoints"])
def test_a_run_whose_files_are_links_to_elsewhere_is_not_trained_again(workspace, name):
    (workspace.parent / "secret").mkdir()
    run = made(workspace / "runs")
    (run / name).symlink_to(workspace.parent / "secret")
    for verb in ("resume", "rerun"):
        with pytest.raises(Outside, match=f"{name} .* is a link to outside"):
            subject(**{verb: run.name})


def test_a_name_that_begins_like_an_option_is_no_option(workspace):
    (workspace / "-x.toml").touch()
    made(workspace / "runs", "--now")
    assert subject(spec="-x.toml").argument == "./-x.toml"
    assert subject(resume="--now").argument == str(workspace / "runs/--now")
