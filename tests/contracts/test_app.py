"""The app stands above specdet, and starts without what only a training needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "app").rglob("*.py"))
PAGES = [path for path in MODULES if path.parts[1] == "pages"]
# What knows nothing of Streamlit, so that it can be tested without: rooms of the app.
WITHOUT_STREAMLIT = ("browsing", "charts", "editing", "launching", "looking", "reading", "states.py", "plain.py")
HEAVY = ("torch", "torchvision", "accelerate")


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[1] in WITHOUT_STREAMLIT], ids=str)
def test_what_a_page_is_made_of_is_testable_without_streamlit(path):
    assert not [module for module in imports_of(path) if module.split(".")[0] == "streamlit"]


@pytest.mark.parametrize("path", [path for path in MODULES if path not in PAGES], ids=str)
def test_nothing_imports_a_page(path):
    assert not [module for module in imports_of(path) if module.startswith("app.pages")]


def test_specdet_does_not_know_the_app():
    for path in (ROOT / "specdet").rglob("*.py"):
        assert not [module for module in imports_of(path.relative_to(ROOT)) if module.split(".")[0] == "app"], path


def test_the_app_starts_without_torch():
    names = [".".join(path.with_suffix("").parts) for path in MODULES if path not in PAGES]
    names = [name.removesuffix(".__init__") for name in names if name not in ("app.main", "app.shell")]
    script = (
        "import importlib, json, sys\n"
        f"for name in {names!r}:\n    importlib.import_module(name)\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_file_is_longer_than_one_concept():
    long = {str(path): lines for path in MODULES if (lines := len((ROOT / path).read_text().splitlines())) > 400}
    assert not long
