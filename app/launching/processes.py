"""What a number of processes means, in words."""

from collections.abc import Iterator

from specdet.experiment import Experiment
from specdet.runs.devices import CPU
from specdet.runs.launch_command import LaunchOptions


def in_words(options: LaunchOptions, experiment: Experiment | None, *, cores: int) -> str:
    """What so many processes do together, and how many threads each computes with.

    Args:
        options: How it would be launched.
        experiment: What would be trained, where that is known.
        cores: Of this machine.
    """
    return " ".join(_sentences(options, experiment, cores=cores))


def _sentences(options: LaunchOptions, experiment: Experiment | None, *, cores: int) -> Iterator[str]:
    here, whole = options.processes, options.processes * options.machines
    if whole == 1:
        yield "One process trains alone."
    else:
        yield f"{whole} processes train together: each has a copy of the model, and they average their gradients."
    if experiment is not None:
        yield _images(whole, experiment.data.images_per_device, experiment.train.accumulate)
    if experiment is not None and whole > 1:
        yield "The learning rate stays what the spec says."
    threads = experiment.train.threads_per_process if experiment is not None else "auto"
    if threads == "auto":
        share = max(1, cores // here)
        yield f"Each process computes with {_count(share, 'thread')}: this machine has {_count(cores, 'core')}."
    else:
        yield f"Each process computes with {_count(threads, 'thread')}, as train.threads_per_process says."
    if CPU in options.wanted.names and here > cores:
        yield f"On the CPU, more processes than cores make it slower: {cores} would do."
    if experiment is not None and (workers := experiment.data.workers_per_device * here):
        yield f"{_count(workers, 'more process')} load images."


def _images(processes: int, each: int, accumulate: int) -> str:
    factors = [
        str(each),
        *([f"{processes} processes"] * (processes > 1)),
        *([f"{accumulate} batches"] * (accumulate > 1)),
    ]
    product = "" if len(factors) == 1 else f"{' x '.join(factors)} = "
    return f"Each step sees {product}{_count(each * processes * accumulate, 'image')}."


def _count(number: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
