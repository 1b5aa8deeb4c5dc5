"""The spec language: TOML, attrs and cattrs; it knows nothing of detection and imports neither torch nor numpy."""

from specdet.spec.base import Spec, spec
from specdet.spec.fields import component, field
from specdet.spec.problems import Problem, SpecError
from specdet.spec.published import Published

__all__ = ["Problem", "Published", "Spec", "SpecError", "component", "field", "spec"]
