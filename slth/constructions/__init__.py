"""Constructions: the proofs as programs that map a target network to a ticket."""

from slth.constructions.dense import DenseMasks, dense_masks, hidden_width
from slth.constructions.equivariant import equivariant_masks
from slth.constructions.not_found import Miss, TicketNotFound
from slth.constructions.prune import prune
from slth.constructions.relu import gadget, products
from slth.constructions.rewrites import Rescaled, absorb_biases, append_ones, rescale

__all__ = [
    "DenseMasks",
    "Miss",
    "Rescaled",
    "TicketNotFound",
    "absorb_biases",
    "append_ones",
    "dense_masks",
    "equivariant_masks",
    "gadget",
    "hidden_width",
    "products",
    "prune",
    "rescale",
]
