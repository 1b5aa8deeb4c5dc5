import pytest

from specdet.cli import main
from specdet.spec.trust import trusted


@pytest.fixture(autouse=True)
def plugin(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    path = tmp_path / "mine.py"
    path.write_text("COMPONENTS = {}")
    return path


def test_a_file_is_trusted_listed_and_forgotten(plugin, capsys):
    assert main(["trust", str(plugin)]) == 0
    (digest,) = trusted()
    assert capsys.readouterr().out == f"{plugin}: trusted as it is now (SHA-256 {digest})\n"
    assert main(["trust", "--list"]) == 0
    assert capsys.readouterr().out == f"{digest}  {plugin}\n"
    assert main(["trust", "--forget", str(plugin)]) == 0
    assert trusted() == {}


def test_what_cannot_be_done_is_told(plugin, capsys):
    assert main(["trust"]) == 2
    assert main(["trust", "--forget", str(plugin)]) == 1
    assert main(["trust", str(plugin) + ".nowhere"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "name a file, or --list",
        f"{plugin}: was not trusted",
        f"the plugin {plugin}.nowhere cannot be read: No such file or directory",
    ]
