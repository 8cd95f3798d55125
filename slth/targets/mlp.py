"""Dense ReLU networks."""

from collections.abc import Sequence

import torch
from torch import nn

from slth.targets.data import Dataset, digits
from slth.targets.training import divided_by_norm, initial, train


def mlp(
    widths: Sequence[int] = (64, 32, 10),
    seed: int = 0,
    *,
    data: Dataset | None = None,
    epochs: int = 60,
    normalize: bool = True,
) -> nn.Sequential:
    r"""Train a bias-free ReLU network and divide each layer by its spectral norm.

    .. math::
        f(x) = W_\ell\,\sigma(W_{\ell-1}\cdots\sigma(W_1 x)), \qquad \|W_i\|_2 \le 1

    ReLU is positively homogeneous, so the division multiplies all outputs by one positive number:
    the predictions stay what they were, and the hypothesis of Theorem 3 of Natale et al. 2024
    holds.  It holds exactly for the float32 weights that are returned.

    Parameters
    ----------
    widths : sequence of int
        Layer widths, from the dimension of the inputs to the number of classes.
    seed : int
        Initial weights and order of the batches; the global generator of torch is left alone.
    data : Dataset, optional
        What to train on, :func:`digits` by default.
    epochs : int
        Passes through the training part, >= 1.
    normalize : bool
        Divide by the norms; otherwise the weights stay as they were trained.

    Returns
    -------
    torch.nn.Sequential
        ``Linear(bias=False)`` and ``ReLU`` alternating, without gradients.

    Raises
    ------
    ValueError
        If there are fewer than two widths, one is not positive, or they do not fit the data, or
        if epochs is not positive.

    Notes
    -----
    Adam with a cosine schedule on the cross-entropy, on one thread so that the weights do not
    depend on how many there are.  The test part is never looked at.

    Examples
    --------
    >>> import torch
    >>> from slth.targets import Dataset, digits
    >>> data = digits()
    >>> few = Dataset(data.x_train[:64], data.y_train[:64], data.x_test, data.y_test)
    >>> net = mlp((64, 8, 10), data=few, epochs=1)  # in earnest: mlp(), 96 % of the test part
    >>> [round(float(torch.linalg.matrix_norm(layer.weight, 2)), 4) for layer in (net[0], net[2])]
    [1.0, 1.0]
    """
    data = digits() if data is None else data
    classes = int(data.y_train.max()) + 1
    if len(widths) < 2 or any(width < 1 for width in widths):
        raise ValueError(f"an mlp needs at least two positive widths, got {tuple(widths)}")
    if widths[0] != data.x_train.shape[1] or widths[-1] < classes:
        raise ValueError(
            f"widths {tuple(widths)} do not fit data with {data.x_train.shape[1]} inputs "
            f"and {classes} classes"
        )
    if epochs < 1:
        raise ValueError(f"training takes at least one epoch, got epochs={epochs}")
    net = initial(widths, torch.Generator().manual_seed(seed))
    train(net, data, torch.Generator().manual_seed(seed), epochs=epochs)
    for module in net:
        if normalize and isinstance(module, nn.Linear):
            module.weight.data = divided_by_norm(module.weight.data)
    return net.requires_grad_(False)
