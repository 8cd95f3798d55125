"""Target networks: small data, and ReLU networks without biases trained on it."""

from slth.targets.accuracy import accuracy
from slth.targets.data import Dataset, digits, mnist, mnist_subset, rotated_digits
from slth.targets.datasets import DATASETS
from slth.targets.fashion_mnist import fashion_mnist
from slth.targets.group_cnn import group_cnn
from slth.targets.lenet5 import lenet5
from slth.targets.mlp import mlp

__all__ = [
    "DATASETS",
    "Dataset",
    "accuracy",
    "digits",
    "fashion_mnist",
    "group_cnn",
    "lenet5",
    "mlp",
    "mnist",
    "mnist_subset",
    "rotated_digits",
]
