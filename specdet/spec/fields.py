"""Fields of spec classes: a default, a range, a unit and a line of help, each written once, here read by all.

The check, the resolved spec, the reference and editors read the same `Meta`.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from specdet.spec.paths import SpecPath, dotted
from specdet.spec.problems import Problem

KEY = "specdet"
REQUIRED = attrs.NOTHING


@attrs.frozen(kw_only=True)
class Meta:
    """What a field says of itself besides its type."""

    help: str
    unit: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    min_length: int = 0
    advanced: bool = False
    family: str = ""  # the registry family, where the field holds components
    default_table: Mapping[str, Any] | None = None  # what a parent gives a component, beneath what the spec says
    relative_to: str = ""  # path of the folder in the spec that a relative path starts from, where that one is set
    reference: bool = False  # whether the whole value may be { ref = "path of another value" }
    depends_on: Mapping[str, tuple[Any, ...]] | None = None  # fields beside it, and the values for which it matters


def field(
    default: Any = REQUIRED,
    *,
    help: str,
    unit: str = "",
    factory: Any = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    min_length: int = 0,
    advanced: bool = False,
    relative_to: str = "",
    reference: bool = False,
    depends_on: Mapping[str, tuple[Any, ...]] | None = None,
) -> Any:
    """A plain field: numbers, text, paths, arrays of these, or a nested spec without a `type` tag.

    Args:
        default: The value where the spec says nothing; without one the key must be given.
        help: One line for the person who writes the spec.
        unit: What is counted: "px", "images", "epochs".
        ge, gt, le, lt: The range of a number, and of each number in an array.
        min_length: The least number of items of an array.
        advanced: Folded away in forms.
        relative_to: For a path: the spec path of a folder to start from ("data.root"), where that one is given.
        reference: Whether a spec may write `{ ref = "data.train.classes" }` here: what stands there, stands here too.
        depends_on: Fields beside this one with the values for which it matters at all: `{"warmup": ("linear",)}`.
    """
    meta = Meta(help=help, unit=unit, ge=ge, gt=gt, le=le, lt=lt, min_length=min_length, advanced=advanced,
                relative_to=relative_to, reference=reference, depends_on=depends_on)  # fmt: skip
    if factory is not None:
        return attrs.field(factory=factory, metadata={KEY: meta})
    return attrs.field(default=default, metadata={KEY: meta})


def component(family: str, *, help: str, default: Any = REQUIRED, advanced: bool = False) -> Any:
    """A field that holds components of one registry family, chosen by their `type` tag.

    The annotation says in which shapes they may come: `Spec` (one), `Spec | None`, `dict[str, Spec]` (keyed, in the
    order written), `tuple[Spec, ...]` (a list, which builds an `nn.Sequential`), or a union of these.

    Args:
        family: A family of `specdet.registry`.
        default: None, or a table. For one component the table lies beneath what the spec says: it names the type where
            the spec names none, and gives the keys that the spec leaves out, as long as the type stays the same.
    """
    table = default if isinstance(default, Mapping) else None
    meta = Meta(help=help, family=family, default_table=table, advanced=advanced)

    def from_python(value: Any) -> Any:
        from specdet.spec.structure import structure_component

        return structure_component(value, family=family, default_table=table)

    if table is not None:
        return attrs.field(factory=lambda: dict(table), converter=from_python, metadata={KEY: meta})
    return attrs.field(default=default, converter=from_python, metadata={KEY: meta})


def meta_of(attribute: attrs.Attribute) -> Meta:
    """The Meta of an attrs attribute that `field` or `component` made."""
    return attribute.metadata[KEY]


def range_problems(meta: Meta, value: Any) -> Iterator[tuple[SpecPath, str]]:
    """What is wrong with the size of `value`: where in it, and what; the numbers of an array each on their own."""
    if not isinstance(value, (tuple, list)):
        if text := _range_problem(meta, value):
            yield (), text
        return
    if len(value) < meta.min_length:
        yield (), f"needs at least {meta.min_length} item{'s' * (meta.min_length != 1)}, got {len(value)}"
    for index, item in enumerate(value):
        yield from (((str(index), *path), text) for path, text in range_problems(meta, item))


def _range_problem(meta: Meta, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    if not math.isfinite(value):
        return f"must be a finite number, got {value}"
    outside = (
        (meta.ge is not None and value < meta.ge)
        or (meta.gt is not None and value <= meta.gt)
        or (meta.le is not None and value > meta.le)
        or (meta.lt is not None and value >= meta.lt)
    )
    return f"must be {range_text(meta)}, got {value}" if outside else ""


def range_text(meta: Meta) -> str:
    """`0 < x <= 1`, `at least 1`, ... or an empty string where any number will do."""
    low = meta.ge if meta.ge is not None else meta.gt
    high = meta.le if meta.le is not None else meta.lt
    if low is not None and high is not None:
        return f"{low:.10g} {'<=' if meta.ge is not None else '<'} x {'<=' if meta.le is not None else '<'} {high:.10g}"
    if low is not None:
        return f"{'at least' if meta.ge is not None else 'above'} {low:.10g}"
    if high is not None:
        return f"{'at most' if meta.le is not None else 'below'} {high:.10g}"
    return ""


def field_problems(cls: type, values: Mapping[str, Any]) -> list[Problem]:
    """The fields of `cls` whose values are out of range."""
    return [
        Problem(path=dotted((attribute.name, *path)), message=text)
        for attribute in attrs.fields(cls)
        if attribute.name in values
        for path, text in range_problems(meta_of(attribute), values[attribute.name])
    ]
