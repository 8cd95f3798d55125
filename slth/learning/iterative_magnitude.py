"""Train, prune, rewind: iterative magnitude pruning and what it is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import fspath
from typing import Unpack

import numpy as np
import torch
from torch import Tensor, nn

from slth.forms import integer
from slth.learning.counts import kept_of, largest
from slth.learning.descent import Descent, How, check_data, cross_entropy
from slth.learning.found import detached
from slth.learning.scaled import scaled_weights
from slth.learning.scores import density_form
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Mask, Subnetwork

_RATE = 1.2e-3


@dataclass(frozen=True, eq=False)
class Trained:
    """A sparse network before and after training.

    Attributes
    ----------
    subnetwork : Subnetwork
        The mask, on the raw random network.
    start, weights : tuple of torch.Tensor of float32
        Per layer, kept weights before and after training, exactly 0 elsewhere.
    losses : tuple of float
        On the batch of each step.
    """

    subnetwork: Subnetwork
    start: tuple[Tensor, ...] = field(repr=False)
    weights: tuple[Tensor, ...] = field(repr=False)
    losses: tuple[float, ...] = field(repr=False)

    def network(self) -> nn.Sequential:
        """Return the trained network as an ordinary module."""
        weights = [weight.numpy() for weight in self.weights]
        return self.subnetwork.random_network.architecture.module(weights)


def train_masked(
    subnetwork: Subnetwork,
    data: Dataset,
    *,
    start: Sequence[Tensor] | None = None,
    **how: Unpack[How],
) -> Trained:
    r"""Train the kept weights; removed ones are 0 in every step, whatever the optimiser remembers.

    .. math::
        \theta \leftarrow \theta - \eta\,\mathrm{Adam}(\nabla \mathcal L(\theta \odot m)), \qquad
        v = \theta \odot m

    Parameters
    ----------
    subnetwork : Subnetwork
    data : Dataset
        Only its training part is looked at.
    start : sequence of torch.Tensor, optional
        Weights to start from; by default the random ones, scaled as in
        :func:`slth.learning.scaled_weights`.
    **how : int, bool or path-like
        ``steps`` (800 here), ``batch`` (60 here), ``seed``, ``progress`` and ``checkpoint`` of
        :class:`slth.learning.Descent`.

    Raises
    ------
    ValueError
        If an argument is out of range, the data or the weights do not fit, or the checkpoint is of
        another search.

    Examples
    --------
    >>> from slth.targets import digits
    >>> net = RandomNetwork.dense(widths=(64, 10), seed=0)
    >>> half = Mask([np.arange(640).reshape(10, 64) % 2])
    >>> trained = train_masked(Subnetwork(net, half), digits(), steps=20)
    >>> int(torch.count_nonzero(trained.weights[0]))
    320
    """
    network = subnetwork.random_network
    check_data(network, data)
    descent = Descent(**_options(how))
    begin = scaled_weights(network) if start is None else list(start)
    if tuple(tuple(weight.shape) for weight in begin) != network.shapes:
        raise ValueError(
            f"weights of shapes {[tuple(w.shape) for w in begin]} to start from, "
            f"the network has {list(network.shapes)}"
        )
    masks = [torch.from_numpy(layer) for layer in subnetwork.mask.layers]
    weights = [(w * m).requires_grad_() for w, m in zip(detached(begin), masks, strict=True)]
    before = detached(weights)

    def loss(x: Tensor, y: Tensor, done: float) -> Tensor:
        return cross_entropy(network, [w * m for w, m in zip(weights, masks, strict=True)], x, y)

    settings = ("train_masked", network, subnetwork.mask.digest())
    adam = torch.optim.Adam(weights, _RATE)
    losses = descent.run(adam, loss, data, descent.generator(1), settings, cosine=False)
    after = [w * m for w, m in zip(detached(weights), masks, strict=True)]
    return Trained(subnetwork, before, tuple(after), losses)


def iterative_magnitude(
    network: RandomNetwork,
    data: Dataset,
    *,
    rounds: int,
    keep: float = 0.8,
    rewind: int = 0,
    **how: Unpack[How],
) -> tuple[Trained, ...]:
    r"""Train, remove the smallest weights, go back to the start, repeat.

    .. math::
        m_{r+1} = m_r \odot \mathbb 1\big[|\theta_r| \text{ among the } q\,|m_r|
        \text{ largest of its layer}\big], \qquad \theta \leftarrow \theta_{\text{rewind}} \odot
        m_{r+1}

    The output layer loses half as large a share as the others.  Counts are rounded to the nearest
    and exact; of equal weights the earlier stay.

    Parameters
    ----------
    network : RandomNetwork
    data : Dataset
        Only its training part is looked at.
    rounds : int
        Number of times that weights are removed.
    keep : float
        Share of the remaining weights of a layer that survives a round.
    rewind : int
        Steps of training after which the weights are those that later rounds start from: 0 is the
        start itself, more is late rewinding.
    **how : int, bool or path-like
        Of each training, as for :func:`slth.learning.train_masked`; each has a checkpoint of its
        own, whose name ends with the number of the round.

    Returns
    -------
    tuple of Trained
        ``rounds + 1`` of them, the dense network first.

    Raises
    ------
    ValueError
        If an argument is out of range or the data do not fit.

    Notes
    -----
    Frankle and Carbin 2019; Frankle et al. 2020 for late rewinding.

    Examples
    --------
    >>> from slth.targets import digits
    >>> net = RandomNetwork.dense(widths=(64, 30, 10), seed=0)
    >>> arms = iterative_magnitude(net, digits(), rounds=2, keep=0.5, steps=20)
    >>> [arm.subnetwork.mask.kept for arm in arms]
    [2220, 1185, 649]
    """
    integer(1)("rounds", rounds)
    integer(0)("rewind", rewind)
    share = density_form("keep", keep)
    full = Subnetwork(network, Mask([np.ones(shape, np.bool_) for shape in network.shapes]))
    start: Sequence[Tensor] = scaled_weights(network)
    if rewind:
        early = _options(how, "rewind") | How(steps=rewind)
        start = train_masked(full, data, start=start, **early).weights
    result = [train_masked(full, data, start=start, **_options(how, "0"))]
    for number in range(1, rounds + 1):
        arm = Subnetwork(network, pruned(result[-1], share))
        result.append(train_masked(arm, data, start=start, **_options(how, str(number))))
    return tuple(result)


def _options(how: How, part: str = "") -> How:
    """Fill in what a training does by default; give a part of a longer run its own checkpoint."""
    options: How = {"steps": 800, "batch": 60, **how}
    if part and (path := options.get("checkpoint")) is not None:
        options["checkpoint"] = f"{fspath(path)}.{part}"
    return options


def pruned(trained: Trained, keep: float) -> Mask:
    """Remove the smallest trained weights of each layer, of the output layer half the share."""
    mask = trained.subnetwork.mask
    layers = []
    for index, weight in enumerate(trained.weights):
        share = keep if index < len(mask.shapes) - 1 else (1.0 + keep) / 2
        size = np.where(mask.layer(index), weight.abs().numpy(), np.float32(-1.0))
        layers.append(largest(size, kept_of(share, int(mask.layer(index).sum()))))
    return Mask(layers)


def shuffled(mask: Mask, rng: np.random.Generator) -> Mask:
    """Permute the entries of each layer: the same counts, other places.

    Examples
    --------
    >>> shuffled(Mask([[[1, 1, 0, 0]]]), np.random.default_rng(0)).kept
    2
    """
    return Mask([rng.permutation(layer.ravel()).reshape(layer.shape) for layer in mask.layers])
