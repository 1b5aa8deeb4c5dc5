import pytest

from specdet.spec import Spec, SpecError, field, spec
from specdet.spec.compose import compose
from specdet.spec.dump import dumps, to_table
from specdet.spec.report import as_json, report
from specdet.spec.secret import Secret
from specdet.spec.structure import structure


@spec
class TrackerSpec(Spec):
    token: Secret | None = field(None, help="A token.")


def test_a_secret_is_read_where_it_is_used(monkeypatch):
    tracker = structure({"token": {"env": "TRACKER_TOKEN"}}, TrackerSpec)
    monkeypatch.delenv("TRACKER_TOKEN", raising=False)
    with pytest.raises(SpecError, match="TRACKER_TOKEN, which holds this secret, is not set") as caught:
        tracker.token.reveal()
    assert caught.value.problems[0].kind == "environment"
    monkeypatch.setenv("TRACKER_TOKEN", "hunter2")
    assert tracker.token.reveal() == "hunter2"
    assert "hunter2" not in repr(tracker) + dumps(to_table(tracker))


def test_copies_of_a_spec_name_the_secret_again():
    tracker = structure({"token": {"env": "TRACKER_TOKEN"}}, TrackerSpec)
    assert to_table(tracker) == {"token": {"env": "TRACKER_TOKEN"}}
    assert structure(to_table(tracker), TrackerSpec) == tracker


@pytest.mark.parametrize("written", ['"hunter2"', '{ env = "hunter2!" }', '{ value = "hunter2" }', '["hunter2"]'])
@pytest.mark.parametrize("where", ["file", "command line"])
def test_what_was_written_by_mistake_is_never_shown(tmp_path, written, where):
    path = tmp_path / "spec.toml"
    path.write_text(f"token = {written}" if where == "file" else "")
    composed = compose(path, [f"token={written}"] if where == "command line" else [])
    with pytest.raises(SpecError) as caught:
        structure(composed.tree, TrackerSpec, origins=composed.origins)
    (problem,) = composed.located(caught.value.problems)
    told = str(problem) + report([problem], excerpts=True) + str(as_json(problem))
    assert "a secret is not written into a spec" in told
    assert "hunter2" not in told
    assert f"{path}:1:9" in told or "command line: token: token: a secret" in told
