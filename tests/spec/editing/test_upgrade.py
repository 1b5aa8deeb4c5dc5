import pytest

from specdet.spec import SpecError
from specdet.spec.editing.edit import SpecFile
from specdet.spec.editing.upgrade import MIGRATIONS, Migration, upgrade
from specdet.spec.version import VERSION

# A language that never was: what each kind of change does to a file.


def rename_rate(file: SpecFile) -> SpecFile:
    return file if file.get(("optimizer", "rate")) is None else file.rename(("optimizer", "rate"), "lr")


def move_warmup(file: SpecFile) -> SpecFile:
    old, new = ("optimizer", "warmup"), ("schedule", "warmup")
    return file if file.get(old) is None else file.move(old, new)


def sizes_in_an_array(file: SpecFile) -> SpecFile:
    size = file.get(("model", "size"))
    return file.set(("model", "size"), [size, size]) if isinstance(size, int) else file


def without_fast(file: SpecFile) -> SpecFile:
    return file if file.get(("train", "fast")) is None else file.remove(("train", "fast"))


STEPS = {
    1: Migration(line="optimizer.rate is called lr", apply=rename_rate),
    2: Migration(line="optimizer.warmup moved to the schedule", apply=move_warmup),
    3: Migration(line="model.size has two numbers", apply=sizes_in_an_array),
    4: Migration(line="train.fast is gone", apply=without_fast),
}

OLD = """\
# What this trains.
spec = 1  # of the language

[optimizer]   # how
rate = 1e-4   # slow
# A long one.
warmup = 500  # steps

[model]
size = 320    # px

# When it ends.
[train]
fast = true   # no more
epochs = 3
"""

NEW = """\
# What this trains.
spec = 5  # of the language

[optimizer]   # how
lr = 1e-4   # slow
# A long one.

[model]
size = [320, 320] # px

# When it ends.
[train]
epochs = 3

[schedule]
warmup = 500  # steps
"""


def spec(text: str) -> SpecFile:
    return SpecFile.new("spec.toml", text)


def test_the_steps_keep_the_comments():
    found = upgrade(spec(OLD), migrations=STEPS, current=5)
    assert found.file.text == NEW
    assert found.version == 1
    assert found.lines == tuple(step.line for step in STEPS.values())


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_only_the_steps_from_the_version_of_the_file_are_taken(version):
    found = upgrade(spec(f"spec = {version}\n[train]\nfast = true\nx = 1\n"), migrations=STEPS, current=5)
    assert found.file.text == "spec = 5\n[train]\nx = 1\n"
    assert found.lines == tuple(STEPS[step].line for step in range(version, 5))


def test_some_versions_at_a_time_arrive_where_all_at_once_do():
    file = spec(OLD)
    for current in range(1, 6):
        file = upgrade(file, migrations=STEPS, current=current).file
    assert file.text == NEW


def test_a_second_upgrade_changes_nothing():
    found = upgrade(spec(NEW), migrations=STEPS, current=5)
    assert found.file.text == NEW
    assert not found.lines


def test_a_file_that_does_not_say_its_version_is_left_alone():
    found = upgrade(spec("[optimizer]\nrate = 1\n"), migrations=STEPS, current=5)
    assert (found.file.text, found.version, found.lines) == ("[optimizer]\nrate = 1\n", None, ())


def test_a_file_that_is_told_its_version_says_it_afterwards():
    found = upgrade(spec("# base\n[optimizer]\nrate = 1\n"), unsaid=1, migrations=STEPS, current=5)
    assert found.file.text == "# base\nspec = 5\n\n[optimizer]\nlr = 1\n"
    assert not upgrade(found.file, unsaid=1, migrations=STEPS, current=5).lines


def test_what_a_file_says_of_its_version_wins():
    assert upgrade(spec("spec = 5\n"), unsaid=1, migrations=STEPS, current=5).version == 5


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("6", "written for version 6 of the language, and this specdet knows 5: update specdet"),
        ('"1"', "expected the version of the language"),
        ("true", "expected the version of the language"),
        ("1.0", "expected the version of the language"),
        ("0", "expected the version of the language"),
        ("-1", "expected the version of the language"),
        ("[1]", "expected the version of the language"),
    ],
)
def test_a_version_that_there_is_not_is_a_sentence(version, message):
    with pytest.raises(SpecError) as caught:
        upgrade(spec(f"spec = {version}\n"), migrations=STEPS, current=5)
    assert str(caught.value).startswith(f"spec.toml: spec: {message}")


def test_a_step_that_has_no_way_is_a_sentence():
    with pytest.raises(SpecError, match=r"optimizer\.rate: cannot become lr, which is there already"):
        upgrade(spec("spec = 1\noptimizer = { rate = 1, lr = 2 }\n"), migrations=STEPS, current=5)


def test_there_is_a_step_from_every_version_to_the_next():
    assert sorted(MIGRATIONS) == list(range(1, VERSION))
