"""Tickets: random networks, masks, stored tickets and the certificates that judge them."""

from slth.tickets.certificate import Certificate, VerificationError, verify
from slth.tickets.mask import Mask
from slth.tickets.random_network import RandomNetwork, WeightLaw
from slth.tickets.target import linear_layers, target_digest
from slth.tickets.ticket import Objective, Ticket
from slth.tickets.ticket_file import TicketFileError

__all__ = [
    "Certificate",
    "Mask",
    "Objective",
    "RandomNetwork",
    "Ticket",
    "TicketFileError",
    "VerificationError",
    "WeightLaw",
    "linear_layers",
    "target_digest",
    "verify",
]
