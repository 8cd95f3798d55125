"""A small network and few images: what is tested here are counts and bits, not accuracies."""

import pytest

from slth.networks import RandomNetwork
from slth.targets import Dataset, digits


@pytest.fixture(scope="session")
def data() -> Dataset:
    return digits()


@pytest.fixture(scope="session")
def network() -> RandomNetwork:
    return RandomNetwork.dense(widths=(64, 24, 12, 10), seed=5, law="normal")
