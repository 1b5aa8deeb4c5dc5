"""How large a batch can be, found out by trying training steps in processes that may run out of memory."""

import json
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, Self

import attrs
import psutil

from specdet.spec import Problem, SpecError

STEPS = 3  # of a trial
CHILD = "specdet.checks.probe_child"
TOO_MUCH = "more memory than a process may have"
LOOK_EVERY = 0.01  # s; between two looks at what a process takes of the host's memory
GROWTH = 4  # the first step away from an estimate is this part of it, and each further one twice as large
# What an allocator says that ends a process rather than raise an error.
ALLOCATORS = ("bad_alloc", "DefaultCPUAllocator", "Cannot allocate memory", "Resource temporarily unavailable")


@attrs.frozen(kw_only=True)
class Order:
    """What is tried.

    Attributes:
        spec, overrides, plugins: As on the command line.
        processes: How many train together, one a device.
        memory: Bytes that a process may have; what is available unless given.
    """

    spec: str
    overrides: Sequence[str] = ()
    plugins: Sequence[str] = ()
    processes: int = 1
    memory: int | None = None


@attrs.frozen(kw_only=True)
class Shape:
    """The largest batches of a data set: padded height and width of an image, px, alone and among others."""

    alone: tuple[int, int]
    together: tuple[int, int]
    boxes: int
    images: int

    def of(self, images: int) -> tuple[int, int]:
        """Height and width of a batch of so many."""
        return self.alone if images == 1 else self.together


@attrs.frozen(kw_only=True)
class Facts:
    """What is known before anything is tried.

    Attributes:
        device: "cpu", or the name of a GPU.
        on_host: Whether it has no memory of its own.
        limit: Bytes that a process may have on it.
        margin: Bytes that are left to others, where nobody has said a limit.
        classes: Of the training set.
        images, accumulate: Of a batch and of a step, as the spec says.
        val_images: Of a batch in evaluation, as the spec says.
        train: Of the training set.
        val: Of the set to evaluate on, where there is one that batches can be told of.
        estimate: How many images fit, where that can be estimated.
    """

    device: str
    on_host: bool
    limit: int
    margin: int
    classes: int
    images: int
    accumulate: int
    val_images: int
    train: Shape
    val: Shape | None
    estimate: int | None

    @property
    def images_of_step(self) -> int:
        """On each device."""
        return self.images * self.accumulate

    @classmethod
    def of_json(cls, table: dict[str, Any]) -> Self:
        """The facts that a child has written."""
        shapes = {name: table[name] and Shape(**table[name]) for name in ("train", "val")}
        return cls(**{**table, **shapes})


@attrs.frozen(kw_only=True)
class Trial:
    """Some steps with batches of one size, or as many evaluated batches.

    Attributes:
        images: Of a batch.
        evaluates: Whether objects were looked for, rather than trained on.
        fits: Whether memory was enough.
        peak: Bytes that the process had at most: of the device, or of host memory with a CPU; None where it failed.
        seconds: Of a batch, with its part of the optimizer's step; None where it failed.
        images_per_s: None where it failed.
        why: What it failed in, in words.
    """

    images: int
    evaluates: bool = False
    fits: bool
    peak: int | None = None
    seconds: float | None = None
    images_per_s: float | None = None
    why: str = ""


@attrs.frozen(kw_only=True)
class Found:
    """What some trials tell; each is None where none did.

    Attributes:
        largest: Images of the largest batch that fits.
        fastest: Of that with most images per second.
        images_per_device, accumulate: The largest batch of which whole ones make up a step as large as the spec says,
            and how many; of training alone.
    """

    largest: int | None = None
    fastest: int | None = None
    images_per_device: int | None = None
    accumulate: int | None = None


class Prober:
    """Tries batches in child processes, one at a time; as a context, it leaves none behind.

    A child is asked for ever more images: one that has failed, or has taken more memory than the next trial will, is
    replaced.

    Args:
        order: What is tried.
        on_trial: Called with each trial when it is done.

    Attributes:
        trials: All so far.
        facts: Once `look` has been called.
    """

    def __init__(self, order: Order, *, on_trial: Callable[[Trial], None] = lambda trial: None):
        self.order, self.trials = order, list[Trial]()
        self.facts: Facts | None = None
        self._on_trial = on_trial
        self._child: _Child | None = None
        self._latest = (False, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_child()

    def look(self) -> Facts:
        """Open the data and ask for the device; raises SpecError where a training could not start."""
        answer = self._ask({"want": "facts", **attrs.asdict(self.order)})
        self._end_child()  # with what it holds of the annotations
        if isinstance(answer, str):
            raise SpecError.one(f"what is to be tried could not be prepared: {answer}", kind="environment")
        self.facts = Facts.of_json(answer)
        return self.facts

    def find(self, *, evaluates: bool = False) -> None:
        """Try batches until the largest that fits is known; what is advised and what the spec says are tried as well.

        Raises:
            SpecError: Where no batch can be tried.
        """
        facts, shape = self._known(evaluates=evaluates)
        own, first = (facts.val_images, None) if evaluates else (facts.images, facts.estimate)
        largest = search(
            first=min(first or own, shape.images),
            most=shape.images,
            fits=lambda images: self.fits(images, evaluates=evaluates),
        )
        if not largest:
            return
        self.fits(min(own, largest), evaluates=evaluates)
        whole = [] if evaluates else parts_of(facts.images_of_step)
        # With more batches in a step gradients wait while others are made: the largest of these need not fit.
        next((images for images in whole if images <= largest and self.fits(images)), None)

    def found(self, *, evaluates: bool = False) -> Found:
        """What the trials so far tell."""
        fitting = [trial for trial in self.trials if trial.fits and trial.evaluates is evaluates]
        fastest = max(fitting, key=lambda trial: trial.images_per_s or 0.0, default=None)
        step = self.facts.images_of_step if self.facts is not None and not evaluates else 0
        whole = max((trial.images for trial in fitting if step and step % trial.images == 0), default=None)
        return Found(
            largest=max((trial.images for trial in fitting), default=None),
            fastest=fastest and fastest.images,
            images_per_device=whole,
            accumulate=whole and step // whole,
        )

    def fits(self, images: int, *, evaluates: bool = False) -> bool:
        """Whether a batch of so many fits; tried once."""
        for trial in self.trials:
            if (trial.images, trial.evaluates) == (images, evaluates):
                return trial.fits
        trial = self._try(images, evaluates=evaluates)
        self.trials.append(trial)
        self._on_trial(trial)
        return trial.fits

    def _try(self, images: int, *, evaluates: bool) -> Trial:
        facts, shape = self._known(evaluates=evaluates)
        before, self._latest = self._latest, (evaluates, images)
        if before[0] != evaluates or before[1] > images:
            self._end_child()
        answer = self._ask({
            "want": "trial", **attrs.asdict(self.order), "limit": facts.limit, "classes": facts.classes,
            "images": images, "size": shape.of(images), "boxes": shape.boxes, "evaluates": evaluates,
            "batches": 1 if evaluates else -(-facts.images_of_step // images),
        })  # fmt: skip
        if isinstance(answer, dict) and facts.on_host and answer["fits"] and answer["peak"] > facts.limit:
            answer = TOO_MUCH  # for less time than lies between two looks
        if isinstance(answer, dict):
            trial = Trial(images=images, evaluates=evaluates, **answer)
        else:
            trial = Trial(images=images, evaluates=evaluates, fits=False, why=answer)
        if not trial.fits:
            self._end_child()
        return trial

    def _known(self, *, evaluates: bool) -> tuple[Facts, Shape]:
        facts = self.facts
        assert facts is not None, "it has looked"
        shape = facts.val if evaluates else facts.train
        if shape is None:
            raise SpecError.one(
                "is what an evaluation needs, and how large its images are must be known", path="data.val"
            )
        return facts, shape

    def _ask(self, question: dict[str, Any]) -> dict[str, Any] | str:
        """The answer of a child, or why memory ended it."""
        if self._child is None:
            self._child = _Child()
        most = self.facts.limit if self.facts is not None and self.facts.on_host else None
        answer = self._child.ask(question, most=most)
        if isinstance(answer, dict) and "problems" in answer:
            raise SpecError(Problem(**problem) for problem in answer["problems"])
        return answer

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


def search(*, first: int, most: int, fits: Callable[[int], bool]) -> int:
    """The largest number from 1 to `most` that fits, 0 where none does; it is tried, and so is the next one.

    Args:
        first: Tried first; the nearer it is, the fewer are tried.
        fits: Whether one does; whatever is larger than one that does not, does not either.
    """
    low, high = 0, most + 1  # the largest that fits, the smallest that does not
    at, stride = first, max(1, first // GROWTH)
    while True:
        if fits(at):
            low = at
        else:
            high = at
        if high - low <= 1:
            return low
        if low and high <= most:
            at = (low + high) // 2
        else:
            at = min(low + stride, most) if low else max(1, high - stride)
            stride *= 2


def parts_of(images_of_step: int) -> list[int]:
    """The batches of which whole ones make up a step, the largest first."""
    return [images for images in range(images_of_step, 0, -1) if images_of_step % images == 0]


class _Child:
    """A process that answers questions until it fails, or whoever asks is gone."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 (open as long as the child)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which ends it
        )

    def ask(self, question: dict[str, Any], *, most: int | None) -> dict[str, Any] | str:
        """The answer, or in words how memory ended the process.

        Args:
            most: Bytes of host memory that it may have; it is ended once it has more.

        Raises:
            SpecError: Where something else has ended it.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        itself = psutil.Process(self._process.pid)
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            answer = ""
        else:
            while most is not None and not select.select([self._process.stdout], [], [], LOOK_EVERY)[0]:
                if itself.memory_info().rss > most:
                    self._process.kill()
                    self._process.wait()
                    return TOO_MUCH
            answer = self._process.stdout.readline()
        if answer:
            return json.loads(answer)
        code = self._process.wait()
        self._said.seek(0)
        said = self._said.read()
        if code == -signal.SIGKILL:
            return "killed by the system, most often for memory"
        if any(each in said for each in ALLOCATORS):
            return "the process ended for want of memory"
        if code < 0:
            what = f"one with {question.get('images')} images ended its process with {signal.Signals(-code).name}"
            how = "most often a fault of a library: train.threads_per_process = 1 may go round it"
            raise SpecError.one(f"no more steps can be tried: {what}, {how}", path="model", kind="environment")
        last = said.strip().splitlines()[-1:] or [f"exit code {code}"]
        raise SpecError.one(f"a training step fails: {last[0]}", path="model")

    def end(self) -> None:
        """End the process at once, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                stream.close()
