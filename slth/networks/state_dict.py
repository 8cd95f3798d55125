"""Dense networks from the names and shapes of their weights, where these tell everything."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

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
