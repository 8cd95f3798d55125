"""Fashion-MNIST from a folder on this machine."""

import gzip
import os
import zlib
from hashlib import sha256
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from slth.forms import integer
from slth.targets.data import Dataset, unit_vectors

SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package ``dataset-fashion-mnist`` puts the files."""

VARIABLE = "SLTH_FASHION_MNIST"
"""Environment variable with the folder in which the files lie elsewhere."""

_SIDE = 28

# Bytes before the numbers, and the digest of both together.
_HEADS = {"images-idx3-ubyte": 16, "labels-idx1-ubyte": 8}
_COUNTS = {"train": 60_000, "t10k": 10_000}
_DIGESTS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def fashion_mnist(folder: str | PathLike[str] | None = None, *, side: int = _SIDE) -> Dataset:
    r"""Fashion-MNIST: 70,000 grey images of clothes, 28 × 28 pixels, each scaled to unit norm.

    .. math::
        x \mapsto x / \|x\|_2, \qquad x \ge 0

    The training part are the 60,000 images that its authors call so.  Nothing is downloaded: the
    four files lie in ``folder``, else in the folder that the environment variable
    ``SLTH_FASHION_MNIST`` names, else where Debian's package ``dataset-fashion-mnist`` puts them.

    Parameters
    ----------
    folder : str or path-like, optional
        With ``train-images-idx3-ubyte.gz`` and so on, or the same files unpacked.
    side : int
        28, or 14: then each pixel is the mean of 2 × 2.

    Raises
    ------
    FileNotFoundError
        If a file is not there; the message names the ways to get it.
    ValueError
        If a file, unpacked, does not have the published bytes, or there is no such side.

    Notes
    -----
    Xiao, Rasul and Vollgraf 2017, MIT licence.

    Examples
    --------
    >>> fashion_mnist("nowhere")  # in earnest: fashion_mnist()
    Traceback (most recent call last):
        ...
    FileNotFoundError: Fashion-MNIST: there is no nowhere/train-images-idx3-ubyte.gz, packed or not.
    Give the folder of its four files as the argument, or in the environment variable
    SLTH_FASHION_MNIST, or install Debian's package: apt-get install dataset-fashion-mnist
    """
    if integer()("side", side) not in (_SIDE, _SIDE // 2):
        raise ValueError(f"Fashion-MNIST has a side of 28, or of 14 by averaging; got side={side}")
    where = Path(folder or os.environ.get(VARIABLE) or SYSTEM_FOLDER)
    parts = []
    for part in _COUNTS:
        images, labels = (_numbers(where, part, kind) for kind in _HEADS)
        if side < _SIDE:
            images = images.reshape(-1, side, 2, side, 2).mean(axis=(2, 4))
        x = unit_vectors(images.reshape(-1, side * side))
        parts += [x, torch.from_numpy(labels.astype(np.int64))]
    return Dataset(*parts)


def _numbers(folder: Path, part: str, kind: str) -> NDArray[np.generic]:
    """Read one file; its digest vouches for what its head says."""
    name, head = f"{part}-{kind}", _HEADS[kind]
    size = head + _COUNTS[part] * (_SIDE**2 if kind.startswith("images") else 1)
    packed, plain = folder / f"{name}.gz", folder / name
    try:
        with gzip.open(packed) if packed.exists() else plain.open("rb") as stream:
            data = stream.read(size + 1)  # no more, whatever a file unpacks to
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"Fashion-MNIST: there is no {packed}, packed or not. Give the folder of its four "
            f"files as the argument, or in the environment variable {VARIABLE}, or install "
            "Debian's package: apt-get install dataset-fashion-mnist"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{packed} is damaged: {error}") from error
    if (found := sha256(data).hexdigest()) != _DIGESTS[name]:
        raise ValueError(
            f"{name} in {folder} is not the published file: the SHA-256 of its bytes, unpacked, "
            f"is {found}, expected {_DIGESTS[name]}"
        )
    return np.frombuffer(data, np.uint8, offset=head)
