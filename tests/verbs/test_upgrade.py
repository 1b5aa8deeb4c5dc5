import pytest

from specdet.cli import main
from specdet.spec.compose import shipped_specs
from specdet.spec.editing.upgrade import Migration
from specdet.verbs.upgrade import upgrade_file

STEPS = {1: Migration(line="a is called b", apply=lambda file: file.rename(("a",), "b") if file.get(("a",)) else file)}


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.toml"
    path.write_text("spec = 1 # old\na = 1 # a\n")
    return path


def test_a_file_is_upgraded_and_then_current(old, capsys):
    assert upgrade_file(old, write=True, unsaid=None, migrations=STEPS, current=2) == 0
    assert old.read_text() == "spec = 2 # old\nb = 1 # a\n"
    assert upgrade_file(old, write=True, unsaid=None, migrations=STEPS, current=2) == 0
    assert old.read_text() == "spec = 2 # old\nb = 1 # a\n"
    said = capsys.readouterr()
    assert said.out == f"{old}: upgraded from version 1 to 2\n  a is called b\n{old}: current (version 2)\n"
    assert not said.err


def test_check_writes_nothing_and_says_so_with_1(old, capsys):
    assert upgrade_file(old, write=False, unsaid=None, migrations=STEPS, current=2) == 1
    assert old.read_text() == "spec = 1 # old\na = 1 # a\n"
    assert f"{old}: would be upgraded from version 1 to 2" in capsys.readouterr().out


def test_a_base_is_upgraded_where_its_version_is_given(tmp_path, capsys):
    base = tmp_path / "base.toml"
    base.write_text("a = 1\n")
    assert upgrade_file(base, write=True, unsaid=None, migrations=STEPS, current=2) == 0
    assert "left alone: it does not say its version" in capsys.readouterr().out
    assert base.read_text() == "a = 1\n"
    assert upgrade_file(base, write=True, unsaid=1, migrations=STEPS, current=2) == 0
    assert base.read_text() == "b = 1\nspec = 2\n"


def test_every_shipped_spec_is_current_or_says_no_version(capsys):
    paths = sorted(shipped_specs().rglob("*.toml"))
    assert main(["upgrade", "--check", *map(str, paths)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(paths)
    for path, line in zip(paths, said, strict=True):
        says = "\nspec = " in path.read_text()
        assert line.startswith(f"{path}: {'current' if says else 'left alone'}")


def test_each_file_is_upgraded_or_says_why_not(tmp_path, old, capsys):
    newer, broken = tmp_path / "newer.toml", tmp_path / "broken.toml"
    newer.write_text("spec = 99\n")
    broken.write_text("spec = = 1\n")
    assert main(["upgrade", *map(str, (newer, broken, tmp_path / "none.toml", tmp_path, old))]) == 1
    said = capsys.readouterr()
    assert said.out == f"{old}: current (version 1)\n"
    lines = said.err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"{newer}: spec: written for version 99")
    assert lines[0].endswith("update specdet")
    assert lines[1].startswith(f"{broken}:1:8: ")
    assert lines[2] == f"{tmp_path / 'none.toml'}: no such file"
    assert lines[3].startswith(f"{tmp_path}: is a folder")


@pytest.mark.parametrize("version", ["0", "99"])
def test_an_unknown_version_is_wrong_usage(old, version, capsys):
    assert main(["upgrade", "--from", version, str(old)]) == 2
    assert f"--from {version}: this specdet knows the versions 1 to 1" in capsys.readouterr().err
