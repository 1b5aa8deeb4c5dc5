"""Reading the annotations of a large data set: `python -m tests.benchmarks.annotations [--rounds 5]`.

A COCO file of 118,000 images and 860,000 boxes, about as many as train2017 has, without outlines; the images are empty
files. Each load has a process of its own, and its imports do not count. Ours is loaded for the first time, without an
index, and again, with the one that the first load has left; beside it pycocotools' `COCO()` and a plain `json.load`,
neither of which looks at the image files or at the numbers. Then a loader process is forked, as torch forks them, goes
through the annotations of all images, and says how much memory it has for itself: what is counted is that above a child
that makes as many paths, since Python keeps a table of their names, whose size is not that of the data. The memory of
the first is what loading has added to it.
"""

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.side_by_side import Row, compared, in_turns, print_rows, rows_of

ROOT = Path(__file__).resolve().parents[2]
IMAGES, BOXES, CLASSES = 118_000, 860_000, 80
HOUR_AGO = 3600  # s; of files that have just changed there is no index
FIRST, AGAIN, PYCOCOTOOLS, JSON = "specdet, first", "specdet, again", "pycocotools", "json.load"
FASTER = {PYCOCOTOOLS: 1 / 20}
SHARE = 0.05  # of the first process's memory that another one may take


def write_data(folder: Path, *, images: int, boxes: int) -> None:
    """The JSON file, and an empty file for each image."""
    draw = random.Random(0)
    (folder / "images").mkdir()
    table: dict[str, list[dict[str, Any]]] = {
        "images": [
            {"id": number, "file_name": f"{number:012}.jpg", "height": 480, "width": 640, "license": 1}
            for number in range(1, images + 1)
        ],
        "annotations": [],
        "categories": [{"id": number, "name": f"class {number}"} for number in range(1, CLASSES + 1)],
    }
    for number in range(1, boxes + 1):
        left, top = round(draw.uniform(0, 500), 2), round(draw.uniform(0, 400), 2)
        width, height = round(draw.uniform(8, 120), 2), round(draw.uniform(8, 70), 2)
        table["annotations"].append(
            {
                "id": number,
                "image_id": draw.randint(1, images),
                "category_id": draw.randint(1, CLASSES),
                "bbox": [left, top, width, height],
                "area": round(width * height, 2),
                "iscrowd": 0,
            }
        )
    for image in table["images"]:
        os.close(os.open(folder / "images" / image["file_name"], os.O_CREAT | os.O_WRONLY))
    (folder / "data.json").write_text(json.dumps(table))


def spend(folder: Path, side: str) -> None:
    """In a process of its own: load once, and print how long it took."""
    load, _ = _sides(folder)[side]
    began = time.perf_counter()
    load()
    print(time.perf_counter() - began)


def weigh(folder: Path, side: str) -> None:
    """In a process of its own: load, fork, go through all; print MB that loading took, and that the child takes."""
    load, go_through = _sides(folder)[side]
    before = _private()
    loaded = load()
    first = _private() - before

    def child(work: Callable[[Any], int], out: Any) -> None:
        work(loaded)
        out.send(_private())

    def make_paths(_: Any) -> int:
        return len({len(str(Path(f"{number}.jpg"))) for number in range(IMAGES)})

    fork = multiprocessing.get_context("fork")
    alone = []
    for work in (make_paths, go_through):
        here, there = fork.Pipe()
        process = fork.Process(target=child, args=(work, there))
        process.start()
        alone.append(here.recv())
        process.join()
    print(first / 1e6, max(alone[1] - alone[0], 0) / 1e6)


def _sides(folder: Path) -> dict[str, tuple[Callable[[], Any], Callable[[Any], int]]]:
    """How each is loaded, and how all of its annotations are looked at, image by image; their number comes back."""
    file = folder / "data.json"

    from pycocotools.coco import COCO

    from specdet.data.build import build_dataset
    from specdet.data.dataset import DetectionDataset  # loads torch

    table = {"type": "Coco", "images": str(folder / "images"), "annotations": str(file)}

    def ours() -> DetectionDataset:
        return build_dataset(table, transforms={}, seed=0, training=True)

    def look(dataset: DetectionDataset) -> int:
        return sum(len(dataset.reader.record(index).labels) for index in range(len(dataset)))

    def look_at_coco(coco: Any) -> int:
        return sum(len([each["bbox"] for each in coco.imgToAnns[image]]) for image in coco.getImgIds())

    def look_at_table(table: Mapping[str, Any]) -> int:
        return len([each["bbox"] for each in table["annotations"]]) + len([each["id"] for each in table["images"]])

    def plain() -> Any:
        with file.open() as opened:
            return json.load(opened)

    return {
        FIRST: (ours, look),
        AGAIN: (ours, look),
        PYCOCOTOOLS: (partial(COCO, str(file)), look_at_coco),
        JSON: (plain, look_at_table),
    }


def _private() -> int:
    """Bytes of memory that this process alone has, or shares with those that map the same file."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _told(what: str, side: str, *, folder: Path) -> list[float]:
    """The numbers that a process prints last."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    if side == FIRST:
        for index in (folder / "cache").glob("specdet/annotations/*"):
            index.unlink()
    command = [sys.executable, "-m", "tests.benchmarks.annotations", "--child", what, side, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.splitlines()[-1].split()]


def rows(*, rounds: int = 5, images: int = IMAGES, boxes: int = BOXES) -> Iterable[Row]:
    """Both loads of ours beside each peer, then memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder, images=images, boxes=boxes)
        then = time.time() - HOUR_AGO
        os.utime(folder / "data.json", (then, then))
        time.sleep(2.5)  # until the status of the file is old enough for an index
        _told("spend", FIRST, folder=folder)
        assert list((folder / "cache").glob("specdet/annotations/*")), "the first load leaves an index"

        def load(side: str) -> float:
            return _told("spend", side, folder=folder)[0]

        taken = in_turns({side: partial(load, side) for side in (FIRST, AGAIN, PYCOCOTOOLS, JSON)}, rounds=rounds)
        peers = {side: taken[side] for side in (PYCOCOTOOLS, JSON)}
        yield from rows_of({FIRST: taken[FIRST], **peers}, work="first load", ours=FIRST)
        yield from rows_of({AGAIN: taken[AGAIN], **peers}, work="second load", ours=AGAIN, targets=FASTER)
        memory = {side: [_told("weigh", side, folder=folder) for _ in range(2)] for side in (AGAIN, PYCOCOTOOLS, JSON)}
        yield from _memory_rows(memory)


def _memory_rows(memory: Mapping[str, Sequence[Sequence[float]]]) -> Iterable[Row]:
    work = "memory of a process"
    for peer in (PYCOCOTOOLS, JSON):
        pairs = [(ours[0], its[0]) for ours, its in zip(memory[AGAIN], memory[peer], strict=True)]
        yield compared(pairs, work=f"{work}, the first", peer=peer, unit="MB")
    for peer in (PYCOCOTOOLS, JSON):
        pairs = [(ours[1], its[1]) for ours, its in zip(memory[AGAIN], memory[peer], strict=True)]
        yield compared(pairs, work=f"{work}, another", peer=peer, unit="MB")
    own = [(another, first) for first, another in memory[AGAIN]]
    yield compared(own, work=f"{work}, another", peer="our first", target=SHARE, unit="MB")


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--boxes", type=int, default=BOXES)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        what, side, folder = arguments.child
        {"spend": spend, "weigh": weigh}[what](Path(folder), side)
        return
    print_rows(rows(rounds=max(arguments.rounds, 2), images=arguments.images, boxes=arguments.boxes))


if __name__ == "__main__":
    main()
