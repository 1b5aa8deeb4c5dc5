"""`specdet list`: the components that a spec can name."""

import argparse
import sys

from specdet.exit_codes import OK, WRONG_USAGE
from specdet.registry import COMPONENTS, Components, UnknownTag


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("family", nargs="?", metavar="FAMILY", help="only this family, such as neck")
    parser.add_argument("--json", action="store_true", help="print JSON: family, tag, what it is in one line")


def run(arguments: argparse.Namespace) -> int:
    """Print the components."""
    from specdet.spec.plugins import installed_components
    from specdet.spec.report import report

    components, problems = installed_components()
    if problems:
        print(report(problems), file=sys.stderr)
    try:
        found = summaries(arguments.family, components=components)
    except UnknownTag as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    if arguments.json:
        import json

        print(json.dumps(found, indent=2, ensure_ascii=False))
        return OK
    column = max(len(tag) for tags in found.values() for tag in tags) + 2
    blocks = (
        "\n".join([family, *(f"  {tag.ljust(column)}{summary}" for tag, summary in tags.items())])
        for family, tags in found.items()
    )
    print("\n\n".join(blocks))
    return OK


def summaries(family: str | None = None, *, components: Components = COMPONENTS) -> dict[str, dict[str, str]]:
    """Family -> tag -> one line on it, of one family or of all. Raises UnknownTag."""
    from specdet.spec.manual.description import describe_family

    return {
        each: {found.tag: found.summary for found in describe_family(each, components=components)}
        for each in ([family] if family else components)
    }
