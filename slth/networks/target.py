"""What a target network is: which layers, which coefficients, and its fingerprint."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import nn

from slth.networks.layers import Layer, Weighted
from slth.networks.network import Network


@dataclass(frozen=True, eq=False)
class Target:
    r"""A network $f$, as the constructions and the judge see it.

    Attributes
    ----------
    architecture : Network
    coefficients : tuple of ndarray of float32
        One array for each weighted layer, in the layout of torch: (out, in / groups, \*basis).
    """

    architecture: Network
    coefficients: tuple[NDArray[np.float32], ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, in order."""
        return self.architecture.layers

    @property
    def weighted(self) -> tuple[Weighted, ...]:
        """The layers that have coefficients."""
        return self.architecture.weighted

    @property
    def n_parameters(self) -> int:
        """Number of coefficients."""
        return sum(array.size for array in self.coefficients)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over architecture and weights (little-endian float32, C order), in hexadecimal.

        Two targets have the same digest exactly when they have the same layers with the same
        weights, wherever and in whatever floating-point type they are stored; 0 and -0 are the
        same weight.
        """
        sha = hashlib.sha256(json.dumps(self.architecture.to_json()).encode())
        for array in self.coefficients:
            sha.update((array + np.float32(0.0)).astype("<f4", copy=False).tobytes())
        return sha.hexdigest()

    def module(self, biases: Sequence[NDArray[np.float32] | None] | None = None) -> nn.Sequential:
        """Return the network as an ordinary module, float32, without gradients.

        Parameters
        ----------
        biases : sequence of (ndarray of float32 or None), optional
            Of the weighted layers; none by default.
        """
        return self.architecture.module([array.copy() for array in self.coefficients], biases)
