"""Target networks: small data, and ReLU networks without biases trained on it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isqrt, prod

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from slth.equivariance import EquivariantLinear, Lift, TurnPool

_SIDE = 8
_TEST_FRACTION = 0.25
_MNIST_TRAINING = 60_000
_BATCH = 64
_LEARNING_RATE = 1e-2

# Group convolutions are slower and learn faster.
_GROUP_EPOCHS = 20

_LENET_LEARNING_RATE = 2e-3

# He's law expects inputs of size 1, the pixels of unit images are much smaller; ReLU is positively
# homogeneous, so the scale changes no prediction.
_SCALE = 8.0


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification problem, split into a training and a test part.

    Attributes
    ----------
    x_train, x_test : torch.Tensor of float32, shape (N, d) or (N, 1, side, side)
        Inputs of Euclidean norm 1, up to rounding.
    y_train, y_test : torch.Tensor of int64, shape (N,)
        Classes.
    """

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor

    def images(self) -> "Dataset":
        """Return the same data with inputs as square grey images, shape (N, 1, side, side).

        Raises
        ------
        ValueError
            If the inputs are not vectors of a square number of pixels.

        Examples
        --------
        >>> tuple(digits().images().x_test.shape)
        (450, 1, 8, 8)
        """
        pixels = self.x_train[0].numel()
        side = isqrt(pixels)
        if self.x_train.ndim != 2 or side**2 != pixels:
            raise ValueError(f"inputs of shape {tuple(self.x_train.shape[1:])} are no square image")
        x_train, x_test = (x.reshape(-1, 1, side, side) for x in (self.x_train, self.x_test))
        return replace(self, x_train=x_train, x_test=x_test)


def digits(seed: int = 0, *, side: int = _SIDE) -> Dataset:
    r"""Handwritten digits: 1797 grey images of 8 × 8 pixels, each scaled to unit norm.

    .. math::
        x \mapsto x / \|x\|_2, \qquad x \ge 0

    Unit norm puts every image on the sphere on which Theorem 3 of Natale et al. 2024 bounds the
    error of a ticket; the pixels are non-negative.

    Parameters
    ----------
    seed : int
        Decides which quarter of the images is the test part (stratified by class).
    side : int
        Enlarge the images to ``side`` × ``side`` pixels by bilinear interpolation; 28 gives inputs
        of the size of :func:`mnist`.

    Raises
    ------
    ValueError
        If side is less than 8.

    Notes
    -----
    The test part of the UCI set "Optical Recognition of Handwritten Digits" as shipped with
    scikit-learn: no download.

    Examples
    --------
    >>> data = digits()
    >>> tuple(data.x_train.shape), tuple(data.x_test.shape)
    ((1347, 64), (450, 64))
    >>> tuple(digits(side=28).x_test.shape)
    (450, 784)
    """
    if side < _SIDE:
        raise ValueError(f"the images have {_SIDE} x {_SIDE} pixels, side={side} is less")
    pixels, classes = load_digits(return_X_y=True)
    if side > _SIDE:
        images = torch.from_numpy(pixels).reshape(-1, 1, _SIDE, _SIDE)
        enlarged = nn.functional.interpolate(images, size=(side, side), mode="bilinear")
        pixels = enlarged.reshape(len(pixels), side * side).numpy()
    x_train, x_test, y_train, y_test = train_test_split(
        _unit_vectors(pixels),
        torch.from_numpy(classes.astype(np.int64)),
        test_size=_TEST_FRACTION,
        stratify=classes,
        random_state=seed,
    )
    return Dataset(x_train, y_train, x_test, y_test)


def mnist() -> Dataset:
    """MNIST, downloaded from openml.org once: 70,000 images of 28 × 28 pixels of unit norm.

    The first 60,000 images are the training part, as usual.

    Raises
    ------
    ConnectionError
        If it has not been downloaded before and openml.org cannot be reached.

    Notes
    -----
    LeCun, Cortes and Burges; fetched and cached by :func:`sklearn.datasets.fetch_openml`.
    """
    try:
        pixels, classes = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
    except OSError as error:
        raise ConnectionError(
            f"MNIST has to be downloaded from openml.org, which cannot be reached ({error}); "
            "digits(side=28) has images of the same size and needs no network"
        ) from error
    images, labels = _unit_vectors(pixels), torch.from_numpy(classes.astype(np.int64))
    (x_train, x_test), (y_train, y_test) = (
        (part[:_MNIST_TRAINING], part[_MNIST_TRAINING:]) for part in (images, labels)
    )
    return Dataset(x_train, y_train, x_test, y_test)


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
    >>> net = mlp(seed=0)
    >>> data = digits()
    >>> accuracy(net, data.x_test, data.y_test) >= 0.96
    True
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
    net = _initial(widths, torch.Generator().manual_seed(seed))
    with _one_thread():
        _train(net, data, torch.Generator().manual_seed(seed), epochs=epochs)
    for module in net:
        if normalize and isinstance(module, nn.Linear):
            module.weight.data = _divided_by_norm(module.weight.data)
    return net.requires_grad_(False)


def rotated_digits(seed: int = 0) -> Dataset:
    """Turn each of the :func:`digits` by a random number of quarter turns.

    Parameters
    ----------
    seed : int
        Decides the split, and the turns.

    Returns
    -------
    Dataset
        With inputs of shape ``(N, 1, 8, 8)``.

    Examples
    --------
    >>> tuple(rotated_digits().x_test.shape)
    (450, 1, 8, 8)
    """
    data = digits(seed)
    generator = torch.Generator().manual_seed(seed)

    def turned(x: Tensor) -> Tensor:
        turns = torch.randint(4, (len(x),), generator=generator)
        every = torch.stack([torch.rot90(x.reshape(-1, 8, 8), k, (1, 2)) for k in range(4)])
        return every[turns, torch.arange(len(x))].unsqueeze(1)

    return Dataset(turned(data.x_train), data.y_train, turned(data.x_test), data.y_test)


def group_cnn(
    space: str = "cyclic-images(4, 8x8, 3)",
    channels: Sequence[int] = (4, 4),
    seed: int = 0,
    *,
    data: Dataset | None = None,
) -> nn.Sequential:
    r"""Train a bias-free group convolutional network and divide each layer by its norm.

    .. math::
        f(\rho(g)x) = f(x) \quad\text{for all turns } g \text{ about the centre}

    Equivariant layers and ReLU, then the mean over turns and a dense layer.  The space
    ``"translations(8x8, 3)"`` makes it an ordinary convolutional network that knows no turns.

    Parameters
    ----------
    space : str
        A space of images, see :func:`slth.equivariance.space`.
    channels : sequence of int
        Channels after each equivariant layer.
    seed : int
        Initial weights and order of the batches; the global generator of torch is left alone.
    data : Dataset, optional
        Images of shape ``(N, 1, height, width)``, :func:`rotated_digits` by default.

    Returns
    -------
    torch.nn.Sequential
        Without gradients; takes images.

    Raises
    ------
    ValueError
        If there are no channels, or the space has other images than the data.

    Notes
    -----
    A target of Theorem 4 of Natale et al. 2024: a group convolutional network in the manner of
    Cohen and Welling (2016).  Training as for :func:`mlp`, with fewer epochs.

    Examples
    --------
    >>> data = rotated_digits()
    >>> net = group_cnn(seed=0)
    >>> accuracy(net, data.x_test, data.y_test) >= 0.94
    True
    """
    data = rotated_digits() if data is None else data
    lift = Lift(space)
    if not channels or any(number < 1 for number in channels):
        raise ValueError(f"a group_cnn needs positive numbers of channels, got {tuple(channels)}")
    if data.x_train.ndim != 4 or data.x_train.shape[2:] != lift.space.image:
        raise ValueError(f"{space} does not fit images of shape {tuple(data.x_train.shape[1:])}")
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = [lift]
    for inputs, outputs in pairwise([data.x_train.shape[1], *channels]):
        modules += [EquivariantLinear(space, inputs, outputs, generator=generator), nn.ReLU()]
    widths = (channels[-1] * data.x_train[0, 0].numel(), int(data.y_train.max()) + 1)
    net = nn.Sequential(*modules, TurnPool(space), nn.Flatten(), *_initial(widths, generator))
    with _one_thread():
        _train(net, data, torch.Generator().manual_seed(seed), epochs=_GROUP_EPOCHS, scale=_SCALE)
    for module in net:
        if isinstance(module, EquivariantLinear):
            module.weight.data = _coefficients_divided_by_norm(module)
        elif isinstance(module, nn.Linear):
            module.weight.data = _divided_by_norm(module.weight.data)
    return net.requires_grad_(False)


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
    >>> data = digits(side=28).images()
    >>> net = lenet5(seed=0)
    >>> accuracy(net, data.x_test, data.y_test) >= 0.97
    True
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
        conv.weight = _he((outputs, inputs, 5, 5), generator)
        modules += [conv, nn.ReLU(), nn.MaxPool2d(2)]
    widths = (16 * (sides[0] // 4) ** 2, 120, 84, 10)
    net = nn.Sequential(*modules, nn.Flatten(), *_initial(widths, generator))
    with _one_thread():
        _train(
            net,
            data,
            torch.Generator().manual_seed(seed),
            epochs=epochs,
            scale=_SCALE,
            learning_rate=_LENET_LEARNING_RATE,
        )
    return net.requires_grad_(False)


def accuracy(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """Fraction of inputs whose largest output is their class.

    Examples
    --------
    >>> accuracy(nn.Identity(), torch.eye(4), torch.tensor([0, 1, 2, 2]))
    0.75
    """
    with torch.no_grad():
        return float((net(x).argmax(dim=1) == y).double().mean())


def _unit_vectors(pixels: NDArray[np.float64]) -> Tensor:
    images = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    return torch.from_numpy(images.astype(np.float32))


def _initial(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """He-initialised network, drawn from ``generator`` alone."""
    modules: list[nn.Module] = []
    for columns, rows in pairwise(widths):
        linear = nn.Linear(columns, rows, bias=False, device="meta")
        linear.weight = _he((rows, columns), generator)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def _he(shape: tuple[int, ...], generator: torch.Generator) -> nn.Parameter:
    """Draw normal weights of variance 2 over the number of inputs of an output."""
    return nn.Parameter(torch.randn(shape, generator=generator) * (2.0 / prod(shape[1:])) ** 0.5)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch add in one order only."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _train(
    net: nn.Sequential,
    data: Dataset,
    generator: torch.Generator,
    *,
    epochs: int,
    scale: float = 1.0,
    learning_rate: float = _LEARNING_RATE,
) -> None:
    """Minimise the cross-entropy on the inputs times ``scale``."""
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    for _ in range(epochs):
        order = torch.randperm(len(data.x_train), generator=generator)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            outputs = net(scale * data.x_train[batch])
            loss = nn.functional.cross_entropy(outputs, data.y_train[batch])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        schedule.step()


def _divided_by_norm(weight: Tensor) -> Tensor:
    """Return W/‖W‖₂ in float32, with norm at most 1 after rounding.

    Rounding changes each entry by a relative 2⁻²⁴ at most, hence the norm by at most
    2⁻²⁴‖W‖_F ≤ 2⁻²⁴√r‖W‖₂, r the rank.
    """
    exact = weight.double()
    slack = 1.0 + 2.0**-24 * min(weight.shape) ** 0.5 + 1e-12
    norm = float(torch.linalg.matrix_norm(exact, 2))
    divided: Tensor = (exact / (norm * slack)).float()
    return divided


def _coefficients_divided_by_norm(layer: EquivariantLinear) -> Tensor:
    """Return the coefficients over the layer's norm in float32, with norm at most 1 after rounding.

    Rounding changes each entry of the layer's matrix by at most 2⁻²⁴ times what the entry of the
    layer of absolute coefficients is, hence the norm by at most 2⁻²⁴ times that layer's norm.
    """
    exact = layer.weight.detach().double()
    norm = layer.space.norm_bound(exact.numpy())
    slack = 1.0 + 2.0**-24 * layer.space.norm_bound(exact.abs().numpy()) / norm + 1e-9
    return (exact / (norm * slack)).float()
