"""What a target network is: which layers, which coefficients, and its fingerprint."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from slth.networks import layers
from slth.networks.layers import Layer, Unweighted, Weighted


@dataclass(frozen=True, eq=False)
class Target:
    r"""A network :math:`f`, as the constructions and the judge see it.

    Attributes
    ----------
    layers : tuple of Layer
        With and without weights, in order.
    coefficients : tuple of ndarray of float32
        One array for each weighted layer, in the layout of torch: (out, in / groups, \*basis).
    """

    layers: tuple[Layer, ...]
    coefficients: tuple[NDArray[np.float32], ...]

    @property
    def weighted(self) -> tuple[Weighted, ...]:
        """The layers that have coefficients."""
        return layers.weighted(self.layers)

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
        architecture = [layers.to_json(layer) for layer in self.layers]
        sha = hashlib.sha256(json.dumps(architecture).encode())
        for array in self.coefficients:
            sha.update((array + np.float32(0.0)).astype("<f4", copy=False).tobytes())
        return sha.hexdigest()

    def module(self) -> nn.Sequential:
        """Return the network as an ordinary module, float32, without gradients."""
        coefficients = iter(self.coefficients)
        modules: list[nn.Module] = []
        for layer in self.layers:
            if isinstance(layer, Weighted):
                modules.append(layer.module(torch.from_numpy(next(coefficients).copy())))
            elif isinstance(layer, Unweighted):
                modules.append(layer.module())
        return nn.Sequential(*modules)
