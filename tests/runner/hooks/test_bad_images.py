from types import SimpleNamespace

import pytest

from specdet.runner.hooks.bad_images import BadImages
from specdet.spec import SpecError


class Teller:
    """What the hook sees of a runner, alone in its training."""

    def __init__(self):
        self.world_size = 1
        self.met, self.told, self.warned = {}, [], []
        self.log_buffer = SimpleNamespace(ready=True)
        self.logger = SimpleNamespace(warning=self.warned.append)

    def take_bad_images(self):
        met, self.met = self.met, {}
        return met

    def tell(self, kind, data):
        self.told.append((kind, data))


@pytest.fixture
def teller():
    return Teller()


def test_each_image_is_told_once_at_the_end_of_a_window(teller):
    hook = BadImages(sizes={"train": 100, "val": 50}, max_share=0.1)
    teller.log_buffer.ready = False
    teller.met = {"train": {7: "a.png: broken"}}
    hook.after_train_iter(teller)
    assert not teller.told
    teller.log_buffer.ready = True
    hook.after_train_iter(teller)
    teller.met = {"train": {7: "a.png: broken", 8: "b.png: gone"}, "val": {7: "c.png: broken"}}
    hook.after_train_epoch(teller)
    assert teller.warned == [
        "left out of train: a.png: broken", "left out of train: b.png: gone", "left out of val: c.png: broken"
    ]  # fmt: skip
    assert teller.told == [("log", {"level": "warning", "message": each}) for each in teller.warned]


@pytest.mark.parametrize(("share", "most"), [(0.0, 0), (0.05, 2), (0.099, 3), (0.1, 4)])
def test_more_than_the_share_is_the_end(teller, share, most):
    hook = BadImages(sizes={"train": 40}, max_share=share)
    for number in range(most):
        teller.met = {"train": {number: f"{number}.png: broken"}}
        hook.after_train_iter(teller)
    teller.met = {"train": {99: "99.png: broken"}}
    with pytest.raises(
        SpecError, match=rf"data.max_bad_share: {most + 1} of the 40 images of data.train cannot be used.*99\.png"
    ):
        hook.after_train_iter(teller)


def test_an_evaluation_counts_for_its_own_set(teller):
    hook = BadImages(sizes={"train": 1000, "val": 10}, max_share=0.1)
    hook.evaluated({3: "x.png: broken"}, runner=teller)
    hook.evaluated({3: "x.png: broken"}, runner=teller)
    assert teller.warned == ["left out of val: x.png: broken"]
    with pytest.raises(SpecError, match=r"2 of the 10 images of data\.val"):
        hook.evaluated({4: "y.png: broken"}, runner=teller)


def test_what_was_told_is_known_after_resuming(teller):
    hook = BadImages(sizes={"train": 40}, max_share=0.05)
    teller.met = {"train": {1: "a", 2: "b"}}
    hook.after_train_iter(teller)
    resumed = BadImages(sizes={"train": 40}, max_share=0.05)
    resumed.load_state_dict(hook.state_dict())
    teller.warned.clear()
    teller.met = {"train": {1: "a"}}
    resumed.after_train_iter(teller)
    assert not teller.warned
    teller.met = {"train": {3: "c"}}
    with pytest.raises(SpecError, match="3 of the 40"):
        resumed.after_train_iter(teller)
