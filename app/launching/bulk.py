"""Bulk: one thing done to many runs, where each may refuse for a reason of its own."""

from collections.abc import Callable, Iterable
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        done: The ids of those that it was done to.
        refused: Why not, by id.
    """

    done: tuple[str, ...] = ()
    refused: dict[str, str] = attrs.field(factory=dict)

    def sentence(self, did: str) -> str:
        """What was done ("archived"), and to which or how many; empty where nothing was."""
        if not self.done:
            return ""
        return f"{self.done[0] if len(self.done) == 1 else f'{len(self.done)} runs'}: {did}"

    @property
    def refusals(self) -> list[str]:
        """Why others were not."""
        return [f"{run}: {why}" for run, why in self.refused.items()]


def each(runs: Iterable[str], act: Callable[[str], Any]) -> Outcome:
    """Do `act` to each run; what a ValueError (as SpecError is one) or an OSError says is why it was not done."""
    done: list[str] = []
    refused: dict[str, str] = {}
    for run in runs:
        try:
            act(run)
        except ValueError as error:
            refused[run] = str(error)
        except OSError as error:
            refused[run] = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        else:
            done.append(run)
    return Outcome(done=tuple(done), refused=refused)
