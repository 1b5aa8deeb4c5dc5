"""The worked example of CONTRIBUTING.md, done as it says, in a copy of the package."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def blocks():
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S | re.M)


@pytest.fixture(scope="module")
def checkout(blocks, tmp_path_factory):
    """The package with the three edits and the test of the example."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "specdet", folder / "specdet", ignore=shutil.ignore_patterns("__pycache__"))
    spec_class, module, line, test = blocks
    with (folder / "specdet/optim/spec.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{spec_class}")
    (folder / "specdet/optim/inverse_sqrt.py").write_text(module, encoding="utf-8")
    registry = folder / "specdet/registry.py"
    table = registry.read_text(encoding="utf-8")
    family = '    "schedule": {\n'
    assert table.count(family) == 1
    registry.write_text(table.replace(family, family + line), encoding="utf-8")
    (folder / "test_inverse_sqrt.py").write_text(test, encoding="utf-8")
    return folder


def test_the_example_is_three_edits_and_a_test(blocks):
    assert len(blocks) == 4


def test_the_example_passes_its_own_test(checkout):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_inverse_sqrt.py"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_new_component_is_checked_like_any_other(checkout):
    script = (
        "from specdet.registry import Registry\n"
        "from specdet.spec.structure import build_from_cfg\n"
        "build_from_cfg({'type': 'InverseSqrt', 'holt': 5, 'warmup': 'lineal'}, Registry('schedule'))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 1
    assert "holt: InverseSqrt has no such key (did you mean 'hold'?)" in done.stderr
    assert "(did you mean 'linear'?)" in done.stderr
