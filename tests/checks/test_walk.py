import attrs

from specdet.checks.walk import rewritten, specs_within
from specdet.models.backbones.spec import ResNetSpec
from specdet.models.detectors.spec import RPNSpec
from specdet.models.necks.spec import FPNSpec

DETECTOR = RPNSpec(backbone=ResNetSpec(depth=18), neck=(FPNSpec(), FPNSpec(out_channels=8)))


def test_every_spec_is_found_with_its_path():
    found = {path: type(spec).__name__ for path, spec in specs_within({"a b": DETECTOR}, path=("model",))}
    assert found[("model", "a b")] == "RPNSpec"
    assert found[("model", "a b", "neck", "1")] == "FPNSpec"
    assert found[("model", "a b", "train", "assigner")] == "MaxIoUAssignerSpec"
    assert len(found) == 14


def test_a_change_reaches_every_spec_and_leaves_the_original():
    def halved(spec):
        return attrs.evolve(spec, out_channels=spec.out_channels // 2) if isinstance(spec, FPNSpec) else spec

    changed = rewritten(DETECTOR, halved)
    assert [neck.out_channels for neck in changed.neck] == [128, 4]
    assert [neck.out_channels for neck in DETECTOR.necks] == [256, 8]
    assert changed.backbone == DETECTOR.backbone
    assert rewritten(DETECTOR, lambda spec: spec) == DETECTOR
