import json
import subprocess
import sys
from importlib.metadata import version

from specdet.runs.meta import git_state, update_meta, versions, write_meta


def test_meta_says_where_a_run_came_from_and_grows(tmp_path):
    write_meta(tmp_path, name="rpn", seed=3, argv=["specdet", "train", "rpn.toml"])
    update_meta(tmp_path, world_size=2, hooks=["a", "b"])
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert (meta["id"], meta["name"], meta["seed"], meta["via"]) == (tmp_path.name, "rpn", 3, "cli")
    assert meta["argv"] == ["specdet", "train", "rpn.toml"]
    assert meta["world_size"] == 2 and meta["hooks"] == ["a", "b"]
    assert meta["versions"]["torch"] == version("torch")
    assert meta["host"]["cores"] >= 1


def test_versions_are_found_without_importing_torch():
    code = "import sys; from specdet.runs.meta import versions; print(versions()['torch'], 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [versions()["torch"], "False"]


def test_git_state_says_commit_and_whether_files_differ(tmp_path):
    assert git_state(tmp_path) is None

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-m", "first")
    commit = git("rev-parse", "HEAD")
    assert git_state(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "file").write_text("2")
    assert git_state(tmp_path) == {"commit": commit, "dirty": True}
