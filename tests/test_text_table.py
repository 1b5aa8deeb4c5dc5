import io
import sys

from specdet.text_table import print_table

ROWS = [("a", "1"), ("long name", "22")]


def test_elsewhere_than_on_a_terminal_columns_are_aligned(capsys):
    print_table(("name", "n"), ROWS)
    assert capsys.readouterr().out.splitlines() == ["name       n", "a          1", "long name  22"]


def test_nothing_moves_the_cursor(capsys):
    print_table(("name",), [("\x1b[31mred\r\n",)])
    assert capsys.readouterr().out == "name\n\\x1b[31mred\\r\\n\n"


def test_a_terminal_gets_colors_and_no_markup(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_table(("name", "state"), [("[bold]x[/bold]", "failed")], styles={"failed": "red"})
    assert "[bold]x[/bold]" in screen.getvalue() and "\x1b[31mfailed" in screen.getvalue()
