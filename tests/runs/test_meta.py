import json
import subprocess

from specdet.runs.meta import update_meta, write_meta

SECRET = "hunter2-abcdef"


def read(directory):
    return json.loads((directory / "meta.json").read_text())


def test_meta_says_where_a_run_came_from_and_grows(tmp_path):
    write_meta(tmp_path, name="rpn", seed=3, argv=["specdet", "train", "rpn.toml"])
    update_meta(tmp_path, world_size=2, hooks=["a", "b"])
    meta = read(tmp_path)
    assert (meta["id"], meta["name"], meta["seed"], meta["via"]) == (tmp_path.name, "rpn", 3, "cli")
    assert meta["argv"] == ["specdet", "train", "rpn.toml"]
    assert meta["world_size"] == 2 and meta["hooks"] == ["a", "b"]
    assert {"python", "torch"} <= meta["versions"].keys() and meta["host"]["cores"] >= 1


def test_parent_launch_options_and_annotations_are_kept(tmp_path):
    (tmp_path / "train.json").write_text("{}")
    launch = {"processes": 2, "wanted": {"count": 2}, "plugins": ["/a/b.py"]}
    write_meta(tmp_path, name="x", seed=0, parent="before", launch=launch, annotations=[tmp_path / "train.json"])
    meta = read(tmp_path)
    assert meta["parent"] == "before" and meta["launch"] == launch
    assert meta["annotations"][str(tmp_path / "train.json")]["size"] == 2


def test_edits_are_kept_as_a_patch(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    subprocess.run("git init && echo 1 > a && git add a && git -c user.name=a -c user.email=a@b.c commit -m first",
                   shell=True, check=True, capture_output=True)  # fmt: skip
    clean, dirty = tmp_path / "clean", tmp_path / "dirty"
    clean.mkdir()
    dirty.mkdir()
    write_meta(clean, name="x", seed=0)
    assert read(clean)["git"]["dirty"] is False and not (clean / "git.patch").exists()
    (folder / "a").write_text("2\n")
    write_meta(dirty, name="x", seed=0)
    assert read(dirty)["git"]["patch"] == "git.patch"
    assert "-1\n+2\n" in (dirty / "git.patch").read_text()


def test_no_secret_is_written(tmp_path, monkeypatch):
    """Given under a name that sounds like one, referred to by the spec, and typed out by a shell."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    subprocess.run("git init && echo 1 > a && git add a && git -c user.name=a -c user.email=a@b.c commit -m first",
                   shell=True, check=True, capture_output=True)  # fmt: skip
    (folder / "a").write_text(f"login = {SECRET}-of-spec\n")
    directory = tmp_path / "run"
    directory.mkdir()
    (directory / "spec.toml").write_text('[hooks.hub]\nlogin = { env = "HUB_LOGIN" }\n')
    monkeypatch.setenv("HUB_LOGIN", f"{SECRET}-of-spec")
    monkeypatch.setenv("NCCL_AUTH_TOKEN", f"{SECRET}-of-nccl")
    monkeypatch.setenv("SPECDET_TEST_URL", f"https://me:{SECRET}@example.org")
    argv = ["specdet", "launch", f"hooks.hub.token={SECRET}-typed", f"name=x{SECRET}-of-spec", "--key", f"{SECRET}-key"]
    write_meta(directory, name="x", seed=0, argv=argv)
    for file in ("meta.json", "git.patch"):
        text = (directory / file).read_text()
        assert SECRET not in text and "<redacted>" in text
