import gc

import pytest

from specdet.evaluation import coco
from specdet.evaluation.collection import without_collection
from specdet.evaluation.spec import CocoBoxSpec


@pytest.fixture(params=[True, False])
def was_on(request):
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_collection_is_off_inside_and_as_it_was_afterwards(was_on):
    with pytest.raises(ZeroDivisionError), without_collection():
        assert not gc.isenabled()
        _ = 1 / 0
    assert gc.isenabled() is was_on


def test_counting_makes_its_many_objects_without_it(was_on, make_world, monkeypatch):
    world = make_world(0)
    evaluator = CocoBoxSpec().build(ground_truth=world.ground_truth)
    seen = []
    for name in ("evaluate", "accumulate"):
        done = getattr(coco.COCOeval_faster, name)
        monkeypatch.setattr(
            coco.COCOeval_faster, name, lambda self, done=done: [seen.append(gc.isenabled()), done(self)][1]
        )
    evaluator.evaluate(world.detections)
    assert seen == [False, False]
    assert gc.isenabled() is was_on
