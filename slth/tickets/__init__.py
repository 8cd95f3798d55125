"""Tickets: random networks, masks, stored tickets and the certificates that judge them."""

from slth.tickets.certificate import Certificate, verify
from slth.tickets.export import check_export_path, export
from slth.tickets.mask import Mask
from slth.tickets.pruned_pair import VerificationError
from slth.tickets.random_network import RandomNetwork, WeightLaw
from slth.tickets.reading import check_reading
from slth.tickets.target import Target, read, read_affine
from slth.tickets.target_file import TargetFileError, load_module, load_target
from slth.tickets.ticket import Construction, Objective, Ticket
from slth.tickets.ticket_file import TicketFileError

__all__ = [
    "Certificate",
    "Construction",
    "Mask",
    "Objective",
    "RandomNetwork",
    "Target",
    "TargetFileError",
    "Ticket",
    "TicketFileError",
    "VerificationError",
    "WeightLaw",
    "check_export_path",
    "check_reading",
    "export",
    "load_module",
    "load_target",
    "read",
    "read_affine",
    "verify",
]
