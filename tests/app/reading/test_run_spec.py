from app.reading.run_spec import read_spec
from specdet.experiment import load, resolved
from tests.runs.made import made


def test_what_differs_from_the_defaults_is_what_the_spec_says(tmp_path):
    run = made(tmp_path)
    text = resolved(load("specdet:rpn.toml", ["optimizer.lr=0.25"]))
    (run / "spec.toml").write_text(text)
    (run / "spec.source.toml").write_text("spec = 1\n")
    found = read_spec(run)
    assert (found.resolved, found.source, found.problem) == (text, "spec = 1\n", "")
    differences = {each.key: each for each in found.differences}
    assert differences["optimizer.lr"].after == "0.25"
    assert "optimizer.weight_decay" not in differences or differences["optimizer.weight_decay"].before


def test_a_spec_that_is_none_is_shown_with_what_is_wrong(tmp_path):
    run = made(tmp_path)
    assert "no spec.toml" in read_spec(run).problem
    (run / "spec.toml").write_text("model = 3\n[optimizer]\nlr = true\n")
    found = read_spec(run)
    assert found.resolved.startswith("model = 3") and found.problem
    (run / "spec.toml").write_text("= broken")
    assert read_spec(run).problem
