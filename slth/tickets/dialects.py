"""Masks as others keep them in torch modules: read from there, and written there."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from slth.forms import flag, instance
from slth.tickets.mask import Mask

# A part of torch that has no types.
_PRUNE: Any = prune


def mask_of(module: nn.Module, *, zeros: bool = False) -> Mask:
    r"""Read which weights a module keeps.

    .. math::
        \text{weight} = \text{weight}_0 \odot M

    Each layer, in the order of ``module.modules()``, that has a weight with two axes or more has a
    mask in one of these forms, or else keeps all its weights: ``weight_mask`` beside
    ``weight_orig``, of ``torch.nn.utils.prune``; a tensor ``mask`` of a parametrization of the
    weight, as in ``torch.ao.pruning``, or of the layer itself; a method ``get_mask()`` of either.

    Parameters
    ----------
    module : torch.nn.Module
        A layer that it holds twice counts twice.
    zeros : bool
        Take weights that are 0 for removed where a layer has no mask.

    Raises
    ------
    ValueError
        If there is no such layer; if a layer has two masks, half of one or one of another shape, or
        one with an entry that is neither 0 nor 1; if something else than these weights has a mask.

    Examples
    --------
    >>> linear = prune.custom_from_mask(nn.Linear(2, 1), "weight", torch.tensor([[0, 1]]))
    >>> mask_of(nn.Sequential(linear, nn.Linear(1, 3)))
    Mask(shapes=((1, 2), (3, 1)), kept=4, density=0.8)
    """
    flag("zeros", zeros)
    masks = []
    for name, layer in _layers(module):
        weight = _weight(layer)
        mask = _found(name, layer)
        if mask is None:
            mask = weight != 0 if zeros else torch.ones(weight.shape, dtype=torch.bool)
        try:
            [kept] = Mask([mask]).layers
        except ValueError as error:
            raise ValueError(f"{name} has a mask that is none: {error}") from error
        if kept.shape != weight.shape:
            raise ValueError(
                f"{name} has a mask of shape {kept.shape} for a weight of shape "
                f"{tuple(weight.shape)}"
            )
        masks.append(kept)
    return Mask(masks)


def apply_mask_(module: nn.Module, mask: Mask) -> None:
    r"""Prune a module in place, by ``torch.nn.utils.prune.custom_from_mask``.

    .. math::
        \text{weight} \leftarrow \text{weight} \odot M

    ``torch.nn.utils.prune.remove(layer, "weight")`` makes it final.

    Parameters
    ----------
    module : torch.nn.Module
    mask : Mask
        One array for each layer of which :func:`mask_of` reads one.

    Raises
    ------
    ValueError
        If the shapes differ, or a layer has a mask already or no weight of its own; then nothing
        has been changed.

    Examples
    --------
    >>> linear = nn.Linear(2, 1, bias=False)
    >>> apply_mask_(linear, Mask([[[0, 1]]]))
    >>> sorted(linear.state_dict())
    ['weight_mask', 'weight_orig']
    >>> mask_of(linear) == Mask([[[0, 1]]])
    True
    """
    layers = _layers(module)
    shapes = tuple(tuple(_weight(layer).shape) for _, layer in layers)
    if instance(Mask)("mask", mask).shapes != shapes:
        raise ValueError(f"the mask has shapes {mask.shapes}, the module {shapes}")
    chosen: dict[nn.Module, Tensor] = {}
    for index, (name, layer) in enumerate(layers):
        if _found(name, layer) is not None:
            raise ValueError(
                f"{name} has a mask already: torch.nn.utils.prune.remove(layer, 'weight') makes "
                "that of torch.nn.utils.prune final"
            )
        if "weight" not in layer._parameters:
            raise ValueError(f"{name} has a weight that is computed, and no parameter to prune")
        new = torch.from_numpy(mask.layer(index)).to(_weight(layer).device)
        if not torch.equal(chosen.setdefault(layer, new), new):
            raise ValueError(f"{name} occurs twice in the module, with two masks")
    with torch.no_grad():  # with them, deepcopy refuses the product
        for layer, new in chosen.items():
            _PRUNE.custom_from_mask(layer, "weight", new)


def _layers(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """Layers whose weights are masked, with what to call them; refuse masks of anything else."""
    found = []
    every = instance(nn.Module)("module", module).named_modules(remove_duplicate=False)
    for position, layer in every:
        if "parametrizations" in position.split("."):
            continue  # part of the layer that it is a parametrization of
        name = f"{f'module {position}' if position else 'the module'} ({type(layer).__name__})"
        weighted = isinstance(weight := getattr(layer, "weight", None), Tensor) and weight.ndim > 1
        other = [f"{own}_mask" for own in _hooked(layer) if own != "weight" or not weighted]
        if not weighted:
            other += _tensor(layer, "mask")
        if other:
            raise ValueError(
                f"{name} has a {other[0]}, but only weights with two axes or more are masked here"
            )
        if weighted:
            found.append((name, layer))
    if not found:
        raise ValueError("the module has no layer with a weight of two axes or more")
    return found


def _found(name: str, layer: nn.Module) -> Tensor | None:
    """Return the mask of a layer in whichever form it has one, as it is."""
    masks: list[Tensor] = []
    pruned, buffer = "weight" in _hooked(layer), _tensor(layer, "weight_mask")
    if pruned != bool(buffer):
        there, missing = ("the hook", "weight_mask") if pruned else ("weight_mask", "the hook")
        raise ValueError(f"{name} has {there} of torch.nn.utils.prune, but {missing} is missing")
    masks += buffer.values()
    parts = [layer]
    if parametrize.is_parametrized(layer, "weight"):
        parts += layer.get_submodule("parametrizations.weight").children()
    for part in parts:
        own = _tensor(part, "mask")
        masks += own.values()
        if not own and callable(compute := getattr(part, "get_mask", None)):
            with torch.no_grad():
                masks.append(compute())
    if len(masks) > 1:
        raise ValueError(f"{name} has {len(masks)} masks, of which forward may use any")
    return masks[0] if masks else None


def _weight(layer: nn.Module) -> Tensor:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.detach()


def _tensor(module: nn.Module, name: str) -> dict[str, Tensor]:
    """Return an attribute under its name, if it is a tensor."""
    value = getattr(module, name, None)
    return {name: value} if isinstance(value, Tensor) else {}


def _hooked(layer: nn.Module) -> list[str]:
    """Names of the tensors that torch.nn.utils.prune prunes in a layer."""
    hooks = layer._forward_pre_hooks.values()
    return [hook._tensor_name for hook in hooks if isinstance(hook, prune.BasePruningMethod)]
