"""Constructions: the proofs as programs that map a target network to a ticket."""

from slth.constructions.construction import (
    Construction,
    Request,
    construction,
    construction_names,
)
from slth.constructions.dense import DenseMasks, dense_masks
from slth.constructions.equivariant import equivariant_masks
from slth.constructions.not_found import Miss, TicketNotFound
from slth.constructions.pair import hidden_width, pair_masks
from slth.constructions.pair_construction import PairConstruction
from slth.constructions.plan import Plan, TooCostly, plan
from slth.constructions.prune import prune
from slth.constructions.relu import gadget, products
from slth.constructions.rewrites import (
    Rescaled,
    absorb_biases,
    append_ones,
    fold_batch_norms,
    rescale,
)

__all__ = [
    "Construction",
    "DenseMasks",
    "Miss",
    "PairConstruction",
    "Plan",
    "Request",
    "Rescaled",
    "TicketNotFound",
    "TooCostly",
    "absorb_biases",
    "append_ones",
    "construction",
    "construction_names",
    "dense_masks",
    "equivariant_masks",
    "fold_batch_norms",
    "gadget",
    "hidden_width",
    "pair_masks",
    "plan",
    "products",
    "prune",
    "rescale",
]
