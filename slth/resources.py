"""Files that the repository keeps beside the package and the wheel inside it.

The chapters, the registry of claims and the stored tables are part of the book; a
notebook that was downloaded alone, or ``slth claims verify`` outside of a clone, needs them too.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

IN_REPOSITORY: Mapping[str, str] = MappingProxyType(
    {
        "chapters": "notebooks",
        "data": "data",
        "registry": "book/claims",
        "run-times.json": "book/run-times.json",
    }
)
"""Name in the package → place in the repository; ``pyproject.toml`` says the same to the wheel."""


def path(name: str, *parts: str) -> Path:
    """Return where a file or folder of the book lies: in the package, or in the clone around it.

    Parameters
    ----------
    name : str
        One of :data:`IN_REPOSITORY`.
    parts : str
        What is wanted below a folder.

    Raises
    ------
    FileNotFoundError
        If it is in neither place; the message names both.

    Examples
    --------
    >>> from slth import resources
    >>> resources.path("data", "benchmark.json").name
    'benchmark.json'
    """
    package = Path(__file__).resolve().parent
    candidates = [package / name, package.parent / IN_REPOSITORY[name]]
    for candidate in (one.joinpath(*parts) for one in candidates):
        if candidate.exists():
            return candidate
    where = " or ".join(str(one.joinpath(*parts)) for one in candidates)
    raise FileNotFoundError(f"there is no {where}")
