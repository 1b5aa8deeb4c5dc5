import os
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version

import pytest

from specdet.runs import provenance
from specdet.runs.provenance import environment, git_patch, git_state, hash_files, host, versions


@pytest.fixture
def repository(tmp_path):
    """A repository with one committed file."""

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init")
    (tmp_path / "file").write_text("one\n")
    git("add", "file")
    git("commit", "-m", "first")
    return tmp_path, git


def test_versions_are_found_without_importing_torch():
    code = (
        "import sys; from specdet.runs.provenance import versions; print(versions()['torch'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [version("torch"), "False"]
    assert versions()["python"] == sys.version.split()[0]


def test_the_machine_is_told():
    found = host()
    assert found["name"] == os.uname().nodename and 1 <= found["cores"] <= os.cpu_count()
    assert found["memory"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert isinstance(found["gpus"], list)


def test_a_driver_that_hangs_is_told_and_no_more(monkeypatch):
    def hangs():
        raise ValueError("nvidia-smi does not answer")

    monkeypatch.setattr("specdet.runs.devices.gpus", hangs)
    assert host()["gpus"] == [{"problem": "nvidia-smi does not answer"}]


def test_git_state_says_commit_and_whether_files_differ(repository, tmp_path_factory):
    folder, git = repository
    commit = git("rev-parse", "HEAD")
    assert git_state(folder) == {"commit": commit, "dirty": False}
    (folder / "file").write_text("two\n")
    assert git_state(folder) == {"commit": commit, "dirty": True}
    assert git_state(tmp_path_factory.mktemp("outside")) is None


def test_the_patch_makes_the_commit_into_what_was_run(repository):
    folder, git = repository
    git("config", "color.ui", "always")
    git("config", "diff.external", "false")
    (folder / "file").write_text("one\ntwo\n")
    (folder / "staged").write_bytes(bytes(range(256)))
    git("add", "staged")
    patch = git_patch(folder)
    git("reset", "--hard")
    assert (folder / "file").read_text() == "one\n" and not (folder / "staged").exists()
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, text=True, check=True)
    assert (folder / "file").read_text() == "one\ntwo\n" and (folder / "staged").read_bytes() == bytes(range(256))


def test_a_patch_that_holds_data_is_left_out(repository, monkeypatch):
    folder, _ = repository
    (folder / "file").write_text("two\n" * 1000)
    monkeypatch.setattr(provenance, "LARGEST_PATCH", 1000)
    assert git_patch(folder) is None


def test_only_variables_that_change_the_computing_are_kept():
    found = environment({"OMP_NUM_THREADS": "1", "HOME": "/home/me", "CUDA_VISIBLE_DEVICES": "0", "NCCL_DEBUG": "INFO"})
    assert found == {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "0", "NCCL_DEBUG": "INFO"}


def test_files_are_hashed_and_missing_ones_told(tmp_path):
    (tmp_path / "a.json").write_bytes(b"abc")
    found = hash_files([tmp_path / "a.json", str(tmp_path / "b.json"), tmp_path])
    assert found[str(tmp_path / "a.json")] == {"size": 3, "sha256": sha256(b"abc").hexdigest()}
    assert found[str(tmp_path / "b.json")] == {"problem": "No such file or directory"}
    assert found[str(tmp_path)] == {"problem": "Is a directory"}
