import json
import multiprocessing
import os
import shutil
import time
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specdet.data import annotation_index
from specdet.data.annotation_index import SUFFIX, SWITCH, index_folder
from specdet.data.coco import read_coco
from specdet.data.findings import Findings
from specdet.spec import SpecError
from tests.data.conftest import CocoFolder

SQUARE = [[2, 2, 20, 2, 20, 20, 2, 20]]


@pytest.fixture(autouse=True)
def indexed_at_once(monkeypatch, tmp_path):
    """Files of any size and age have an index, in a folder of the test's own."""
    monkeypatch.setattr(annotation_index, "LARGE", 0)
    monkeypatch.setattr(annotation_index, "COARSEST_CLOCK", -(10**12))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def reads(monkeypatch):
    """The annotation files that were read, one after the other."""
    import specdet.data.coco as module

    done: list[Path] = []
    load = module._load
    monkeypatch.setattr(module, "_load", lambda path, findings: [done.append(path), load(path, findings)][1])
    return done


def indexes() -> list[Path]:
    return sorted(index_folder().glob(f"*{SUFFIX}")) if index_folder().is_dir() else []


def assert_same(ours, theirs):
    assert ours.classes == theirs.classes
    assert len(ours) == len(theirs)
    for index in range(len(ours)):
        for name, value in attrs.asdict(theirs.record(index)).items():
            found = getattr(ours.record(index), name)
            assert np.array_equal(found, value) if isinstance(value, np.ndarray) else found == value, name


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_of_the_index_are_those_of_the_file(coco, reads, data):
    shutil.rmtree(index_folder(), ignore_errors=True)
    number = st.floats(0, 30, width=32)
    item = st.fixed_dictionaries(
        {"image_id": st.sampled_from([3, 13, 23]), "category_id": st.sampled_from([2, 9]),
         "bbox": st.tuples(number, number, number, number).map(list), "iscrowd": st.just(0),
         "area": st.floats(1, 900), "segmentation": st.sampled_from([SQUARE, [], [[1, 1, 9, 1, 9, 30]]])}
    )  # fmt: skip
    coco.data["annotations"] = [{**each, "id": n} for n, each in enumerate(data.draw(st.lists(item, max_size=6)), 1)]
    coco.write()
    spec = coco.spec(
        classes=data.draw(st.sampled_from([(), ("cat",), ("cat", "dog")])), filter_empty=data.draw(st.booleans())
    )
    wanted = {"training": data.draw(st.booleans()), "masks": data.draw(st.booleans())}
    first, second = Findings("here"), Findings("here")
    theirs = read_coco(spec, **wanted, findings=first)
    reads.clear()
    ours = read_coco(spec, **wanted, findings=second)
    assert bool(reads) == first.any_wrong
    assert_same(ours, theirs)
    assert second.found == first.found


def test_warnings_are_given_each_time(coco, reads, caplog):
    coco.data["annotations"][0]["bbox"] = [10, 5, 0, 30]
    coco.write()
    for _ in range(2):
        caplog.clear()
        read_coco(coco.spec(), training=False)
        assert len(caplog.messages) == 1
        assert "annotation 5 of 0.png" in caplog.text
    assert len(reads) == 1


def test_what_changes_the_records_has_an_index_of_its_own(coco, reads):
    for _ in range(2):
        assert len(read_coco(coco.spec(), training=False)) == 3
        assert len(read_coco(coco.spec(), training=True)) == 1
        assert read_coco(coco.spec(classes=("cat",)), training=False).classes == ("cat",)
        assert read_coco(coco.spec(rename={"cat": "tiger"}), training=False).classes == ("dog", "tiger")
        assert len(read_coco(coco.spec(first=2), training=False)) == 2
    assert len(reads) == len(indexes()) == 5


def test_another_version_of_the_code_reads_anew(coco, reads, monkeypatch):
    read_coco(coco.spec(), training=False)
    monkeypatch.setattr(annotation_index, "_code", lambda: "later")
    read_coco(coco.spec(), training=False)
    assert len(reads) == 2


def test_a_file_rewritten_with_its_size_and_time_is_read_anew(coco):
    before = coco.file.stat()
    read_coco(coco.spec(), training=False)
    coco.data["annotations"][0]["bbox"][0] = 11  # for 10
    with coco.file.open("r+") as file:  # the same inode
        file.write(json.dumps(coco.data))
    os.utime(coco.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = coco.file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert read_coco(coco.spec(), training=False).record(0).boxes[0, 0] == 11


def test_a_copy_with_the_same_content_needs_no_reading(coco, reads):
    read_coco(coco.spec(), training=False)
    content = coco.file.read_bytes()
    coco.file.unlink()
    coco.file.write_bytes(content)
    read_coco(coco.spec(), training=False)
    assert len(reads) == 1


def test_no_index_is_written_of_a_file_that_has_just_changed(coco, monkeypatch):
    monkeypatch.setattr(annotation_index, "COARSEST_CLOCK", 10**12)
    read_coco(coco.spec(), training=False)
    assert not indexes()


def test_no_index_is_written_of_a_file_that_changes_while_it_is_read(coco, monkeypatch):
    digest = annotation_index._digest

    def changed(file):
        found = digest(file)
        coco.data["annotations"].pop()
        coco.write()
        return found

    monkeypatch.setattr(annotation_index, "_digest", changed)
    assert len(read_coco(coco.spec(), training=False).record(0).labels) == 2
    assert not indexes()


def test_the_list_of_images_counts_as_well(coco, tmp_path):
    listed = tmp_path / "list.txt"
    for name, image_id in (("0", 3), ("1", 13)):
        listed.write_text(f"{name}\n")
        assert read_coco(coco.spec(image_list=listed), training=False).record(0).image_id == image_id


@pytest.mark.parametrize("folder", ["", "part/"])
def test_an_image_that_has_gone_is_found(coco, folder):
    if folder:
        (coco.images / folder).mkdir()
        (coco.images / "2.png").rename(coco.images / folder / "2.png")
    coco.data["images"][2]["file_name"] = f"{folder}2.png"
    coco.write()
    spec = coco.spec()
    read_coco(spec, training=True)  # which has no use for the third image, but reads of it
    read_coco(spec, training=True)
    (coco.images / f"{folder}2.png").unlink()
    with pytest.raises(SpecError, match="image files that do not exist"):
        read_coco(spec, training=True)


def test_sizes_that_only_the_images_have_are_read_each_time(coco):
    del coco.data["images"][0]["width"]
    coco.write()
    read_coco(coco.spec(), training=False)
    assert not indexes()


def test_what_opens_the_images_or_may_not_open_files_uses_no_index(coco, reads):
    for _ in range(2):
        read_coco(coco.spec(), training=False, headers=True)
        read_coco(coco.spec(), training=False, findings=Findings("here", folders=[coco.images.parent]))
    assert len(reads) == 4
    assert not indexes()


def test_it_can_be_turned_off(coco, monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    read_coco(coco.spec(), training=False)
    assert not indexes()


def damage(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    "spoil",
    [
        damage,
        lambda file: file.write_bytes(file.read_bytes()[:-64]),
        lambda file: file.write_bytes(b""),
        lambda file: file.chmod(0o666),
        lambda file: (file.rename(file.with_suffix(".x")), file.symlink_to(file.with_suffix(".x"))),
    ],
)
def test_an_index_that_cannot_be_trusted_is_replaced(coco, reads, spoil, caplog):
    theirs = read_coco(coco.spec(), training=False)
    spoil(indexes()[0])
    with caplog.at_level("DEBUG", logger="specdet.data"):
        assert_same(read_coco(coco.spec(), training=False), theirs)
    assert "not used as an index" in caplog.text
    assert not [each for each in caplog.records if each.levelname != "DEBUG"]
    assert_same(read_coco(coco.spec(), training=False), theirs)
    assert len(reads) == 2


def test_a_folder_that_others_may_write_to_is_not_used(coco, reads):
    read_coco(coco.spec(), training=False)
    assert index_folder().stat().st_mode & 0o777 == 0o700
    index_folder().chmod(0o777)
    read_coco(coco.spec(), training=False)
    assert len(reads) == 2


def test_where_nothing_can_be_kept_the_file_is_read(coco, tmp_path, monkeypatch):
    (tmp_path / "no-folder").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-folder"))
    for _ in range(2):
        assert len(read_coco(coco.spec(), training=False)) == 3


def test_old_indexes_are_removed(coco, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    gone = CocoFolder(other)
    read_coco(gone.spec(), training=False)
    read_coco(coco.spec(), training=False)
    read_coco(coco.spec(first=1), training=False)
    unused = {*indexes()}
    assert len(unused) == 3
    gone.file.unlink()
    for path in unused:
        os.utime(path, (time.time() - annotation_index.UNUSED / 2,) * 2)
    read_coco(coco.spec(first=1), training=False)  # is used
    read_coco(coco.spec(first=2), training=False)
    assert len({*indexes()} & unused) == 2
    for path in {*indexes()} & unused:
        os.utime(path, (time.time() - annotation_index.UNUSED - 60,) * 2)
    read_coco(coco.spec(first=3), training=False)
    assert len(indexes()) == 2  # of first = 2 and first = 3


def read_often(spec, queue):
    for _ in range(20):
        for path in indexes():
            path.unlink(missing_ok=True)
        queue.put([read_coco(spec, training=False).record(0).boxes.tolist() for _ in range(2)])


def test_two_processes_may_write_and_remove_at_once(coco):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=read_often, args=(coco.spec(), queue)) for _ in range(2)]
    for process in processes:
        process.start()
    found = [queue.get(timeout=60) for _ in range(40)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert found == [[[[10, 5, 30, 35], [50.5, 30, 60, 40]]] * 2] * 40
    assert not [*index_folder().glob(".*.tmp")]


def test_processes_share_what_is_mapped(coco):
    """A process that has gone through all records has added under 5 % of their memory to that of the first."""
    count = 100_000
    image = coco.data["images"][0]
    coco.data["images"] = [
        {**image, "id": number, "file_name": "0.png" if not number else f"{number}.png"} for number in range(count)
    ]
    coco.data["annotations"] = [
        {"id": number + 1, "image_id": number % count, "category_id": 2, "bbox": [1, 2, 20, 20]}
        for number in range(4 * count)
    ]
    coco.write()
    for number in range(count):
        os.close(os.open(coco.images / f"{number}.png", os.O_CREAT | os.O_WRONLY))
    read_coco(coco.spec(), training=False)
    fresh = multiprocessing.get_context("spawn")  # what this process has freed would be copied as well
    here, there = fresh.Pipe()
    process = fresh.Process(target=fork_and_go_through, args=(coco.spec(), there))
    process.start()
    rows, memory, added = here.recv()
    process.join()
    assert rows == 4 * count
    assert added < 0.05 * memory, (added, memory)


def fork_and_go_through(spec, out):
    reader = read_coco(spec, training=False)
    memory = sum(column.nbytes for column in reader.table.arrays().values())

    def go_through():
        for number in range(len(reader)):
            Path(f"{number}.x")  # pathlib fills the interpreter's table of names, whose size is not that of the data
        before = private()
        rows = sum(len(reader.record(index).labels) for index in range(len(reader)))
        out.send((rows, memory, private() - before))

    process = multiprocessing.get_context("fork").Process(target=go_through)
    process.start()
    process.join()


def private() -> int:
    """Bytes of memory that this process alone has."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_"))
