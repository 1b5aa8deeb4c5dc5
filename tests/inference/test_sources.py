import pytest

from specdet.inference.sources import find_sources
from specdet.spec import SpecError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("a.jpg", "b.PNG", "notes.txt", "clip.mp4", "sub/a.png", "sub/deep/c.webp", ".hidden/d.jpg"):
        (tmp_path / "shots" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "shots" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shots"


def names(*given):
    return [each.name.as_posix() for each in find_sources(given)]


def test_a_folder_means_its_images_and_videos_and_those_below(folder):
    assert names("shots") == ["a.jpg", "b.PNG", "clip.mp4", "sub/a.png", "sub/deep/c.webp"]
    assert [each.is_video for each in find_sources(["shots"])] == [False, False, True, False, False]


def test_a_pattern_means_what_fits(folder):
    assert names("shots/*.jpg") == ["a.jpg"]
    assert names("shots/**/*.png") == ["a.png"]


def test_files_of_one_name_are_told_apart(folder):
    assert names("shots/a.jpg", "shots/sub/a.png") == ["a.jpg", "a-2.png"]
    assert names("shots/a.jpg", "shots/a.jpg", "shots/*.jpg") == ["a.jpg"]  # one file, once


def test_a_file_of_any_name_is_taken(folder):
    assert names("shots/notes.txt") == ["notes.txt"]


def test_all_that_is_not_there_is_told_at_once(folder):
    (folder / "empty").mkdir()
    with pytest.raises(SpecError) as raised:
        find_sources(["shots/none.jpg", "shots", "shots/*.gif", "shots/empty"])
    assert str(raised.value) == (
        "shots/none.jpg does not exist; shots/*.gif fits no file; shots/empty has no image in it"
    )
