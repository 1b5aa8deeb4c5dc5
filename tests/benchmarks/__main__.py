"""All benchmarks that need neither data nor a browser, one after the other: `python -m tests.benchmarks`.

Each has a process of its own, started as its own command is; one that fails is told, and the others go on. With names,
those alone: `python -m tests.benchmarks config_check data_path`.
"""

import argparse
import subprocess
import sys

NAMES = (
    "config_check",
    "first_step",
    "loop_overhead",
    "training_step",
    "data_path",
    "annotations",
    "coco_evaluation",
    "runs_index",
)


def main() -> None:
    """Run them; the exit code is 1 where one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES, help=f"of {', '.join(NAMES)}; all, unless told")
    names = parser.parse_args().names
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    failed = []
    for name in names:
        print(f"\n== {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode
        if code:
            failed.append(name)
            print(f"{name} ended with exit code {code}", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
