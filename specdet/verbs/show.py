"""`specdet show`: a spec with everything that it extends and every default, as one file that can be run again."""

import argparse
import sys
from collections.abc import MutableMapping
from typing import Any

from specdet.spec.composed import Composed
from specdet.spec.paths import SpecPath


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("spec", metavar="SPEC", help="a spec file, specdet:NAME, or the folder of a run")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE",
                        help="change a value, or remove one with ~KEY; may be repeated")  # fmt: skip
    parser.add_argument("--origins", action="store_true", help="say beside each value where it was written")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print the resolved spec. Raises SpecError where it is not right."""
    from specdet.experiment import load_with_source, resolved
    from specdet.spec.compose import spec_of

    loaded = load_with_source(spec_of(arguments.spec), arguments.overrides, plugins=arguments.plugins)
    text = resolved(loaded.experiment)
    sys.stdout.write(with_origins(text, loaded.composed) if arguments.origins else text)
    return 0


def with_origins(text: str, composed: Composed) -> str:
    """The resolved text with a comment beside each value: its file and line, or that it is a default."""
    import tomlkit

    document = tomlkit.parse(text)
    _annotate(document, composed, ())
    return tomlkit.dumps(document)


def _annotate(table: MutableMapping[str, Any], composed: Composed, prefix: SpecPath) -> None:
    for key, item in table.items():
        path = (*prefix, key)
        if isinstance(item, list) and item and isinstance(item[0], MutableMapping):
            for index, each in enumerate(item):
                _annotate(each, composed, (*path, str(index)))
        elif isinstance(item, MutableMapping):
            _annotate(item, composed, path)
        else:
            table.item(key).comment(composed.written_at(path) or "default")  # pyright: ignore[reportAttributeAccessIssue]
