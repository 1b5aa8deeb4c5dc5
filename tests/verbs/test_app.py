"""`specdet app`, as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from specdet.cli import main


@pytest.fixture
def port() -> int:
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]


def test_the_app_is_served_until_it_is_interrupted(tmp_path, port):
    server = subprocess.Popen(
        [sys.executable, "-m", "specdet.cli", "app", str(tmp_path), "--port", str(port), "--no-browser"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    assert page.status == 200
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
        with pytest.raises(HTTPError) as refused:  # whatever its name is made to mean
            urlopen(Request(f"http://127.0.0.1:{port}/", headers={"Host": f"evil.example:{port}"}), timeout=5)
        assert refused.value.code == 403
        refused.value.close()
        server.send_signal(signal.SIGINT)
        assert server.wait(15) == 0
    finally:
        server.kill()
        _, said = server.communicate()
    assert "Traceback" not in said


def test_it_listens_to_others_only_where_they_log_in(tmp_path, port):
    from specdet.spec.shipped import shipped

    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", str(shipped("app") / "main.py"),
         "--server.port", str(port), "--server.address", "0.0.0.0"],
        cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the app would listen on 0.0.0.0" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_said(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["app", "--port", str(taken.getsockname()[1]), "--no-browser"]) == 2
    assert "is taken" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["nowhere"], ["--root", "nowhere"], ["--port", "0"]])
def test_wrong_arguments_are_a_sentence(wrong, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["app", *wrong, "--no-browser"]) == 2
    assert "Traceback" not in capsys.readouterr().err
