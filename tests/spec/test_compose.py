import os
from pathlib import Path

import pytest

from specdet.spec.argument import plain
from specdet.spec.compose import compose, shipped_specs
from specdet.spec.read import LARGEST


@pytest.fixture
def write(tmp_path: Path):
    """Write a spec file under tmp_path; gives its path."""

    def writer(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return writer


def problems(path, overrides=(), **keywords) -> list[str]:
    return [str(problem) for problem in compose(path, overrides, **keywords).problems]


def test_bases_lie_left_to_right_and_the_file_itself_wins(write):
    write("base/a.toml", "x = 1\ny = 1\nz = 1")
    write("base/b.toml", "y = 2\nz = 2")
    composed = compose(write("spec.toml", 'extends = ["base/a.toml", "base/b.toml"]\nz = 3'))
    assert composed.tree == {"x": 1, "y": 2, "z": 3}
    assert [path.name for path in composed.files] == ["a.toml", "b.toml", "spec.toml"]


def test_each_value_knows_the_file_that_wrote_it(write):
    write("base.toml", "[optimizer]\nlr = 0.1\nmomentum = 0.9")
    composed = compose(write("spec.toml", 'extends = ["base.toml"]\noptimizer.lr = 0.2'), ["optimizer.momentum=0.5"])
    assert composed.origins["optimizer", "lr"].file.name == "spec.toml"
    assert composed.origins["optimizer", "momentum"].label == "command line: optimizer.momentum=0.5"
    assert composed.origins["optimizer",].file.name == "base.toml"


def test_bases_are_relative_to_the_file_that_names_them(write):
    write("deep/er/c.toml", "c = 1")
    write("deep/b.toml", 'extends = ["er/c.toml"]')
    assert compose(write("spec.toml", 'extends = ["deep/b.toml"]')).tree == {"c": 1}


def test_a_shipped_spec_is_named_with_specdet(write):
    composed = compose(write("spec.toml", 'extends = ["specdet:rpn.toml"]\nseed = 7'))
    assert composed.files[-2] == shipped_specs() / "rpn.toml"
    assert composed.tree["model"]["type"] == "RPN"


def test_a_dropped_block_takes_its_origins_along(write):
    write("base.toml", '[optimizer]\ntype = "SGD"\nmomentum = 0.9')
    composed = compose(write("spec.toml", 'extends = ["base.toml"]\n[optimizer]\ntype = "AdamW"'))
    assert composed.tree["optimizer"] == {"type": "AdamW"}
    assert ("optimizer", "momentum") not in composed.origins


def test_unset_removes_what_a_base_gave(write):
    write("base.toml", "[hooks.ema]\ndecay = 0.9\n[hooks.log]\nx = 1")
    composed = compose(write("spec.toml", 'extends = ["base.toml"]\nunset = ["hooks.ema"]'))
    assert composed.tree == {"hooks": {"log": {"x": 1}}}


def test_unsetting_what_is_not_there_is_an_error_with_the_nearest_name(write):
    write("base.toml", "[hooks.visualise]\nx = 1")
    (text,) = problems(write("spec.toml", 'extends = ["base.toml"]\nunset = ["hooks.visualize"]'))
    assert text.endswith("spec.toml:2:10: unset.0: there is no hooks.visualize to remove (did you mean 'visualise'?)")


def test_defaults_lie_beneath_everything_and_can_be_removed(write):
    base = {"hooks": {"log": {"type": "TextLog"}}}
    path = write("spec.toml", "[hooks.log]\nx = 1")
    assert compose(path, base=base).tree == {"hooks": {"log": {"type": "TextLog", "x": 1}}}
    assert compose(path, ["~hooks.log"], base=base).tree == {"hooks": {}}
    assert base == {"hooks": {"log": {"type": "TextLog"}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("3e-4", 3e-4), ("true", True), ("[1, 2]", [1, 2]), ('"3"', "3"), ("AdamW", "AdamW"), ("1 2", "1 2")],
)
def test_argument_values_are_toml_where_they_are_toml(write, text, value):
    tree = compose(write("spec.toml", ""), [f"a.b={text}"]).tree
    assert plain(tree["a"]["b"]) == value


def test_an_inline_table_given_as_argument_is_a_table(write):
    assert compose(write("spec.toml", ""), ["every={ epochs = 1 }"]).tree == {"every": {"epochs": 1}}


def test_the_order_of_type_arguments_cannot_matter(write):
    path = write("spec.toml", '[optimizer]\ntype = "SGD"\nmomentum = 0.9\nlr = 1.0')
    one = compose(path, ["optimizer.lr=0.5", "optimizer.type=AdamW"]).tree
    other = compose(path, ["optimizer.type=AdamW", "optimizer.lr=0.5"]).tree
    assert one == other
    assert one["optimizer"].keys() == {"type", "lr"}
    new = compose(path, ["optimizer.type=AdamW", "~optimizer.momentum", "optimizer.lr=0.5"])
    assert new.tree == one
    assert not new.problems


def test_syntax_errors_name_line_and_column(write):
    (text,) = problems(write("spec.toml", "a = 1\nb = = 2"))
    assert "spec.toml:2:5: " in text


def test_all_problems_of_all_files_and_arguments_come_together(write):
    write("broken.toml", "= 1")
    path = write("spec.toml", 'extends = ["broken.toml", "missing.toml", "ring.toml"]')
    write("ring.toml", 'extends = ["spec.toml"]')
    found = problems(path, ["nonsense", "~a=1", "extends=x", "~nothing"])
    assert len(found) == 7
    assert any("spec.toml:1:27: extends.1: " in text and text.endswith("missing.toml: no such file") for text in found)
    assert any(
        "ring.toml:1:12: extends.0: extends itself (spec.toml -> ring.toml -> spec.toml)" in text for text in found
    )
    assert any("nonsense: expected key=value" in text for text in found)


def test_a_file_that_is_not_text_is_one_problem(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_bytes(b"a = \xff")
    (text,) = problems(path)
    assert "not UTF-8" in text


def test_a_value_cannot_be_used_as_a_table(write):
    (text,) = problems(write("spec.toml", "lr = 1"), ["lr.x=2"])
    assert text == "command line: lr.x=2: lr: holds a value, not a table"


@pytest.mark.parametrize("value", ["3", '"base.toml"', "[1]"])
def test_extends_must_be_an_array_of_texts(write, value):
    (text,) = problems(write("spec.toml", f"extends = {value}"))
    assert "extends: expected an array of texts" in text


@pytest.mark.parametrize("reference", ["~nobody-has-this-name/x.toml", "a\\u0000b.toml"])
def test_a_reference_that_can_be_no_file_is_a_problem(write, reference):
    (text,) = problems(write("spec.toml", f'extends = ["{reference}"]'))
    assert "spec.toml:1:12: extends.0: '" in text
    assert "names no file: " in text


def test_nesting_without_end_is_a_problem(write):
    (text,) = problems(write("spec.toml", "a = " + "[" * 5000 + "]" * 5000))
    assert "spec.toml" in text


def test_a_byte_order_mark_is_no_content(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 1")
    assert compose(path).tree == {"seed": 1}


def test_an_editors_buffer_stands_for_the_file(write):
    path = write("spec.toml", "seed = 1")
    assert compose(path, text="seed = 2").tree == {"seed": 2}
    assert compose(path.with_name("unsaved.toml"), text="seed = 3").tree == {"seed": 3}


def test_a_base_that_cannot_be_read_leaves_the_rest_to_be_checked(write):
    composed = compose(write("spec.toml", 'extends = ["nowhere.toml"]\nseed = 1'))
    assert composed.tree == {"seed": 1}
    assert not composed.complete


def test_a_folder_and_a_pipe_are_no_spec_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert problems(tmp_path) == [f"{tmp_path}: is a folder, not a spec file"]
    assert problems(tmp_path / "pipe") == [f"{tmp_path}/pipe: is no regular file"]


def test_a_file_that_no_person_wrote_is_not_read(tmp_path):
    path = tmp_path / "big.toml"
    path.write_text("#" * (LARGEST + 1))
    assert problems(path) == [f"{path}: is larger than a spec can be (1,048,577 bytes; at most 1,048,576)"]


def test_a_base_that_several_share_lies_beneath_all_of_them_once(write):
    write("base.toml", "x = 1\ny = 1")
    write("left.toml", 'extends = ["base.toml"]\nx = 2')
    write("right.toml", 'extends = ["base.toml"]\ny = 2')
    assert compose(write("spec.toml", 'extends = ["left.toml", "right.toml"]')).tree == {"x": 2, "y": 2}


def test_a_chain_of_bases_without_end_is_stopped(write):
    for level in range(120):
        write(f"{level}.toml", f'extends = ["{level + 1}.toml"]')
    (text,) = problems(write("spec.toml", 'extends = ["0.toml"]'))
    assert text.endswith("this makes more than 100 files to extend")


def test_what_may_have_been_meant_by_a_file_that_is_not_there(write):
    write("base.toml", "")
    (text,) = problems(write("spec.toml", 'extends = ["base"]'))
    assert text.endswith("base: no such file (did you mean 'base.toml'?)")
    (text,) = problems(write("spec.toml", 'extends = ["base/coco.toml"]'))
    assert text.endswith("coco.toml: no such file (did you mean 'specdet:base/coco.toml'?)")
    (text,) = problems(write("spec.toml", 'extends = ["specdet:../pyproject.toml"]'))
    assert "it leads out of the folder of the shipped specs" in text


def test_a_table_with_a_type_given_as_argument_comes_first_too(write):
    path = write("spec.toml", '[optimizer]\ntype = "AdamW"\nlr = 1.0')
    assert plain(compose(path, ["optimizer.lr=0.5", 'optimizer={type = "SGD"}']).tree["optimizer"]["lr"]) == 0.5


@pytest.mark.parametrize(
    "deep", ["a" + ".a" * 100 + " = 1", "a = " + "[" * 100 + "]" * 100, "a = " + "[{a=" * 40 + "1" + "}]" * 40]
)
def test_tables_and_arrays_lie_in_one_another_only_so_deep(write, deep):
    (text,) = problems(write("spec.toml", deep))
    assert text.endswith("spec.toml: tables or arrays lie too deeply in one another")


def test_a_spec_for_a_later_version_says_what_to_do(write):
    write("base.toml", "spec = 2")
    composed = compose(write("spec.toml", 'extends = ["base.toml"]\nspec = 1\n'))
    assert composed.foreign
    (problem,) = composed.problems
    assert str(problem).endswith(
        "base.toml:1:8: spec: written for version 2 of the language, and this specdet reads version 1: update specdet"
    )


def test_quoted_keys_are_reached_from_the_command_line(write):
    path = write("spec.toml", "[areas]\n'a.b' = 1\n'c=d' = 2\nx = 3")
    assert compose(path, ["~areas.'a.b'"]).tree == {"areas": {"c=d": 2, "x": 3}}
    assert plain(compose(path, ["areas.'c=d'=5"]).tree["areas"]["c=d"]) == 5


def test_line_ends_are_kept_in_the_source(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_bytes(b"seed = 1\r\n# end\r\n")
    assert compose(path).source == "seed = 1\r\n# end\r\n"
