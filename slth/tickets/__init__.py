"""Tickets: masks, stored tickets and the certificates that judge them."""

from importlib import import_module
from typing import Any
from warnings import warn

from slth.objectives import Objective
from slth.tickets.certificate import Certificate, verify
from slth.tickets.dialects import apply_mask_, mask_of
from slth.tickets.export import check_export_path, export
from slth.tickets.judges.observed import ObservedPromise, Recount
from slth.tickets.judges.pairs import PairPromise
from slth.tickets.learned_ticket import LearnedTicket, observe, recount
from slth.tickets.mask import Mask
from slth.tickets.promise import Promise, TargetPromise
from slth.tickets.pruned_pair import VerificationError
from slth.tickets.subnetwork import Subnetwork
from slth.tickets.ticket import Ticket
from slth.tickets.ticket_file import TicketFileError

__all__ = [
    "Certificate",
    "LearnedTicket",
    "Mask",
    "Objective",
    "ObservedPromise",
    "PairPromise",
    "Promise",
    "Recount",
    "Subnetwork",
    "TargetPromise",
    "Ticket",
    "TicketFileError",
    "VerificationError",
    "apply_mask_",
    "check_export_path",
    "export",
    "mask_of",
    "observe",
    "recount",
    "verify",
]

# Names that have moved to slth.networks.
_MOVED = (
    "RandomNetwork",
    "Target",
    "TargetFileError",
    "WeightLaw",
    "check_reading",
    "layers",
    "load_module",
    "load_target",
    "read",
    "read_affine",
)


def __getattr__(name: str) -> Any:
    """Find names at their new place, with a warning."""
    if name not in _MOVED:
        raise AttributeError(f"module 'slth.tickets' has no attribute {name!r}")
    warn(f"slth.tickets.{name} is slth.networks.{name} now", DeprecationWarning, stacklevel=2)
    return getattr(import_module("slth.networks"), name)
