"""All constructions, a file each: its name is the construction's."""

from slth.constructions.construction import Construction
from slth.folders import all_classes

globals().update(found := all_classes(__name__, Construction))  # type: ignore[type-abstract]
__all__ = list(found)
