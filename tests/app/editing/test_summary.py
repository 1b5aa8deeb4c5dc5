from app.editing.summary import Summaries
from app.editing.target import target_of
from app.security.roots import Roots
from specdet.spec.trust import trust

PART = "spec = 1\n[train]\nmax_iters = 3\n"


def test_a_file_that_could_not_be_read_is_looked_at_again_once_it_can(workspace):
    path = workspace / "base/a.toml"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    summaries, target = Summaries(), target_of("base/a.toml", roots=Roots.here())
    assert summaries.of(target).verdict == "1 problem"
    path.write_text(PART)
    assert summaries.of(target).problems == ()


def test_a_file_that_comes_after_it_was_looked_for_is_seen(workspace):
    summaries, target = Summaries(), target_of("base/a.toml", roots=Roots.here())
    assert "is gone" in summaries.of(target).problems[0].message
    target.path.parent.mkdir()
    target.path.write_text(PART)
    assert summaries.of(target).problems == ()


def test_a_change_of_what_is_extended_is_seen(workspace):
    (workspace / "base").mkdir()
    (workspace / "base/a.toml").write_text('spec = 1\nextends = ["b.toml"]\n')
    summaries, target = Summaries(), target_of("base/a.toml", roots=Roots.here())
    assert "b.toml" in summaries.of(target).problems[0].message
    (workspace / "base/b.toml").write_text(PART)
    assert summaries.of(target).problems == ()


def test_a_plugin_that_is_trusted_or_changed_meanwhile_is_seen(workspace):
    plugin = workspace / "p.py"
    plugin.write_text("COMPONENTS = {}\n")
    (workspace / "a.toml").write_text('spec = 1\nextends = ["specdet:rpn.toml"]\nplugins = ["p.py"]\n')
    summaries, target = Summaries(), target_of("a.toml", roots=Roots.here())
    assert "not trusted" in summaries.of(target).problems[0].message
    trust(plugin, plugin.read_bytes())
    assert summaries.of(target).problems == ()
    plugin.write_text("COMPONENTS = {}  # changed\n")
    assert "not trusted" in summaries.of(target).problems[0].message


def test_a_file_of_any_size_that_is_named_is_not_read(workspace):
    (workspace / "base").mkdir()
    with (workspace / "large").open("wb") as file:
        file.truncate(1 << 40)  # without a block on the disk
    (workspace / "base/a.toml").write_text('spec = 1\nextends = ["../large"]\n')
    summaries, target = Summaries(), target_of("base/a.toml", roots=Roots.here())
    assert "large" in summaries.of(target).problems[0].message
    assert summaries.of(target) is summaries.of(target)
