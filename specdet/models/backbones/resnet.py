"""ResNet with the parameter names of torchvision's, so that all weights published with those names fit."""

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu
from torchvision.models.resnet import BasicBlock, Bottleneck

from specdet.models.backbones.spec import ResNetSpec
from specdet.models.norm import conv_norm, norm_layer, set_statistics_fixed
from specdet.models.weights.load import load_weights
from specdet.models.weights.read import read_weights_file, torchvision_weights

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class _Basic(BasicBlock):
    """torchvision's block, with normalisation folded into the convolutions where that is possible."""

    def forward(self, x: Tensor) -> Tensor:
        out = conv_norm(x, self.conv1, self.bn1).relu_()
        out = conv_norm(out, self.conv2, self.bn2)
        return out.add_(_shortcut(x, self.downsample)).relu_()


class _Bottleneck(Bottleneck):
    """As `_Basic`; in style "caffe" the first convolution has the stride."""

    def __init__(self, *arguments: Any, style: str, **options: Any):
        super().__init__(*arguments, **options)
        if style == "caffe":
            self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride

    def forward(self, x: Tensor) -> Tensor:
        out = conv_norm(x, self.conv1, self.bn1).relu_()
        out = conv_norm(out, self.conv2, self.bn2).relu_()
        out = conv_norm(out, self.conv3, self.bn3)
        return out.add_(_shortcut(x, self.downsample)).relu_()


def _shortcut(x: Tensor, downsample: Any) -> Tensor:
    return x if downsample is None else conv_norm(x, downsample[0], downsample[1])


class ResNet(nn.Module):
    """Features of images at falling resolution; (N, 3, H, W) to one (N, C, ceil(H / stride), ceil(W / stride)) a level.

    Raises:
        ValueError: For weights that cannot be read or do not fit.
    """

    def __init__(self, spec: ResNetSpec):
        super().__init__()
        self.spec = spec
        self.out_channels = spec.out_channels
        self.out_strides = spec.out_strides
        norm = norm_layer(spec.norm, eps=spec.norm_eps)
        assert norm is not None, "a residual network is normalised"
        self.conv1 = nn.Conv2d(3, spec.base_channels, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(spec.base_channels)
        block, options = _Basic, {}
        if spec.depth >= 50:
            block, options = (
                _Bottleneck,
                {"groups": spec.groups, "base_width": spec.width_per_group, "style": spec.style},
            )
        in_channels = spec.base_channels
        for stage in range(1, max(spec.out_stages) + 1):
            channels = spec.base_channels * 2 ** (stage - 1)
            layer = []
            for index in range(BLOCKS[spec.depth][stage - 1]):
                stride = 2 if stage > 1 and index == 0 else 1
                out_channels = channels * block.expansion
                downsample = None
                if stride != 1 or in_channels != out_channels:
                    conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
                    downsample = nn.Sequential(conv, norm(out_channels))
                layer.append(block(in_channels, channels, stride, downsample, norm_layer=norm, **options))
                in_channels = out_channels
            self.add_module(f"layer{stage}", nn.Sequential(*layer))
        self._initialise()
        self._load()
        for module in self._frozen():
            module.requires_grad_(False)
        self.train()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images to one feature map for each of `spec.out_stages`."""
        x = max_pool2d(relu(conv_norm(images, self.conv1, self.bn1), inplace=True), kernel_size=3, stride=2, padding=1)
        levels = []
        for stage in range(1, max(self.spec.out_stages) + 1):
            x = self.get_submodule(f"layer{stage}")(x)
            if stage in self.spec.out_stages:
                levels.append(x)
        return tuple(levels)

    def train(self, mode: bool = True) -> "ResNet":
        """Training mode, in which the statistics of frozen stages (with `norm_eval`: all) stay as they are."""
        super().train(mode)
        for module in [self] if self.spec.norm_eval else self._frozen():
            set_statistics_fixed(module)
        return self

    def _frozen(self) -> list[nn.Module]:
        if self.spec.frozen_stages < 0:
            return []
        stages = range(1, min(self.spec.frozen_stages, max(self.spec.out_stages)) + 1)
        return [self.conv1, self.bn1, *(self.get_submodule(f"layer{stage}") for stage in stages)]

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for module in self.modules():
            last = getattr(module, "bn3", getattr(module, "bn2", None))
            # A frozen norm could never leave 0 again, so it starts at 1.
            if self.spec.zero_init_residual and last is not None and isinstance(last.weight, nn.Parameter):
                nn.init.zeros_(last.weight)

    def _load(self) -> None:
        if self.spec.weights_file is not None:
            weights, source = read_weights_file(self.spec.weights_file), str(self.spec.weights_file)
        elif self.spec.weights != "none":
            source = f"{self.spec.published_name}_Weights.{self.spec.weights}"
            weights = torchvision_weights(source)
        else:
            return
        unused = ("fc.", *(f"layer{stage}." for stage in range(max(self.spec.out_stages) + 1, 5)))
        load_weights(self, weights, source=source, prefix="backbone.", unused=unused)
