"""`specdet probe-batch`: the largest batch that fits in memory, found by trying training steps."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from specdet.exit_codes import INTERRUPTED, WRONG_USAGE, exit_code
from specdet.runs.words import byte_count
from specdet.spec import Problem, SpecError

if TYPE_CHECKING:
    from specdet.checks.probe import Facts, Prober, Trial

CAUTION = (
    "these were steps with made-up images in a process alone: other processes, evaluation, workers that load images, "
    "and larger images than the data has now may need more"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("spec", metavar="SPEC", help="a spec file, specdet:NAME, or the folder of a run")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    parser.add_argument("--eval", dest="evaluates", action="store_true",
                        help="find the largest batch of an evaluation as well")  # fmt: skip
    parser.add_argument("--memory", type=_bytes, metavar="SIZE",
                        help="what the training may take, as 6GB; what is available, and on a CPU less a tenth, "
                        "if not given")  # fmt: skip
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="how many train together (1)")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Try batches: 0 where one fits, 3 where none does, 130 after Ctrl-C with what was found so far."""
    from specdet.checks.probe import Order, Prober
    from specdet.experiment import load_with_source
    from specdet.spec.compose import spec_of
    from specdet.spec.report import as_json, report

    if arguments.processes < 1:
        print("--processes must be at least 1", file=sys.stderr)
        return WRONG_USAGE
    spec = spec_of(arguments.spec)
    try:
        loaded = load_with_source(spec, arguments.overrides, plugins=arguments.plugins)
    except SpecError as error:
        if not arguments.json:
            raise
        print(json.dumps({"spec": arguments.spec, "problems": [as_json(each) for each in error.problems]}, indent=1))
        return exit_code(error.problems)
    order = Order(
        spec=str(spec),
        overrides=arguments.overrides,
        plugins=arguments.plugins,
        processes=arguments.processes,
        memory=arguments.memory,
    )
    found: Sequence[Problem] = ()
    interrupted = False
    with Prober(order, on_trial=_say_nothing if arguments.json else _print_trial) as prober:
        try:
            found = _probe(prober, evaluates=arguments.evaluates, say=_say_nothing if arguments.json else _print)
        except SpecError as error:
            found = error.problems
        except KeyboardInterrupt:
            interrupted = True
    problems = loaded.composed.located(found)
    if arguments.json:
        document = {"spec": arguments.spec, "problems": [as_json(each) for each in problems]}
        told = {"interrupted": interrupted, "probe": document_of(prober, evaluates=arguments.evaluates)}
        print(json.dumps({**document, **told}, indent=1))
    else:
        for line in summary(prober, evaluates=arguments.evaluates, interrupted=interrupted):
            print(line)
        if problems:
            print(report(problems), file=sys.stderr)
    return INTERRUPTED if interrupted else exit_code(problems)


def _probe(prober: "Prober", *, evaluates: bool, say: Callable[[str], None]) -> Sequence[Problem]:
    """Try all that is asked for; gives what does not fit at all."""
    facts = prober.look()
    say(_limits(facts, processes=prober.order.processes))
    problems: list[Problem] = []
    for of_eval in (False, True) if evaluates else (False,):
        if of_eval:
            say("in evaluation:")
        prober.find(evaluates=of_eval)
        if prober.found(evaluates=of_eval).largest is None:
            key = "data.val_images_per_device" if of_eval else "data.images_per_device"
            message = f"not even one image fits in {byte_count(facts.limit)}; choose smaller images or a smaller model"
            problems.append(Problem(path=key, message=message, kind="environment"))
    return problems


def document_of(prober: "Prober", *, evaluates: bool) -> dict[str, Any] | None:
    """What was found as JSON, by the names of attributes; None where nothing could be tried."""
    import attrs

    if prober.facts is None:
        return None
    found = attrs.asdict(prober.found())
    if evaluates:
        found["val_images_per_device"] = prober.found(evaluates=True).largest
    return {
        "device": prober.facts.device,
        "limit": prober.facts.limit,
        "margin": prober.facts.margin,
        "trials": [attrs.asdict(trial) for trial in prober.trials],
        **found,
    }


def summary(prober: "Prober", *, evaluates: bool, interrupted: bool) -> Iterator[str]:
    """What was found, for people."""
    found = prober.found()
    if interrupted:
        yield "interrupted; so far:"
    if found.largest is not None:
        assert prober.facts is not None
        whole = " (the whole training set)" if found.largest == prober.facts.train.images else ""
        yield f"largest batch that fits: {_images(found.largest)} on each device{whole}"
        yield f"most images per second: with {_images(found.fastest)}"
    in_evaluation = prober.found(evaluates=True).largest if evaluates else None
    keys = [f"{name}={value}" for name, value in (
        ("data.images_per_device", found.images_per_device), ("train.accumulate", found.accumulate),
        ("data.val_images_per_device", in_evaluation)) if value is not None]  # fmt: skip
    if keys:
        assert prober.facts is not None
        step = prober.facts.images_of_step
        kept = f", with which a step still takes {_images(step)} on each device" if found.accumulate is not None else ""
        yield f"to set: {' '.join(keys)}{kept}"
        yield f"note: {CAUTION}"
    elif interrupted:
        yield "nothing was found"


def _limits(facts: "Facts", *, processes: int) -> str:
    limit = f"{facts.device}: a process may have {byte_count(facts.limit)}"
    if facts.margin:
        shared = f", shared between {processes} processes" if processes > 1 else ""
        limit += f", which is what is available less {byte_count(facts.margin)} for others{shared}"
    step = f"a step takes {_images(facts.images_of_step)} on each device"
    return (
        f"{limit}; {step}, at most {facts.train.together[1]} x {facts.train.together[0]} px, {facts.train.boxes} boxes"
    )


def _print_trial(trial: "Trial") -> None:
    if trial.fits:
        assert trial.peak is not None and trial.seconds is not None and trial.images_per_s is not None
        told = f"{byte_count(trial.peak)} at most, {trial.seconds:.3g} s a batch, {trial.images_per_s:.3g} images/s"
    else:
        told = f"does not fit: {trial.why}" if trial.images == 1 else f"do not fit: {trial.why}"
    _print(f"{_images(trial.images)}: {told}")


def _print(line: str) -> None:
    print(line, flush=True)


def _say_nothing(_: object) -> None:
    pass


def _images(count: int | None) -> str:
    return f"{count} image{'s' * (count != 1)}"


def _bytes(text: str) -> int:
    """A size as people write it: 6GB, 500 MB, 1.5GiB, 1000000."""
    parts = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(?:([kmgt])(i)?)?b?", text.strip(), re.I)
    if parts is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no size: write it as 6GB, or 6GiB")
    number, unit, binary = parts.groups()
    return int(float(number) * (1024 if binary else 1000) ** (" kmgt".index(unit.lower()) if unit else 0))
