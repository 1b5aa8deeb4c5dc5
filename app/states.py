"""How states of runs look: a sign and a word, so that no colour is needed to tell them apart."""

import attrs

from specdet.runs.status import Derived


@attrs.frozen(kw_only=True)
class Look:
    """How a state is shown.

    Attributes:
        icon: For Streamlit, as ":material/...:".
        sign: One character, for tables.
        color: Of Streamlit's badges.
    """

    icon: str
    sign: str
    color: str


LOOKS: dict[Derived, Look] = {
    "queued": Look(icon=":material/hourglass_empty:", sign="⏳", color="gray"),
    "starting": Look(icon=":material/rocket_launch:", sign="↗", color="blue"),
    "running": Look(icon=":material/play_circle:", sign="▶", color="green"),
    "stopping": Look(icon=":material/pause_circle:", sign="⏸", color="orange"),
    "finished": Look(icon=":material/check_circle:", sign="✓", color="blue"),
    "stopped": Look(icon=":material/stop_circle:", sign="■", color="gray"),
    "failed": Look(icon=":material/error:", sign="✗", color="red"),
    "orphaned": Look(icon=":material/link_off:", sign="⚠", color="orange"),
    "stalled": Look(icon=":material/warning:", sign="⚠", color="orange"),
    "lost": Look(icon=":material/question_mark:", sign="?", color="red"),
    "remote": Look(icon=":material/lan:", sign="⇄", color="violet"),
}
