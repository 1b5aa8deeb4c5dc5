"""`specdet runs`: the runs of a folder, the newest first; `specdet runs prune`: what of them can go."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from specdet.exit_codes import OK, WRONG_SPEC, WRONG_USAGE
from specdet.runs.directory import runs_root
from specdet.runs.filters import Filter, in_order, since
from specdet.runs.index import list_runs
from specdet.runs.status import STATES, RunStatus
from specdet.runs.words import byte_count, duration, main_metric, measured

ON_A_TERMINAL = 50  # rows, unless asked for others
STYLES = {"running": "green", "finished": "blue", "failed": "red", "lost": "red", "stalled": "yellow",
          "orphaned": "yellow", "queued": "dim", "stopped": "dim"}  # fmt: skip
COLUMNS = ("run", "name", "state", "try", "iter", "left", "metric", "tags", "about")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="where the runs lie, instead of $SPECDET_RUNS")
    parser.add_argument("--state", type=_states, default=(), metavar="STATE,...", help=f"only {', '.join(STATES)}")
    parser.add_argument("--tag", action="append", default=[], help="only those with this tag; may be repeated")
    parser.add_argument("--name", default="", metavar="PART", help="only those with this in their name or id")
    parser.add_argument("--since", type=_since, default=0.0, metavar="WHEN",
                        help="only those made since: 3d, 12h, 30m, 2w, or a date as 2026-01-31")  # fmt: skip
    parser.add_argument("--sort", default="created", metavar="KEY",
                        help="created, updated, name, state, or a metric; the latest and best first")  # fmt: skip
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument("--metric", default="", metavar="NAME", help="show this metric")
    parser.add_argument("--all", action="store_true", help="the archived ones too")
    parser.add_argument("-n", "--limit", type=int, metavar="N",
                        help=f"at most so many, 0 for all; on a terminal {ON_A_TERMINAL} unless given")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print a JSON array of all that is known")
    actions = parser.add_subparsers(dest="action", metavar="prune")
    prune = actions.add_parser(
        "prune",
        help="remove checkpoints that nobody needs",
        description="Remove the checkpoints of runs that have ended, but for the newest and the best of each, "
        "and what has lain in the trash for 30 days.",
    )
    prune.add_argument("--keep-last", type=_count, default=1, metavar="N", help="keep the newest N of each run")
    prune.add_argument("--older-than", type=float, default=0.0, metavar="DAYS", help="only of runs that ended before")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")


def run(arguments: argparse.Namespace) -> int:
    """Print the runs, or prune them."""
    root = (arguments.root or runs_root()).absolute()
    if arguments.action == "prune":
        return _prune(root, arguments)
    wanted = Filter(states=arguments.state, tags=arguments.tag, name=arguments.name, since=arguments.since,
                    archived=arguments.all)  # fmt: skip
    try:
        found = in_order(wanted.of(list_runs(root)), arguments.sort, reverse=arguments.reverse)
    except ValueError as error:
        print(f"{error} to sort by", file=sys.stderr)
        return WRONG_USAGE
    on_terminal = sys.stdout.isatty() and not arguments.json
    limit = arguments.limit if arguments.limit is not None else ON_A_TERMINAL * on_terminal
    shown = found[:limit] if limit > 0 else found
    if arguments.json:
        _print_json(root, shown)
        return OK
    if not shown:
        print(f"no such run in {root}" if root.is_dir() else f"no runs yet: {root} does not exist", file=sys.stderr)
        return OK
    from specdet.text_table import print_table

    print_table(COLUMNS, [_cells(status, metric=arguments.metric) for status in shown], styles=STYLES)
    if len(shown) < len(found):
        print(f"and {len(found) - len(shown)} more: -n 0 shows all", file=sys.stderr)
    return OK


def _cells(status: RunStatus, *, metric: str) -> Sequence[str]:
    metric = metric or main_metric(status)
    at = f"{status.iter}/{status.max_iters}" if status.max_iters else str(status.iter or "")
    return (
        status.id,
        status.name if status.name != status.id else "",
        status.state,
        str(status.attempt or ""),
        at,
        duration(status.eta_s) if status.eta_s is not None else "",
        f"{metric} {value}" if (value := measured(status, metric)) else "",
        " ".join((*("*" * status.star), *status.tags)),
        "; ".join(part for part in (status.why, *status.note.splitlines()[:1]) if part),
    )


def _print_json(root: Path, shown: Sequence[RunStatus]) -> None:
    import attrs
    import orjson

    names = [attribute.name for attribute in attrs.fields(RunStatus) if attribute.name != "settled"]
    rows = [{"directory": str(root / status.id), **{name: getattr(status, name) for name in names}} for status in shown]
    print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())


def _prune(root: Path, arguments: argparse.Namespace) -> int:
    from specdet.runs.prune import removals, remove

    found = removals(root, keep_last=arguments.keep_last, older_than=arguments.older_than)
    for removal in found:
        print(f"{byte_count(removal.size):>9}  {removal.path.relative_to(root)}  ({removal.why})")
    if arguments.dry_run:
        print(f"{byte_count(sum(each.size for each in found))} would be freed: nothing was removed")
        return OK
    kept: list[str] = []
    print(f"{byte_count(remove(found, report=kept.append))} freed")
    for sentence in kept:
        print(sentence, file=sys.stderr)
    return WRONG_SPEC if kept else OK


def _states(text: str) -> tuple[str, ...]:
    asked = tuple(part.strip() for part in text.split(",") if part.strip())
    if unknown := [each for each in asked if each not in STATES]:
        raise argparse.ArgumentTypeError(f"there is no state '{unknown[0]}'; there are {', '.join(STATES)}")
    return asked


def _since(text: str) -> float:
    try:
        return since(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("a run keeps at least one checkpoint")
    return int(text)
