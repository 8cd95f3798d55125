"""Strong lottery tickets, honestly: random network first, mask found, stored and re-verified.

The package has three floors.  On the ground floor, :mod:`slth.theory` holds what the theorems
say, :mod:`slth.subset_sum` solves and counts single instances exactly, :mod:`slth.networks` holds
architectures, random networks and targets, :mod:`slth.tickets` masks, tickets and certificates, and
:mod:`slth.sweep` runs declared grids of experiments.  A step up,
:mod:`slth.learning` finds masks by descent.  On the floor above,
:mod:`slth.constructions` turns the theorems into programs that map a target network to a ticket,
and :mod:`slth.experiments` holds the book's heavy experiments.  In the cellar,
:mod:`slth.equivariance` holds symmetries and the layers that respect them, and
:mod:`slth.resources` finds the book's files that come with the package.
``import slth`` does not import torch; the names that need it (``prune``, ``verify``, ``Ticket``, …)
load it on first use.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from warnings import warn

if TYPE_CHECKING:
    from slth.constructions.not_found import TicketNotFound
    from slth.constructions.prune import prune
    from slth.networks import RandomNetwork
    from slth.tickets import Certificate, LearnedTicket, Mask, Subnetwork, Ticket, verify

__version__ = version("slth")

_HOME = {
    "prune": "slth.constructions",
    "TicketNotFound": "slth.constructions",
    "Certificate": "slth.tickets",
    "LearnedTicket": "slth.tickets",
    "Mask": "slth.tickets",
    "RandomNetwork": "slth.networks",
    "Subnetwork": "slth.tickets",
    "Ticket": "slth.tickets",
    "verify": "slth.tickets",
}
_SUBPACKAGES = (
    "claims",
    "constructions",
    "equivariance",
    "experiments",
    "learning",
    "networks",
    "plotting",
    "resources",
    "subset_sum",
    "sweep",
    "targets",
    "theory",
    "tickets",
)

__all__ = [
    "Certificate",
    "LearnedTicket",
    "Mask",
    "RandomNetwork",
    "Subnetwork",
    "Ticket",
    "TicketNotFound",
    "__version__",
    "prune",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load submodules and the names that need torch on first use (PEP 562)."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name == "shipped":
        warn("slth.shipped is slth.resources now", DeprecationWarning, stacklevel=2)
        name = "resources"
    if name in _SUBPACKAGES:
        return import_module(f"slth.{name}")
    raise AttributeError(f"module 'slth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBPACKAGES})
