"""specs/REFERENCE.md is what the spec classes say now."""

from pathlib import Path

from specdet.cli import main

REFERENCE = Path(__file__).resolve().parents[2] / "specs" / "REFERENCE.md"


def test_the_committed_reference_is_what_explain_prints(capsys):
    assert main(["explain", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert REFERENCE.read_text(encoding="utf-8") == printed, (
        "write it anew: specdet explain --markdown > specs/REFERENCE.md"
    )
