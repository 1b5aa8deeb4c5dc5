"""The schema of spec files for editors, so that taplo and tombi complete keys, show their help and mark mistakes.

A component is an object of the hybrid form: an outer `type` that lists the tags and an outer list of all keys of the
family, and one if/then a tag that says the rest. The obvious forms do not serve: taplo says of `oneOf` and `anyOf` only
that nothing fits, tombi asks for keys that stand in a branch alone to be allowed outside of it too.

A schema cannot say all that the check says: 2.0 is an integer to it, and rules between fields are beyond it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from specdet.registry import COMPONENTS, Components
from specdet.spec.base import Spec
from specdet.spec.fields import Meta
from specdet.spec.manual.description import (
    LANGUAGE_FIELDS,
    ORDER_FIELD,
    FieldDescription,
    Kind,
    Shape,
    SpecDescription,
    ValueType,
    describe_family,
    describe_spec,
    type_field,
)

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
SCALARS: Mapping[Kind, Schema] = {
    Kind.BOOL: {"type": "boolean"},
    Kind.INT: {"type": "integer"},
    Kind.FLOAT: {"type": "number"},
    Kind.TEXT: {"type": "string"},
    Kind.PATH: {"type": "string", "minLength": 1},
}
NUMBERS = (Kind.INT, Kind.FLOAT)
SHOWN = ("title", "description", "default")
RANGES = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def editor_schema(root: type[Spec], *, extends: bool = False, components: Components = COMPONENTS) -> Schema:
    """The JSON Schema (draft 7) of spec files.

    Args:
        root: The class of a whole spec.
        extends: For files that say only what differs from what they extend: no key is required, and a table without
            a type may have the keys of every component of its family.
        components: The registry's table.
    """
    schema = _Writer(components=components, extends=extends).table(describe_spec(root), language=LANGUAGE_FIELDS)
    return {"$schema": DRAFT, **schema}


class _Writer:
    """One schema; `around` holds the classes that the table being written lies in."""

    def __init__(self, *, components: Components, extends: bool):
        self.components = components
        self.extends = extends
        self.around: tuple[type[Spec], ...] = ()

    def table(self, description: SpecDescription, *, language: Sequence[FieldDescription] = ()) -> Schema:
        """A table of one class, apart from the `type` that a component has beside its fields."""
        outside, self.around = self.around, (*self.around, description.spec_class)
        schema: Schema = {
            "type": "object",
            "title": description.name,
            "description": description.summary,
            "properties": {each.name: self.field(each) for each in (*language, *description.fields)},
            "additionalProperties": False,
        }
        self.around = outside
        required = [each.name for each in description.fields if each.required]
        return schema | ({"required": required} if required and not self.extends else {})

    def field(self, field: FieldDescription) -> Schema:
        """A field, with all that an editor shows of it."""
        default = "" if field.required else f"Default: {field.default_text}."
        condition = f"It matters {field.condition_text}." if field.condition_text else ""
        reference = 'Or { ref = "path of another value" }.' if field.meta.reference else ""
        lines = (field.meta.help, f"Type: {field.type_text}.", default, condition, reference)
        schema: Schema = {"title": field.name, "description": "\n\n".join(line for line in lines if line)}
        if field.default is not None:
            schema["default"] = field.default
        if field.value.kind is Kind.COMPONENT:
            content = self.components_of(field.value, field.default or {})
        else:
            content = self.value(field.value, field.meta)
        return {**(_either(content, _table_of_one("ref")) if field.meta.reference else content), **schema}

    def value(self, value: ValueType, meta: Meta) -> Schema:
        """What a value may be; the ranges of `meta` hold for every number in it."""
        if value.kind in SCALARS:
            bounds = {key: getattr(meta, name) for name, key in RANGES.items()} if value.kind in NUMBERS else {}
            return SCALARS[value.kind] | {key: bound for key, bound in bounds.items() if bound is not None}
        match value.kind:
            case Kind.CHOICE:
                return {"enum": list(value.choices)}
            case Kind.SECRET:
                return _table_of_one("env")
            case Kind.TUPLE:
                items = [self.value(each, meta) for each in value.parts]
                return {"type": "array", "items": items, "minItems": len(items), "maxItems": len(items)}
            case Kind.UNION:
                return _either(*(self.value(each, meta) for each in value.parts))
            case Kind.COMPONENT:
                return self.components_of(value, {})
        if value.kind is Kind.TABLE and value.spec_class:
            return self.table(describe_spec(value.spec_class))
        assert value.item, f"no schema for {value.kind}"
        if value.kind is Kind.KEYED:
            return {"type": "object", "additionalProperties": self.value(value.item, Meta(help=""))}
        least = {"minItems": meta.min_length} if meta.min_length else {}
        return {"type": "array", "items": self.value(value.item, meta), **least}

    def components_of(self, value: ValueType, default: Mapping[str, Any]) -> Schema:
        """Components of one family, in whichever of the shapes."""
        forms: dict[Shape, Schema] = {}
        if Shape.ONE in value.shapes:
            forms[Shape.ONE] = self.one(value.family, default)
        if Shape.LIST in value.shapes:
            forms[Shape.LIST] = {"type": "array", "items": self.one(value.family, {})}
        if Shape.KEYED in value.shapes:
            named = {key: self.one(value.family, table) for key, table in default.items() if isinstance(table, Mapping)}
            forms[Shape.KEYED] = {
                "type": "object",
                "properties": {ORDER_FIELD.name: self.field(ORDER_FIELD), **named},
                "additionalProperties": self.one(value.family, {}),
            }
        if Shape.ONE in forms and Shape.KEYED in forms:
            one, keyed = forms.pop(Shape.ONE), forms.pop(Shape.KEYED)
            keys = one.get("properties", {})
            if self.extends:  # a table without a type may be either
                keyed["properties"] = keys | keyed["properties"]
            # Inside allOf, or tombi warns of every key that only the two parts name.
            parts = {"if": {"required": ["type"]}, "then": one, "else": keyed}
            known = {name: _shown({"": schema}) for name, schema in keys.items()}
            forms[Shape.ONE] = {"type": "object", "properties": known, "additionalProperties": True, "allOf": [parts]}
        return _either(*forms.values())

    def one(self, family: str, default: Mapping[str, Any]) -> Schema:
        """One component, in the hybrid form."""
        tag = "" if self.extends else default.get("type", "")
        described = describe_family(family, components=self.components)
        if any(each.spec_class in self.around for each in described):
            return {"type": "object"}  # a component that holds its own family could go on for ever
        branches = {each.tag: self.table(each) for each in described}
        kind = self.field(type_field(family, default=tag, components=self.components))
        kind["description"] += "".join(f"\n\n{each.tag}: {each.summary}" for each in described)
        outer: Schema = {"type": kind}
        untyped: Schema = {}  # what is sure of a key whose table names no type
        for name in dict.fromkeys(name for branch in branches.values() for name in branch["properties"]):
            found = {tag: branch["properties"] for tag, branch in branches.items() if name in branch["properties"]}
            demands = [_demanded(properties[name]) for properties in found.values()]
            outer[name] = _shown({tag: properties[name] for tag, properties in found.items()})
            if demands.count(demands[0]) == len(demands):
                outer[name] |= demands[0]
                for properties in found.values():
                    properties[name] = True  # else every mistake in it would be told twice
            else:
                untyped[name] = weakest(demands)
                if all(isinstance(each, dict) and each.get("type") == "object" for each in demands):
                    # Or tombi warns of every key that only the branches name.
                    outer[name] |= {"type": "object", "additionalProperties": True}
        rules = [self.branch(each, branch, default=tag) for each, branch in branches.items()]
        if self.extends and untyped:
            rules.append({"if": {"required": ["type"]}, "then": True, "else": {"properties": untyped}})
        schema = {"type": "object", "properties": outer, "additionalProperties": False, "allOf": rules}
        return schema if tag or self.extends else {**schema, "required": ["type"]}

    def branch(self, tag: str, table: Schema, *, default: str) -> Schema:
        """What holds where the type is `tag`."""
        named: Schema = {"type": "object", "properties": {"type": {"const": tag}}}
        if tag != default:
            named["required"] = ["type"]
        return {"if": named, "then": {**table, "properties": {"type": True, **table["properties"]}}}


def weakest(schemas: Sequence[Any]) -> Any:
    """A schema that takes whatever one of `schemas` takes, as strict as what they share."""
    first = schemas[0]
    if not all(isinstance(each, dict) for each in schemas):
        return True
    shared = {key: value for key, value in first.items() if all(key in each and each[key] == value for each in schemas)}
    for group in (("properties", "additionalProperties"), ("if", "then", "else")):
        if any(key in each and key not in shared for each in schemas for key in group):
            for key in group:
                shared.pop(key, None)
    if "properties" not in shared and all(each.get("additionalProperties") is False for each in schemas):
        names = dict.fromkeys(name for each in schemas for name in each["properties"])
        found = {name: [each["properties"][name] for each in schemas if name in each["properties"]] for name in names}
        shared["properties"] = {name: weakest(each) for name, each in found.items()}
        shared["additionalProperties"] = False
    return shared


def _demanded(schema: Schema) -> Schema:
    """A schema without what an editor shows."""
    return {key: value for key, value in schema.items() if key not in SHOWN}


def _shown(schemas: Mapping[str, Schema]) -> Schema:
    """What an editor shows of a key that several tags have; it looks no deeper than the outer list of keys."""
    first = next(iter(schemas.values()))
    texts: dict[str, list[str]] = {}
    for tag, schema in schemas.items():
        texts.setdefault(schema["description"], []).append(tag)
    told = [f"{', '.join(tags)}: {text}" if len(texts) > 1 else text for text, tags in texts.items()]
    shown: Schema = {"title": first["title"], "description": "\n\n".join(told)}
    if all("default" in each and each["default"] == first["default"] for each in schemas.values()):
        shown["default"] = first["default"]
    return shown


def _table_of_one(key: str) -> Schema:
    """`{ key = "text" }`."""
    return {"type": "object", "properties": {key: {"type": "string"}}, "required": [key], "additionalProperties": False}


def _either(*arms: Schema) -> Schema:
    """A value that fits one of the arms: their keywords side by side, each of which holds for its own JSON type.

    Arms that cannot be told apart by their types leave only the types.
    """
    if len(arms) == 1:
        return dict(arms[0])
    arms = tuple(_choice_of(arm["enum"]) if "enum" in arm else arm for arm in arms)
    types = [kind for arm in arms for kind in (arm["type"] if isinstance(arm["type"], list) else [arm["type"]])]
    if len(set(types)) < len(types):
        return {"type": list(dict.fromkeys(types))}
    return {key: value for arm in arms for key, value in arm.items()} | {"type": types}


def _choice_of(options: Sequence[Any]) -> Schema:
    """A choice beside other types, which an `enum` would shut out: texts by a pattern, the rest by their type."""
    if not all(isinstance(option, str) for option in options):
        return {"type": "boolean" if isinstance(options[0], bool) else "integer"}
    pattern = "|".join(map(re.escape, options))
    return {"type": "string", "pattern": f"^({pattern})$" if len(options) > 1 else f"^{pattern}$"}
