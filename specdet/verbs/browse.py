"""`specdet browse`: pictures of a spec's images as training sees them, with what is on them."""

import argparse
import sys
from pathlib import Path

from specdet.exit_codes import OK, WRONG_SPEC, WRONG_USAGE
from specdet.spec import SpecError
from specdet.spec.problems import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("spec", metavar="SPEC", help="a spec file, specdet:NAME, or the folder of a run")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--force", action="store_true", help="overwrite files in it")
    parser.add_argument("--set", choices=("train", "val"), default="train", help="which data set (train)")
    parser.add_argument("--count", type=int, default=20, metavar="N", help="how many images, evenly spaced (20)")
    parser.add_argument("--epoch", type=int, default=0, metavar="E",
                        help="as they are in this epoch, from 0, of which each has its augmentation")  # fmt: skip
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Write the pictures: 0 all are there, 1 an image could not be read, or as `specdet check`."""
    from specdet.experiment import load_with_source
    from specdet.spec.compose import spec_of

    if arguments.count < 1 or arguments.epoch < 0:
        print("--count must be at least 1, and --epoch at least 0", file=sys.stderr)
        return WRONG_USAGE
    loaded = load_with_source(spec_of(arguments.spec), arguments.overrides, plugins=arguments.plugins)

    from specdet.inference.browsing import browse
    from specdet.inference.prediction_files import claim_folder

    claim_folder(arguments.output, force=arguments.force)
    try:
        bad = browse(
            loaded.experiment, arguments.output, role=arguments.set, count=arguments.count, epoch=arguments.epoch
        )
    except SpecError as error:
        raise SpecError(loaded.composed.located(error.problems)) from error
    for sentence in bad:
        print(printable(sentence), file=sys.stderr)
    print(arguments.output)
    return WRONG_SPEC if bad else OK
