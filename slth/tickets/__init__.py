"""Tickets: random networks, masks, stored tickets and the certificates that judge them."""

from slth.tickets.certificate import Certificate, VerificationError, verify
from slth.tickets.export import check_export_path, export
from slth.tickets.mask import Mask
from slth.tickets.random_network import RandomNetwork, WeightLaw
from slth.tickets.target import linear_layers, target_digest
from slth.tickets.target_file import TargetFileError, load_target
from slth.tickets.ticket import Objective, Ticket
from slth.tickets.ticket_file import TicketFileError

__all__ = [
    "Certificate",
    "Mask",
    "Objective",
    "RandomNetwork",
    "TargetFileError",
    "Ticket",
    "TicketFileError",
    "VerificationError",
    "WeightLaw",
    "check_export_path",
    "export",
    "linear_layers",
    "load_target",
    "target_digest",
    "verify",
]
