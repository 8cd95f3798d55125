"""Batch normalisation, as it is evaluated, is a scale and a shift."""

from dataclasses import replace

import numpy as np
from torch import nn

from slth.arrays import Floats
from slth.networks import read_affine
from slth.networks.as_evaluated import check_untouched
from slth.networks.capture import FOLDABLE, TRANSPARENT, parts
from slth.networks.module_fields import dense_tensor

_WEIGHTED = (nn.Linear, nn.Conv2d)


def fold_batch_norms(target: nn.Sequential) -> nn.Sequential:
    r"""Rewrite a network with batch normalisation as one without.

    .. math::
        \gamma\,\frac{Wx + b - \mu}{\sqrt{\sigma^2+\epsilon}} + \beta
        = (sW)x + s(b-\mu) + \beta, \qquad s = \frac{\gamma}{\sqrt{\sigma^2+\epsilon}}

    with the stored mean $\mu$ and variance $\sigma^2$, as the network is evaluated.
    Scales, weights and biases are computed in float64 and rounded once, to float32.

    Parameters
    ----------
    target : torch.nn.Sequential
        See :func:`slth.networks.read` for the modules that it may hold, here with biases and with
        ``BatchNorm1d`` or ``BatchNorm2d`` behind ``Linear`` or ``Conv2d``.

    Returns
    -------
    torch.nn.Sequential
        With a bias where there was a normalisation, float32, without gradients; see
        :func:`absorb_biases` for what to do next.  Nested ``Sequential`` are flattened.

    Raises
    ------
    ValueError
        If the target has no normalisation, one that follows no layer with weights or keeps no
        statistics, or an unsupported module.

    Notes
    -----
    Ioffe and Szegedy 2015.

    Examples
    --------
    >>> import torch
    >>> net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU())
    >>> fold_batch_norms(net)
    Sequential(
      (0): Linear(in_features=3, out_features=4, bias=True)
      (1): ReLU()
    )
    >>> x = torch.randn(5, 3)
    >>> torch.allclose(fold_batch_norms(net)(x), net.eval()(x), atol=1e-5)
    True
    """
    modules: list[nn.Module] = []
    scales: dict[int, tuple[Floats, Floats]] = {}
    for part in parts(target):
        module = part.module
        if type(module) is nn.Sequential or type(module) in TRANSPARENT:
            continue
        if type(module) not in FOLDABLE:
            modules.append(module)
            continue
        place = len(modules) - 1
        with part.named():
            if place < 0 or type(modules[place]) not in _WEIGHTED:
                raise ValueError("follows no Linear or Conv2d into which it could be folded")
            scale, shift = _scale_and_shift(module)
            before, moved = scales.get(place, (np.ones(1), np.zeros(1)))
            scales[place] = (scale * before, scale * moved + shift)
    if not scales:
        raise ValueError("the target has no batch normalisation: there is nothing to fold")
    for place, (scale, shift) in scales.items():
        modules[place] = _scaled(place, modules[place], scale, shift)
    known, biases = read_affine(nn.Sequential(*modules))
    return known.module(biases)


def _scale_and_shift(module: nn.Module) -> tuple[Floats, Floats]:
    """Read off what a normalisation does to each channel."""
    check_untouched(module)
    assert isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    if module.running_mean is None or module.running_var is None:
        raise ValueError("keeps no statistics: it normalises every batch by its own")
    mean, variance, *affine = (
        _float64(name, getattr(module, name), module.num_features)
        for name in ("running_mean", "running_var", "weight", "bias")
        if getattr(module, name) is not None
    )
    if not (np.isfinite(mean).all() and np.isfinite(variance).all() and (variance >= 0).all()):
        raise ValueError("has statistics that are no finite means and variances")
    scale = 1.0 / np.sqrt(variance + module.eps)
    if not affine:
        return scale, -mean * scale
    scale = affine[0] * scale
    return scale, affine[1] - mean * scale


def _float64(name: str, value: object, length: int) -> Floats:
    exact = dense_tensor(f"has a {name} which", value).detach().cpu().double().numpy()
    if exact.shape != (length,):
        raise ValueError(f"has a {name} of shape {exact.shape}, expected {(length,)}")
    return exact


def _scaled(place: int, module: nn.Module, scale: Floats, shift: Floats) -> nn.Module:
    """Multiply a layer and add to it."""
    known, [bias] = read_affine(nn.Sequential(module))
    [layer], [weights] = known.weighted, known.coefficients
    if scale.shape != (layer.outputs,):
        raise ValueError(
            f"module {place} has {layer.outputs} outputs, the normalisation behind it {len(scale)}"
        )
    wide = scale.reshape(-1, *[1] * (weights.ndim - 1)) * weights
    moved = shift + (0.0 if bias is None else scale * bias)
    with np.errstate(over="ignore"):  # an overflow is refused as not finite
        scaled = replace(known, coefficients=(wide.astype(np.float32),))
        [result] = scaled.module([moved.astype(np.float32)])
    return result
