"""The data by their names."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from slth.targets.data import Dataset, digits, mnist, mnist_subset, rotated_digits
from slth.targets.fashion_mnist import fashion_mnist

DATASETS: Mapping[str, Callable[[], Dataset]] = MappingProxyType(
    {
        "digits": digits,
        "digits28": partial(digits, side=28),
        "rotated-digits": rotated_digits,
        "fashion-mnist": fashion_mnist,
        "fashion14": partial(fashion_mnist, side=14),
        "mnist-subset": mnist_subset,
        "mnist": mnist,
    }
)
"""What loads data, by the name that the command line knows; those that are downloaded come last."""
