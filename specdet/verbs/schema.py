"""`specdet schema`: the JSON Schema with which editors complete and mark specs."""

import argparse
import json
import sys
from pathlib import Path

from specdet.exit_codes import OK, WRONG_USAGE

EPILOG = """\
To use it, write it beside your specs and name it at the top of each:

  specdet schema -o specdet.schema.json
  specdet schema --extends -o specdet.extends.json

  #:schema ./specdet.schema.json        a spec that stands alone
  #:schema ./specdet.extends.json       one that extends another, or is there to be extended

or name it for whole folders, for taplo (the TOML extension of VS Code) in .taplo.toml, for tombi in tombi.toml:

  [[rule]]                              [[schemas]]
  include = ["specs/**/*.toml"]         path = "specdet.schema.json"
  [rule.schema]                         include = ["specs/**/*.toml"]
  path = "./specdet.schema.json"

What a schema cannot say (rules between keys, what a base has said), `specdet check` says.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("--extends", action="store_true", help="for specs that extend: no key is required")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file and take in what it offers; may be repeated")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write it there instead of printing it")


def run(arguments: argparse.Namespace) -> int:
    """Print or write the schema."""
    from specdet.experiment import Experiment
    from specdet.spec.manual.json_schema import editor_schema
    from specdet.spec.plugins import installed_components
    from specdet.spec.report import report

    components, problems = installed_components(arguments.plugins)
    if problems:
        print(report(problems), file=sys.stderr)
    schema = editor_schema(Experiment, extends=arguments.extends, components=components)
    text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
    if arguments.output:
        if arguments.output.exists() and not arguments.output.read_bytes().lstrip().startswith(b"{"):
            print(f"{arguments.output}: holds something else than a schema, and is left as it is", file=sys.stderr)
            return WRONG_USAGE
        arguments.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return OK
