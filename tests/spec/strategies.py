"""Hypothesis strategies that make any spec class from what its fields say of themselves."""

import math
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

from specdet.registry import Registry
from specdet.spec import Spec, SpecError
from specdet.spec.fields import Meta, meta_of
from specdet.spec.published import Published
from specdet.spec.secret import Secret

CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs"])
NAMES = st.text(CHARACTERS, min_size=1, max_size=6).filter(lambda key: key not in ("type", "order"))


def specs(kind: type[Spec]) -> st.SearchStrategy[Spec]:
    """Instances of a spec class that its own rules take."""
    fields = {attribute.name: _field(attribute) for attribute in attrs.fields(kind)}
    required = {a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    optional = {name: each for name, each in fields.items() if name not in required}

    def made(values: dict[str, Any]) -> Spec | None:
        try:
            return kind(**values)
        except SpecError:
            return None

    drawn = st.fixed_dictionaries({name: fields[name] for name in required}, optional=optional)
    return drawn.map(made).filter(lambda spec: spec is not None)


def components(family: str) -> st.SearchStrategy[Spec]:
    """Any component of a family."""
    registry = Registry(family)
    return st.deferred(lambda: st.one_of([specs(registry.get(tag)) for tag in registry.tags]))


def _field(attribute: attrs.Attribute) -> st.SearchStrategy[Any]:
    meta = meta_of(attribute)
    return _components(attribute.type, meta.family) if meta.family else _values(attribute.type, meta)


def _components(kind: Any, family: str) -> st.SearchStrategy[Any]:
    forms = {
        Spec: components(family),
        dict: st.dictionaries(NAMES, components(family), max_size=2),
        tuple: st.lists(components(family), min_size=1, max_size=2).map(tuple),
        NoneType: st.none(),
    }
    arms = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return st.one_of([forms[get_origin(arm) or arm] for arm in arms])


def _values(kind: Any, meta: Meta) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in (int, float):
        return _numbers(kind, meta)
    if origin in (Union, UnionType):
        return st.one_of([_values(arm, meta) for arm in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        item = _values(arguments[0], attrs.evolve(meta, min_length=0))
        return st.lists(item, min_size=meta.min_length, max_size=meta.min_length + 2, unique=True).map(_ascending)
    if origin is tuple:
        return st.tuples(*(_values(each, meta) for each in arguments))
    if origin is dict:
        return st.dictionaries(NAMES, _values(arguments[1], meta), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Spec):
        return specs(kind)
    if kind is Path:  # absolute, since a relative one depends on the file that says it
        return st.sampled_from([Path("/data"), Path("/data/a b"), Path("/é")])
    if kind is Published:
        addresses = ["https://example.org/w.pth#sha256=00", "ResNet50_Weights.IMAGENET1K_V1"]
        return st.sampled_from([Published(each) for each in addresses])
    plain = {bool: st.booleans(), str: NAMES, NoneType: st.none(), Secret: st.builds(Secret, env=st.just("TOKEN"))}
    return plain[kind]


def _numbers(kind: type, meta: Meta) -> st.SearchStrategy[Any]:
    low = meta.ge if meta.ge is not None else meta.gt
    high = meta.le if meta.le is not None else meta.lt
    if kind is float:
        open_low, open_high = meta.gt is not None, meta.lt is not None
        return st.floats(low, high, exclude_min=open_low, exclude_max=open_high, allow_nan=False, allow_infinity=False)
    least = -(2**31) if low is None else math.floor(low) + 1 if meta.gt is not None else math.ceil(low)
    most = 2**31 if high is None else math.ceil(high) - 1 if meta.lt is not None else math.floor(high)
    return st.integers(least, min(most, least + 40))


def _ascending(items: list[Any]) -> tuple[Any, ...]:
    """Many fields take their numbers in ascending order only."""
    return tuple(sorted(items)) if all(isinstance(item, int | float) for item in items) else tuple(items)
