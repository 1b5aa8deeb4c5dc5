"""What `specdet check` says of bad specs, word for word.

Each spec of `bad_specs` says at its top where it is wrong, one line a problem: `# wrong: LINE:COLUMN PATH`, for a key
or a value of this file; `FILE:LINE:COLUMN` for one of a base; LINE alone for what is not TOML; `-` for what is written
nowhere. A missing key is told at the header of the table that lacks it. Those places are found by eye. Beside each spec
stands what the check is to print, which somebody has read and found good.
"""

import re
from pathlib import Path

import pytest

from specdet import load
from specdet.cli import main
from specdet.spec import Problem, SpecError
from specdet.spec.compose import shipped_specs

FOLDER = Path(__file__).resolve().parent / "bad_specs"
SPECS = sorted(FOLDER.glob("*.toml"))
WRONG = re.compile(r"# wrong: (?:-|(?:(?P<file>[\w./]+\.toml):)?(?P<line>\d+)(?::(?P<column>\d+))?)(?: (?P<path>.+))?")


@pytest.fixture(autouse=True)
def stand_beside_the_specs(monkeypatch, tmp_path):
    monkeypatch.chdir(FOLDER)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))  # nothing is trusted


def named(file: str | Path) -> str:
    """A path, or a text with paths, as it is on every machine."""
    return str(file).replace(f"{FOLDER}/", "").replace(f"{shipped_specs()}/", "specdet:")


def expected_places(spec: Path) -> list[tuple[str, ...]]:
    """(file, line, column, path) of each problem that the spec says it has; empty texts where it says nothing."""
    found = []
    for line in spec.read_text(encoding="utf-8", errors="replace").splitlines():
        if not (match := WRONG.fullmatch(line)):
            return found
        said = match.groupdict(default="")
        found.append((said["file"] or spec.name, said["line"], said["column"], said["path"]))
    return found


def place_of(problem: Problem, *, by_line: bool) -> tuple[str, ...]:
    """The same of a problem that was found."""
    assert problem.origin.file is not None, problem
    place = problem.place
    line, column = (str(place.line), str(place.column)) if place else ("", "")
    return named(problem.origin.file), line, "" if by_line else column, problem.path


def test_every_bad_spec_has_its_report_and_every_report_its_spec():
    assert len(SPECS) == 45
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in SPECS}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_each_problem_is_found_where_a_reader_finds_it(spec):
    with pytest.raises(SpecError) as caught:
        load(spec)
    expected = expected_places(spec)
    by_line = all(not column for _, _, column, _ in expected)
    assert sorted(place_of(problem, by_line=by_line) for problem in caught.value.problems) == sorted(expected)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_the_report_reads_as_it_should(spec, capsys):
    code = main(["check", spec.name])
    said = capsys.readouterr()
    assert named(said.err + said.out) == spec.with_suffix(".txt").read_text(encoding="utf-8")
    assert code == (3 if "not-trusted" in spec.name else 1)  # trust is a matter of the machine, not of the spec
