"""toml_editor: a text area for TOML with line numbers, colours and marks where something is wrong.

What is typed comes to Python some 300 ms after the last key; what Python makes of it comes back only once the browser
has nothing newer, so that nobody's typing is overwritten. What the browser runs is in `editor/`; it asks for nothing
from elsewhere, and puts text into the page as text alone.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import streamlit as st
from streamlit.components.v2 import component

HTML = """
<div class="editor">
  <div class="lines"><div class="numbers" aria-hidden="true"></div></div>
  <div class="page">
    <pre class="colours" aria-hidden="true"></pre>
    <textarea spellcheck="false" autocomplete="off" autocapitalize="off" wrap="off"></textarea>
  </div>
</div>
<div class="said" role="status"></div>
"""

_HERE = Path(__file__).with_name("editor")
_component = component(
    "specdet_toml_editor",
    html=HTML,
    css=(_HERE / "editor.css").read_text(encoding="utf-8"),
    js=(_HERE / "editor.js").read_text(encoding="utf-8"),
)


@attrs.frozen(kw_only=True)
class Mark:
    """Something to tell at a line: from `column` to before `end`, counted from 1."""

    line: int
    column: int
    end: int
    text: str


@attrs.frozen(kw_only=True)
class Typed:
    """What came from the browser.

    Attributes:
        kind: A text, or the wish to undo or redo a step.
        text: The text; its lines end with a line feed alone.
        turn: Counts what the browser sends; it is given back with the next text.
    """

    kind: Literal["text", "undo", "redo"]
    text: str
    turn: int


def toml_editor(
    text: str,
    *,
    key: str,
    turn: int,
    marks: Sequence[Mark] = (),
    go_to: tuple[int, int, bool] = (0, 0, False),
    fixed: bool = False,
    on_typed: Callable[[Typed], None],
) -> None:
    """An editor.

    Args:
        text: What it is to show.
        key: Of the widget.
        turn: That of the last `Typed`; 0 before the first.
        marks: What to tell at lines.
        go_to: A line to show, a number that differs each time it is to be shown, and whether the caret goes there.
        fixed: Whether it cannot be changed.
        on_typed: Called before the page runs again.
    """

    def received() -> None:
        sent = getattr(st.session_state.get(key), "sent", None)
        if sent is not None:
            on_typed(_typed(sent))

    data = {
        "text": text.replace("\r\n", "\n").replace("\r", "\n"),
        "turn": turn,
        "marks": [attrs.asdict(mark) for mark in marks],
        "goTo": list(go_to),
        "fixed": fixed,
    }
    _component(key=key, data=data, on_sent_change=received)


def _typed(sent: Any) -> Typed:
    """What the browser sent, checked: a browser can send anything."""
    kind, text, turn = (sent.get(name) if isinstance(sent, dict) else None for name in ("kind", "text", "turn"))
    if kind not in ("text", "undo", "redo") or not isinstance(text, str) or not isinstance(turn, int):
        raise ValueError("the editor sent something that is no text")
    return Typed(kind=kind, text=text, turn=turn)
