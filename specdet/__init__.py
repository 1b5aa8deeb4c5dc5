"""specdet: train object detectors from small, checked TOML specs.

Names are loaded when first used, so that a command which only reads specs never waits for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specdet.experiment import Experiment as Experiment
    from specdet.experiment import load as load
    from specdet.inference.predictor import Predictor as Predictor
    from specdet.models.detectors.build import build_detector as build_detector
    from specdet.registry import Registry as Registry
    from specdet.runner.runner import Runner as Runner
    from specdet.spec import SpecError as SpecError
    from specdet.spec.structure import build_from_cfg as build_from_cfg

__version__ = "0.1.0"

_PLACES = {
    "Experiment": "specdet.experiment",
    "Predictor": "specdet.inference.predictor",
    "Registry": "specdet.registry",
    "Runner": "specdet.runner.runner",
    "SpecError": "specdet.spec",
    "build_detector": "specdet.models.detectors.build",
    "build_from_cfg": "specdet.spec.structure",
    "load": "specdet.experiment",
}

__all__ = [
    "Experiment",
    "Predictor",
    "Registry",
    "Runner",
    "SpecError",
    "__version__",
    "build_detector",
    "build_from_cfg",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'specdet' has no attribute '{name}'")
    return getattr(import_module(_PLACES[name]), name)
