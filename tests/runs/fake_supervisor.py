"""The real supervisor, of the fake launcher."""

import sys
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.launch_command import Command, LaunchOptions, launch_command
from specdet.runs.supervisor import main

LAUNCHER = str(Path(__file__).with_name("fake_launcher.py"))


def command(options: LaunchOptions, **more: Any) -> Command:
    return attrs.evolve(launch_command(options, **more), argv=(sys.executable, LAUNCHER, str(options.processes)))


if __name__ == "__main__":
    sys.exit(main(command=command))
