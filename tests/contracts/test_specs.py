"""Every spec that we ship is right, torch-free to read, and says the same again when written out."""

import subprocess
import sys

import pytest

from specdet.experiment import load, resolved
from specdet.spec.compose import shipped_specs

SPECS = sorted(shipped_specs().rglob("*.toml"))
WHOLE = [path for path in SPECS if "base" not in path.parts]


def test_the_list_is_not_empty():
    assert {path.name for path in WHOLE} >= {"rpn.toml", "rpn_r50_fpn_1x.toml"}


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.relative_to(shipped_specs())))
def test_a_shipped_spec_loads_and_its_resolved_text_is_the_same_experiment(path, tmp_path):
    experiment = load(path)
    again = tmp_path / "spec.toml"
    again.write_text(resolved(experiment))
    assert load(again) == experiment


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.relative_to(shipped_specs())))
def test_check_passes_without_data_and_without_torch(path):
    script = (
        "import sys\nfrom specdet.cli import main\n"
        f"code = main(['check', {str(path)!r}])\n"
        "assert not {'torch', 'numpy'} & set(sys.modules), 'heavy imports'\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("fine\n")
