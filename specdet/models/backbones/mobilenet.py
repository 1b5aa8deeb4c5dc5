"""MobileNetV3 with the parameter names of torchvision's."""

from typing import Any

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large, mobilenet_v3_small

from specdet.models.backbones.mobilenet_spec import LAST_STAGE, MobileNetV3Spec
from specdet.models.norm import norm_layer, set_statistics_fixed
from specdet.models.weights.load import load_weights
from specdet.models.weights.read import read_weights_file, torchvision_weights

MOST_BLOCKS = 17
NETWORKS = {"large": mobilenet_v3_large, "small": mobilenet_v3_small}


class MobileNetV3(nn.Module):
    """Features of images at falling resolution; (N, 3, H, W) to one (N, C, ceil(H / stride), ceil(W / stride)) a level.

    Raises:
        ValueError: For weights that cannot be read or do not fit.
    """

    def __init__(self, spec: MobileNetV3Spec):
        super().__init__()
        self.spec = spec
        self.out_channels = spec.out_channels
        self.out_strides = spec.out_strides
        network = NETWORKS[spec.size](
            weights=None,
            width_mult=spec.width,
            reduced_tail=spec.reduced_tail,
            norm_layer=norm_layer(spec.norm, eps=spec.norm_eps, momentum=spec.norm_momentum),
        )
        ends = (*spec.layout.starts, len(network.features))  # of each stage, the place after it
        last = max(spec.out_stages)
        self._places = [ends[stage - 1] - 1 for stage in spec.out_stages]
        self._expanded = [False] * len(spec.out_stages)
        if spec.features_of == "expansion":
            self._expanded = [stage < LAST_STAGE for stage in spec.out_stages]
            self._places = [place + expanded for place, expanded in zip(self._places, self._expanded, strict=True)]
        self.features = network.features[: self._places[-1] + 1]
        if self._expanded[-1]:  # nothing is made of the rest of that block
            last_block: Any = self.features[-1]
            last_block.block = last_block.block[:1]
        self._frozen = list(self.features[: ends[min(spec.frozen_stages, last) - 1]] if spec.frozen_stages > 0 else [])
        self._load()
        for module in self._frozen:
            module.requires_grad_(False)
        self.train()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images to one feature map for each of `spec.out_stages`."""
        wanted = dict(zip(self._places, self._expanded, strict=True))
        x, levels = images, []
        for place, block in enumerate(self.features):
            if not wanted.get(place, False):
                x = block(x)
            else:  # the block halves the size, so it adds nothing to what it is given
                inner = block.block
                assert isinstance(inner, nn.Sequential)
                x = inner[0](x)
                levels.append(x)
                for layer in inner[1:]:
                    x = layer(x)
            if wanted.get(place) is False:
                levels.append(x)
        return tuple(levels)

    def train(self, mode: bool = True) -> "MobileNetV3":
        """Training mode, in which the statistics of frozen stages (with `norm_eval`: all) stay as they are."""
        super().train(mode)
        for module in [self] if self.spec.norm_eval else self._frozen:
            set_statistics_fixed(module)
        return self

    def _load(self) -> None:
        if self.spec.weights_file is not None:
            weights, source = read_weights_file(self.spec.weights_file), str(self.spec.weights_file)
        elif self.spec.weights != "none":
            source = f"MobileNet_V3_{self.spec.size.capitalize()}_Weights.{self.spec.weights}"
            weights = torchvision_weights(source)
        else:
            return
        unused = ("classifier.", *(f"features.{place}." for place in range(self._places[-1], MOST_BLOCKS)))
        load_weights(self, weights, source=source, prefix="backbone.", unused=unused)
