"""VGG with the parameter names of torchvision's, and with the two convolutions that SSD puts behind it."""

from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from specdet.models.backbones.vgg_spec import FC_WIDTH, WIDTHS, VGGSpec
from specdet.models.weights.load import load_weights
from specdet.models.weights.read import read_weights_file, torchvision_weights

LAYOUTS = {11: "A", 13: "B", 16: "D", 19: "E"}
PREFIX = "backbone."  # of the names in the weights of a whole detector
DILATION = 6  # of the first fully connected layer as a convolution


class VGG(nn.Module):
    """Features of images at falling resolution; (N, 3, H, W) to one (N, C, ceil(H / stride), ceil(W / stride)) a level.

    Raises:
        ValueError: For weights that cannot be read or do not fit.
    """

    def __init__(self, spec: VGGSpec):
        super().__init__()
        self.spec = spec
        self.out_channels = spec.out_channels
        self.out_strides = spec.out_strides
        width = spec.base_channels
        layout = [each if each == "M" else int(each) * width // 64 for each in cfgs[LAYOUTS[spec.depth]]]
        layers = list(make_layers(layout))[:-1]  # without the last pooling
        # The last layer of each stage: what stands before a pooling, and the last of all.
        self._ends = [place - 1 for place, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        self._ends.append(len(layers) - 1)
        for layer in layers:
            if isinstance(layer, nn.MaxPool2d):
                layer.ceil_mode = True
        self._fc_place = len(layers)
        if spec.dilated_fc:
            wide = width * FC_WIDTH
            layers += [
                nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
                nn.Conv2d(width * WIDTHS[-1], wide, kernel_size=3, padding=DILATION, dilation=DILATION),
                nn.ReLU(inplace=True),
                nn.Conv2d(wide, wide, kernel_size=1),
                nn.ReLU(inplace=True),
            ]
            self._ends[-1] = len(layers) - 1
        self.features = nn.Sequential(*layers[: self._ends[max(spec.out_stages) - 1] + 1])
        self._initialise()
        self._load()
        if spec.frozen_stages > 0:
            self.features[: self._ends[spec.frozen_stages - 1] + 1].requires_grad_(False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images to one feature map for each of `spec.out_stages`."""
        wanted = {self._ends[stage - 1] for stage in self.spec.out_stages}
        x, levels = images, []
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in wanted:
                levels.append(x)
        return tuple(levels)

    def _initialise(self) -> None:
        for place, module in enumerate(self.features):
            if isinstance(module, nn.Conv2d):
                if place < self._fc_place:
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                else:
                    nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def _load(self) -> None:
        if self.spec.weights_file is not None:
            weights, source = read_weights_file(self.spec.weights_file), str(self.spec.weights_file)
        elif self.spec.weights != "none":
            source = f"VGG{self.spec.depth}_Weights.{self.spec.weights}"
            weights = torchvision_weights(source)
        else:
            return
        own = {name.removeprefix(PREFIX): tensor for name, tensor in weights.items() if name.startswith(PREFIX)}
        # A classifier's file may lack the two layers behind; they then start at random.
        behind = {name: tensor for name, tensor in self.state_dict().items() if self._is_behind(name)}
        unused = ("classifier.", *(f"features.{place}." for place in range(len(self.features), self._fc_place)))
        load_weights(self, {**behind, **(own or weights)}, source=source, unused=unused)

    def _is_behind(self, name: str) -> bool:
        return int(name.split(".")[1]) > self._fc_place
