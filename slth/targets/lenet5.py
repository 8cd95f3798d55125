"""LeNet5 without biases."""

from itertools import pairwise

import torch
from torch import nn

from slth.targets.data import Dataset, digits
from slth.targets.training import SCALE, he, initial, train

_LEARNING_RATE = 2e-3


def lenet5(seed: int = 0, *, data: Dataset | None = None, epochs: int = 10) -> nn.Sequential:
    r"""Train LeNet5 without biases: two convolutions with max-pooling, then three dense layers.

    .. math::
        1\times28\times28 \to 6\times14\times14 \to 16\times7\times7 = 784 \to 120 \to 84 \to 10

    Kernels have 5 × 5 taps, images are padded so that a convolution keeps their size, and pooling
    halves it; images of another size change the 784 only.  The weights stay as they were trained:
    no layer is divided by its norm.

    Parameters
    ----------
    seed : int
        Initial weights and order of the batches; the global generator of torch is left alone.
    data : Dataset, optional
        Square images of one channel, with sides divisible by 4 and at most ten classes;
        :func:`digits` of 28 × 28 pixels by default.
    epochs : int
        Passes through the training part, >= 1.

    Returns
    -------
    torch.nn.Sequential
        Without gradients; takes images.

    Raises
    ------
    ValueError
        If the data do not fit or epochs is not positive.

    Notes
    -----
    LeCun et al. 1998, in the form that the experiments of da Cunha et al. 2022 take, but for their
    biases.  Training as for :func:`mlp`, with a smaller learning rate and inputs scaled up.

    Examples
    --------
    >>> from slth.targets import Dataset, digits
    >>> data = digits().images()
    >>> few = Dataset(data.x_train[:64], data.y_train[:64], data.x_test, data.y_test)
    >>> net = lenet5(data=few, epochs=1)  # in earnest: lenet5(), 97 % of the test part
    >>> tuple(net(few.x_test).shape)
    (450, 10)
    """
    data = digits(side=28).images() if data is None else data
    channels, *sides = data.x_train.shape[1:]
    if channels != 1 or len(sides) != 2 or sides[0] != sides[1] or sides[0] % 4:
        raise ValueError(
            "LeNet5 takes square grey images (N, 1, side, side) with sides divisible by 4, the "
            f"data have inputs of shape {(channels, *sides)}"
        )
    if (classes := int(data.y_train.max()) + 1) > 10:
        raise ValueError(f"LeNet5 tells 10 classes apart, the data have {classes}")
    if epochs < 1:
        raise ValueError(f"training takes at least one epoch, got epochs={epochs}")
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise((1, 6, 16)):
        conv = nn.Conv2d(inputs, outputs, 5, padding=2, bias=False, device="meta")
        conv.weight = he((outputs, inputs, 5, 5), generator)
        modules += [conv, nn.ReLU(), nn.MaxPool2d(2)]
    widths = (16 * (sides[0] // 4) ** 2, 120, 84, 10)
    net = nn.Sequential(*modules, nn.Flatten(), *initial(widths, generator))
    train(
        net,
        data,
        torch.Generator().manual_seed(seed),
        epochs=epochs,
        scale=SCALE,
        learning_rate=_LEARNING_RATE,
    )
    return net.requires_grad_(False)
