"""Small classification problems whose inputs have unit norm."""

from dataclasses import dataclass, replace
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

_SIDE = 8
_TEST_FRACTION = 0.25
_MNIST_TRAINING = 60_000


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
            "digits(side=28) has images of the same size and needs no network"
        ) from error
    images, labels = _unit_vectors(pixels), torch.from_numpy(classes.astype(np.int64))
    (x_train, x_test), (y_train, y_test) = (
        (part[:_MNIST_TRAINING], part[_MNIST_TRAINING:]) for part in (images, labels)
    )
    return Dataset(x_train, y_train, x_test, y_test)


def _unit_vectors(pixels: NDArray[np.float64]) -> Tensor:
    images = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    return torch.from_numpy(images.astype(np.float32))
