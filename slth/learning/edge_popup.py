"""Edge-popup: scores compete for the places in the mask."""

from collections.abc import Sequence
from os import PathLike

import torch
from torch import Tensor

from slth.forms import number
from slth.learning.descent import Descent, check_data, cross_entropy
from slth.learning.found import Found, detached
from slth.learning.scaled import scaled_weights
from slth.learning.scores import Choice, Scope, initial_scores, through
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Mask, Subnetwork


def edge_popup(
    network: RandomNetwork,
    data: Dataset,
    density: float | Sequence[float],
    *,
    scope: Scope = "layer",
    anneal: bool = False,
    steps: int = 1500,
    batch: int = 128,
    learning_rate: float = 0.1,
    seed: int = 0,
    progress: bool = False,
    checkpoint: str | PathLike[str] | None = None,
) -> Found:
    r"""Learn a score for every edge; those with the largest $|s|$ are kept.

    .. math::
        v = W \odot m(s), \qquad \partial s := \frac{\partial\mathcal L}{\partial v} \odot W
        \odot \operatorname{sign}(s)

    The weights never change.  Exactly the prescribed number of edges is kept, of each layer or of
    all layers together; where scores tie, the earlier edge is.

    Parameters
    ----------
    network : RandomNetwork
    data : Dataset
        Only its training part is looked at.
    density : float or sequence of float
        Fraction kept, in (0, 1]; one for each layer where the scope is one.
    scope : {"layer", "global"}
        Whether edges compete within their layer, or all with all by $|s|\sqrt{\text{fan-in}}$.
    anneal : bool
        Let the density fall from 1 to its value within the first 60 % of the steps,
        $d + (1-d)(1-t/0.6)^3$, instead of standing from the start.
    steps, batch, seed : int
        See :class:`slth.learning.Descent`, also for the next two.
    progress : bool
        Whether a bar is shown.
    checkpoint : path-like, optional
        File from which an interrupted search goes on.
    learning_rate : float
        Of SGD with momentum 0.9 and weight decay $10^{-4}$; it falls along half a cosine.

    Returns
    -------
    Found

    Raises
    ------
    ValueError
        If an argument is out of range, the data do not fit, or the checkpoint is of another
        search.

    Notes
    -----
    Ramanujan et al. 2020, as their code has it (largest $|s|$).  Scope and annealing are not
    theirs: Diffenderfer and Kailkhura 2021 use both in the later version of their code.

    Examples
    --------
    >>> from slth.targets import digits
    >>> net = RandomNetwork.dense(widths=(64, 30, 10), seed=0)
    >>> found = edge_popup(net, digits(), 0.25, steps=20)
    >>> found.subnetwork.mask.kept, found.subnetwork.densities
    (555, (0.25, 0.25))
    """
    choose = Choice(network, density, scope, anneal)
    check_data(network, data)
    descent = Descent(steps, batch, seed, progress, checkpoint)
    rate = number(above=0.0)("learning_rate", learning_rate)
    weights = scaled_weights(network)
    scores = initial_scores(network, descent)

    def loss(x: Tensor, y: Tensor, done: float) -> Tensor:
        masks = [torch.from_numpy(layer) for layer in choose(scores, done)]
        kept = [
            weight * through(mask, score.abs())
            for weight, mask, score in zip(weights, masks, scores, strict=True)
        ]
        return cross_entropy(network, kept, x, y)

    optimizer = torch.optim.SGD(scores, rate, momentum=0.9, weight_decay=1e-4)
    settings = ("edge_popup", network, choose.densities, scope, anneal, rate)
    losses = descent.run(optimizer, loss, data, descent.generator(1), settings)
    mask = Mask(choose(scores, 1.0))
    return Found(Subnetwork(network, mask), detached(scores), losses)
