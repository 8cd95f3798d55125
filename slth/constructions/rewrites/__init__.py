"""Targets rewritten into equivalent ones that a random network can hold."""

from slth.constructions.rewrites.biases import absorb_biases, append_ones
from slth.constructions.rewrites.norms import fold_batch_norms
from slth.constructions.rewrites.scales import Rescaled, rescale

__all__ = ["Rescaled", "absorb_biases", "append_ones", "fold_batch_norms", "rescale"]
