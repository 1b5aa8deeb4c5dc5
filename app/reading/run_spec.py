"""The spec of a run: resolved, as it was written, and how it differs from the defaults."""

from pathlib import Path

import attrs

from app.editing.checked import check_text
from app.editing.differences import Difference, from_defaults
from app.editing.form_of import form_of
from app.reading.origin import text_of
from specdet.runs.launch_command import SPEC
from specdet.runs.submit import SOURCE


@attrs.frozen(kw_only=True)
class RunSpec:
    """What a run trains.

    Attributes:
        resolved, source: Texts; empty where there is none.
        differences: From the defaults.
        problem: Why something of that is not known, as a sentence, or empty.
    """

    resolved: str = ""
    source: str = ""
    differences: tuple[Difference, ...] = ()
    problem: str = ""


def read_spec(directory: Path) -> RunSpec:
    """The spec of the run in `directory`. Raises nothing for what lies there; runs none of its plugins."""
    texts: dict[str, str] = {}
    problem = ""
    for name in (SPEC, SOURCE):
        try:
            texts[name], is_cut = text_of(directory / name)
        except FileNotFoundError:
            continue
        except OSError as error:
            problem = f"{name} cannot be read: {error.strerror or error}"
        else:
            if is_cut:
                problem = f"{name} is long: only its beginning is shown"
    resolved = texts.get(SPEC, "")
    if not resolved or problem:
        return RunSpec(resolved=resolved, source=texts.get(SOURCE, ""), problem=problem or f"there is no {SPEC}")
    checked = check_text(directory / SPEC, resolved)
    return RunSpec(
        resolved=resolved,
        source=texts.get(SOURCE, ""),
        differences=tuple(from_defaults(form_of(checked))),
        problem="; ".join(problem.message for problem in checked.problems[:3]),
    )
