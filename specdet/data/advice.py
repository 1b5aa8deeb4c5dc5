"""What to do about what is found in a data set."""

from collections.abc import Mapping
from types import MappingProxyType

MEND = "Mend it in the annotation file, or in the tool that wrote it."
# The beginning of what is found -> what to do.
ADVICE = {
    "the file does not exist": "Say where it lies: the path is relative to data.root, or to the spec file.",
    "the folder does not exist": "Say where it lies: the path is relative to data.root, or to the spec file.",
    "its folder of images": "Say where the images lie: the path is relative to data.root, or to the spec file.",
    "the folder data.root": "Say where the data lies on this machine, as in data.root = \"/path/to/data\".",
    "is a folder, and a JSON": "Name the JSON file, not the folder that it lies in.",
    "has no folder": "A VOC folder holds JPEGImages, Annotations and ImageSets: name the folder above these.",
    "has no list": "Name one of the lists in ImageSets/Main.",
    "ImageSets/Main/": "Name one of the lists in ImageSets/Main.",
    "names that": "Remove the repeated lines from the list.",
    "not JSON": "The file is damaged, or something else: write or download it again.",
    "not a COCO file": "Export it in COCO's format for detection.",
    "items without": MEND,
    "categories with the same name": "Give each category a name of its own.",
    "categories with the same id": "Give each category an id of its own.",
    "classes that the data lacks": "Correct the name in `classes` of the set, or remove it there.",
    "classes that the split lacks": "Correct the name in `classes` of the set, or remove it there.",
    "images whose id does not fit": "Number the images with smaller ids.",
    "images with the same id": "Give each image an id of its own: their boxes are mixed up.",
    "images with the same file_name": "Give each image a file of its own, or merge their annotations under one id.",
    "images whose file_name has half a character": MEND,
    "image files that do not exist": "Copy the missing files, or correct the folder or the file names.",
    "image files that cannot be read": "Replace the files, or remove the images from the annotations.",
    "images of another size": "Annotations were made for other files: replace the files, or scale the boxes.",
    "annotations with the same id": "Number the annotations anew.",
    "annotations of an image that": "Add the images to the list, or remove these annotations.",
    "annotations of a category that": "Add the categories to the list, or remove these annotations.",
    "annotations whose bbox": MEND,
    "annotation files that do not exist": "Copy the missing files, or remove the names from the list.",
    "files that cannot be read": "Mend or replace the files, or let them be read (chmod).",
    "boxes with a number that is not finite": MEND,
    "boxes whose right or bottom edge": "COCO's boxes are x, y, width, height, VOC's are two corners: were they mixed?",
    "boxes that lie mostly outside": "Were they made for another size of the images, or written as corners for COCO?",
    "boxes without an extent": "They are clicks rather than objects, and left out: remove them, or draw them again.",
    "boxes that reach past the border": "They are cut at the border; nothing needs to be done.",
    "segmentations that are neither": MEND,
    "segmentations with a number": MEND,
    "run lengths of another size": "Annotations were made for other files: replace the files, or write the masks anew.",
    "run lengths that are not": MEND,
    "outlines without three corners": "They are left out: remove them, or draw them again.",
    "objects without a segmentation": "Draw their masks, or leave them: their boxes are learned all the same.",
    "no object has a segmentation": "Choose a detector without masks, or annotations that have them.",
    "no image to train on": "Lower min_size, or turn filter_empty off.",
    "has no image": "Choose another split or file.",
    "images of which none has a box": "Correct `classes` or `rename` of the set, or choose a split with annotations.",
    "images without a box to learn from": "To train on them as background, say filter_empty = false.",
    "images with a side below min_size": "To train on them, lower min_size.",
    "the list of images does not exist": "Say where it lies: the path is relative to data.root, or to the spec file.",
    "lines that name": "Write a file name, a path or an id on each line, and each of an image that the set has.",
    "fewer images than": "Nothing needs to be done: all of them are used.",
    "`fraction` of the images": "Choose a larger part.",
    "names in `rename` that": "Correct the name in `rename` of the set, or remove it there.",
    "classes left out whose names": 'If it is the same class, rename it: rename = { "its name" = "your name" }.',
    "classes that are in the data and not": "To learn them, too, add them to `classes`.",
    "classes of which this data has no box": "Add images of them, or remove them from `classes`.",
    "classes with the name of the background": "What is in no box is background anyhow: leave it out of `classes`.",
    "files outside of the folders": "Allow their folder, too, if you trust these files.",
    "classes with the same name": "Give each class a name of its own.",
    "data.yaml is not YAML": "Mend the file at the place that is named.",
    "data.yaml is not a table": "A data.yaml has train, val and names.",
    "data.yaml is too large": "Name the file that has train, val and names.",
    "data.yaml needs `names`": "Write the names of the classes: names: [cat, dog].",
    "data.yaml has no such split": 'Say which split of data.yaml is meant: split = "train".',
    "`names` of data.yaml": "Number the names 0, 1, 2 and so on, or write them as a list.",
    "`nc` of data.yaml": "Correct `nc`, or remove it: the names are counted.",
    "folders of images that do not exist": "Correct data.yaml: paths are relative to its `path`, or to the file.",
    "folders that cannot be read": "Let them be read (chmod), or name another folder.",
    "has no names of classes": "Write one name on each line of classes.txt, in the order of the numbers.",
    "images without a file of labels": "Nothing needs to be done if there is nothing to find in them.",
    "no image has a file of labels": "A folder `labels` beside `images` has files of the same names.",
    "rows written twice": "Nothing needs to be done; the tool that wrote them may be asked why.",
    "rows in pixels": "Divide x and width by the width of the image, y and height by its height.",
    "rows whose class has no name": "Add the missing names to data.yaml or classes.txt; numbers count from 0.",
    "rows ": MEND,
}  # fmt: skip


def advice_on(what: str, *, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """What to do about something that was found; an empty string where only the reader of a plugin knows.

    Args:
        more: What else there is to find.
    """
    table = {**ADVICE, **more}
    fitting = [begin for begin in table if what.startswith(begin)]
    return table[max(fitting, key=len)] if fitting else ""
