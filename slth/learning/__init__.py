"""Masks that are learned: subnetworks of a random network that do well on data."""

from slth.learning.biprop import biprop
from slth.learning.descent import CheckpointError, Descent, How
from slth.learning.edge_popup import edge_popup
from slth.learning.found import Found
from slth.learning.gates import gates
from slth.learning.iterative_magnitude import (
    Trained,
    iterative_magnitude,
    shuffled,
    train_masked,
)
from slth.learning.paired import mcnemar
from slth.learning.scaled import scaled_weights
from slth.learning.scores import Scope
from slth.learning.supermask import Supermask, supermask

__all__ = [
    "CheckpointError",
    "Descent",
    "Found",
    "How",
    "Scope",
    "Supermask",
    "Trained",
    "biprop",
    "edge_popup",
    "gates",
    "iterative_magnitude",
    "mcnemar",
    "scaled_weights",
    "shuffled",
    "supermask",
    "train_masked",
]
