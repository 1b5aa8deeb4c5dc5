"""A repository of specs checks itself with the hooks that we define, run by the real pre-commit, offline."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MANIFEST = Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"
WHOLE = 'spec = 1\nextends = ["specdet:rpn.toml"]\n'

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit works on git repositories")


@pytest.fixture
def environment(tmp_path):
    """No configuration but this, and the specdet that is tested."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {f"GIT_{role}_{what}": "specs@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        **kept,
        **who,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "PRE_COMMIT_COLOR": "never",
    }


@pytest.fixture
def pre_commit(tmp_path, environment):
    """Write a repository of specs and run one of our hooks over all of it; gives the finished process."""

    def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)

    def commit(folder: Path, files: dict[str, str]) -> str:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"], ["rev-parse", "HEAD"]):
            done = run("git", *command, cwd=folder)
            assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def of(hook: str, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
        revision = commit(tmp_path / "specdet", {".pre-commit-hooks.yaml": MANIFEST.read_text()})
        entry = f"repos: [{{repo: {tmp_path / 'specdet'}, rev: {revision}, hooks: [{{id: {hook}}}]}}]\n"
        commit(tmp_path / "user", {**files, ".pre-commit-config.yaml": entry})
        return run(sys.executable, "-m", "pre_commit", "run", "--all-files", cwd=tmp_path / "user")

    return of


def test_a_right_spec_passes_and_nothing_else_is_looked_at(pre_commit):
    files = {
        "specs/right.toml": WHOLE,
        "specs/base/part.toml": "seeed = 1\n",
        "specs/notes.md": "no spec",
        "pyproject.toml": "[tool.x]\n",
    }
    done = pre_commit("specdet-check", files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"specdet check\.+Passed", done.stdout)


def test_a_wrong_spec_fails_the_hook_and_its_key_is_named(pre_commit):
    files = {"specs/right.toml": WHOLE, "specs/deep/wrong.toml": WHOLE + "[optimizer]\nlrr = 0.1\n"}
    done = pre_commit("specdet-check", files)
    assert done.returncode == 1
    assert re.search(r"specdet check\.+Failed", done.stdout)
    assert re.search(r"specs/deep/wrong\.toml:4:1: optimizer\.lrr: ", done.stdout)
    assert not re.search(r"right\.toml:\d", done.stdout)


def test_a_base_need_not_be_whole_but_must_be_right(pre_commit):
    files = {
        "specs/base/schedule.toml": "[train]\nmax_epochs = 12\n",
        "specs/sub/base/wrong.toml": "[train]\nmax_epoch = 12\n",
    }
    done = pre_commit("specdet-check-base", files)
    assert done.returncode == 1
    assert re.search(r"specs/sub/base/wrong\.toml:2:1: train\.max_epoch: ", done.stdout)
    assert not re.search(r"schedule\.toml:\d", done.stdout)
