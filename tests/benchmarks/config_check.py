"""A whole process that reads and validates a config, beside its peers': `python -m tests.benchmarks.config_check`.

Every system gets the same 100 fields (10 groups of 10: whole numbers and numbers with ranges, booleans, texts,
choices) and a file that gives them all: TOML for specdet, pydantic and cattrs, YAML for Hydra and jsonargparse. Where a
system has overrides, one is applied. Before it is timed, each must refuse a text where a number belongs, an unknown key
and, where it has ranges, a number out of range. Processes of ours and of each peer alternate, so that whatever else the
machine does falls on both. The peers come with `pip install -e '.[bench]'`; a missing one is said in its row.

Not the same everywhere: Hydra has no ranges, pydantic and cattrs have no overrides, and only ours knows the origin of
each value. cattrs is the floor: what ours is built on, without merging, origins, collected errors or strict scalars.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]
GROUPS = 10
CHANGED = 7  # the value that the override gives to group_3.count
OVERRIDE = f"group_3.count={CHANGED}"


@attrs.frozen
class Field:
    """One field of every group."""

    name: str
    kind: str = attrs.field(kw_only=True)
    value: int | float | bool | str = attrs.field(kw_only=True)
    low: float | None = attrs.field(default=None, kw_only=True)
    high: float | None = attrs.field(default=None, kw_only=True)
    choices: tuple[str, ...] = attrs.field(default=(), kw_only=True)


FIELDS = (
    Field("count", kind="int", value=3, low=0, high=1000),
    Field("depth", kind="int", value=50, low=1, high=200),
    Field("period", kind="int", value=10, low=1, high=100_000),
    Field("rate", kind="float", value=0.02, low=0.0, high=10.0),
    Field("weight", kind="float", value=1.5, low=0.0, high=100.0),
    Field("threshold", kind="float", value=0.7, low=0.05, high=0.95),
    Field("enabled", kind="bool", value=True),
    Field("verbose", kind="bool", value=False),
    Field("label", kind="str", value="boxes"),
    Field("mode", kind="choice", value="linear", choices=("none", "linear", "cosine")),
)


def classes(render: Callable[[Field], str], *, opening: str, root: str) -> str:
    """The source of ten classes of ten fields, and of the one that holds them."""
    lines = []
    for group in range(GROUPS):
        lines += ["", opening.format(name=f"Group{group}"), *(f"    {render(each)}" for each in FIELDS)]
    lines += ["", opening.format(name="Config")]
    lines += ["    " + root.format(name=f"group_{group}", kind=f"Group{group}") for group in range(GROUPS)]
    return "\n".join([*lines, ""])


def literal(each: Field) -> str:
    """The annotation of a field where choices are typing.Literal."""
    return f"Literal[{', '.join(map(repr, each.choices))}]" if each.choices else each.kind


def ranged(each: Field, *, keywords: str) -> str:
    """Keyword arguments for the range of a field, or nothing."""
    return keywords.format(low=each.low, high=each.high) if each.low is not None else ""


def specdet_source() -> str:
    """Spec classes; composed with an override, structured with the origins of all values."""
    body = classes(
        lambda each: (
            f"{each.name}: {literal(each)} = field({each.value!r}"
            f"{ranged(each, keywords=', ge={low}, le={high}')}, help='.')"
        ),
        opening="@spec\nclass {name}(Spec):",
        root="{name}: {kind} = field(factory={kind}, help='.')",
    )
    return f"""from typing import Literal
from specdet.spec import Spec, SpecError, field, spec
from specdet.spec.compose import compose
from specdet.spec.structure import structure
{body}
def read(path, override):
    composed = compose(path, [override])
    if composed.problems:
        raise SpecError(composed.problems)
    return structure(composed.tree, Config, origins=composed.origins)
"""


def cattrs_source() -> str:
    """Plain attrs classes with validators, structured by cattrs."""
    body = classes(
        lambda each: (
            f"{each.name}: {literal(each)} = attrs.field(default={each.value!r}"
            f"{ranged(each, keywords=', validator=[ge({low}), le({high})]')})"
        ),
        opening="@attrs.frozen(kw_only=True)\nclass {name}:",
        root="{name}: {kind} = attrs.field(factory={kind})",
    )
    return f"""from typing import Literal
import attrs, cattrs, tomli
from attrs.validators import ge, le
{body}
def read(path, override):
    with open(path, "rb") as file:
        table = tomli.load(file)
    return cattrs.Converter(forbid_extra_keys=True).structure(table, Config)
"""


def pydantic_source() -> str:
    """Strict models that forbid unknown keys."""
    body = classes(
        lambda each: (
            f"{each.name}: {literal(each)} = Field({each.value!r}{ranged(each, keywords=', ge={low}, le={high}')})"
        ),
        opening="class {name}(BaseModel):\n    model_config = ConfigDict(extra='forbid', strict=True)",
        root="{name}: {kind} = Field(default_factory={kind})",
    )
    return f"""from typing import Literal
import tomllib
from pydantic import BaseModel, ConfigDict, Field
{body}
def read(path, override):
    with open(path, "rb") as file:
        return Config.model_validate(tomllib.load(file))
"""


def jsonargparse_source() -> str:
    """Dataclasses, with restricted numbers for ranges."""
    limits = [each for each in FIELDS if each.low is not None]
    numbers = "\n".join(
        f"{each.name.title()} = restricted_number_type({each.name.title()!r}, {each.kind}, "
        f"[('>=', {each.low}), ('<=', {each.high})])"
        for each in limits
    )
    body = classes(
        lambda each: f"{each.name}: {each.name.title() if each in limits else literal(each)} = {each.value!r}",
        opening="@dataclass\nclass {name}:",
        root="{name}: {kind} = field(default_factory={kind})",
    )
    return f"""from dataclasses import dataclass, field
from typing import Literal
from jsonargparse import ArgumentParser
from jsonargparse.typing import restricted_number_type
{numbers}
{body}
def read(path, override):
    parser = ArgumentParser()
    parser.add_argument("--config", action="config")
    parser.add_class_arguments(Config, "root")
    parsed = parser.parse_args(["--config", path, "--root." + override])
    return parser.instantiate_classes(parsed).root
"""


def hydra_source() -> str:
    """A structured config of dataclasses, composed with a file and an override; choices are an Enum."""
    (mode,) = (each for each in FIELDS if each.choices)
    body = classes(
        lambda each: (
            f"{each.name}: Mode = Mode.{each.value}" if each is mode else f"{each.name}: {each.kind} = {each.value!r}"
        ),
        opening="@dataclass\nclass {name}:",
        root="{name}: {kind} = field(default_factory={kind})",
    )
    return f"""import os
from dataclasses import dataclass, field
from enum import Enum
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

class Mode(Enum):
{"".join(f"    {choice} = {choice!r}{chr(10)}" for choice in mode.choices)}
{body}
def read(path, override):
    ConfigStore.instance().store(name="schema", node=Config)
    folder, name = os.path.split(path)
    with initialize_config_dir(config_dir=folder, version_base=None):
        return OmegaConf.to_object(compose(name.removesuffix(".yaml"), overrides=[override]))
"""


def toml_text() -> str:
    """All 100 values as TOML; JSON spells these scalars alike."""
    return "".join(
        f"[group_{group}]\n" + "".join(f"{each.name} = {json.dumps(each.value)}\n" for each in FIELDS) + "\n"
        for group in range(GROUPS)
    )


def yaml_text(*, opening: str, indent: str) -> str:
    """All 100 values as YAML, block style."""
    return opening + "".join(
        f"{indent}group_{group}:\n" + "".join(f"{indent}  {each.name}: {json.dumps(each.value)}\n" for each in FIELDS)
        for group in range(GROUPS)
    )


@attrs.frozen(kw_only=True)
class System:
    """One way to read the config: where its source and its file come from."""

    name: str
    module: str  # the distribution's import name, to say whether it is there
    source: Callable[[], str]
    suffix: str
    text: Callable[[], str]
    overrides: bool = True
    ranges: bool = True

    def command(self, folder: Path, *, file: str = "config") -> list[str]:
        """A process that reads the file; the schema is a module, so that Python compiles it once, as in use."""
        code = (
            f"import sys, peer_{self.module}\n"
            f"config = peer_{self.module}.read({str(folder / self.module / file) + self.suffix!r}, {OVERRIDE!r})\n"
            "print(config.group_3.count, config.group_9.rate, *{'torch', 'numpy'} & set(sys.modules))"
        )
        return [sys.executable, "-c", code]

    def prepare(self, folder: Path) -> None:
        """Write schema and files; make sure that the right one is read and the wrong ones are not."""
        (folder / f"peer_{self.module}.py").write_text(self.source(), encoding="utf-8")
        (folder / self.module).mkdir()
        right = self.text()
        texts = {
            "config": right,
            "wrong_value": right.replace("50", '"fifty"', 1),
            "wrong_key": right.replace("depth", "depht", 1),
            "out_of_range": right.replace("50", "500", 1),
        }
        done = {}
        for name, text in texts.items():
            (folder / self.module / name).with_suffix(self.suffix).write_text(text, encoding="utf-8")
            command = self.command(folder, file=name)
            done[name] = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(folder))
        assert done["config"].returncode == 0, done["config"].stderr
        count, rate, *heavy = done["config"].stdout.split()
        assert (int(count), float(rate)) == (CHANGED if self.overrides else 3, 0.02), (self.name, count, rate)
        assert self.name != "specdet" or not heavy, f"specdet loaded {heavy}"
        refused = {name for name in texts if done[name].returncode}
        assert refused == {"wrong_value", "wrong_key"} | ({"out_of_range"} if self.ranges else set()), (
            self.name,
            refused,
        )


OURS = System(name="specdet", module="specdet", source=specdet_source, suffix=".toml", text=toml_text)
PEERS = (
    System(name="cattrs alone", module="cattrs", source=cattrs_source, suffix=".toml", text=toml_text, overrides=False),
    System(name="pydantic", module="pydantic", source=pydantic_source, suffix=".toml", text=toml_text, overrides=False),
    System(
        name="jsonargparse",
        module="jsonargparse",
        source=jsonargparse_source,
        suffix=".yaml",
        text=lambda: yaml_text(opening="root:\n", indent="  "),
    ),
    System(
        name="Hydra",
        module="hydra",
        source=hydra_source,
        suffix=".yaml",
        text=lambda: yaml_text(opening="defaults:\n  - schema\n  - _self_\n", indent=""),
        ranges=False,
    ),
)
# What the console script does, whether it is installed or not.
CHECK = [sys.executable, "-c", "import sys; from specdet.cli import main; sys.exit(main())", "check", "specs/rpn.toml"]


def environment(folder: Path) -> dict[str, str]:
    """This process's environment, with specdet and the generated modules in sight, and all of it compiled only once."""
    paths = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


@attrs.frozen(kw_only=True)
class Spent:
    """What one process took, s."""

    wall: float
    cpu: float


def spent(command: Sequence[str], *, env: dict[str, str]) -> Spent:
    """Run a process to its end."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Spent(wall=wall, cpu=usage.ru_utime + usage.ru_stime)


def compare(
    commands: dict[str, list[str]], *, rounds: int, env: dict[str, str]
) -> dict[str, list[tuple[Spent, Spent]]]:
    """For every other command, pairs of (ours, it), taken in turns; which of the two goes first alternates."""
    ours = commands[OURS.name]
    pairs: dict[str, list[tuple[Spent, Spent]]] = {name: [] for name in commands if name != OURS.name}
    for number in range(-1, rounds):
        for name, found in pairs.items():
            if number % 2:
                mine, its = spent(ours, env=env), spent(commands[name], env=env)
            else:
                its, mine = spent(commands[name], env=env), spent(ours, env=env)
            if number >= 0:  # the first round fills caches
                found.append((mine, its))
    return pairs


def row(name: str, *, times: Sequence[Spent], ratio: str = "") -> str:
    """One line of the table, times in ms."""
    wall, cpu = (1000 * statistics.median(getattr(each, kind) for each in times) for kind in ("wall", "cpu"))
    return f"{name:<30} {wall:7.1f} {cpu:7.1f}   {ratio}"


def ratio_text(pairs: Sequence[tuple[Spent, Spent]]) -> str:
    """How many times ours' wall time a peer takes: the median over pairs, with its quartiles."""
    ratios = [its.wall / mine.wall for mine, its in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:5.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Print a row for each system: median wall and CPU time of a process, and its wall time over ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = max(parser.parse_args().rounds, 2)
    missing = [each for each in PEERS if find_spec(each.module) is None]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = environment(folder)
        commands = {"python -c pass": [sys.executable, "-c", "pass"], "specdet check specs/rpn.toml": CHECK}
        for system in (OURS, *(each for each in PEERS if each not in missing)):
            system.prepare(folder)
            commands[system.name] = system.command(folder)
        pairs = compare(commands, rounds=rounds, env=env)
    print(f"{'':<30} {'wall ms':>7} {'CPU ms':>7}   over specdet's wall time: median (quartiles), {rounds} pairs")
    print(
        row(
            f"{OURS.name}, {GROUPS * len(FIELDS)} fields", times=[mine for found in pairs.values() for mine, _ in found]
        )
    )
    for other, found in pairs.items():
        print(row(other, times=[its for _, its in found], ratio=ratio_text(found)))
    for system in missing:
        print(f"{system.name:<30} not installed: pip install -e '.[bench]'")


if __name__ == "__main__":
    main()
