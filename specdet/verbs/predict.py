"""`specdet predict`: what a trained detector finds in images and videos."""

import argparse
import sys
from pathlib import Path

from specdet.exit_codes import OK, WRONG_SPEC, WRONG_USAGE
from specdet.spec import SpecError
from specdet.spec.problems import printable
from specdet.verbs.eval import add_trained_arguments, opened, progress

SHOWN_FROM = 0.3  # the score from which on detections are drawn, where nobody says one

EPILOG = """\
In DIR: results.json (COCO's results), images.json (what its ids mean), detections.csv, and pictures/ with what was
found drawn on them, from a score of 0.3 unless --min-score says another. Videos need PyAV:
pip install 'specdet[video]'.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    add_trained_arguments(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGES", help="images, folders, patterns or videos")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--force", action="store_true", help="overwrite files in it")
    parser.add_argument("--min-score", type=float, metavar="S", help="leave out what scores less, 0 to 1")
    parser.add_argument("--batch", type=int, metavar="N", help="images at a time; as many as in evaluation")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 ...; a GPU where there is one")
    parser.add_argument("--no-pictures", action="store_true", help="draw nothing")
    parser.add_argument("--annotations", type=Path, metavar="FILE",
                        help="a COCO file whose ids the results have, for images of its file names")  # fmt: skip
    parser.add_argument("--every", type=int, default=1, metavar="N", help="of a video, each N-th frame (1)")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE",
                        help="change one value of its spec, as model.test.nms_iou=0.6; may be repeated")  # fmt: skip
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG


def run(arguments: argparse.Namespace) -> int:
    """Write the files: 0 all was looked at, 1 some could not be, or as `specdet check`."""
    wrong = _wrong_usage(arguments)
    if wrong:
        print(wrong, file=sys.stderr)
        return WRONG_USAGE
    from specdet.inference.prediction_files import KnownIds, PredictionFiles, claim_folder
    from specdet.inference.sources import find_sources
    from specdet.inference.video import need_decoder

    sources = find_sources(arguments.images)
    if video := next((source for source in sources if source.is_video), None):
        need_decoder(video.path)
    claim_folder(arguments.output, force=arguments.force)
    ids = None if arguments.annotations is None else KnownIds.read(arguments.annotations)
    trained = opened(arguments)

    from specdet.inference.predicting import Drawing, predict_sources
    from specdet.inference.predictor import Predictor

    drawing = None
    if not arguments.no_pictures:
        drawing = Drawing(min_score=SHOWN_FROM if arguments.min_score is None else arguments.min_score)
    try:
        predictor = Predictor(
            trained, device=arguments.device, min_score=arguments.min_score or 0.0, batch_size=arguments.batch
        )
    except SpecError:
        raise
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG_SPEC
    names = predictor.class_names
    categories = ids.of_classes(names, gives_classes=trained.gives_classes) if ids else None
    with (
        PredictionFiles(arguments.output, class_names=names, category_ids=categories) as files,
        progress("predicting") as on_batch,
    ):
        bad = predict_sources(
            predictor,
            sources,
            files,
            drawing=drawing,
            ids=ids,
            every=arguments.every,
            on_done=lambda count: on_batch(count, len(sources)),
        )
    for sentence in bad:
        print(printable(sentence), file=sys.stderr)
    print(f"{arguments.output}: {files.detections} detections in {files.count} images")
    return WRONG_SPEC if bad else OK


def _wrong_usage(arguments: argparse.Namespace) -> str:
    if arguments.min_score is not None and not 0 <= arguments.min_score <= 1:
        return "--min-score is from 0 to 1"
    if arguments.batch is not None and arguments.batch < 1:
        return "--batch must be at least 1"
    return "--every must be at least 1" if arguments.every < 1 else ""
