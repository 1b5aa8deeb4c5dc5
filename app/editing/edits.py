"""What a form does to the text: each edit changes the keys that it is about, and nothing else."""

from collections.abc import Sequence
from typing import Any

from app.editing.form import FormField, FormGroup, Ground, Source
from app.editing.typed import read_typed
from specdet.registry import COMPONENTS, Components, Registry, UnknownTag
from specdet.spec import SpecError
from specdet.spec.editing.edit import SpecFile
from specdet.spec.manual.description import Kind, describe_spec
from specdet.spec.paths import SpecPath, dotted, undotted
from specdet.spec.structure import ORDER

TYPE = "type"
UNSET = "unset"
SPELT = (Kind.INT, Kind.FLOAT, Kind.UNION)  # what people have reasons to write in their own way
TAKEN = (TYPE, ORDER)  # what no entry of a keyed table can be called


def enter(file: SpecFile, field: FormField, text: str) -> SpecFile:
    """The file with what was typed into a field; nothing typed takes the key out. Raises SpecError."""
    value = read_typed(text, field.kind, reference=field.field.meta.reference)
    if value is None:
        return reset(file, field.path) if field.own else file
    spelling = text.strip() if field.kind.kind in SPELT else ""
    try:
        return put(file, field.path, value, ground=field.ground, spelling=spelling)
    except SpecError:  # a number of more than 64 bits: as text it can stand in the file, with its problem
        return put(file, field.path, text, ground=field.ground)


def put(file: SpecFile, path: SpecPath, value: Any, *, ground: Ground | None = None, spelling: str = "") -> SpecFile:
    """The file with a value at `path`, on its ground, spelt so if that is TOML for it. Raises SpecError."""
    if ground is not None and file.get(ground.path) is None:
        file = file.set(ground.path, ground.value)
    return file.set(path, value, spelling=spelling)


def reset(file: SpecFile, path: SpecPath) -> SpecFile:
    """The file that says nothing of `path`, so that what lies below it counts again. Raises SpecError."""
    return file.remove(path) if file.get(path) is not None else file


def unset(file: SpecFile, path: SpecPath, *, inherited: bool) -> SpecFile:
    """The file in which there is nothing at `path`, whatever a base gives. Raises SpecError."""
    file = reset(file, path)
    name = dotted(path)
    return file.set((UNSET,), [*_names(file), name]) if inherited and name not in _names(file) else file


def restore(file: SpecFile, path: SpecPath) -> SpecFile:
    """The file that no longer unsets `path`. Raises SpecError."""
    left = [name for name in _names(file) if _path(name) != path]
    return file.set((UNSET,), left) if left else reset(file, (UNSET,))


# -- components


def choose(file: SpecFile, group: FormGroup, tag: str, *, components: Components = COMPONENTS) -> SpecFile:
    """The file in which the component of a group is a `tag`; keys of the old one that the new one lacks go.

    Raises:
        SpecError: Where the text cannot take it.
    """
    if tag == group.tag:
        return file
    said = file.get(group.path)
    known = _known(group, tag, components)
    for key in [key for key in said if key != TYPE and key not in known] if isinstance(said, dict) else ():
        file = file.remove((*group.path, key))
    if tag == group.tag_below:  # what lies below is of that type, and its keys count again
        return reset(file, (*group.path, TYPE))
    if isinstance(file.get(group.path), dict):
        return put(file, (*group.path, TYPE), tag, ground=group.ground)
    return put(file, group.path, {TYPE: tag}, ground=group.ground)


def start(file: SpecFile, group: FormGroup) -> SpecFile:
    """The file with an empty table where there was none. Raises SpecError."""
    return put(file, group.path, {}, ground=group.ground)


# -- keyed tables and lists


def free_name(group: FormGroup, tag: str) -> str:
    """A name for another entry."""
    base = tag.rpartition(":")[2].lower() or "new"
    taken = {*group.names, *group.removed, *TAKEN}
    return next(name for name in (base, *(f"{base}_{number}" for number in range(2, 1000))) if name not in taken)


def name_problem(group: FormGroup, name: str) -> str:
    """Why an entry cannot be called so, or nothing."""
    if not name:
        return "a name is needed"
    if name in TAKEN:
        return f"'{name}' means something else here: choose another name"
    return f"there is a '{name}' already" if name in group.names else ""


def add(file: SpecFile, group: FormGroup, name: str, value: Any) -> SpecFile:
    """The file with another entry: of a keyed table under `name`, of a list as the last one. Raises SpecError."""
    if group.kind is Kind.ARRAY:
        return put(file, (*group.path, str(len(group.children))), value, ground=group.ground)
    if problem := name_problem(group, name):
        raise SpecError.one(problem, path=dotted(group.path))
    return put(file, (*group.path, name), value, ground=group.ground)


def take_out(file: SpecFile, group: FormGroup, child: FormField | FormGroup) -> SpecFile:
    """The file without an entry of a keyed table or a list; an inherited one is unset. Raises SpecError."""
    if group.kind is Kind.ARRAY or group.ground is not None:
        file = file if group.ground is None else put(file, group.ground.path, group.ground.value)
        return file.remove(child.path)
    inherited = child.inherited if isinstance(child, FormGroup) else child.source is Source.INHERITED
    order = file.get((*group.path, ORDER))
    if isinstance(order, list) and child.name in order:
        left = [name for name in order if name != child.name]
        file = file.set((*group.path, ORDER), left) if left else file.remove((*group.path, ORDER))
    return unset(file, child.path, inherited=inherited)


def rename(file: SpecFile, group: FormGroup, old: str, new: str) -> SpecFile:
    """The file in which an entry that the file itself gives has another name. Raises SpecError."""
    if problem := name_problem(group, new):
        raise SpecError.one(problem, path=dotted(group.path))
    file = file.rename((*group.path, old), new)
    order = file.get((*group.path, ORDER))
    if isinstance(order, list) and old in order:
        file = file.set((*group.path, ORDER), [new if name == old else name for name in order])
    return file


def move(file: SpecFile, group: FormGroup, name: str, by: int, *, natural: Sequence[str]) -> SpecFile:
    """The file in which an entry stands `by` places further back.

    Args:
        file, group, name: The entry.
        by: Places; below 0 to the front.
        natural: The names in the order that counts where no `order` is said.

    Raises:
        SpecError: Where the text cannot take it.
    """
    names = list(group.names)
    at = names.index(name)
    to = min(max(at + by, 0), len(names) - 1)
    names.insert(to, names.pop(at))
    if names == [each for each in natural if each in names]:
        return reset(file, (*group.path, ORDER))
    return file.set((*group.path, ORDER), names)


def _known(group: FormGroup, tag: str, components: Components) -> set[str]:
    assert group.field is not None, "the whole spec is no component"
    family = group.item.family if group.item else group.field.meta.family
    try:
        spec_class = Registry(family, components=components).get(tag)
    except UnknownTag:
        return set()
    return {field.name for field in describe_spec(spec_class).fields}


def _names(file: SpecFile) -> list[Any]:
    names = file.get((UNSET,))
    return names if isinstance(names, list) else []


def _path(name: Any) -> SpecPath:
    try:
        return undotted(name)
    except (ValueError, TypeError, AttributeError):
        return ()
