"""`specdet import-weights`: published weights of other tools as a file that a spec can start from, and back."""

import argparse
import json
import sys
from pathlib import Path

from specdet.exit_codes import OK, WRONG_SPEC

TOOLS = ("auto", "specdet", "torchvision", "mmdetection", "detectron2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("source", metavar="SOURCE",
                        help="a file, a checkpoint, an address, or torchvision's name of weights")  # fmt: skip
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value of the spec")
    parser.add_argument("--spec", required=True, metavar="SPEC", help="whose model the weights are for")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE",
                        help="written anew: safetensors, or what torch.load reads where it ends with .pth")  # fmt: skip
    parser.add_argument("--from", dest="tool", choices=TOOLS, default="auto", help="whose names SOURCE has (auto)")
    parser.add_argument("--to", choices=("specdet", "torchvision"), default="specdet",
                        help="whose names FILE gets (specdet); for torchvision, SOURCE has ours")  # fmt: skip
    parser.add_argument("--loose", action="store_true", help="write what fits, although something is missing or over")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip
    parser.add_argument("--all", action="store_true", help="also list every tensor that was taken")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Convert and write, and say what became of each tensor; 1 where it does not fit, and nothing is written."""
    from specdet.experiment import load_with_source
    from specdet.spec import Published
    from specdet.spec.compose import spec_of
    from specdet.spec.published import FORM
    from specdet.weight_import import export_weights, import_weights, misfits, write_weights

    text = arguments.source
    source = Published(text) if FORM.fullmatch(text) else Path(text).expanduser()
    experiment = load_with_source(spec_of(arguments.spec), arguments.overrides, plugins=arguments.plugins).experiment
    try:
        if arguments.to == "torchvision":
            done = export_weights(source, experiment)
        else:
            done = import_weights(source, experiment, tool=arguments.tool)
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return WRONG_SPEC
    report = done.report
    wrong = misfits(report) if arguments.to == "specdet" else []
    writes = bool(done.tensors) and (arguments.loose or not wrong)
    if writes:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_weights(arguments.output, done.tensors)
    if arguments.json:
        print(json.dumps({"written": str(arguments.output) if writes else None, "complete": not wrong,
                          "classes": done.num_classes, "source": report.source, "mapped": report.mapped,
                          "skipped": report.skipped, "missing": report.missing, "misshapen": report.misshapen,
                          "notes": report.notes}, indent=1))  # fmt: skip
        return OK if writes else WRONG_SPEC
    for line in report.lines():
        if arguments.all or not line.startswith("taken "):
            print(line)
    if writes:
        classes = "" if done.num_classes is None else f", {done.num_classes} classes"
        print(f"wrote {arguments.output}: {len(done.tensors)} tensors{classes}")
        return OK
    print(f"{text} does not fit {arguments.spec}, and nothing was written; --loose writes what fits. "
          f"{'; '.join(wrong)}", file=sys.stderr)  # fmt: skip
    return WRONG_SPEC
