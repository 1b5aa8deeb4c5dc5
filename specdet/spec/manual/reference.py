"""What can be said of a spec's tables, fields and components, as pages."""

from collections.abc import Iterable, Iterator, Sequence

from specdet.registry import COMPONENTS, Components
from specdet.spec.base import Spec
from specdet.spec.manual.description import (
    LANGUAGE_FIELDS,
    FieldDescription,
    Kind,
    SpecDescription,
    ValueType,
    describe_family,
    describe_spec,
    walk_specs,
)
from specdet.spec.manual.page import Block, Facts, Heading, Key, Keys, Paragraph
from specdet.spec.manual.places import Candidate
from specdet.spec.paths import SpecPath, dotted

PREFACE = (
    "Printed by `specdet explain --markdown`. A component is a table whose `type` is one of the tags of its family; "
    "the other keys are those of the tag. "
    "Keyed components are tables under names of your choice, such as `[hooks.NAME]`; "
    '`order = ["b", "a"]` beside them says another order than the one written.'
)


def overview(root: type[Spec]) -> list[Block]:
    """The keys at the top of a spec."""
    owner = describe_spec(root)
    fields = (*owner.fields[:1], *LANGUAGE_FIELDS, *owner.fields[1:])  # as a file is written: its version, then these
    rows = [_key(field.name, field) for field in fields]
    return [Heading(2, "The top of a spec"), Paragraph(owner.summary), Keys(rows)]


def reference(root: type[Spec], *, components: Components = COMPONENTS) -> list[Block]:
    """Everything: the top of a spec, its tables, then each family with its components."""
    blocks = [Heading(1, "What a spec can say"), Paragraph(PREFACE), *overview(root)]
    for field in describe_spec(root).fields:
        if field.value.kind is Kind.TABLE and field.value.spec_class:
            owner = describe_spec(field.value.spec_class)
            blocks += [Heading(2, f"[{field.name}]"), Paragraph(owner.summary), *_table_of(owner)]
    for family in components:
        blocks += [Heading(2, family), *_taken_by(family, root, components)]
        for description in describe_family(family, components=components):
            blocks += [Heading(3, description.tag), Paragraph(description.summary), *_table_of(description)]
    return blocks


def family_page(family: str, root: type[Spec], *, components: Components = COMPONENTS) -> list[Block]:
    """Which fields take a family, and which components it has."""
    return [
        Heading(1, f"{family} (a family of components)"),
        *_taken_by(family, root, components),
        _tags(family, components),
    ]


def component_page(description: SpecDescription, *, facts: Sequence[tuple[str, str]] = ()) -> list[Block]:
    """One component: what it is, then `facts`, then its keys."""
    return [
        Heading(1, f"{description.tag} ({description.family})"),
        Paragraph(description.summary),
        *([Facts(facts)] if facts else []),
        *_table_of(description),
    ]


def place_page(
    path: SpecPath,
    candidates: Iterable[Candidate],
    *,
    facts: Sequence[tuple[str, str]] = (),
    components: Components = COMPONENTS,
) -> list[Block]:
    """All that may stand at a path; classes that say the same of it share an entry. `facts` are added at the end."""
    groups: list[tuple[Candidate, list[str]]] = []
    for each in candidates:
        same = [names for first, names in groups if (first.field, first.value, first.tags) == _said(each)]
        if same:
            same[0].append(each.owner.name)
        else:
            groups.append((each, [each.owner.name]))
    blocks: list[Block] = [Heading(1, dotted(path))]
    for first, names in groups:
        help = Paragraph(first.field.meta.help)
        blocks += [*([help] if help not in blocks else []), Facts([*_facts(first, names)])]
    if facts:
        blocks.append(Facts(facts))
    one = groups[0][0]
    if len(groups) == 1 and one.value.kind is Kind.COMPONENT:
        described = describe_family(one.value.family, components=components)
        alone = [each for each in described if (each.tag,) == one.tags]
        blocks += component_page(alone[0]) if alone else [_tags(one.value.family, components)]
    elif len(groups) == 1:
        blocks += _table_in(one.value)
    return blocks


def takers(family: str, root: type[Spec], *, components: Components = COMPONENTS) -> Iterator[str]:
    """The fields that take components of a family, as `model.neck of RPN`."""
    for path, description in walk_specs(root, components=components):
        for field in description.fields:
            if field.meta.family == family:
                yield f"`{dotted((*path, field.name))}`" + (f" of {description.tag}" if description.tag else "")


def _said(candidate: Candidate) -> tuple[FieldDescription, ValueType, tuple[str, ...]]:
    return candidate.field, candidate.value, candidate.tags


def _facts(candidate: Candidate, owners: Sequence[str]) -> Iterator[tuple[str, str]]:
    field = candidate.field
    if candidate.value != field.value:  # something inside: range and default are those of the whole
        yield f"in {field.name} of", ", ".join(owners)
        yield "type", candidate.value.words
        return
    yield "key of", ", ".join(owners)
    yield "type", field.type_text
    yield "default", field.default_text
    if field.condition_text:
        yield "matters", field.condition_text
    if field.meta.reference:
        yield "reference", 'may be { ref = "PATH" }, to have what stands at another path'
    if field.meta.advanced:
        yield "advanced", "yes: few specs need to say it"


def _taken_by(family: str, root: type[Spec], components: Components) -> list[Block]:
    found = list(takers(family, root, components=components))
    return [Paragraph(f"Taken by {', '.join(found)}.")] if found else []


def _tags(family: str, components: Components) -> Facts:
    return Facts([(each.tag, each.summary) for each in describe_family(family, components=components)])


def _table_of(description: SpecDescription) -> list[Block]:
    keys = _keys(description.fields)
    return [Keys(keys)] if keys else [Paragraph("It has no keys but its type.")]


def _table_in(value: ValueType) -> list[Block]:
    if value.kind is Kind.TABLE and value.spec_class:
        return _table_of(describe_spec(value.spec_class))
    return []


def _keys(fields: Iterable[FieldDescription], *, prefix: SpecPath = ()) -> list[Key]:
    """One row a field, the required ones first and the advanced ones last, each followed by the keys inside of it."""
    rows = []
    for field in sorted(fields, key=lambda each: (not each.required, each.meta.advanced)):
        path = (*prefix, field.name)
        rows.append(_key(dotted(path), field))
        inner, value = (
            (path, field.value) if field.value.kind is not Kind.KEYED else ((*path, "NAME"), field.value.item)
        )
        if value and value.kind is Kind.TABLE and value.spec_class:
            rows += _keys(describe_spec(value.spec_class).fields, prefix=inner)
    return rows


def _key(name: str, field: FieldDescription) -> Key:
    said = (
        field.meta.help,
        f"Matters {field.condition_text}." if field.condition_text else "",
        'May be `{ ref = "PATH" }`.' if field.meta.reference else "",
        "Advanced." if field.meta.advanced else "",
    )
    spoken = field.required or field.derived or field.default is None
    return Key(
        name=name,
        type=field.type_text,
        default="" if spoken or field.default == {} else field.default_text,
        required=field.required,
        meaning=" ".join(text for text in said if text),
    )
