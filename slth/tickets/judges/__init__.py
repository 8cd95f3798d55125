"""Promises and their judges, a file each; none of them knows how tickets are found."""

from slth.folders import all_classes
from slth.tickets.promise import Promise

globals().update(found := all_classes(__name__, Promise))  # type: ignore[type-abstract]
__all__ = list(found)
