"""A real server of the app, and a real browser in front of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from specdet.runs.identity import processes_of

REPOSITORY = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
SIZES = ((1280, 800), (1920, 1080))  # px
NAMES = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=30_000)  # ms; parts of a page are loaded when they are first shown


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, that of the system; a skip where there is none, unless SPECDET_TEST_CHROMIUM says where it must be."""
    program = os.environ.get("SPECDET_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium: install it, or set SPECDET_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Server:
    """The app in a folder of its own; `start` again after `kill` is the same address."""

    def __init__(self, workspace: Path, *, environment: dict[str, str]):
        self.workspace, self.environment = workspace, environment
        with socket.socket() as asking:
            asking.bind(("127.0.0.1", 0))
            self.port = asking.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self._log = workspace.parent / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def runs(self) -> list[Path]:
        root = self.workspace / "runs"
        return sorted(path for path in root.iterdir() if path.name[0] != ".") if root.is_dir() else []

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(REPOSITORY / "app" / "main.py"),
                 "--server.port", str(self.port)],
                cwd=self.workspace, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                with urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                    assert answer.status == 200
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < deadline, self.said
                time.sleep(0.1)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, and whatever it has started."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        for run in self.runs:
            for process in processes_of(run.name):
                process.signal(signal.SIGKILL)


@pytest.fixture
def server_environment(tmp_path: Path) -> dict[str, str]:
    """Of a person of their own; a test may add to it before it asks for the server."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "SPECDET_RUNS": str(workspace / "runs"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PYTHONWARNINGS": "default",
    }
    environment.pop("SPECDET_APP_ROOTS", None)
    return environment


@pytest.fixture
def server(tmp_path: Path, server_environment: dict[str, str]) -> Iterator[Server]:
    served = Server(tmp_path / "workspace", environment=server_environment)
    served.start()
    yield served
    served.close()


class Tab:
    """A page of the app as a person sees it.

    Attributes:
        page: Playwright's.
        strangers: Requests to anywhere but the server, of which there must be none.
    """

    def __init__(self, context: BrowserContext, server: Server):
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page: Page = context.new_page()
        self._server = server
        self.strangers: list[str] = []
        self.page.set_default_timeout(30_000)
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        own = (self._server.url, self._server.url.replace("http", "ws", 1), "data:", "blob:")
        if not url.startswith(own):
            self.strangers.append(url)

    def open(self, path: str) -> None:
        self.page.goto(f"{self._server.url}{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the server has shown what it has to show."""
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
        )
        assert self.page.locator('[data-testid="stException"]').count() == 0, self._server.said

    def shoot(self, name: str) -> None:
        """Keep pictures of the whole page, at each width, light and dark."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width, height in SIZES:
                self.page.set_viewport_size({"width": width, "height": height})
                self.page.wait_for_timeout(400)  # charts are drawn anew
                self.page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": SIZES[0][0], "height": SIZES[0][1]}, color_scheme="light")
    yield made
    made.close()


@pytest.fixture
def tab(context: BrowserContext, server: Server) -> Iterator[Tab]:
    opened = Tab(context, server)
    yield opened
    opened.page.screenshot(path=SCREENSHOTS / "last.png")  # where it failed, if it did
    assert opened.strangers == []
