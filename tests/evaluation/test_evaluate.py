import json
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from specdet.evaluation.evaluate import evaluate, in_eval_mode
from tests.processes import finished, launched

SCRIPT = Path(__file__).with_name("two_ranks.py")


@pytest.fixture(scope="module")
def ranks():
    """The script's names, to run its parts in this process."""
    import importlib.util

    found = importlib.util.spec_from_file_location("two_ranks", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def accelerator():
    return Accelerator(cpu=True)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What two real processes saw, by rank."""
    folder = tmp_path_factory.mktemp("ranks")
    script = launched(str(SCRIPT), str(folder), processes=2)
    done = finished(script, TMPDIR=str(folder))  # the launcher leaves its logs there
    assert "Evaluate annotation" not in done.stdout
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.fixture
def expected(ranks, accelerator):
    """The metrics of one process."""
    return evaluate(
        ranks.Finder(shift=0.0), ranks.loader_of(0, 1), evaluators=ranks.evaluators(), accelerator=accelerator
    )


def test_metrics_carry_the_names_of_their_evaluators(expected):
    assert {"proposal/AR@1", "proposal/AR@10", "bbox/AP", "bbox/AP50", "bbox/AR@100"} <= set(expected)
    assert 0 < expected["proposal/AR@1"] < 1
    assert 0 < expected["bbox/AP"] < 1


def test_metrics_are_those_of_the_evaluator_on_the_plain_detections(ranks, accelerator, expected):
    model = ranks.Finder(shift=0.0).eval()
    with torch.no_grad():
        found = {image_id: model(ranks.batch_of([image_id]))[0] for image_id in ranks.IDS}
    assert {
        f"{name}/{metric}": value
        for name, evaluator in ranks.evaluators().items()
        for metric, value in evaluator.evaluate(found).items()
    } == expected


def test_what_evaluators_tell_besides_numbers_is_told_by_their_names(ranks, accelerator):
    class Teller(type(ranks.evaluators()["bbox"])):
        def details(self):
            return {"matrix": [[1]]}

    evaluators, told = ranks.evaluators(), []
    model, loader = ranks.Finder(shift=0.0), ranks.loader_of(0, 1)
    evaluate(model, loader, evaluators=evaluators, accelerator=accelerator, on_details=told.append)
    assert told == []
    evaluators["bbox"].__class__ = Teller
    evaluate(model, loader, evaluators=evaluators, accelerator=accelerator, on_details=told.append)
    assert told == [{"bbox": {"matrix": [[1]]}}]


def test_two_processes_give_the_metrics_of_one(reports, expected):
    for report in reports:
        assert report["world_size"] == 2
        assert report["wrapped"] == "DistributedDataParallel"
        assert report["metrics"] == expected


def test_ranks_are_called_back_equally_often_though_one_has_a_batch_less(reports):
    assert [report["batches"] for report in reports] == [2, 1]
    assert [report["ticks"] for report in reports] == [[1, 2], [1, 2]]


def test_lost_and_doubled_images_fail_on_every_rank(reports):
    for report in reports:
        assert "1 lost" in report["lost"]
        assert "7 seen more than once" in report["doubled"]


def test_an_evaluator_that_fails_fails_every_rank(reports):
    assert reports[0]["broken"] == "KeyError: 'broken'"
    assert reports[1]["broken"] == "RuntimeError: evaluation failed on the main process: KeyError: 'broken'"


def test_each_module_is_afterwards_in_its_own_mode(reports, ranks, accelerator):
    model = ranks.Finder(shift=0.0)
    assert [module.training for module in model.modules()] == [True, False]
    evaluate(model, ranks.loader_of(0, 1), evaluators=ranks.evaluators(), accelerator=accelerator)
    assert [module.training for module in model.modules()] == [True, False]
    assert [report["modes"] for report in reports] == [[True, False]] * 2


def test_modes_come_back_after_a_failure_too(ranks):
    model = ranks.Finder(shift=0.0)
    with pytest.raises(KeyError), in_eval_mode(model):
        assert not model.training
        raise KeyError
    assert model.training
    assert not model.norm.training


def test_an_exception_of_the_callback_stops_the_evaluation(ranks, accelerator):
    def stop(done):
        if done == 2:
            raise InterruptedError

    model = ranks.Finder(shift=0.0)
    with pytest.raises(InterruptedError):
        evaluate(model, ranks.loader_of(0, 1), evaluators=ranks.evaluators(), accelerator=accelerator, on_batch=stop)
    assert model.training


def test_the_model_still_trains_afterwards(ranks, accelerator):
    model = ranks.Finder(shift=0.0)
    evaluate(model, ranks.loader_of(0, 1), evaluators=ranks.evaluators(), accelerator=accelerator)
    (model.scale * 2 + model.norm.running_mean.sum()).backward()
    assert model.scale.grad == 2
    assert not torch.is_inference(model.norm.running_mean)
