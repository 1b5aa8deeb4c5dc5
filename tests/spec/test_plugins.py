import json
import os
import sys
from pathlib import Path

import pytest

from specdet.checks.check import check
from specdet.cli import main
from specdet.experiment import load, load_with_source, resolved
from specdet.spec import SpecError
from specdet.spec.plugins import GROUP, installed_components
from specdet.spec.trust import distrust, trust, trusted, trusted_list

PLUGIN = '''
from pathlib import Path
from typing import ClassVar

from specdet.spec import Spec, field, spec

Path("WITNESS").write_text("ran\\n")


@spec
class HalvingSpec(Spec):
    """Half the rate, every so often."""

    builds: ClassVar[str] = ":Halving"
    every: int = field(2, ge=1, unit="epochs", help="How often.")


class Halving:
    def __init__(self, spec):
        self.every = spec.every


COMPONENTS = {"schedule": {"Halving": HalvingSpec}}
'''
SPEC = 'extends = ["specdet:rpn.toml"]\nplugins = ["./mine.py"]\n\n[schedule]\ntype = "mine:Halving"\nevery = 3\n'


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


@pytest.fixture
def witness(tmp_path) -> Path:
    return tmp_path / "witness"


@pytest.fixture
def plugin(tmp_path, witness) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN.replace("WITNESS", str(witness)))
    (tmp_path / "spec.toml").write_text(SPEC)
    return path


def problems(path, **keywords) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(path, **keywords)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_nothing_of_a_strangers_plugin_runs(plugin, witness):
    with pytest.raises(SpecError) as caught:
        load(plugin.with_name("spec.toml"))
    (problem,) = caught.value.problems
    assert problem.kind == "environment"
    assert str(problem) == (
        f"{plugin.with_name('spec.toml')}:2:12: plugins.0: {plugin} is code, and nothing of it was run, since it is "
        f"not trusted here: read it, then say `specdet trust {plugin}`"
    )
    assert not witness.exists()


def test_a_plugin_named_by_the_user_runs_and_builds(plugin, witness):
    experiment = load(plugin.with_name("spec.toml"), plugins=[plugin])
    assert experiment.schedule.every == 3
    assert experiment.schedule.build().every == 3
    assert witness.read_text() == "ran\n"


def test_trust_is_in_the_bytes(plugin, witness):
    trust(plugin, plugin.read_bytes())
    assert load(plugin.with_name("spec.toml")).schedule.every == 3
    plugin.write_text(plugin.read_text() + "# one byte more\n")
    witness.unlink()
    assert "is not trusted here" in problems(plugin.with_name("spec.toml"))[0]
    assert not witness.exists()


def test_trust_can_be_taken_back_although_the_file_changed(plugin):
    digest = trust(plugin, plugin.read_bytes())
    assert trusted() == {digest: str(plugin)}
    plugin.write_text("")
    assert distrust(plugin) == [digest]
    assert trusted() == {}
    assert distrust(plugin) == []


def test_a_broken_list_of_trusted_files_is_told(plugin):
    trust(plugin, plugin.read_bytes())
    trusted_list().write_text("{")
    with pytest.raises(SpecError, match=r"trusted\.json, the list of trusted plugins, cannot be read"):
        trusted()
    trusted_list().write_text("[]")
    with pytest.raises(SpecError, match="holds something else"):
        trusted()


def test_the_fields_of_a_plugin_are_checked_as_any(plugin):
    spec = plugin.with_name("spec.toml")
    spec.write_text(SPEC.replace("every = 3", "evry = 3").replace("type = ", 'seed = "x"\ntype = '))
    assert problems(spec, plugins=[plugin]) == [
        "spec.toml:5:1: schedule.seed: mine:Halving has no such key: say seed above all tables",
        "spec.toml:7:1: schedule.evry: mine:Halving has no such key (did you mean 'every'?)",
    ]


def test_a_resolved_spec_names_plugin_and_tag(plugin, tmp_path):
    experiment = load_with_source(plugin.with_name("spec.toml"), plugins=[plugin]).experiment
    again = tmp_path / "elsewhere" / "spec.toml"
    again.parent.mkdir()
    again.write_text(resolved(experiment))
    assert str(plugin) in again.read_text()
    assert load(again, plugins=[plugin]) == experiment


def test_what_is_wrong_elsewhere_is_told_besides(plugin):
    plugin.with_name("spec.toml").write_text(SPEC + "\n[optimizer]\nlr = -1\n")
    found = problems(plugin.with_name("spec.toml"))
    assert [text.partition(": ")[0] for text in found] == ["spec.toml:2:12", "spec.toml:9:6"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = (", "cannot be loaded: SyntaxError: '(' was never closed"),
        ("\nimport nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name' (line 2)"),
        ("x = 1", "says no COMPONENTS = {family: {tag: SpecClass}}"),
        ("COMPONENTS = 3", "the plugin 'mine' offers no {family: {tag: SpecClass}}"),
        ("COMPONENTS = {'haed': {}}", "offers 'haed', which is no family of components"),
        ("COMPONENTS = {'rpn_head': {'X': int}}", "'mine:X' is no spec class: it wants @spec and the base class Spec"),
        ("COMPONENTS = {'rpn_head': {'X': 'nowhere:X'}}", "'mine:X' cannot be loaded: ModuleNotFoundError"),
        ("raise KeyboardInterrupt", None),
    ],
)
def test_a_plugin_that_is_no_plugin_is_told_in_a_sentence(plugin, code, said):
    plugin.write_text(code)
    if said is None:
        with pytest.raises(KeyboardInterrupt):
            load(plugin.with_name("spec.toml"), plugins=[plugin])
    else:
        assert said in problems(plugin.with_name("spec.toml"), plugins=[plugin])[0]


def test_two_plugins_cannot_have_one_namespace(plugin, tmp_path):
    other = tmp_path / "other" / "mine.py"
    other.parent.mkdir()
    other.write_text("COMPONENTS = {}")
    trust(other, other.read_bytes())
    trust(plugin, plugin.read_bytes())
    plugin.with_name("spec.toml").write_text(SPEC.replace('["./mine.py"]', '["./mine.py", "./other/mine.py"]'))
    assert problems(plugin.with_name("spec.toml")) == [
        f"spec.toml:2:25: plugins.1: the file {other} and the file {plugin} have the same namespace 'mine': "
        "rename one".replace(f"{tmp_path}/", "")
    ]


def test_a_namespace_that_nobody_has_is_an_unknown_tag(tmp_path):
    (tmp_path / "spec.toml").write_text('extends = ["specdet:rpn.toml"]\n[schedule]\ntype = "nobody:Halving"\n')
    (text,) = problems(tmp_path / "spec.toml")
    assert text.startswith("spec.toml:3:8: schedule.type: no schedule is called 'nobody:Halving'")


def test_a_missing_plugin_file_is_told(plugin):
    plugin.unlink()
    assert problems(plugin.with_name("spec.toml")) == [
        "spec.toml:2:12: plugins.0: the plugin mine.py cannot be read: No such file or directory"
    ]


@pytest.fixture
def installed(tmp_path, monkeypatch, plugin):
    """The plugin as an installed package: a module on the path with the metadata of an entry point."""
    site = tmp_path / "site"
    information = site / "acme-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{GROUP}]\nacme = acme_specs:COMPONENTS\n")
    (site / "acme_specs.py").write_text(plugin.read_text())
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("acme_specs", None)


def test_an_installed_plugin_needs_no_mention(installed, tmp_path):
    (tmp_path / "spec.toml").write_text('extends = ["specdet:rpn.toml"]\n[schedule]\ntype = "acme:Halving"\n')
    experiment = load(tmp_path / "spec.toml")
    assert experiment.schedule.every == 2
    assert 'type = "acme:Halving"' in resolved(experiment)


def test_an_installed_plugin_is_not_loaded_by_specs_that_do_not_name_it(installed, witness):
    load("specdet:rpn.toml")
    assert not witness.exists()


def test_a_file_cannot_take_the_namespace_of_an_installed_plugin(installed, plugin, tmp_path):
    acme = plugin.rename(tmp_path / "acme.py")
    (tmp_path / "spec.toml").write_text(SPEC.replace("mine", "acme"))
    (text,) = problems(tmp_path / "spec.toml", plugins=[acme])
    assert "the installed acme_specs:COMPONENTS and the file" in text
    assert "have the same namespace 'acme'" in text


def test_all_that_is_installed_can_be_listed(installed):
    components, problems = installed_components()
    assert not problems
    assert components["schedule"]["acme:Halving"].__name__ == "HalvingSpec"
    assert components["schedule"]["Step"] == "specdet.optim.spec:StepScheduleSpec"


def test_what_is_installed_is_listed_explained_and_in_the_schema(installed, capsys):
    assert main(["list", "schedule"]) == 0
    assert "  acme:Halving  Half the rate, every so often.\n" in capsys.readouterr().out
    assert main(["explain", "acme:Halving"]) == 0
    assert "every = 2\n      How often." in capsys.readouterr().out
    assert main(["schema"]) == 0
    assert '"acme:Halving"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit(0)", "cannot be loaded: SystemExit: 0 (line 1)"),
        ("def __getattr__(name): raise ValueError('no')", "says no COMPONENTS"),
        (
            "class Odd(dict):\n    def items(self): raise ValueError('odd')\nCOMPONENTS = Odd(x={})",
            "cannot be read: ValueError: odd",
        ),
        ("class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute", "cannot be loaded: Mute"),
        (
            "import attrs\nfrom specdet.spec import Spec, spec\n@spec\nclass S(Spec):\n    a: int = 3\n"
            "COMPONENTS = {'schedule': {'Halving': S}}",
            "'mine:Halving': say a with field(...) or component(...)",
        ),
        (
            "from specdet.spec import Spec, field, spec\n@spec\nclass S(Spec):\n"
            "    every: int = field(factory=lambda: 1 / 0, help='x')\n"
            "    def problems(self): raise RuntimeError('bad rule')\n"
            "COMPONENTS = {'schedule': {'Halving': S}}",
            "'mine:Halving' failed while it was checked: RuntimeError: bad rule",
        ),
    ],
)
def test_whatever_a_plugin_does_becomes_a_sentence(plugin, code, said):
    plugin.write_text(code)
    assert said in " ".join(problems(plugin.with_name("spec.toml"), plugins=[plugin]))


def test_what_a_plugin_prints_does_not_mix_with_a_report(plugin, capsys):
    plugin.write_text("print('hello')\n" + plugin.read_text())
    assert main(["check", "--json", str(plugin.with_name("spec.toml")), "--plugin", str(plugin)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["specs"][0]["problems"] == []
    assert "hello" in said.err


def test_a_broken_installed_plugin_does_not_keep_the_others_from_being_listed(installed, capsys):
    (installed / "acme_specs.py").write_text("import sys; sys.exit(0)")
    assert main(["list", "schedule"]) == 0
    said = capsys.readouterr()
    assert "Cosine" in said.out
    assert "the installed plugin 'acme' (acme_specs:COMPONENTS) cannot be loaded: SystemExit: 0" in said.err


def test_a_plugin_can_be_named_on_the_command_line_and_twice(plugin):
    spec = plugin.with_name("spec.toml")
    spec.write_text(SPEC.replace('plugins = ["./mine.py"]\n', ""))
    assert load(spec, plugins=[plugin, plugin]).schedule.every == 3
    (text,) = (str(each) for each in check(spec, [f'plugins=["{plugin}"]']))
    assert "is code, and nothing of it was run" in text


def test_what_is_no_file_is_not_read_as_a_plugin(plugin):
    plugin.unlink()
    os.mkfifo(plugin)
    assert problems(plugin.with_name("spec.toml")) == [
        "spec.toml:2:12: plugins.0: the plugin mine.py is no regular file"
    ]
