import pytest

from specdet.cli import main
from specdet.experiment import load
from specdet.spec.compose import shipped_specs
from specdet.spec.editing.templates import description, templates


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.toml"


@pytest.mark.parametrize("name", templates())
def test_each_template_is_a_right_spec_where_it_is_written(path, name, capsys):
    assert main(["new", str(path), "--template", name]) == 0
    assert capsys.readouterr().out.endswith(f"  specdet check {path}\n  accelerate launch -m specdet.train {path}\n")
    assert path.read_text() == (shipped_specs() / "templates" / f"{name}.toml").read_text()
    assert main(["check", str(path)]) == 0


def test_the_list_has_a_line_for_each(capsys):
    assert main(["new", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["coco", "shapes", "voc"]
    for line, text in zip(lines, templates().values(), strict=True):
        assert line.endswith(description(text))
        assert text.startswith(f"# {description(text)}\n")
        assert len(description(text)) > 20


def test_values_are_written_where_they_belong_and_the_comments_stay(path):
    values = ["optimizer.lr=0.01", "data.root=/data", 'data.train.classes=["cat"]', "hooks.ema.type=EMA", "seed = 3"]
    assert main(["new", str(path), "--template", "coco", *(f"--set={value}" for value in values)]) == 0
    text = path.read_text()
    for part in ("\nlr = 0.01\n", '\nclasses = ["cat"]\n', '\n[hooks.ema]\ntype = "EMA"\n', "\nseed = 3\n"):
        assert text.count(part) == 1
    assert '\nroot = "/data" ' in text
    comments = [line for line in templates()["coco"].splitlines() if "#" in line]
    assert [line.partition("#")[2] for line in text.splitlines() if "#" in line] == [
        line.partition("#")[2] for line in comments
    ]
    assert load(path).optimizer.lr == 0.01


@pytest.mark.parametrize(
    ("value", "name"), [("name=123", "123"), ("name=true", "true"), ('name="5"', "5"), ("name=x y", "x y")]
)
def test_a_text_needs_no_quotes_where_only_a_text_is_right(path, value, name):
    assert main(["new", str(path), "--set", value]) == 0
    assert load(path).name == name


def test_a_wrong_value_is_told_and_nothing_is_written(path, capsys):
    assert main(["new", str(path), "--set", "optimizer.lrr=1", "--set", "train.max_epochs=many"]) == 1
    said = capsys.readouterr()
    assert "optimizer.lrr: AdamW has no such key (did you mean 'lr'?)" in said.err
    assert "train.max_epochs: expected a whole number" in said.err
    assert said.err.endswith(f"{path}: not written: with these values it would not be right\n")
    assert not path.exists()


def test_nothing_is_overwritten(path, capsys):
    path.write_text("mine")
    assert main(["new", str(path)]) == 1
    assert capsys.readouterr().err == f"{path}: exists already: it is not overwritten\n"
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the file to write, or --list the templates"),
        (["my"], "my: the name of a spec ends in .toml"),
        (["my.toml", "--template", "cocco"], "--template cocco: there is none of that name (did you mean 'coco'?)"),
        (["my.toml", "--set", "seed"], "--set seed: expected KEY=VALUE"),
        (["my.toml", "--set", "=1"], "--set =1: expected KEY=VALUE"),
        (["my.toml", "--set", "a..b=1"], "--set a..b=1: expected KEY=VALUE"),
    ],
)
def test_wrong_usage_is_a_sentence(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["new", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "message"),
    [("spec.x=1", "spec: holds a value, not a table"), ("extends.9=x", "there is no such item")],
)
def test_a_value_with_no_place_is_a_sentence(path, capsys, value, message):
    assert main(["new", str(path), "--set", value]) == 1
    assert message in capsys.readouterr().err
    assert not path.exists()


def test_a_folder_that_does_not_exist_is_named(tmp_path, capsys):
    assert main(["new", str(tmp_path / "no" / "my.toml")]) == 1
    assert f"the folder {tmp_path / 'no'} does not exist" in capsys.readouterr().err
