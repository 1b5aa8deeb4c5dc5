from pathlib import Path

import pytest

from app.widgets.toml_editor import Typed, _typed

EDITOR = Path(__file__).parents[3] / "app/widgets/editor"
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "http:", "https:", "fetch(", "eval(", "@import", "url(")


def test_what_a_browser_sends_is_checked():
    assert _typed({"kind": "text", "text": "a", "turn": 1}) == Typed(kind="text", text="a", turn=1)
    for sent in (None, [], {}, {"kind": "run", "text": "a", "turn": 1}, {"kind": "text", "text": 1, "turn": 1}):
        with pytest.raises(ValueError, match="no text"):
            _typed(sent)


@pytest.mark.parametrize("path", sorted(EDITOR.iterdir()), ids=lambda path: path.name)
def test_the_editor_asks_for_nothing_from_elsewhere_and_writes_no_html(path):
    text = path.read_text()
    assert not [word for word in FORBIDDEN if word in text]
