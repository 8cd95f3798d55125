"""Classes that are found by the folder they are in: to add one, a file is enough."""

from importlib import import_module
from inspect import isabstract
from pathlib import Path
from pkgutil import iter_modules
from typing import TypeVar

Base = TypeVar("Base")


def module_names(package: str) -> list[str]:
    """Names of the modules in a package of ours, without those that begin with an underscore.

    Nothing is imported.

    Examples
    --------
    >>> module_names("slth.constructions.catalogue")
    ['malach', 'natale', 'pensia']
    """
    folder = Path(__file__).parent.joinpath(*package.split(".")[1:])
    found = iter_modules([str(folder)])
    return sorted(one.name for one in found if not one.name.startswith("_"))


def all_classes(package: str, base: type[Base]) -> dict[str, type[Base]]:
    """Public classes of a kind in the modules of a package of ours, by name."""
    return {
        found.__name__: found
        for name in module_names(package)
        for found in classes_in(f"{package}.{name}", base)
    }


def classes_in(module: str, base: type[Base]) -> list[type[Base]]:
    """Public classes of a kind that a module defines, abstract ones left out.

    Examples
    --------
    >>> from slth.networks.layers import Layer
    >>> classes_in("slth.networks.layers.dense", Layer)
    [<class 'slth.networks.layers.dense.Dense'>]
    """
    return [
        value
        for name, value in vars(import_module(module)).items()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
        if not name.startswith("_") and not isabstract(value)
    ]
