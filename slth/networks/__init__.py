"""Networks: architectures without weights, random networks, and targets read off modules."""

from slth.networks.capture import read, read_affine
from slth.networks.network import Network, Node
from slth.networks.random_network import RandomLayer, RandomNetwork
from slth.networks.reading import check_reading
from slth.networks.target import Target
from slth.networks.target_file import TargetFileError, load_module, load_target
from slth.weight_laws import WeightLaw

__all__ = [
    "Network",
    "Node",
    "RandomLayer",
    "RandomNetwork",
    "Target",
    "TargetFileError",
    "WeightLaw",
    "check_reading",
    "load_module",
    "load_target",
    "read",
    "read_affine",
]
