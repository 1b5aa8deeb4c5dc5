"""`specdet explain`: what a path, a component or a family of components is, and who uses it."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from specdet.exit_codes import OK, WRONG_USAGE
from specdet.registry import COMPONENTS, Components, Registry, suggestion
from specdet.spec import SpecError
from specdet.spec.manual.places import at_key
from specdet.spec.paths import SpecPath, undotted
from specdet.spec.values import value_text

if TYPE_CHECKING:
    from specdet.spec.composed import Composed
    from specdet.spec.manual.page import Block

WIDEST = 100  # columns; longer lines are hard to read
LISTED = 8  # shipped specs that are named; the rest is counted
GOING_ON = (
    "Go on with a path (`specdet explain optimizer.lr`), a component (`specdet explain SGD`) or a family of components "
    "(`specdet explain neck`). `specdet list` names them all."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("name", nargs="?", metavar="PATH_OR_TAG", help="such as optimizer.lr, SGD, neck")
    parser.add_argument(
        "--spec", metavar="FILE", help="say the value that this spec has there too, and where it is from"
    )
    parser.add_argument("--markdown", action="store_true", help="as Markdown; without PATH_OR_TAG the whole reference")


def run(arguments: argparse.Namespace) -> int:
    """Print the page."""
    from specdet.spec.manual.page import as_markdown, as_text
    from specdet.spec.plugins import installed_components
    from specdet.spec.report import report

    if arguments.spec and not arguments.name:
        print("--spec FILE goes with a path: specdet explain optimizer.lr --spec FILE", file=sys.stderr)
        return WRONG_USAGE
    whole = arguments.markdown and not arguments.name
    components, problems = (COMPONENTS, []) if whole else installed_components()  # the reference is specdet's alone
    if problems:
        print(report(problems), file=sys.stderr)
    blocks = page(arguments.name, spec=arguments.spec, whole=whole, components=components)
    if arguments.markdown:
        sys.stdout.write(as_markdown(blocks))
    else:
        sys.stdout.write(as_text(blocks, width=min(shutil.get_terminal_size().columns, WIDEST)))
    return OK


def page(
    name: str | None, *, spec: str | None = None, whole: bool = False, components: Components = COMPONENTS
) -> "list[Block]":
    """The page on `name`: a path, else a family, else every component that is called so.

    Args:
        name: Without it, the page on the top of a spec, or with `whole` the reference of everything.
        spec: A spec whose value at the path is told too.
        whole: See `name`.
        components: The registry's table.

    Raises:
        SpecError: For a name that is nothing of these, with the nearest one.
    """
    from specdet.experiment import Experiment
    from specdet.spec.manual.description import describe_spec
    from specdet.spec.manual.page import Paragraph
    from specdet.spec.manual.reference import component_page, family_page, overview, reference, takers

    if not name:
        return reference(Experiment, components=components) if whole else [*overview(Experiment), Paragraph(GOING_ON)]
    try:
        return _place(name, spec=spec, components=components)
    except SpecError as error:
        no_path = error
    if name in components and not spec:
        return family_page(name, Experiment, components=components)
    found = _called(name, components)
    if spec or ("." in name and not found):
        raise no_path
    if not found:
        top = (field.name for field in describe_spec(Experiment).fields)
        hint = suggestion(name, [*(tag for tags in components.values() for tag in tags), *components, *top])
        raise SpecError.one(f"is no path, no component and no family of components{hint}", path=name)
    blocks: list[Block] = []
    for family, tag in found:
        description = describe_spec(Registry(family, components=components).get(tag), tag=tag, family=family)
        taken = ("taken by", ", ".join(takers(family, Experiment, components=components)))
        blocks += component_page(description, facts=[taken, *_shipped(_specs_that_name(tag, family))])
    return blocks


def _place(name: str, *, spec: str | None, components: Components) -> "list[Block]":
    """The page on a path. Raises SpecError where it leads nowhere."""
    from specdet.experiment import Experiment
    from specdet.spec.manual.places import find
    from specdet.spec.manual.reference import place_page

    try:
        path = undotted(name)
    except ValueError as error:
        raise SpecError.one(str(error), path=name) from None
    composed = _composed(spec) if spec else None
    candidates = find(Experiment, path, tree=composed.tree if composed else None, components=components)
    facts = [("value", _value_in(composed, path))] if composed else []
    return place_page(path, candidates, facts=[*facts, *_shipped(_specs_that_say(path))], components=components)


def _called(name: str, components: Components) -> list[tuple[str, str]]:
    """The components with that tag, each with its family; where there is none, those whose tag differs in case."""
    tags = [(family, tag) for family, tags in components.items() for tag in tags]
    exact = [(family, tag) for family, tag in tags if tag == name]
    return exact or [(family, tag) for family, tag in tags if tag.lower() == name.lower()]


# -- what a spec says


def _composed(spec: str) -> "Composed":
    from specdet.experiment import DEFAULT_HOOKS
    from specdet.spec.compose import compose, spec_of

    composed = compose(spec_of(spec), base={"hooks": DEFAULT_HOOKS})
    if composed.problems:
        raise SpecError(composed.located(composed.problems))
    return composed


def _value_in(composed: "Composed", path: SpecPath) -> str:
    """The value in words, with the file and line that wrote it."""
    value = _at(composed.tree, path)
    if value is None:
        return "not said, so the default"
    written = composed.written_at(path)
    return f"{value_text(value, one_line=True)} ({written or 'the default of every run'})"


# -- which of the shipped specs say it


def _shipped(names: Iterator[str]) -> list[tuple[str, str]]:
    found = list(names)
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return [("said in", ", ".join(found[:LISTED]) + more)] if found else []


def _specs_that_say(path: SpecPath) -> Iterator[str]:
    return (name for name, table in _tables() if _at(table, path) is not None)


def _specs_that_name(tag: str, family: str) -> Iterator[str]:
    from specdet.experiment import Experiment
    from specdet.spec.manual.places import find

    for name, table in _tables():
        paths = [path for path, each in _inner_tables(table) if each.get("type") == tag]
        if any(each.value.family == family for path in paths for each in find(Experiment, path, tree=table)):
            yield name


def _tables() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every shipped spec: the name that `extends` knows it by, and what it says itself."""
    import tomli

    from specdet.spec.compose import SHIPPED, shipped_specs

    for file in sorted(shipped_specs().rglob("*.toml")):
        name = file.relative_to(shipped_specs()).as_posix()
        yield f"{SHIPPED}{name}", tomli.loads(file.read_text(encoding="utf-8"))


def _inner_tables(value: Any, path: SpecPath = ()) -> Iterator[tuple[SpecPath, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        yield path, value
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _inner_tables(item, (*path, str(key)))


def _at(tree: Any, path: SpecPath) -> Any:
    for key in path:
        tree = at_key(tree, key)
    return tree
