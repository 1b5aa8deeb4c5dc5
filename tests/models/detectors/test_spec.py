import pytest

from specdet.boxes.spec import AnchorGeneratorSpec
from specdet.models.backbones.spec import ResNetSpec
from specdet.models.detectors.spec import RPNSpec
from specdet.models.heads.spec import RPNHeadSpec
from specdet.models.necks.spec import FPNSpec
from specdet.spec import Spec, SpecError, spec

FIVE_LEVELS = RPNHeadSpec(anchors=AnchorGeneratorSpec(sizes=((32.0,),) * 5))


@spec
class QuietSpec(Spec):
    """A part of a plugin that tells nothing of its levels before it is built."""


def test_anchors_must_fit_the_levels_of_the_neck():
    with pytest.raises(SpecError, match=r"rpn_head\.anchors\.sizes: has 5 levels, but the pyramid has 4"):
        RPNSpec(backbone=ResNetSpec(), neck=FPNSpec(), rpn_head=FIVE_LEVELS)
    assert RPNSpec(backbone=ResNetSpec(), neck=FPNSpec(extra_levels=1), rpn_head=FIVE_LEVELS).necks


@pytest.mark.parametrize(
    "parts",
    [
        {"backbone": QuietSpec(), "neck": FPNSpec(start_level=7)},
        {"backbone": ResNetSpec(), "neck": QuietSpec()},
        {"backbone": ResNetSpec(), "neck": (QuietSpec(), FPNSpec(start_level=7))},
    ],
)
def test_nothing_is_said_of_levels_that_are_not_known(parts):
    assert RPNSpec(rpn_head=FIVE_LEVELS, **parts).rpn_head == FIVE_LEVELS


def test_anchors_of_a_plugin_are_not_asked_what_they_cannot_tell():
    head = RPNHeadSpec(anchors=QuietSpec())
    assert RPNSpec(backbone=ResNetSpec(), neck=FPNSpec(), rpn_head=head).rpn_head == head
