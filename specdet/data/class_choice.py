"""Which classes of a data set are learned, and under which label."""

from collections.abc import Iterable, Mapping

from specdet.data.findings import Findings
from specdet.data.spec import FilesSpec
from specdet.registry import suggestion

BACKGROUND = ("background", "_background_", "__background__", "bg")


def chosen_classes(
    present: Iterable[str], *, spec: FilesSpec, place: str, whole: bool, findings: Findings
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names in the order of the labels, and the data's own name -> label, -1 for a class that is not learned.

    Args:
        present: The data's own names, in their order.
        spec: Which names are wanted, and how some are called instead.
        place: What lacks a name that is missing: "data", "split".
        whole: Whether `present` has all the classes, so that a name that it lacks is a mistake.
    """
    own = list(dict.fromkeys(present))
    called = {name: spec.rename.get(name, name) for name in own}
    known = list(dict.fromkeys(called.values()))
    _check_present(spec.rename, own, f"names in `rename` that the {place} lacks", "rename", whole, findings)
    some = not own or any(name in known for name in spec.classes)
    lacks = f"classes that the {place} lacks"
    _check_present(spec.classes, known, lacks, "classes", whole or not some, findings)
    classes = spec.classes or tuple(known)
    label = {name: number for number, name in enumerate(classes)}
    _tell_left_out([name for name in known if name not in label], classes, findings)
    for name in classes:
        if name.casefold() in BACKGROUND:
            findings.remark("classes with the name of the background, which are learned like any other", f"'{name}'")
    return classes, {name: label.get(here, -1) for name, here in called.items()}


def _check_present(
    names: Iterable[str], present: list[str], lacks: str, path: str, wrong: bool, findings: Findings
) -> None:
    what = f"{lacks} (it has {', '.join(present) or 'none'})"
    for name in names:
        if name not in present:
            if wrong:
                findings.wrong(what, f"'{name}'{suggestion(name, present)}", path=path)
            else:  # a small split need not hold every class that was learned
                findings.remark(what, f"'{name}'")


def _tell_left_out(names: list[str], classes: tuple[str, ...], findings: Findings) -> None:
    """A name that is a class but for its case would else be background, silently."""
    plain: Mapping[str, str] = {_plain(name): name for name in classes}
    for name in names:
        if (near := plain.get(_plain(name))) is not None:
            findings.remark(
                "classes left out whose names are nearly those of one that is learned", f"'{name}', for '{near}'"
            )
        else:
            findings.note("classes that are in the data and not in `classes`, left out", f"'{name}'")


def _plain(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())
