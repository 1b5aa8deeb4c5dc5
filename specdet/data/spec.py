"""Specs of the data: which images to train and evaluate on, and how they reach the model."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, component, field, spec


@spec
class CocoSpec(Spec):
    """Images with annotations in COCO's JSON format (Lin et al. 2014, arXiv:1405.0312)."""

    builds: ClassVar[str] = "specdet.data.coco:read_coco"

    @property
    def annotation_files(self) -> tuple[Path, ...]:
        """The files that say what is in the images; another content is another data set."""
        return (self.annotations,)

    images: Path = field(help="Folder that the file names of the annotations start from.", relative_to="data.root")
    annotations: Path = field(help="The JSON file.", relative_to="data.root")
    classes: tuple[str, ...] = field(
        (),
        reference=True,
        help="Category names to learn, in the order of the labels; empty means all, in the order of their ids.",
    )
    filter_empty: bool = field(True, help="Leave images without a box out of training.")
    min_size: int = field(32, ge=0, unit="px", help="Leave images with a side shorter than this out of training.")

    def problems(self) -> Iterator[Problem]:
        """Each class is named once."""
        return _repeated(self.classes)


@spec
class VocSpec(Spec):
    """Images with annotations in PASCAL VOC's folder layout and XML (Everingham et al. 2010)."""

    builds: ClassVar[str] = "specdet.data.voc:read_voc"

    @property
    def annotation_files(self) -> tuple[Path, ...]:
        """The list of the images; their annotations are a file each, too many to count as one."""
        return (self.folder / "ImageSets/Main" / f"{self.split}.txt",)

    folder: Path = field(help="Folder that holds JPEGImages, Annotations and ImageSets.", relative_to="data.root")
    split: str = field(help="Name of a list in ImageSets/Main: train, val, trainval, test.")
    classes: tuple[str, ...] = field(
        (),
        reference=True,
        help="Names to learn, in the order of the labels; empty means all that the split holds, sorted.",
    )
    difficult: Literal["crowd", "object"] = field(
        "crowd", help="Objects marked difficult: regions where nothing is right or wrong, or objects like any other."
    )
    filter_empty: bool = field(True, help="Leave images without a box out of training.")
    min_size: int = field(32, ge=0, unit="px", help="Leave images with a side shorter than this out of training.")

    def problems(self) -> Iterator[Problem]:
        """Each class is named once; a split is a name, not a path."""
        yield from _repeated(self.classes)
        if not self.split or "/" in self.split or self.split.startswith("."):
            yield Problem(path="split", message=f"must be the name of a list in ImageSets/Main, got '{self.split}'")


@spec
class ShapesSpec(Spec):
    """Drawn images of ellipses, rectangles and triangles: needs no files, and is the same on every machine."""

    builds: ClassVar[str] = "specdet.data.shapes:Shapes"
    count: int = field(ge=1, unit="images", help="How many images there are.")
    seed: int = field(0, ge=0, help="Another seed draws other images.")
    size: int = field(128, ge=32, unit="px", reference=True, help="Height and width of an image.")
    min_objects: int = field(1, ge=1, help="The fewest shapes in an image.")
    max_objects: int = field(6, ge=1, help="The most shapes in an image.")
    min_side: int = field(12, ge=4, unit="px", help="The shortest side that a box can have.")
    max_side: int = field(64, ge=4, unit="px", help="The longest side that a box can have.")
    max_overlap: float = field(
        0.3, ge=0.0, le=1.0, help="The most that two boxes share, as a part of the smaller one's area."
    )
    noise: float = field(12.0, ge=0.0, le=64.0, help="Standard deviation of the noise on every pixel, of 255.")

    def problems(self) -> Iterator[Problem]:
        """The shapes fit into the image, and every range starts before it ends."""
        if self.min_objects > self.max_objects:
            yield Problem(path="min_objects", message=f"is above max_objects ({self.max_objects})")
        if 2 * self.min_side > self.max_side:
            yield Problem(path="min_side", message=f"must be at most half of max_side ({self.max_side})")
        if self.max_side > self.size:
            yield Problem(path="max_side", message=f"is longer than the image ({self.size} px)")


@spec
class DataSpec(Spec):
    """`[data]`: the data sets, what is done to their images, and how they are loaded."""

    root: Path | None = field(None, help="Folder that relative paths of the data sets start from.")
    train: Spec | dict[str, Spec] = component(
        "dataset", help="The training set, or several keyed ones, which must have the same classes."
    )
    val: Spec | None = component("dataset", default=None, help="The set to evaluate on.")
    images_per_device: int = field(2, ge=1, unit="images", help="Images of one training batch on each device.")
    val_images_per_device: int | None = field(
        None, ge=1, unit="images", help="Images of one evaluation batch on each device; as in training if not given."
    )
    workers_per_device: int = field(
        2, ge=0, unit="processes", help="Processes that load images for each device; 0 loads in the trainer."
    )
    group_by_aspect: bool = field(True, help="Train on batches of either wide or tall images, which need less padding.")
    size_divisor: int = field(
        32, ge=1, unit="px", help="Batches are padded to a multiple of this: the largest stride of the model."
    )
    train_transforms: dict[str, Spec] = component(
        "transform", default={}, help="What is done to training images, in this order."
    )
    val_transforms: dict[str, Spec] = component(
        "transform", default={}, help="What is done to images in evaluation, in this order."
    )

    @property
    def annotation_files(self) -> tuple[Path, ...]:
        """Those of all sets that have some."""
        sets = [*self.training_sets, *([] if self.val is None else [self.val])]
        return tuple(file for each in sets for file in getattr(each, "annotation_files", ()))

    @property
    def training_sets(self) -> tuple[Spec, ...]:
        """The training set, or all of them."""
        return (self.train,) if isinstance(self.train, Spec) else tuple(self.train.values())


def _repeated(classes: tuple[str, ...]) -> Iterator[Problem]:
    for name in dict.fromkeys(classes):
        if classes.count(name) > 1:
            yield Problem(path="classes", message=f"names '{name}' {classes.count(name)} times")
