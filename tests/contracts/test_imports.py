"""Imports point one way, and what reads specs never loads torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "specdet"
MODULES = sorted(path.relative_to(ROOT) for path in PACKAGE.rglob("*.py"))
SPEC_MODULES = [path for path in MODULES if path.stem.endswith("spec") or path.parts[1] == "spec"]
TORCH_FREE = [
    *SPEC_MODULES,
    *(path for path in MODULES if path.parts[1] in ("runs", "verbs")),
    *(
        Path("specdet") / name
        for name in ("__init__.py", "registry.py", "experiment.py", "experiment_classes.py", "exit_codes.py", "cli.py")
    ),
    *(Path("specdet") / name for name in ("experiment_masks.py", "experiment_rules.py")),
    *(Path("specdet") / name for name in ("launching.py", "comparison.py", "cost.py")),
]
HEAVY = ("torch", "torchvision", "numpy", "accelerate", "streamlit")

# What each room may import of ours, besides itself and the two at the bottom: the registry and the language.
BOTTOM = ("specdet.spec", "specdet.registry")
ALLOWED = {
    "spec": (),
    "collection.py": (),
    "structures.py": (),
    "boxes": (),
    "masks": (),
    "models": ("specdet.boxes", "specdet.masks", "specdet.structures"),
    "data": ("specdet.collection", "specdet.masks", "specdet.structures"),
    "evaluation": ("specdet.collection", "specdet.masks", "specdet.structures"),
    "optim": (),
    "runs": (),
    "runner": ("specdet.runs", "specdet.structures"),
}
# What stands above all rooms, and may import any of them; none of them may import it.
ABOVE = (
    *(
        "__init__.py",
        "cli.py",
        "comparison.py",
        "cost.py",
        "exit_codes.py",
        "experiment.py",
        "experiment_classes.py",
        "experiment_masks.py",
        "experiment_rules.py",
    ),
    *("foreign_keys.py", "launching.py", "registry.py", "results.py", "text_table.py"),
    *(
        "starting_weights.py",
        "train.py",
        "training_failure.py",
        "training_memory.py",
        "training_run.py",
        "weight_import.py",
    ),
    *("checks", "inference", "verbs"),
)
FAMILIES_OF_DETECTORS = ("backbones", "necks", "heads", "roi_heads", "matching", "losses")


def name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


def test_the_check_below_sees_the_package():
    assert len(MODULES) > 40
    assert Path("specdet/models/heads/spec.py") in SPEC_MODULES


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_each_room_imports_only_what_lies_below_it(path):
    room = path.parts[1]
    assert (room in ALLOWED) != (room in ABOVE), "each room says what it may import"
    if room in ABOVE:
        return
    allowed = (*BOTTOM, *ALLOWED[room], f"specdet.{room}")
    for module in imports_of(path):
        if module.split(".")[0] == "specdet":
            assert module.startswith(allowed), f"{path} imports {module}"


def test_the_registry_stands_on_nothing():
    assert not [module for module in imports_of(Path("specdet/registry.py")) if module.startswith("specdet")]


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "spec.py"], ids=str)
def test_spec_modules_import_only_the_language(path):
    assert {module for module in imports_of(path) if module.startswith("specdet")} == {"specdet.spec"}


@pytest.mark.parametrize("family", FAMILIES_OF_DETECTORS)
def test_families_of_models_stand_side_by_side(family):
    others = tuple(f"specdet.models.{other}" for other in (*FAMILIES_OF_DETECTORS, "detectors") if other != family)
    for path in MODULES:
        if path.parts[1:3] == ("models", family):
            assert not [module for module in imports_of(path) if module.startswith(others)], path


def test_there_are_no_cycles():
    graph = {
        name_of(path): {
            module
            for module in imports_of(path, top_level_only=True)
            if module.startswith("specdet") and module != name_of(path)
        }
        for path in MODULES
    }
    seen: dict[str, int] = {}

    def visit(name: str, chain: tuple[str, ...]) -> None:
        if seen.get(name) == 1:
            raise AssertionError("cycle: " + " -> ".join((*chain[chain.index(name) :], name)))
        if name in graph and name not in seen:
            seen[name] = 1
            for below in graph[name]:
                visit(below, (*chain, name))
            seen[name] = 2

    for name in graph:
        visit(name, ())
    assert set(seen) == set(graph)


@pytest.mark.parametrize("names", [[name_of(path) for path in TORCH_FREE]], ids=["all"])
def test_what_reads_specs_and_runs_loads_neither_torch_nor_numpy(names):
    script = (
        "import importlib, json, sys\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_no_file_is_longer_than_one_concept():
    long = {str(path): lines for path in MODULES if (lines := len((ROOT / path).read_text().splitlines())) > 400}
    assert not long
