"""Small data sets on disk, in a workspace."""

from pathlib import Path

import pytest

from app.security.roots import Roots
from tests.data.conftest import CocoFolder, VocFolder


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """Roots that hold what a test writes below `inside`."""
    inside = tmp_path / "inside"
    inside.mkdir()
    return Roots(workspace=inside, runs=inside / "runs")


@pytest.fixture
def coco(roots: Roots) -> CocoFolder:
    """Three images of 60 x 40 px: cat and dog, a crowd of dogs, nothing."""
    return CocoFolder(roots.workspace)


@pytest.fixture
def voc(roots: Roots) -> VocFolder:
    """An empty VOC data set."""
    return VocFolder(roots.workspace)
