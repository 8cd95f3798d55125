"""The modules that the rewrites understand."""

from collections.abc import Iterator

from torch import Tensor, nn

_SUPPORTED = (
    nn.Linear,
    nn.Conv2d,
    nn.ReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Flatten,
)


def supported_modules(target: nn.Module) -> Iterator[tuple[int, nn.Module]]:
    """Return the modules that count, with their positions, refusing those that nobody knows."""
    if not isinstance(target, nn.Sequential):
        raise ValueError(f"the target must be an nn.Sequential, got {type(target).__name__}")
    for position, module in enumerate(target):
        if type(module) in _SUPPORTED:
            yield position, module
        elif not isinstance(module, nn.Dropout | nn.Identity):
            raise ValueError(f"module {position} of the target is {type(module).__name__}")


def bias(module: nn.Module) -> Tensor | None:
    """Return the bias of a weighted module, if it has one."""
    return module.bias if isinstance(module, nn.Linear | nn.Conv2d) else None
