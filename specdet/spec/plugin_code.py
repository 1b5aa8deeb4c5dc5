"""Running the code of plugins, which is somebody else's: whatever it does becomes a component or a sentence."""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from specdet.registry import Components, import_object
from specdet.spec.base import Spec
from specdet.spec.fields import KEY, Meta
from specdet.spec.problems import SpecError
from specdet.spec.trust import digest_of, trusted

LARGEST = 1 << 22  # bytes of a plugin file


def components_of_file(path: Path, *, namespace: str, given: bool) -> Any:
    """What a plugin file offers. The bytes that are judged are those that run. Raises SpecError.

    Args:
        given: Whether the user named the file on the command line, which stands for trust.
    """
    code = read_code(path)
    digest = digest_of(code)
    if not given and digest not in trusted():
        message = (
            f"{path} is code, and nothing of it was run, since it is not trusted here: read it, "
            f"then say `specdet trust {path}`"
        )
        raise SpecError.one(message, kind="environment")
    name = f"specdet_plugin_{namespace}_{digest[:16]}"
    module = sys.modules.get(name)
    with strangers(f"the plugin {path} cannot be loaded", file=path):
        if module is None:
            module = _run(code, path, name)
        if "COMPONENTS" in vars(module):
            return module.COMPONENTS
    raise SpecError.one(f"the plugin {path} says no COMPONENTS = {{family: {{tag: SpecClass}}}}")


def read_code(path: Path) -> bytes:
    """The bytes of a plugin file. Raises SpecError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SpecError.one(f"the plugin {path} is no regular file")
        with path.open("rb") as file:
            code = file.read(LARGEST + 1)
    except OSError as error:
        raise SpecError.one(f"the plugin {path} cannot be read: {error.strerror}") from error
    if len(code) > LARGEST:
        raise SpecError.one(f"the plugin {path} is larger than a plugin can be ({LARGEST:,} bytes)")
    return code


def components_of_entry(entry: Any) -> Any:
    """What an installed plugin offers. Raises SpecError."""
    with strangers(f"the installed plugin '{entry.name}' ({entry.value}) cannot be loaded"):
        return entry.load()


def add_offered(components: dict[str, dict[str, str | type]], namespace: str, offered: Any) -> None:
    """Add what a plugin offers. Raises SpecError where that is not `{family: {tag: SpecClass}}`."""
    with strangers(f"the plugin '{namespace}' cannot be read"):
        if not isinstance(offered, Mapping) or not all(isinstance(tags, Mapping) for tags in offered.values()):
            raise SpecError.one(f"the plugin '{namespace}' offers no {{family: {{tag: SpecClass}}}}")
        for family, tags in offered.items():
            if family not in components:
                raise SpecError.one(f"the plugin '{namespace}' offers '{family}', which is no family of components")
            for tag, place in tags.items():
                full = f"{namespace}:{tag}"
                with strangers(f"'{full}' cannot be loaded"):
                    found = import_object(place) if isinstance(place, str) else place
                _check_class(found, full, components)
                found.plugin_tag = full
                components[family][full] = found


@contextmanager
def strangers(what: str, *, file: Path | None = None) -> Iterator[None]:
    """Run a plugin's code: what it prints goes to stderr; what it raises becomes a SpecError that begins with `what`.

    A SpecError of our own passes, and so does Ctrl-C.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (SpecError, KeyboardInterrupt):
        raise
    except BaseException as error:  # code of strangers may raise anything, SystemExit included
        raise SpecError.one(f"{what}: {_told(error, file)}") from error


def guarded(spec_class: type[Spec], rule: Callable[[], Any]) -> Any:
    """What a rule gives; one of a plugin's class may raise anything, which is told as a problem of that plugin."""
    if not spec_class.plugin_tag:
        return rule()
    from specdet.spec.base import Unsound

    try:
        return rule()
    except (Unsound, SpecError, KeyboardInterrupt):
        raise
    except BaseException as error:  # as above
        told = f"the plugin's class '{spec_class.plugin_tag}' failed while it was checked: {_told(error, None)}"
        raise SpecError.one(told) from error


def _run(code: bytes, path: Path, name: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # classes in it find themselves by this name
    try:
        exec(compile(code, os.fspath(path), "exec"), vars(module))  # a plugin that the user trusts  # nosec B102
    except BaseException:  # whatever it raised, no half module stays
        del sys.modules[name]
        raise
    return module


def _check_class(found: Any, tag: str, components: Components) -> None:
    """Whether a plugin's object is a class that specs can be structured into. Raises SpecError."""
    if not (isinstance(found, type) and issubclass(found, Spec) and "__attrs_attrs__" in vars(found)):
        raise SpecError.one(f"'{tag}' is no spec class: it wants @spec and the base class Spec")
    if vars(found).get("plugin_tag", tag) != tag:
        raise SpecError.one(f"'{tag}' is also called '{found.plugin_tag}': give each class one tag")
    for attribute in attrs.fields(found):
        meta = attribute.metadata.get(KEY)
        if not isinstance(meta, Meta):
            raise SpecError.one(f"'{tag}': say {attribute.name} with field(...) or component(...), which give it help")
        if isinstance(attribute.type, str):
            raise SpecError.one(f"'{tag}': its module must not say `from __future__ import annotations`")
        if meta.family and meta.family not in components:
            raise SpecError.one(f"'{tag}': {attribute.name} takes '{meta.family}', which is no family of components")


def _told(error: BaseException, path: Path | None) -> str:
    """An error of somebody's code, with the last of its lines that raised it."""
    trace, line = error.__traceback__, getattr(error, "lineno", None)
    while trace is not None:
        line = trace.tb_lineno if path is not None and trace.tb_frame.f_code.co_filename == str(path) else line
        trace = trace.tb_next
    try:
        said = f"{type(error).__name__}: {error}"
    except Exception:  # an error that cannot even say what it is
        said = type(error).__name__
    return said + (f" (line {line})" if line else "")
