"""Random weights at the size at which networks are trained."""

from math import log2, prod, sqrt

import numpy as np
import torch
from torch import Tensor

from slth.networks import RandomNetwork
from slth.weight_laws import WEIGHT_LAWS


def scaled_weights(network: RandomNetwork) -> list[Tensor]:
    r"""Weights times powers of two, so that their variance is near He's 2 / fan-in.

    .. math::
        2^{e_t} M_t, \qquad e_t = \operatorname{round}\log_2\frac{\sqrt{2/f_t}}{\text{std}},

    where $f_t$ is the number of inputs of an output of layer t.

    A power of two commutes with rounding and with ReLU: a mask found on these weights makes the
    same predictions, bit for bit, on the raw ones, as long as nothing over- or underflows.

    Parameters
    ----------
    network : RandomNetwork

    Returns
    -------
    list of torch.Tensor of float32

    Notes
    -----
    He et al. 2015 for the variance.

    Examples
    --------
    >>> net = RandomNetwork.dense(widths=(8, 4, 2), seed=0, law="normal")
    >>> float(scaled_weights(net)[0][0, 0] / net.weights(0)[0, 0])
    0.5
    """
    std = sqrt(WEIGHT_LAWS[network.law].square)
    result = []
    for index, shape in enumerate(network.shapes):
        exponent = round(log2(sqrt(2.0 / prod(shape[1:])) / std))
        result.append(torch.from_numpy(network.weights(index) * np.float32(2.0**exponent)))
    return result
