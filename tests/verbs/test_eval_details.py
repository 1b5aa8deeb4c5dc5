import json

from specdet.cli import main


def test_what_evaluators_tell_besides_numbers_is_in_the_document(classes_weights, capsys):
    weights, spec = classes_weights
    overrides = [
        "eval.confused.type=ConfusionMatrix",
        "eval.confused.score_threshold=0",
        "eval.errors.type=ErrorBreakdown",
    ]
    assert main(["eval", str(weights), "--spec", str(spec), *overrides, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["details"]) == {"confused", "errors"}
    matrix = document["details"]["confused"]["matrix"]
    assert len(matrix) == 4  # three shapes and the background
    objects = sum(map(sum, matrix[:-1]))
    assert objects > 0
    metrics = document["metrics"]
    assert metrics["confused/recall"] == sum(matrix[place][place] for place in range(3)) / objects
    assert metrics["errors/AP50"] <= 1
    assert set(document["details"]["errors"]["mistakes"]) >= {"missed", "background"}
