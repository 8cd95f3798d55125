"""Target networks: small data, and ReLU networks without biases trained on it."""

from slth.targets.accuracy import accuracy
from slth.targets.data import Dataset, digits, mnist, rotated_digits
from slth.targets.group_cnn import group_cnn
from slth.targets.lenet5 import lenet5
from slth.targets.mlp import mlp

__all__ = [
    "Dataset",
    "accuracy",
    "digits",
    "group_cnn",
    "lenet5",
    "mlp",
    "mnist",
    "rotated_digits",
]
