"""What the modules of a target must look like inside, before anything is read off them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from slth import equivariance
from slth.forms import Form, choice, flag, instance, integer, listed, number, optional, short, unfit
from slth.networks.as_evaluated import kind

_READ = {
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
}


def check_fields(module: nn.Module) -> None:
    """Refuse a module of a supported kind whose attributes are not what its class gives them.

    Raises
    ------
    ValueError
        If one is not; the message ends the sentence "module 3 …".

    Examples
    --------
    >>> linear = nn.Linear(3, 2)
    >>> linear.in_features = True
    >>> check_fields(linear)
    Traceback (most recent call last):
        ...
    ValueError: has in_features, which must be an integer >= 1, got True
    """
    own = vars(module)
    if odd := [name for name in own if not isinstance(name, str)]:
        raise ValueError(f"has the attribute {short(odd[0])}, which is no name")
    for name, form in _COMMON.items():
        form(f"has {name}, which", own.get(name))
    for name, form in _FIELDS.get(kind(module), {}).items():
        form(f"has {name}, which", own.get(name))


def plain_tensor(name: str, value: object) -> Tensor:
    """Take tensors of floating-point numbers that lie in memory, in some order."""
    tensor = dense_tensor(name, value)
    if tensor.dtype not in _READ:
        raise ValueError(f"{name} must hold floating-point numbers, got {tensor.dtype}")
    return tensor


def dense_tensor(name: str, value: object) -> Tensor:
    """Take tensors whose numbers lie in memory, in some order."""
    if type(value) not in (Tensor, nn.Parameter):
        raise unfit(name, value, "a plain tensor")
    assert isinstance(value, Tensor)
    faults = {
        "sparse": value.layout != torch.strided,
        "nested": value.is_nested,
        "quantized": value.is_quantized,
        "without values (meta)": value.is_meta,
    }
    for fault, there in faults.items():
        if there:
            raise ValueError(f"{name} must be a dense tensor in memory, got one that is {fault}")
    return value


def _named(form: Form) -> Form:
    """Take mappings from names to what another form takes."""

    def read(name: str, value: object) -> Mapping[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise unfit(name, value, "a mapping from names")
        field = name.removesuffix(", which")
        for key, entry in value.items():
            form(f"{field}[{short(key)}], which", entry)
        return value

    return read


def _one_or_two(entry: Form) -> Form:
    """Take one number, or one for each axis."""
    two = listed(entry, 2, 2)
    return lambda name, value: (two if isinstance(value, list | tuple) else entry)(name, value)


def _padding(name: str, value: object) -> object:
    """Take numbers, or torch's words for them."""
    return (choice("same", "valid") if isinstance(value, str) else _one_or_two(integer()))(
        name, value
    )


_COMMON: dict[str, Form] = {
    "_modules": _named(instance(nn.Module)),
    "_parameters": _named(optional(instance(Tensor))),
    "_buffers": _named(optional(instance(Tensor))),
    "_forward_hooks": instance(dict),
    "_forward_pre_hooks": instance(dict),
}
_WINDOW = {
    "kernel_size": _one_or_two(integer(1)),
    "stride": _one_or_two(integer(1)),
    "padding": _one_or_two(integer()),
    "ceil_mode": flag,
}
_ON_SPACE = {"space": instance(equivariance.Space)}
_NORM = {"num_features": integer(1), "eps": number(0.0), "affine": flag}
_FIELDS: dict[type[nn.Module], dict[str, Form]] = {
    nn.BatchNorm1d: _NORM,
    nn.BatchNorm2d: _NORM,
    nn.Linear: {"in_features": integer(1), "out_features": integer(1)},
    nn.Conv2d: {
        "in_channels": integer(1),
        "out_channels": integer(1),
        "kernel_size": listed(integer(1), 2, 2),
        "stride": listed(integer(1), 2, 2),
        "padding": _padding,
        "dilation": listed(integer(1), 2, 2),
        "groups": integer(1),
        "padding_mode": choice("zeros", "circular", "reflect", "replicate"),
    },
    nn.MaxPool2d: {**_WINDOW, "dilation": _one_or_two(integer(1)), "return_indices": flag},
    nn.AvgPool2d: {
        **_WINDOW,
        "count_include_pad": flag,
        "divisor_override": optional(integer(1)),
    },
    nn.AdaptiveAvgPool2d: {"output_size": _one_or_two(optional(integer(1)))},
    nn.Flatten: {"start_dim": integer(-64, 64), "end_dim": integer(-64, 64)},
    equivariance.EquivariantLinear: {
        **_ON_SPACE,
        "in_channels": integer(1),
        "out_channels": integer(1),
    },
    equivariance.Lift: _ON_SPACE,
    equivariance.GroupPool: _ON_SPACE,
    equivariance.TurnPool: _ON_SPACE,
}
