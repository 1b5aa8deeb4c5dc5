"""`specdet data`: look into data sets, count them, and write them in another format."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from specdet.exit_codes import OK, WRONG_USAGE, exit_code
from specdet.spec import Problem, Spec, SpecError
from specdet.spec.problems import printable

if TYPE_CHECKING:
    from specdet.data.findings import Finding
    from specdet.data.reader import Reader
    from specdet.data.writing.written import Written

SHOWN = 5  # cases of each thing that are printed; JSON has more
IN_JSON = 200
PART = " of the spec's sets: train, train.KEY or val; of a folder: as its lists and files are called"


@attrs.frozen(kw_only=True)
class NamedSet:
    """A data set by its name, and whether it is read as for training: without the images that its filters leave out."""

    name: str
    spec: Spec
    training: bool


@attrs.frozen(kw_only=True, eq=False)
class Opened:
    """What can be read of a set, and what was found in it.

    Attributes:
        headers: How many image files were opened, their headers alone; None for a set without files.
    """

    named: NamedSet
    reader: "Reader | None"
    findings: "tuple[Finding, ...]"
    headers: int | None

    @property
    def problems(self) -> list[Problem]:
        """Those that keep it from being used."""
        return [
            Problem(path=each.path, message=each.what, kind=each.kind)
            for each in self.findings
            if each.weight == "problem"
        ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="say what is wrong, odd or left out, of files, images and boxes")
    stats = actions.add_parser("stats", help="count images, classes and boxes, by size and shape")
    convert = actions.add_parser(
        "convert", help="write sets in another format: boxes and classes in their order; masks are not carried over"
    )
    for each in (check, stats, convert):
        each.add_argument("source", metavar="SPEC|FOLDER|FILE",
                          help="a spec, a COCO file, a data.yaml, or a folder of COCO, VOC or YOLO")  # fmt: skip
        each.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value of a spec")
        each.add_argument("--only", metavar="NAME", help=f"one{PART}")
        each.add_argument("--images", type=Path, metavar="FOLDER", help="where the images of a COCO file lie")
        each.add_argument("--classes", metavar="A,B,...", help="names to keep, in this order; all unless given")
        each.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                          help="run this plugin file of a spec; may be repeated")  # fmt: skip
    for each in (check, stats):
        each.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    convert.add_argument("--to", required=True, choices=("coco", "voc", "yolo"), help="the format")
    convert.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="a new folder")
    convert.add_argument("--files", choices=("copy", "link", "refer"), default="copy",
                         help="copy the images (the default), link to them, or refer to them (coco alone)")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Do it: 0 all is fine, 1 and 3 as `specdet check`, 2 the output is there already."""
    sets = chosen_sets(arguments)
    return {"check": _check, "stats": _stats, "convert": _convert}[arguments.action](sets, arguments)


def chosen_sets(arguments: argparse.Namespace) -> list[NamedSet]:
    """The sets that the arguments mean. Raises SpecError."""
    is_spec = _is_spec(arguments.source)
    sets = _sets_of_spec(arguments) if is_spec else _sets_of_files(arguments)
    if arguments.only is not None:
        from specdet.registry import suggestion

        names = [each.name for each in sets]
        sets = [each for each in sets if each.name == arguments.only]
        if not sets:
            raise SpecError.one(f"{arguments.source} has no set '{arguments.only}'{suggestion(arguments.only, names)}")
    if arguments.classes is not None:
        classes = tuple(name.strip() for name in arguments.classes.split(","))
        sets = [_with_classes(each, classes) for each in sets]
    return sets if is_spec else _with_equal_classes(sets)


def _is_spec(source: str) -> bool:
    return source.endswith(".toml") or source.startswith("specdet:") or (Path(source) / "spec.toml").is_file()


def _sets_of_spec(arguments: argparse.Namespace) -> list[NamedSet]:
    from specdet.data.root import root_problems
    from specdet.experiment import load_with_source
    from specdet.spec.compose import spec_of

    loaded = load_with_source(spec_of(arguments.source), arguments.overrides, plugins=arguments.plugins)
    data = loaded.experiment.data
    if problems := root_problems(data):
        raise SpecError(loaded.composed.located([problem.under("data") for problem in problems]))
    if isinstance(data.train, Mapping):
        sets = [NamedSet(name=f"train.{key}", spec=each, training=True) for key, each in data.train.items()]
    else:
        sets = [NamedSet(name="train", spec=data.train, training=True)]
    return sets + ([NamedSet(name="val", spec=data.val, training=False)] if data.val is not None else [])


def _sets_of_files(arguments: argparse.Namespace) -> list[NamedSet]:
    from specdet.data.source import sets_in

    if arguments.overrides:
        raise SpecError.one(f"KEY=VALUE changes a spec, and {arguments.source} is none")
    found = sets_in(Path(arguments.source), images=arguments.images)
    return [NamedSet(name=name, spec=spec, training=False) for name, spec in found.items()]


def _with_classes(named: NamedSet, classes: tuple[str, ...]) -> NamedSet:
    if not any(attribute.name == "classes" for attribute in attrs.fields(type(named.spec))):
        raise SpecError.one(f"the classes of {named.name} are what they are: --classes is for sets of files")
    return attrs.evolve(named, spec=attrs.evolve(named.spec, classes=classes))  # pyright: ignore[reportCallIssue]


def opened(named: NamedSet, *, training: bool, headers: bool = False) -> Opened:
    """Read a set as far as it can be; raises nothing for what lies on the disk."""
    from specdet.data.findings import Findings
    from specdet.data.open import open_reader
    from specdet.data.spec import FilesSpec

    findings, reader = Findings(getattr(named.spec, "source", named.name)), None
    try:
        reader = open_reader(named.spec, training=training, findings=findings, headers=headers)
    except SpecError as error:
        if not findings.any_wrong:
            for problem in error.problems:
                findings.wrong(problem.message, path=problem.path, kind=problem.kind)
    except OSError as error:
        said = f"{error.filename}: {error.strerror}"
        findings.wrong("files that cannot be read", said, path="", kind="environment")
    if reader is not None and not len(reader) and not findings.any_wrong:
        findings.wrong("has no image: is the split or the list empty?", path="")
    opened = findings.opened if isinstance(named.spec, FilesSpec) else None
    return Opened(named=named, reader=reader, findings=tuple(findings.found), headers=opened)


def _check(sets: list[NamedSet], arguments: argparse.Namespace) -> int:
    found = [opened(each, training=each.training, headers=True) for each in sets]
    between = _between(found)
    problems = [problem for each in found for problem in each.problems] + between
    if arguments.json:
        document = {"sets": [_as_json(each) for each in found], "problems": [each.message for each in between]}
        print(json.dumps(document, indent=1))
        return exit_code(problems)
    for each in found:
        for line in _told(each):
            print(printable(line))
    for problem in between:
        print(printable(f"problem: {problem.message}"))
    return exit_code(problems)


def _between(found: list[Opened]) -> list[Problem]:
    """What is wrong between sets: labels are numbers, and mean the same in all of them."""
    from specdet.data.concat import classes_differ

    difference = classes_differ({each.named.name: each.reader.classes for each in found if each.reader is not None})
    return [Problem(path="", message=difference)] if difference else []


def _told(found: Opened) -> list[str]:
    from specdet.data.advice import advice_on

    reader, name = found.reader, found.named.name
    if reader is None:
        lines = [f"{name}: cannot be read"]
    else:
        boxes = sum(len(reader.record(index).labels) for index in range(len(reader)))
        lines = [f"{name}: {len(reader)} images, {boxes} boxes, {len(reader.classes)} classes "
                 f"({', '.join(reader.classes)})"]  # fmt: skip
    if found.headers is not None:
        lines.append(f"  image files opened: {found.headers} headers, and the pixels of those that look cut off")
    for each in sorted(found.findings, key=lambda each: ("problem", "remark", "note").index(each.weight)):
        items = [item for item in each.items if item]
        count = f" ({len(each.items)})" if items else ""
        lines.append(f"  {each.weight}: {each.what}{count}")
        lines += [f"    {item}" for item in items[:SHOWN]]
        lines += [f"    and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
        lines += [f"    -> {advice}"] if (advice := advice_on(each.what)) else []
    return lines


def _as_json(found: Opened) -> dict[str, Any]:
    from specdet.data.advice import advice_on

    reader = found.reader
    return {
        "name": found.named.name,
        "images": None if reader is None else len(reader),
        "classes": None if reader is None else list(reader.classes),
        "headers_opened": found.headers,
        "findings": [
            {"weight": each.weight, "what": each.what, "count": len(each.items), "path": each.path, "kind": each.kind,
             "items": [item for item in each.items[:IN_JSON] if item], "advice": advice_on(each.what)}
            for each in found.findings
        ],
    }  # fmt: skip


def _readers(sets: list[NamedSet], *, training: bool) -> "dict[str, Reader]":
    """The readers of sets that can be used. Raises SpecError with all problems of all of them."""
    found = [opened(each, training=training and each.training) for each in sets]
    problems = [
        attrs.evolve(problem, message=f"{each.named.name}: {problem.message}")
        for each in found
        for problem in each.problems
    ]
    if problems:
        print("what is wrong, in full: specdet data check", file=sys.stderr)
        raise SpecError(problems)
    return {each.named.name: each.reader for each in found if each.reader is not None}


def _stats(sets: list[NamedSet], arguments: argparse.Namespace) -> int:
    from specdet.data.statistics import QUANTILES, statistics
    from specdet.evaluation.spec import COCO_AREAS
    from specdet.text_table import print_table

    readers = _readers(sets, training=True)
    found = {name: statistics(reader, areas=COCO_AREAS) for name, reader in readers.items()}
    if arguments.json:
        print(json.dumps({name: each.as_json() for name, each in found.items()}, indent=1))
        return OK
    rows = {"images": [f"{each.images:,}" for each in found.values()]}
    for what in ("empty_images", "boxes", "crowds"):
        rows[what.replace("_", " ")] = [f"{getattr(each, what):,}" for each in found.values()]
    for name in dict.fromkeys(name for each in found.values() for name in each.classes):
        counts = [each.classes.get(name, {"boxes": 0, "images": 0}) for each in found.values()]
        rows[f"boxes of {name}"] = [f"{count['boxes']:,} in {count['images']:,} images" for count in counts]
    for name, (low, high) in COCO_AREAS.items():
        told = (
            f"{name} boxes ({low**0.5:g} to {high**0.5:g} px)" if high < 1e9 else f"{name} boxes (from {low**0.5:g} px)"
        )
        rows[told] = [f"{each.areas[name]:,}" for each in found.values()]
    print_table(("", *found), [(what, *cells) for what, cells in rows.items()])
    for name, each in found.items():
        print()
        spreads = {"image width, px": each.image_width, "image height, px": each.image_height,
                   "box width, px": each.box_width, "box height, px": each.box_height, "box side, px": each.box_side,
                   "box width / height": each.aspect_ratio, "boxes per image": each.boxes_per_image}  # fmt: skip
        columns = [*QUANTILES, "mean"]
        print_table(
            (name, *columns),
            [(what, *(f"{spread[key]:.4g}" if spread else "" for key in columns)) for what, spread in spreads.items()],
        )
    return OK


def _convert(sets: list[NamedSet], arguments: argparse.Namespace) -> int:
    from specdet.data.writing.convert import SPEC, convert

    readers = _readers(_with_equal_classes(sets), training=False)
    try:
        written = convert(readers, to=arguments.to, folder=arguments.output, files=arguments.files)
    except FileExistsError as error:
        print(f"{error.filename} {error.strerror}", file=sys.stderr)
        return WRONG_USAGE
    for each in written:
        print(printable(_written(each)))
    print(f"{arguments.output / SPEC} reads {'it' if len(written) == 1 else 'them'}: extend it in a spec")
    return OK


def _written(each: "Written") -> str:
    left_out = f"; {each.crowds_left_out} crowds left out: the format has none" if each.crowds_left_out else ""
    return f"{each.name}: {each.images} images, {each.boxes} boxes{left_out}"


def _with_equal_classes(sets: list[NamedSet]) -> list[NamedSet]:
    """VOC's lists say no classes: where no spec names them, those of all lists are meant, not of each by itself."""
    from specdet.data.spec import VocSpec

    plain = [each for each in sets if isinstance(each.spec, VocSpec) and not each.spec.classes]
    if len(plain) < 2:
        return sets
    known = [
        each.reader.classes for each in (opened(each, training=False) for each in plain) if each.reader is not None
    ]
    classes = tuple(sorted({name for names in known for name in names}))
    return [_with_classes(each, classes) if each in plain else each for each in sets]
