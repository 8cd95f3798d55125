"""The classes that a subnetwork gives to inputs, beyond what rounding could change."""

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from slth.arrays import Ints
from slth.networks.running_error import evaluate_bounded
from slth.threads import one_thread
from slth.tickets.pruned_pair import VerificationError
from slth.tickets.subnetwork import Subnetwork

NO_CLASS = -1
"""Instead of a class, where several outputs are largest."""

# Values of one layer that are held at a time.
_HELD = 1 << 22


@dataclass(frozen=True, eq=False)
class Predictions:
    r"""What :func:`predict` found.

    Attributes
    ----------
    outputs : int
        Number of classes.
    classes : ndarray of int64, shape (N,)
        The only largest output of every input, or ``NO_CLASS``.
    margin : float
        The smallest of all inputs' margins: how far the largest output is above the second, over
        the largest absolute value of an output; 0 where several are largest.
    slack : float
        How far the margin can be off.
    """

    outputs: int
    classes: Ints
    margin: float
    slack: float


def predict(subnetwork: Subnetwork, x: Tensor) -> Predictions:
    r"""Classify inputs in float64 from seed and mask, and bound what rounding does to it.

    .. math::
        \hat f_c(x) - e_c(x) > \hat f_j(x) + e_j(x) \quad\text{for all } j \ne c
        \quad\Longrightarrow\quad c = \arg\max_j f_j(x)

    A tie is one only where all outputs that could be largest are exact, as they are where nothing
    but zeros comes in, and mostly where weights are signs.

    Parameters
    ----------
    subnetwork : Subnetwork
    x : torch.Tensor of float64, shape (N, \*input_shape)

    Raises
    ------
    VerificationError
        If rounding leaves the class of an input open.
    ValueError
        If the network does not take such inputs, or its outputs are no classes.
    """
    network = subnetwork.random_network
    shapes = network.architecture.shapes(tuple(x.shape[1:]))
    if len(shapes[-1]) != 1 or shapes[-1][0] < 2:
        raise ValueError(
            f"the network has outputs of shape {shapes[-1]}, expected one for each of two classes "
            "or more"
        )
    weights = [
        torch.from_numpy(np.where(keep, network.weights(index), 0.0).astype(np.float64))
        for index, keep in enumerate(subnetwork.mask.layers)
    ]
    most = max(1, _HELD // max(map(prod, shapes)))
    with one_thread():
        parts = [
            evaluate_bounded(network.architecture, weights, part) for part in torch.split(x, most)
        ]
    values, errors = (torch.cat(part) for part in zip(*parts, strict=True))
    least = (values - errors).max(dim=1, keepdim=True).values
    largest = values + errors >= least  # could be
    alone = largest.sum(dim=1) == 1
    tied = ~alone & largest.any(dim=1) & ((errors * largest).amax(dim=1) == 0)
    open_ = int((~alone & ~tied).sum())
    if open_:
        raise VerificationError(
            f"{open_} of {len(x)} inputs are undecided: their largest outputs are closer to each "
            "other than what float64 may lose"
        )
    classes = torch.where(alone, values.argmax(dim=1), NO_CLASS)
    top, second = values.topk(2, dim=1).values.T
    scale = values.abs().max(dim=1).values
    scale = torch.where(scale > 0, scale, 1.0)
    margins = torch.where(alone, (top - second) / scale, 0.0)
    slack = 4.0 * errors.max(dim=1).values / scale
    return Predictions(shapes[-1][0], classes.numpy(), float(margins.min()), float(slack.max()))
