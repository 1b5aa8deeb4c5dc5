import errno
import os
import stat

import pytest

from specdet.spec import SpecError
from specdet.spec.editing.edit import SpecFile

OLD, NEW = b"a = 1\n", b"a = 2\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_bytes(OLD)
    return path


def changed(path) -> SpecFile:
    return SpecFile.read(path).set(("a",), 2)


def refused(file: SpecFile) -> str:
    with pytest.raises(SpecError) as caught:
        file.save()
    return str(caught.value)


def test_the_new_text_is_saved_and_can_be_edited_on(path):
    saved = changed(path).save()
    assert path.read_bytes() == NEW
    saved.set(("a",), 3).save()
    assert path.read_bytes() == b"a = 3\n"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa = 1\r\nb = 'x'", b"", b"a = = 1\n", "ä = 1".encode()])
def test_what_is_read_is_saved_byte_for_byte(path, content):
    path.write_bytes(content)
    SpecFile.read(path).save()
    assert path.read_bytes() == content


def test_a_byte_order_mark_stays_and_is_no_text(path):
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    file = SpecFile.read(path)
    assert file.text == "a = 1\r\n"
    file.set(("b",), 2).save()
    assert path.read_bytes() == b"\xef\xbb\xbfa = 1\r\nb = 2\r\n"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_the_mode_stays(path, mode):
    path.chmod(mode)
    changed(path).save()
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_mode_of_any_other(path):
    old = os.umask(0o027)
    try:
        SpecFile.new(path.with_name("new.toml"), "").save()
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.with_name("new.toml").stat().st_mode) == 0o640


def test_a_link_stays_a_link(path, tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link.toml"
    link.symlink_to("../spec.toml")
    changed(link).save()
    assert link.is_symlink()
    assert path.read_bytes() == NEW


def test_a_file_that_was_changed_meanwhile_is_left_alone(path):
    file = changed(path)
    path.write_bytes(b"a = 9\n")
    assert refused(file) == f"{path}: was changed meanwhile: reload it"
    assert path.read_bytes() == b"a = 9\n"


def test_a_file_that_is_changed_during_the_save_is_left_alone(path, monkeypatch):
    file = changed(path)
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (path.write_bytes(b"a = 9\n"), fsync(descriptor)))
    assert "was changed meanwhile" in refused(file)
    assert [each.read_bytes() for each in path.parent.iterdir()] == [b"a = 9\n"]


def test_a_file_that_was_deleted_meanwhile_does_not_come_back(path):
    file = changed(path)
    path.unlink()
    assert "was deleted meanwhile" in refused(file)
    assert not list(path.parent.iterdir())


def test_a_new_file_overwrites_nothing(path, tmp_path):
    assert refused(SpecFile.new(path, "")) == f"{path}: exists already: it is not overwritten"
    link = tmp_path / "link.toml"
    link.symlink_to("nowhere.toml")
    assert "exists already" in refused(SpecFile.new(link, ""))
    assert path.read_bytes() == OLD
    assert not (tmp_path / "nowhere.toml").exists()


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_new_file_overwrites_nothing_that_appears_during_the_save(tmp_path, monkeypatch, links):
    new, fsync = tmp_path / "new.toml", os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (new.write_bytes(OLD), fsync(descriptor)))
    if not links:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    assert "exists already" in refused(SpecFile.new(new, "a = 2\n"))
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [OLD]


def test_a_file_system_without_links_takes_new_files_too(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    SpecFile.new(tmp_path / "new.toml", "a = 2\n").save()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [NEW]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    assert f"the folder {tmp_path / 'no'} does not exist" in refused(SpecFile.new(tmp_path / "no" / "a.toml", ""))


def test_a_file_is_no_folder(path):
    assert f"the folder {path} does not exist" in refused(SpecFile.new(path / "a.toml", ""))


def failing(code: int):
    def fail(*arguments, **keywords):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize(("call", "code"), [("fsync", errno.ENOSPC), ("replace", errno.EACCES), ("chmod", errno.EPERM)])
def test_whatever_fails_the_old_text_is_there_and_nothing_else(path, monkeypatch, call, code):
    file = changed(path)
    monkeypatch.setattr(os, call, failing(code))
    assert f"{path}: cannot be saved in {path.parent}: {os.strerror(code)}" == refused(file)
    assert [each.read_bytes() for each in path.parent.iterdir()] == [OLD]


def test_a_folder_that_cannot_be_written_in_is_a_sentence(path, monkeypatch):
    file = changed(path)
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    assert "cannot be saved in" in refused(file)
    assert path.read_bytes() == OLD


def test_a_read_only_file_is_not_replaced(path, monkeypatch):
    file = changed(path)
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    assert "is read-only" in refused(file)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize(("make", "said"), [("mkdir", "is a folder"), ("none", "no such file"), ("latin", "not UTF-8")])
def test_what_is_no_text_file_is_not_read(tmp_path, make, said):
    path = tmp_path / "x.toml"
    if make == "mkdir":
        path.mkdir()
    elif make == "latin":
        path.write_bytes(b"a = '\xe4'")
    with pytest.raises(SpecError, match=said) as caught:
        SpecFile.read(path)
    assert str(caught.value).startswith(str(path))
