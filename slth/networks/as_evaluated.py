"""What a module computes when it is evaluated, and what may come between it and its weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules import module as torch_modules
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm


@contextmanager
def as_evaluated(target: nn.Module) -> Iterator[None]:
    """Let a module be run in evaluation mode, without gradients, and leave it as it was.

    Restored are the attributes of every module in it (modes and stale weights among them), its
    buffers, and the state of torch's random generators.  Autocasting is off meanwhile.

    Examples
    --------
    >>> net = nn.Sequential(nn.Dropout(0.5))
    >>> with as_evaluated(net):
    ...     net(torch.ones(1, 3))
    tensor([[1., 1., 1.]])
    >>> net.training
    True
    """
    modules = list(target.modules())
    attributes = [dict(vars(module)) for module in modules]
    buffers = [(buffer, buffer.clone()) for buffer in target.buffers() if not buffer.is_meta]
    devices = {parameter.device for parameter in target.parameters() if not parameter.is_meta}
    kind = next((device.type for device in devices), "cpu")
    cards = [device for device in devices if device.type not in ("cpu", "meta")]
    try:
        with (
            torch.no_grad(),
            torch.autocast(kind, enabled=False),
            torch.random.fork_rng(cards, device_type=kind if cards else "cuda"),
        ):
            for module in modules:
                vars(module)["training"] = False
            yield
    finally:
        for module, before in zip(modules, attributes, strict=True):
            vars(module).clear()
            vars(module).update(before)
        for buffer, value in buffers:
            if not torch.equal(buffer, value):
                buffer.copy_(value)


def check_untouched(module: nn.Module) -> None:
    """Refuse what may change what a module computes without being seen in its weights.

    Raises
    ------
    ValueError
        If there is a forward hook or pre-hook (other than those of weight_norm, spectral_norm and
        torch.nn.utils.prune), here or for all modules, a method that is the instance's own, or a
        compiled forward; the message ends the sentence "module i of the target (kind) …".
    """
    own = [name for name in vars(module) if callable(getattr(type(module), name, None))]
    if own:
        raise ValueError(f"has its own {own[0]!r} in the place of its class's: delete it")
    if module._compiled_call_impl is not None:
        raise ValueError("is compiled: give the module that compile() was not called on")
    for hooks, where in (
        (torch_modules._global_forward_pre_hooks, "forward pre-hook of all modules"),
        (torch_modules._global_forward_hooks, "forward hook of all modules"),
        (module._forward_pre_hooks, "forward pre-hook"),
        (module._forward_hooks, "forward hook"),
    ):
        for hook in hooks.values():
            if hooks is module._forward_pre_hooks and _recomputes(hook):
                continue
            raise ValueError(
                f"has the {where} {getattr(hook, '__name__', type(hook).__name__)!r}, which may "
                "change what it computes: remove it"
            )


def refresh(module: nn.Module) -> None:
    """Recompute the weights of a module as its next forward would; within :func:`as_evaluated`.

    Raises
    ------
    ValueError
        If a mask of torch.nn.utils.prune is missing, holds anything but zeros and ones, or removes
        what is not finite, whose product with 0 is not 0.

    Examples
    --------
    >>> from torch.nn.utils import prune
    >>> linear = prune.l1_unstructured(nn.Linear(1, 1), "weight", amount=0)
    >>> _ = linear.weight_orig.data.fill_(3.0)
    >>> with as_evaluated(linear):
    ...     refresh(linear)
    ...     float(linear.weight)
    3.0
    """
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, BasePruningMethod):
            _check_mask(module, hook)
        hook(module, ())


def _check_mask(module: nn.Module, hook: BasePruningMethod) -> None:
    """Refuse masks of torch.nn.utils.prune that do not keep or remove."""
    name = hook._tensor_name
    where = f"has the hook {type(hook).__name__!r} of torch.nn.utils.prune, whose {name}"
    mask, whole = (getattr(module, f"{name}_{part}", None) for part in ("mask", "orig"))
    if mask is None or whole is None:
        raise ValueError(f"{where}_{'mask' if mask is None else 'orig'} is missing")
    wrong = mask[(mask != 0) & (mask != 1)]
    if len(wrong):
        raise ValueError(f"{where}_mask has the entry {wrong[0].item()}, which is neither 0 nor 1")
    lost = whole[(mask == 0) & ~whole.isfinite()]
    if len(lost):
        raise ValueError(
            f"{where}_mask removes the weight {lost[0].item()}, and 0 times that is not 0"
        )


def kind(module: nn.Module) -> type:
    """Class of a module; that of what was parametrized, if torch.nn.utils.parametrize did it.

    Examples
    --------
    >>> from torch.nn.utils.parametrizations import weight_norm
    >>> kind(weight_norm(nn.Linear(3, 2))).__name__
    'Linear'
    """
    found = type(module)
    if not parametrize.is_parametrized(module):
        return found
    injected = {"__getstate__", "__deepcopy__", "__module__", "__doc__"}
    return found.__bases__[0] if vars(found).keys() <= {*injected, *_names(module)} else found


def _names(module: nn.Module) -> list[str]:
    """Names of the parametrized tensors."""
    return list(getattr(module, "parametrizations"))  # noqa: B009 - a Module's attributes are Any


def _recomputes(hook: object) -> bool:
    """Whether a pre-hook is one of torch's that compute a weight from other tensors."""
    if type(hook) in (WeightNorm, SpectralNorm):
        return True
    return isinstance(hook, BasePruningMethod) and all(
        getattr(type(hook), name) is getattr(BasePruningMethod, name)
        for name in ("__call__", "apply_mask")
    )
