"""Predictor: a trained detector, from pictures to detections."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, Literal, overload

import attrs
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from specdet.checks.device import own_device
from specdet.data.collate import collate
from specdet.data.dataset import DetectionDataset
from specdet.data.images import pixels_of, read_image
from specdet.data.pictures import Pictures
from specdet.inference.trained import Trained, Weights, open_trained
from specdet.runner.precision import Precision, resolve_precision
from specdet.structures import Detections

Picture = str | Path | Image.Image | np.ndarray | Tensor

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Predictor:
    """What a trained detector finds in pictures.

    Pictures go the way of the images that training evaluated: the transforms of `data.val_transforms`, padding, the
    model's own normalisation, its settings of testing.

        predictor = Predictor("runs/20260101-120000-cells-1a2b")
        found = predictor("cells.jpg")
        for box, name, score in zip(found.boxes, found.names, found.scores): ...

    Args:
        source: A checkpoint folder, a run (directory, id or "last", of which the last checkpoint is taken), or a file
            of weights, which wants `spec` as well.
        device: Where it runs, "cuda:1" say; "auto" is a GPU where there is one.
        weights: "model", "ema" (the average that the EMA hook kept), or "auto": what training evaluated.
        min_score: Detections that score less are left out, besides those that the model's own settings leave out.
        batch_size: Pictures that go through the model together; as many as in evaluation unless given.
        precision: Of the forward pass; "auto" is that of the training where the device can, else fp32.
        best: Of a run, take the best checkpoint in place of the last.
        spec: A spec file that says what the model is, in place of the one that lies with the weights.
        overrides: `key=value` and `~key` for the spec, such as model.test.nms_iou=0.6.
        plugins: Files of components to run, besides those of the spec that the user has trusted.

    Attributes:
        model: The detector, in eval mode.
        class_names: What each label is called.

    Raises:
        SpecError: Where there is no such detector, or its weights do not fit, in a sentence.
        ValueError: For a device that is not there.
    """

    def __init__(
        self,
        source: str | Path | Trained,
        *,
        device: str | torch.device = "auto",
        weights: Weights = "auto",
        min_score: float = 0.0,
        batch_size: int | None = None,
        precision: Precision = "auto",
        best: bool = False,
        spec: str | Path | None = None,
        overrides: Iterable[str] = (),
        plugins: Iterable[str | Path] = (),
    ):
        if not 0 <= min_score <= 1:
            raise ValueError(f"min_score is from 0 to 1, got {min_score}")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size is at least 1, got {batch_size}")
        trained = source
        if not isinstance(trained, Trained):
            trained = open_trained(trained, weights=weights, best=best, spec=spec, overrides=overrides, plugins=plugins)
        model_spec: Any = trained.experiment.model
        if getattr(model_spec, "uses_proposals", False):
            raise ValueError(
                f"{type(model_spec).__name__.removesuffix('Spec')} tells what is in boxes that another detector has "
                "found, and a picture alone has none: evaluate it on a data set with data.val_proposals (specdet eval)"
            )
        data = trained.experiment.data
        self.trained = trained
        self.min_score = min_score
        self.batch_size = batch_size or data.val_images_per_device or data.images_per_device
        self.class_names = trained.class_names
        self.device = _device(device)
        self.model = trained.build().to(self.device)
        self._dtype = DTYPES.get(_precision(precision, trained.experiment.train.precision, device=self.device))
        self._transforms = [each.build() for each in data.val_transforms.values()]
        self._seed, self._size_divisor = trained.experiment.seed, data.size_divisor

    @overload
    def __call__(self, images: Picture) -> Detections: ...
    @overload
    def __call__(self, images: Sequence[Picture]) -> list[Detections]: ...
    def __call__(self, images: Picture | Sequence[Picture]) -> Detections | list[Detections]:
        """What is found in a picture, best first, or in each of several, in pixels of the pictures; on the CPU.

        Args:
            images: A path, a PIL image, a (height, width, 3) uint8 RGB array, a (3, height, width) uint8 RGB tensor, or
                a list of these. Files and PIL images are turned as their EXIF orientation says.

        Raises:
            ValueError: For what is no such picture, or a file that cannot be decoded, by its name.
        """
        if isinstance(images, (str, Path, Image.Image, np.ndarray, Tensor)):
            return next(self.stream([images]))
        return list(self.stream(images))

    def stream(self, images: Iterable[Picture]) -> Iterator[Detections]:
        """As a call, one after the other, for more pictures than fit into memory: a batch is read when it is due."""
        rest = iter(images)
        while batch := [pixels(image) for image in islice(rest, self.batch_size)]:
            yield from self._detect(batch)

    def _detect(self, images: list[Tensor]) -> list[Detections]:
        dataset = DetectionDataset(Pictures(images), transforms=self._transforms, seed=self._seed)
        batch = collate([dataset[0, place] for place in range(len(images))], size_divisor=self._size_divisor)
        batch = attrs.evolve(batch, targets=None).to(self.device)
        autocast = nullcontext() if self._dtype is None else torch.autocast(self.device.type, self._dtype)
        with torch.inference_mode(), autocast:
            found = self.model(batch, returns="detections")
        assert isinstance(found, list)
        return [self._told(each.to("cpu")) for each in found]

    def _told(self, found: Detections) -> Detections:
        """With names, and without what is no number, which a spoilt network gives."""
        finite = torch.isfinite(found.boxes).all(dim=1) & (found.scores >= self.min_score)
        return attrs.evolve(found.kept(finite), class_names=self.class_names)


def pixels(image: Picture) -> Tensor:
    """(3, height, width) uint8 RGB on the CPU. Raises ValueError for what is no picture, and says what would be."""
    if isinstance(image, (str, Path)):
        return read_image(Path(image))
    if isinstance(image, Image.Image):
        return torch.from_numpy(pixels_of(image)).permute(2, 0, 1)
    if not isinstance(image, (np.ndarray, Tensor)):
        raise ValueError(f"a picture is a path, a PIL image, an array or a tensor, not {type(image).__name__}")
    wanted = (
        "(height, width, 3) uint8 RGB array" if isinstance(image, np.ndarray) else "(3, height, width) uint8 tensor"
    )
    channels = -1 if isinstance(image, np.ndarray) else 0
    if image.ndim != 3 or image.shape[channels] != 3 or 0 in image.shape:
        raise ValueError(f"a picture is a {wanted}, not one of shape {tuple(image.shape)}")
    if image.dtype not in (np.uint8, torch.uint8):
        raise ValueError(f"a picture is a {wanted} with values from 0 to 255, not one of {image.dtype}")
    if isinstance(image, Tensor):
        return image.cpu()
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _device(device: str | torch.device) -> torch.device:
    if device == "auto":
        return own_device()
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:  # whichever: a name that is none, a build without, no such index
        reason = next(iter(str(error).splitlines()), "")
        raise ValueError(f"device '{device}' cannot be used here ({reason}): say cpu, cuda, cuda:1 ...") from error
    return found


def _precision(wanted: Precision, trained: Precision, *, device: torch.device) -> Literal["fp32", "bf16", "fp16"]:
    if wanted != "auto":
        return resolve_precision(wanted, device=device.type)
    try:
        return resolve_precision(trained, device=device.type)
    except ValueError:  # trained elsewhere, in what this device cannot compute with
        return "fp32"
