"""`specdet app`: the app in a browser, to edit specs, start runs, and watch, steer and compare them."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from importlib.util import find_spec
from pathlib import Path

from specdet.exit_codes import WRONG_MACHINE, WRONG_USAGE
from specdet.runs.directory import ROOT_VARIABLE
from specdet.spec.shipped import shipped

PORT = 8501
ROOTS = "SPECDET_APP_ROOTS"
PATIENCE = 30.0  # s until a server answers, which a cold disk takes its time for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path("."), metavar="FOLDER",
                        help="where your specs lie; the current folder unless given")  # fmt: skip
    parser.add_argument(
        "--runs", type=Path, metavar="FOLDER", help="where runs lie, instead of $SPECDET_RUNS or ./runs"
    )
    parser.add_argument("--root", dest="roots", action="append", type=Path, default=[], metavar="FOLDER",
                        help="a folder of images or weights that the app may read too; may be repeated")  # fmt: skip
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help=f"{PORT} unless given")
    parser.add_argument("--no-browser", action="store_true", help="only say where the app is")


def run(arguments: argparse.Namespace) -> int:
    """Serve the app until Ctrl-C."""
    if find_spec("streamlit") is None:
        print("the app needs streamlit: pip install 'specdet[app]'", file=sys.stderr)
        return WRONG_MACHINE
    for folder in (arguments.folder, *arguments.roots):
        if not folder.is_dir():
            print(f"{folder} is no folder", file=sys.stderr)
            return WRONG_USAGE
    if not 0 < arguments.port < 65536:
        print(f"{arguments.port} is no port: give a number from 1 to 65535", file=sys.stderr)
        return WRONG_USAGE
    if _answers(arguments.port):
        print(f"port {arguments.port} is taken: is the app running already? Else give another --port", file=sys.stderr)
        return WRONG_USAGE
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(shipped("app") / "main.py"),
         "--server.port", str(arguments.port)],
        env=_environment(arguments), cwd=arguments.folder,
    )  # fmt: skip
    asked_to_end: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        asked_to_end.append(number)
        server.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    if not arguments.no_browser and _has_display():
        _open(f"http://localhost:{arguments.port}", port=arguments.port, server=server)
    code = server.wait()
    return 0 if asked_to_end else code  # what Streamlit says of a Ctrl-C depends on where it was


def _environment(arguments: argparse.Namespace) -> dict[str, str]:
    environment = dict(os.environ)
    if arguments.runs is not None:
        environment[ROOT_VARIABLE] = str(arguments.runs.absolute())
    named = [environment.get(ROOTS, ""), *(str(root.absolute()) for root in arguments.roots)]
    environment[ROOTS] = os.pathsep.join(each for each in named if each)
    return environment


def _open(address: str, *, port: int, server: subprocess.Popen[bytes]) -> None:
    """Show the app once it answers; without a browser the address is on the terminal all the same."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(port):
            webbrowser.open(address)
            return
        time.sleep(0.1)


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        asking.settimeout(0.5)
        return asking.connect_ex(("127.0.0.1", port)) == 0


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
