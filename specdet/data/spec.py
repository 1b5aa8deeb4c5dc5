"""Specs of the data: which images to train and evaluate on, and how they reach the model."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from specdet.spec import Problem, Spec, component, field, spec

YAML = (".yaml", ".yml")


@spec
class FilesSpec(Spec):
    """What sets of files share: which of their classes and images are used."""

    classes: tuple[str, ...] = field(
        (),
        reference=True,
        help="Names to learn, in the order of the labels; empty means all, in the order of their numbers or sorted.",
    )
    rename: dict[str, str] = field(
        factory=dict[str, str],
        help="The data's own name of a class, and what it is called here: several with one name become one class.",
    )
    image_list: Path | None = field(
        None, help="Text file of the only images to use: a name or an id on each line.", relative_to="data.root"
    )
    first: int | None = field(None, ge=1, unit="images", help="Use so many images, the first ones.")
    fraction: float | None = field(
        None, gt=0, le=1, help="Use this part of the images, evenly spread over all: the same ones each time."
    )
    filter_empty: bool = field(True, help="Leave images without a box out of training.")
    min_size: int = field(32, ge=0, unit="px", help="Leave images with a side shorter than this out of training.")

    def problems(self) -> Iterator[Problem]:
        """Each class is named once, and as it is called after renaming."""
        for name in dict.fromkeys(self.classes):
            if self.classes.count(name) > 1:
                yield Problem(path="classes", message=f"names '{name}' {self.classes.count(name)} times")
        if self.classes:
            for own, name in self.rename.items():
                if name not in self.classes:
                    message = f"calls '{own}' '{name}', which `classes` does not name"
                    yield Problem(path="rename", message=message)
                if own in self.classes and own not in self.rename.values():
                    yield Problem(path="classes", message=f"names '{own}', which `rename` calls '{name}'")
        if self.first is not None and self.fraction is not None:
            yield Problem(path="fraction", message="goes without `first`: which of the two is meant?")

    @property
    def lists(self) -> tuple[Path, ...]:
        """The file that says which images are used, where there is one."""
        return () if self.image_list is None else (self.image_list,)


@spec
class CocoSpec(FilesSpec):
    """Images with annotations in COCO's JSON format (Lin et al. 2014, arXiv:1405.0312)."""

    builds: ClassVar[str] = "specdet.data.coco:read_coco"
    gives_masks: ClassVar[bool] = True

    @property
    def source(self) -> Path:
        """What people look into when something is wrong."""
        return self.annotations

    @property
    def annotation_files(self) -> tuple[Path, ...]:
        """The files that say what is in the images; another content is another data set."""
        return (self.annotations, *self.lists)

    images: Path = field(help="Folder that the file names of the annotations start from.", relative_to="data.root")
    annotations: Path = field(help="The JSON file.", relative_to="data.root")


@spec
class VocSpec(FilesSpec):
    """Images with annotations in PASCAL VOC's folder layout and XML (Everingham et al. 2010)."""

    builds: ClassVar[str] = "specdet.data.voc:read_voc"

    @property
    def source(self) -> Path:
        """What people look into when something is wrong."""
        return self.folder

    @property
    def annotation_files(self) -> tuple[Path, ...]:
        """The list of the images; their annotations are a file each, too many to count as one."""
        return (self.folder / "ImageSets/Main" / f"{self.split}.txt", *self.lists)

    folder: Path = field(help="Folder that holds JPEGImages, Annotations and ImageSets.", relative_to="data.root")
    split: str = field(help="Name of a list in ImageSets/Main: train, val, trainval, test.")
    difficult: Literal["crowd", "object"] = field(
        "crowd", help="Objects marked difficult: regions where nothing is right or wrong, or objects like any other."
    )

    def problems(self) -> Iterator[Problem]:
        """A split is a name, not a path."""
        yield from super().problems()
        if not self.split or "/" in self.split or self.split.startswith("."):
            yield Problem(path="split", message=f"must be the name of a list in ImageSets/Main, got '{self.split}'")


@spec
class YoloSpec(FilesSpec):
    """Images with a text file each, as Ultralytics lays them out: `class cx cy w h`, or a polygon, in parts of 1."""

    builds: ClassVar[str] = "specdet.data.yolo:read_yolo"

    @property
    def source(self) -> Path:
        """What people look into when something is wrong."""
        return self.folder

    @property
    def annotation_files(self) -> tuple[Path, ...]:
        """The file that names classes and folders, where the spec names it; labels are a file an image."""
        return (*((self.folder,) if self.folder.suffix in YAML else ()), *self.lists)

    folder: Path = field(
        help="Folder with a data.yaml, or with images and labels; or a YAML file with another name.",
        relative_to="data.root",
    )
    split: str = field(
        "", help="A key of data.yaml (train, val, test), or a folder in images; empty where images has no such folders."
    )


@spec
class ShapesSpec(Spec):
    """Drawn images of ellipses, rectangles and triangles: needs no files, and is the same on every machine."""

    builds: ClassVar[str] = "specdet.data.shapes:Shapes"
    gives_masks: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = ("ellipse", "rectangle", "triangle")

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
    train_proposals: Path | None = field(
        None, help="A file that `specdet proposals` wrote: boxes in the training images, for FastRCNN."
    )
    val_proposals: Path | None = field(None, help="Likewise, boxes in the images to evaluate on.")
    on_bad_image: Literal["error", "skip"] = field(
        "error",
        help="When an image cannot be decoded, or is not of the size that its annotations are for: end, or train on "
        "another image instead and evaluate as if nothing were found in it. The log and the events name each.",
    )
    max_bad_share: float = field(
        0.01, ge=0, le=1, help='With on_bad_image = "skip": end all the same once more than this part of a set is bad.'
    )
    max_proposals: int = field(2000, ge=1, unit="boxes", help="Stored proposals of an image that are used, the best.")

    @property
    def annotation_files(self) -> tuple[Path, ...]:
        """Those of all sets that have some."""
        sets = [*self.training_sets, *([] if self.val is None else [self.val])]
        return tuple(file for each in sets for file in getattr(each, "annotation_files", ()))

    @property
    def training_sets(self) -> tuple[Spec, ...]:
        """The training set, or all of them."""
        return (self.train,) if isinstance(self.train, Spec) else tuple(self.train.values())
