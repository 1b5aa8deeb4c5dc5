"""python -m tests.storm: one training is killed hundreds of times, and ends as if it never had been.

The final weights, their average, the optimizer, the metrics and the position are held, bit for bit, against those of
the same training undisturbed. `--kills 200` takes about half an hour on a quiet core.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.storm.storm import Storm


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.storm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--processes", type=int, default=1, choices=(1, 2))
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the ways")
    parser.add_argument("--folder", type=Path, help="where runs are kept; a temporary one unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        storm = Storm(options.folder or Path(temporary), processes=options.processes, seed=options.seed)
        storm.rage(kills=options.kills, tell=lambda line: print(line, flush=True))
        print(storm.report)
        differences = storm.differences()
    for difference in differences:
        print(f"not equal: {difference}")
    print("bit for bit" if not differences else "the storm has left a trace")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
