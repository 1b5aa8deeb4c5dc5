"""Whatever is done to a spec, checking it gives problems or none: no other exception, no traceback, no hang."""

import re
from pathlib import Path

import pytest
import tomli
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specdet.checks.check import check
from specdet.experiment import load, resolved
from specdet.spec.compose import shipped_specs
from specdet.spec.merge import walk

SPECS = sorted(path for path in shipped_specs().rglob("*.toml"))
TEXTS = [path.read_text() for path in SPECS] + [resolved(load("specdet:rpn.toml"))]
TREES = [tomli.loads(text) for text in TEXTS]
TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|[\w.+-]+|\s+|.')
TOKENS = [TOKEN.findall(text) for text in TEXTS]
WORDS = sorted({token for tokens in TOKENS for token in tokens})
ODD = ["[[", "]]", "{", "}", '"""', "'''", "\\u12", "..", "=", "\r", "\0", "é", "{ref='seed'}", "{env='HOME'}"]
ODD += ["1e400", "-0", "nan", "inf", "0x", "1_", "2026-11-24", "07:32"]
SCALARS = (
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.dates()
    | st.sampled_from(WORDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "ref", "env", "order", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def many(examples: int):
    """A setting for tests that look at so many specs; the 20,000 of all three are checked in a minute."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


def assert_told(path: Path, **keywords) -> None:
    problems = check(path, **keywords)
    for problem in problems:
        assert problem.message
        assert "\n" not in str(problem).replace("\n    ", "")
        assert str(problem).isprintable() or problem.notes
        if problem.place is not None and problem.place.text:
            assert 1 <= problem.place.column <= len(problem.place.text) + 1, problem


@pytest.mark.timeout(1200)
@many(8000)
@given(st.data())
def test_changed_bytes(tmp_path_factory, data):
    content = bytearray(data.draw(st.sampled_from(TEXTS)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = min(len(content), start + data.draw(st.integers(0, 12)))
        content[start:stop] = data.draw(st.binary(max_size=4) | st.sampled_from(ODD).map(str.encode))
    path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(content)
    assert_told(path)


@pytest.mark.timeout(1200)
@many(6000)
@given(st.data())
def test_changed_tokens(data):
    tokens = list(data.draw(st.sampled_from(TOKENS)))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(tokens) - 1))
        done = data.draw(st.sampled_from(["replace", "insert", "remove", "swap", "cut"]))
        if done == "replace":
            tokens[at] = data.draw(st.sampled_from(WORDS + ODD))
        elif done == "insert":
            tokens.insert(at, data.draw(st.sampled_from(WORDS + ODD)))
        elif done == "remove" and len(tokens) > 1:
            del tokens[at]
        elif done == "swap":
            other = data.draw(st.integers(0, len(tokens) - 1))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif done == "cut" and at:
            del tokens[at:]
    assert_told(shipped_specs() / "coco" / "unsaved.toml", text="".join(tokens), part=data.draw(st.booleans()))


@pytest.mark.timeout(1200)
@many(6000)
@given(st.data())
def test_changed_trees(data):
    """Valid TOML that says something else: values of other types, keys elsewhere, tables in the place of values."""
    tree = data.draw(st.sampled_from(TREES))
    tree = tomli.loads(tomlkit.dumps(tree))
    for _ in range(data.draw(st.integers(1, 4))):
        paths = [path for path, _ in walk(tree)]
        if not paths:
            break
        *way, key = data.draw(st.sampled_from(paths))
        table = tree
        for each in way:
            table = table[each]
        done = data.draw(st.sampled_from(["set", "remove", "rename", "wrap"]))
        old = table.pop(key)
        if done == "set":
            table[key] = data.draw(VALUES)
        elif done == "rename":
            table[data.draw(st.sampled_from(WORDS) | st.just(key + "x"))] = old
        elif done == "wrap":
            table[key] = data.draw(st.sampled_from([[old], {key: old}, {"type": old}]))
    overrides = data.draw(
        st.lists(st.sampled_from(["~hooks", "seed=x", "optimizer.type=SGD", "a.b=1", "~name"]), max_size=2)
    )
    assert_told(shipped_specs() / "coco" / "unsaved.toml", text=tomlkit.dumps(tree), overrides=overrides)
