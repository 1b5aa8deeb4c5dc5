"""Classification networks of torchvision as backbones."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights, list_models
from torchvision.models.feature_extraction import create_feature_extractor

from specdet.models.backbones.borrowed import PROBE, BorrowedBackbone, load_borrowed, stride_of
from specdet.models.backbones.spec import TorchvisionSpec
from specdet.models.weights.read import read_weights_file, torchvision_weights
from specdet.registry import suggestion
from specdet.spec import Problem, SpecError

STRIDES = (4, 8, 16, 32)  # of the levels that are taken unless others are asked for


class Torchvision(BorrowedBackbone):
    """Any classification network of torchvision, cut off behind its last level.

    Raises:
        SpecError: Where torchvision has no such network, or no such weights of it.
        ValueError: For levels that the network does not have, and weights that cannot be had or do not fit.
    """

    def __init__(self, spec: TorchvisionSpec):
        if found := [*self.problems_here(spec)]:
            raise SpecError(found)
        with warnings.catch_warnings():
            # Some networks warn of how they will start in a later torchvision, others that they have parts (auxiliary
            # classifiers, dropout) in training only, which do not lie before the levels.
            warnings.simplefilter("ignore")
            whole = get_model(spec.name, weights=None)
            network = _Levels(whole, spec.levels or _usual_levels(whole, spec.name), name=spec.name)
        if spec.weights_file is not None:
            load_borrowed(network.cut, read_weights_file(spec.weights_file), source=str(spec.weights_file))
        elif spec.weights != "none":
            source = str(get_model_weights(spec.name)[spec.weights])
            load_borrowed(network.cut, torchvision_weights(source), source=source)
        super().__init__(spec, network)

    @staticmethod
    def problems_here(spec: TorchvisionSpec) -> Iterator[Problem]:
        """What only torchvision can tell: whether it has the network, and such weights of it."""
        known = list_models(module=torchvision.models)
        if spec.name not in known:
            hint = suggestion(spec.name, known)
            yield Problem(path="name", message=f"torchvision has no classification network '{spec.name}'{hint}")
            return
        published = ["DEFAULT", *(each.name for each in get_model_weights(spec.name))]
        if spec.weights not in ("none", *published):
            message = f"torchvision publishes no '{spec.weights}' of {spec.name}: choose one of {', '.join(published)}"
            yield Problem(path="weights", message=message)


class _Levels(nn.Module):
    """A network as far as its last level, giving the outputs of some of its modules."""

    def __init__(self, network: nn.Module, levels: Sequence[str], *, name: str):
        super().__init__()
        known = {each for each, _ in network.named_modules()}
        if unknown := [level for level in levels if level not in known]:
            raise ValueError(f"{name} has no module '{unknown[0]}'{suggestion(unknown[0], known)}")
        self.cut: Any = create_feature_extractor(network, return_nodes={level: level for level in levels})

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.cut(images).values())


def _usual_levels(network: nn.Module, name: str) -> tuple[str, ...]:
    """The last modules at strides 4 to 32 of the chain of stages that the network is."""
    strides: dict[str, int | None] = {}  # in the order in which the modules end

    def keep(module_name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            strides[module_name] = stride_of(output.shape) if isinstance(output, Tensor) else None

        return hook

    handles = [
        module.register_forward_hook(keep(each))
        for each, module in network.named_modules()
        if each.count(".") <= 1 and each
    ]
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, *PROBE))
    except (AssertionError, RuntimeError) as error:
        message = f"{name} does not take images of {PROBE} px, so it is made for one size alone"
        raise ValueError(f"{message} and cannot be a backbone: {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    last: dict[int, str] = {}
    for each, stride in strides.items():
        inside = {strides[other] for other in strides if other.startswith(f"{each}.")}
        above = {strides[other] for other in strides if other.startswith(f"{each.partition('.')[0]}.")}
        # A part that goes through several strides is a chain of stages, any other one stage.
        is_stage = len(inside) <= 2 if "." not in each else len(above) > 2
        if is_stage and stride in STRIDES:
            last[stride] = each
    if not last:
        raise ValueError(f"{name} has no modules at strides 4 to 32: name its levels")
    return tuple(last[stride] for stride in sorted(last))
