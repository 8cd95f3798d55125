"""What a target network is: bias-free linear layers with ReLU between them, and its fingerprint."""

import hashlib
import json

import numpy as np
from numpy.typing import NDArray
from torch import nn


def linear_layers(target: nn.Module) -> tuple[NDArray[np.float32], ...]:
    r"""Weight matrices :math:`W_i` of :math:`f(x) = W_\ell\,\sigma(\cdots\sigma(W_1x))`.

    Parameters
    ----------
    target : torch.nn.Sequential
        ``Linear(bias=False)`` and ``ReLU`` alternating, beginning and ending with ``Linear``.

    Returns
    -------
    tuple of ndarray of float32, shapes :math:`(d_i, d_{i-1})`
        Copies, in C order.

    Raises
    ------
    ValueError
        If the network has another form, a weight is not finite, or a weight is not exactly
        representable in float32.

    Notes
    -----
    The targets of Theorem 3 of Natale et al. 2024.

    Examples
    --------
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False))
    >>> [W.shape for W in linear_layers(net)]
    [(4, 3), (2, 4)]
    >>> linear_layers(nn.Sequential(nn.Linear(3, 4)))
    Traceback (most recent call last):
        ...
    ValueError: module 0 of the target has a bias: Theorem 3 is about networks without biases
    """
    if not isinstance(target, nn.Sequential) or len(target) == 0:
        raise ValueError(f"the target must be a non-empty nn.Sequential, got {_name(target)}")
    if len(target) % 2 == 0:
        raise ValueError("the target must begin and end with a Linear layer, ReLU in between")
    layers: list[NDArray[np.float32]] = []
    for position, module in enumerate(target):
        wanted = nn.ReLU if position % 2 else nn.Linear
        if not isinstance(module, wanted):
            raise ValueError(
                f"module {position} of the target must be {wanted.__name__}, got {_name(module)}"
            )
        if isinstance(module, nn.Linear):
            weight = _float32(position, module)
            if layers and layers[-1].shape[0] != weight.shape[1]:
                raise ValueError(
                    f"module {position} of the target takes {weight.shape[1]} inputs, "
                    f"but the layer before it has {layers[-1].shape[0]} outputs"
                )
            layers.append(weight)
    return tuple(layers)


def target_digest(target: nn.Module) -> str:
    """SHA-256 over architecture and weights (little-endian float32, C order), in hexadecimal.

    Two targets have the same digest exactly when they have the same layers with the same weights,
    wherever and in whatever floating-point type they are stored.

    Raises
    ------
    ValueError
        As :func:`linear_layers`.
    """
    layers = linear_layers(target)
    shapes = [layer.shape for layer in layers]
    sha = hashlib.sha256(json.dumps(["linear-relu", shapes]).encode())
    for layer in layers:
        sha.update(layer.astype("<f4", copy=False).tobytes())
    return sha.hexdigest()


def _float32(position: int, module: nn.Linear) -> NDArray[np.float32]:
    """Check one weight matrix and copy it."""
    bias: object = module.bias  # torch's annotation forgets that it may be None
    if bias is not None:
        raise ValueError(
            f"module {position} of the target has a bias: "
            "Theorem 3 is about networks without biases"
        )
    if module.weight.numel() == 0:
        raise ValueError(f"module {position} of the target has no weights")
    exact = module.weight.detach().cpu().double().numpy()
    if not np.isfinite(exact).all():
        raise ValueError(f"module {position} of the target has a weight that is not finite")
    with np.errstate(over="ignore"):  # an overflow fails the comparison below
        rounded = np.array(exact, dtype=np.float32, order="C")
    if not np.array_equal(exact, rounded):
        raise ValueError(
            f"module {position} of the target has weights that float32 cannot hold exactly: "
            "convert the target with .float() first"
        )
    return rounded


def _name(module: object) -> str:
    return type(module).__name__
