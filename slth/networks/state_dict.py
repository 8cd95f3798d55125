"""Dense networks from the names and shapes of their weights, where these tell everything."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

_PARTS = ("_orig", "_mask")

# Names under which training scripts store a state_dict beside other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "module")


def numbered(state: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Find the names 0.weight, 0.bias, 2.weight, … in a state_dict, below what wraps it.

    A checkpoint holds it under one of the usual names; in it, names may have a prefix in common:
    that of nn.DataParallel, of torch.compile, or of a module with the network as its only part.

    Examples
    --------
    >>> weight = Tensor([[1.0]])
    >>> wrapped = {"epoch": 3, "state_dict": {"module.net.0.weight": weight}}
    >>> numbered(wrapped)
    {'0.weight': tensor([[1.]])}
    """
    inner = [state[name] for name in _WRAPPERS if isinstance(state.get(name), Mapping)]
    if len(inner) == 1 and not any(isinstance(value, Tensor) for value in state.values()):
        state = inner[0]
    if not state or not all(isinstance(name, str) for name in state):
        return state
    inside = {
        re.sub(r"^(?:[^\W\d]\w*\.)+(?=\d)", "", name): tensor for name, tensor in state.items()
    }
    prefixes = {name.removesuffix(short) for name, short in zip(state, inside, strict=False)}
    return inside if len(prefixes) == 1 else state


def masked(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Multiply weights by their masks where torch.nn.utils.prune has split them in two.

    Raises
    ------
    ValueError
        If one of the two is missing or there is a third, if they do not fit, or if a mask holds
        anything but zeros and ones; the message ends the sentence "the file …".

    Examples
    --------
    >>> weight, mask = Tensor([[2.0, 3.0]]), Tensor([[0.0, 1.0]])
    >>> masked({"0.weight_orig": weight, "0.weight_mask": mask})
    {'0.weight': tensor([[0., 3.]])}
    """
    found = {name: tensor for name, tensor in state.items() if not name.endswith(_PARTS)}
    for name in dict.fromkeys(name[:-5] for name in state if name.endswith(_PARTS)):
        there = [name + end for end in ("", *_PARTS) if name + end in state]
        if there != [name + end for end in _PARTS]:
            raise ValueError(
                f"holds {' and '.join(there)}: of a pruned network either {name}_orig and "
                f"{name}_mask, or {name} alone, as torch.nn.utils.prune.remove leaves it"
            )
        weight, mask = (state[part] for part in there)
        if mask.shape != weight.shape:
            raise ValueError(
                f"holds {name}_mask of shape {tuple(mask.shape)}, expected that of {name}_orig, "
                f"{tuple(weight.shape)}"
            )
        wrong = mask[(mask != 0) & (mask != 1)]
        if len(wrong):
            raise ValueError(
                f"holds {name}_mask with the entry {wrong[0].item()}, which is neither 0 nor 1"
            )
        found[name] = weight * mask
    return found
