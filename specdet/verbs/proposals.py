"""`specdet proposals`: write down what a trained detector finds in a data set, for a detector that starts from that."""

import argparse
import sys
from pathlib import Path

from specdet.exit_codes import WRONG_USAGE
from specdet.verbs.eval import add_trained_arguments, in_the_way, opened, progress, told_once

EPILOG = """\
The file is made for this data set alone: name it in the spec of the detector that starts from it, as
data.train_proposals or data.val_proposals. With several processes: accelerate launch -m specdet.cli proposals ...

It is a safetensors file: image_ids (n,) and marks (n,), checksums of the file names; ends (n + 1,), such that the
boxes of image i are the rows ends[i] to ends[i + 1] of boxes (p, 4), xyxy in pixels of the original images, the best
first, and of scores (p,).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    add_trained_arguments(parser)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE",
                        help="change one value of its spec, as model.test.nms_post=2000; ~KEY removes one")  # fmt: skip
    parser.add_argument("--data", choices=("train", "val"), required=True, help="which data set of its spec")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a new .safetensors file")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG


def run(arguments: argparse.Namespace) -> int:
    """Write the file: 0 it is there, 1 and 3 as `specdet check`, 2 something is there already."""
    output: Path = arguments.output
    if output.exists():
        return in_the_way(output)
    if not output.parent.is_dir():
        print(f"{output.parent} is no folder: {output.name} cannot be written there", file=sys.stderr)
        return WRONG_USAGE
    with told_once() as told:
        from specdet.data.proposals import proposals_file
        from specdet.inference.evaluating import open_set
        from specdet.runs.files import write_bytes

        opened_set = open_set(opened(arguments), arguments.data, training=arguments.data == "train")
        with progress("detecting") as on_batch:
            detections = opened_set.detections(on_batch=on_batch)
        if opened_set.accelerator.is_main_process:
            origin = {"detector": str(opened_set.trained.weights), "data": f"data.{arguments.data}"}
            write_bytes(output, proposals_file(opened_set.dataset.reader, detections, origin=origin))
            boxes = sum(map(len, detections.values()))
            print(f"{output}: {boxes} boxes in {len(detections)} images")
        opened_set.accelerator.wait_for_everyone()
        opened_set.accelerator.end_training()
    return told.code
