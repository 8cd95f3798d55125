"""Edge-popup: scores compete for the places in the mask."""

from collections.abc import Sequence
from typing import Unpack

from torch import Tensor

from slth.learning.descent import Descent, How
from slth.learning.found import Found
from slth.learning.scores import Choice, Scope, compete
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Subnetwork


def edge_popup(
    network: RandomNetwork,
    data: Dataset,
    density: float | Sequence[float],
    *,
    scope: Scope = "layer",
    anneal: bool = False,
    learning_rate: float = 0.1,
    **how: Unpack[How],
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
    learning_rate : float
        Of SGD with momentum 0.9 and weight decay $10^{-4}$; it falls along half a cosine.
    **how : int, bool or path-like
        ``steps``, ``batch``, ``seed``, ``progress`` and ``checkpoint`` of
        :class:`slth.learning.Descent`.

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
    found = compete(network, data, choose, learning_rate, Descent(**how), _kept)
    return Found(Subnetwork(network, found[0]), *found[1:])


def _kept(weight: Tensor, mask: Tensor, soft: Tensor) -> Tensor:
    """Return the kept weights, as they were drawn."""
    return weight * (mask + soft)
