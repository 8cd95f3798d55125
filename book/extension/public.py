"""What is public: the names of each package, and where each is documented."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

PACKAGES = (
    "slth",
    "slth.subset_sum",
    "slth.theory",
    "slth.networks",
    "slth.networks.layers",
    "slth.tickets",
    "slth.tickets.judges",
    "slth.constructions",
    "slth.constructions.catalogue",
    "slth.equivariance",
    "slth.learning",
    "slth.claims",
    "slth.targets",
    "slth.sweep",
    "slth.experiments",
    "slth.plotting",
    "slth.notebook",
    "slth.resources",
)
"""The public packages and modules; each has a page of its own."""

INTERNAL = (
    "slth.constructions.relu.relu",
    "slth.constructions.subsets.choose",
    "slth.learning.counts.largest",
    "slth.tickets.pruned_pair.PrunedPair",
)
"""Names that are no part of a public face, but that chapters open up to show how it works."""


@dataclass(frozen=True)
class Entry:
    """One name of the reference.

    Attributes
    ----------
    name
        The whole dotted name.
    kind
        The directive that documents it: ``module``, ``class``, ``exception``, ``function``,
        ``data``, or ``alias`` for what has its entry elsewhere.
    value
        The object.
    """

    name: str
    kind: str
    value: Any


def names(module: ModuleType) -> list[str]:
    """Return the public names of a module: ``__all__``, or what it defines without underscore."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    defined = [
        name
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]
    return [name for name in [*definitions(module), *defined] if not name.startswith("_")]


def submodules(package: str) -> list[str]:
    """Return the public modules of a package: those it lists, or all if it lists nothing."""
    module = import_module(package)
    if hasattr(module, "__all__"):
        found = [name for name in module.__all__ if inspect.ismodule(getattr(module, name))]
    else:
        found = [one.name for one in iter_modules(getattr(module, "__path__", []))]
    return sorted(f"{package}.{name}" for name in found if not name.startswith("_"))


@cache
def definitions(module: ModuleType) -> dict[str, str]:
    """Return the plain assignments of a module, each name with its right-hand side."""
    found = {}
    for statement in ast.parse(inspect.getsource(module)).body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if not name.startswith("__"):
                found[name] = ast.unparse(value)
    return found


def entries(module_name: str) -> list[Entry]:
    """Return an entry for each public name of a module, other modules left out."""
    module = import_module(module_name)
    return [
        entry(f"{module_name}.{name}")
        for name in names(module)
        if not inspect.ismodule(getattr(module, name))
    ]


def entry(name: str) -> Entry:
    """Return the entry of a dotted name."""
    module_name, _, last = name.rpartition(".")
    value = getattr(import_module(module_name), last)
    main = places().get(home(value) or "", name)
    return Entry(name, kind(value) if main == name else "alias", value)


def kind(value: Any) -> str:
    """Return the directive that documents an object."""
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isfunction(value) else "data"


def home(value: Any) -> str | None:
    """Return the name under which an object was defined, if it knows it."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return f"{value.__module__}.{value.__qualname__}"
    return None


@cache
def places() -> dict[str, str]:
    """Return the documented name of each class and function, by the name of its definition.

    Where several packages offer it, that is the one in which it is defined, not a wider one.
    """
    found: dict[str, str] = {}
    for module_name in modules():
        module = import_module(module_name)
        for name in names(module):
            defined = home(getattr(module, name))
            if defined is not None:
                known = found.get(defined)
                if known is None or _nearer(defined, module_name, known):
                    found[defined] = f"{module_name}.{name}"
    return found | {name: name for name in INTERNAL}


def _nearer(defined: str, module_name: str, known: str) -> bool:
    """Whether a module is a closer parent of the definition than that of the known name."""
    return defined.startswith(f"{module_name}.") and len(module_name) > len(
        known.rpartition(".")[0]
    )


def main_name(owner: Any, attribute: str, value: Any) -> str | None:
    """Return the documented name of an attribute of a module or a class, None without entry."""
    if inspect.isclass(owner):
        for kind in owner.__mro__:  # what is inherited is documented where it is defined
            main = places().get(home(kind) or "")
            if main and attribute in members(kind):
                return f"{main}.{attribute}"
        return None
    if (defined := home(value)) is not None:
        return places().get(defined)
    public = owner.__name__ in modules() and attribute in names(owner)
    return f"{owner.__name__}.{attribute}" if public else None


def members(owner: type) -> list[str]:
    """Return the methods and properties of a class that are documented with it."""
    return [
        name
        for name, value in vars(owner).items()
        if not name.startswith("_")
        and (isinstance(value, property) or callable(value) or hasattr(value, "__func__"))
        and inspect.getdoc(value)
    ]


@cache
def modules() -> tuple[str, ...]:
    """Return every public module: the packages and what they list."""

    def walk() -> Iterator[str]:
        for package in PACKAGES:
            yield package
            yield from submodules(package)

    return tuple(dict.fromkeys(walk()))
