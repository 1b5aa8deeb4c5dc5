"""python -m tests.fuzzing: what comes of thousands of damaged files.

The same seed makes the same changes: `--only KIND --first NUMBER --mutations 1` repeats one.
"""

import argparse
import sys

from tests.fuzzing.campaign import KINDS, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--mutations", type=int, default=5000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first change")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=[*KINDS])
    options = parser.parse_args()
    found = 0
    for kind in options.only:
        outcome = run(kind, mutations=options.mutations, seed=options.seed, first=options.first)
        for number, bug in outcome.bugs.items():
            print(f"{kind} {number}: {bug}")
        counts = outcome.counts
        print(f"{kind}: {counts['told']} told, {counts['read']} read, {len(outcome.bugs)} neither", flush=True)
        found += len(outcome.bugs)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
