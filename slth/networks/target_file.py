"""Targets read from files, without executing anything that the files contain."""

import re
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from slth.forms import short
from slth.networks import torch_file
from slth.networks.capture import FOLDABLE, SUPPORTED, read
from slth.networks.file_kind import file_kind
from slth.networks.module_fields import check_fields, dense_tensor, plain_tensor
from slth.networks.state_dict import masked, numbered
from slth.networks.torch_file import MOST_MODULES, HostileFile

# Weights that a small file may ask for, 32 MiB of them; a larger one, one for each of its bytes.
_FREE_NUMBERS = 1 << 23

_MOST_DEPTH = 100

_AXES = {"weight": 2, "bias": 1}

_REMEDY = (
    "save an nn.Sequential of supported modules with torch.save(target, 'target.pt'); it takes its "
    "weights from a state_dict by target.load_state_dict(...)"
)

# Names that wrapped weights leave in files, and what unwraps them.
_WRAPPED = {
    "torch.nn.utils.prune": "torch.nn.utils.prune.remove(layer, 'weight')",
    "parametriz": "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')",
}


class TargetFileError(ValueError):
    """A file does not hold a target that can be read safely; the message says why."""


def load_target(path: str | PathLike[str]) -> nn.Sequential:
    """Read a target network from a file.

    The file holds what ``torch.save(target, path)`` wrote, ``target`` being an ``nn.Sequential`` of
    supported modules.  It is read with ``weights_only=True``: no class but those of the supported
    modules is admitted, and no code that the file brings along is run.

    A ``state_dict``, in such a file or in a safetensors file, names the layers but not what is
    between them.  It is read where the names 0.weight, 2.weight, 4.weight, … leave room for exactly
    one module between two linear layers, which is then taken to be ReLU; a warning says so.  What
    usually wraps it is looked through: a prefix that all names share, such as ``module.``, and a
    dictionary with the key ``state_dict``, ``model_state_dict`` or the like.  Where
    ``torch.nn.utils.prune`` has split a weight into 0.weight_orig and 0.weight_mask, it is their
    product.

    Suffixes do not matter.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    torch.nn.Sequential
        Built anew from what :func:`slth.networks.read` finds, float32, without gradients.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TargetFileError
        If the file is damaged, of another kind, or holds more than a target.
    ValueError
        If the network has a form that :func:`slth.networks.read` refuses.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     torch.save(nn.Sequential(nn.Linear(3, 2, bias=False)), f"{folder}/target.pt")
    ...     load_target(f"{folder}/target.pt")
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=False)
    )
    """
    return read(load_module(path)).module()


def load_module(path: str | PathLike[str]) -> nn.Sequential:
    """Read a target from a file as :func:`load_target` does, but with biases and BatchNorm.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    torch.nn.Sequential
        As it was stored, for :func:`slth.constructions.fold_batch_norms` and
        :func:`slth.constructions.absorb_biases`, which check what they read.

    Raises
    ------
    FileNotFoundError, TargetFileError
        As :func:`load_target`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no target file {path}")
    match file_kind(path):
        case "torch":
            loaded = _unpickled(path)
        case "tensors":
            loaded = _tensors(path)
        case "program":
            raise TargetFileError(
                f"{path} is an exported program, which no longer says of which modules it was "
                f"made: {_REMEDY}"
            )
        case "ticket":
            raise TargetFileError(
                f"{path} is a ticket, not a target: a target is what the ticket was found for"
            )
        case _:
            raise TargetFileError(
                f"{path} is no target: neither written by torch.save nor a safetensors file, or "
                "damaged"
            )
    if isinstance(loaded, dict):
        loaded = _dense_network(path, numbered(loaded))
    if not isinstance(loaded, nn.Sequential):
        raise TargetFileError(f"{path} holds a {type(loaded).__name__}: {_REMEDY}")
    _check_modules(path, loaded)
    return loaded


def _unpickled(path: Path) -> Any:
    """Read what torch.save wrote, if it holds tensors and supported modules only."""
    try:
        torch_file.check(path, (*SUPPORTED, *FOLDABLE))
    except HostileFile as error:
        raise TargetFileError(f"{path} {error}: {_remedy(str(error))}") from error
    with torch.serialization.safe_globals([*SUPPORTED, *FOLDABLE]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch has to say about old kinds of files
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file can make torch raise almost anything
            raise TargetFileError(
                f"{path} is damaged or was not written by torch.save(target, path): "
                f"{_reason(error)}"
            ) from error


def _reason(error: Exception) -> str:
    """Return what went wrong, without torch's advice to trust the file."""
    text = str(error).rpartition("WeightsUnpickler error: ")[2]
    return (text.strip() or type(error).__name__).splitlines()[0][:200]


def _check_modules(path: Path, target: nn.Sequential) -> None:
    """Refuse modules that are damaged, or more of them than a file may ask for.

    A file can name one module or tensor many times, and a container inside itself.
    """
    most = max(_FREE_NUMBERS, path.stat().st_size)
    modules, numbers = 0, 0
    waiting: list[tuple[str, nn.Module, int]] = [("", target, 0)]
    while waiting:
        position, module, depth = waiting.pop()
        name = f"module {position}" if position else "the target"
        tensors = []
        try:
            check_fields(module)
            for key, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is not None:
                    dense_tensor(f"has {key}, which", tensor)
                    tensors.append(tensor)
        except ValueError as error:
            raise TargetFileError(
                f"{path} holds damaged modules: {name} ({type(module).__name__}) {error}"
            ) from error
        modules += 1
        for tensor in tensors:
            _check_strides(path, name, tensor)
            numbers += tensor.numel()
        if depth > _MOST_DEPTH or modules > MOST_MODULES or numbers > most:
            raise TargetFileError(
                f"{path} asks for more than {MOST_MODULES:,} modules, {most:,} weights or "
                f"{_MOST_DEPTH} containers inside one another, what it names twice counted twice"
            )
        waiting += [
            (f"{position}.{key}".lstrip("."), child, depth + 1)
            for key, child in module._modules.items()
            if isinstance(child, nn.Module)
        ]


def _check_strides(path: Path, name: str, tensor: Tensor) -> None:
    """Refuse a tensor that has more entries than the file has numbers for it."""
    stored = tensor.untyped_storage().nbytes() // tensor.element_size()
    if tensor.numel() > stored:
        raise TargetFileError(
            f"{path}: {name} has a tensor of shape {tuple(tensor.shape)}, but the file holds "
            f"{stored:,} numbers for it, expected {tensor.numel():,}: save it .contiguous()"
        )


def _remedy(found: str) -> str:
    """Say how to save a target, and what to take off it first."""
    for sign, way in _WRAPPED.items():
        if sign in found:
            return f"first call {way} for each layer, then {_REMEDY}"
    return _REMEDY


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise TargetFileError(f"{path} is truncated or no safetensors file: {error}") from error


def _dense_network(path: Path, state: Mapping[Any, Any]) -> nn.Sequential:
    """Rebuild a dense network from its state_dict, if there is one way only to do it."""
    plain: dict[str, Tensor] = {}
    for name, tensor in state.items():
        pattern = r"[0-9]{1,9}\.(weight|bias)(?:_orig|_mask)?"
        matched = re.fullmatch(pattern, name) if isinstance(name, str) else None
        dense = isinstance(tensor, Tensor) and not tensor.is_nested
        if matched is None or not dense or tensor.ndim != _AXES[matched[1]]:
            shape = f" of shape {tuple(tensor.shape)}" if dense else ""
            raise TargetFileError(
                f"{path} holds {short(name)}{shape}: from tensors alone only dense networks are "
                f"rebuilt, with the names 0.weight, 2.weight, …; {_remedy(str(name))}"
            )
        try:
            plain[name] = plain_tensor(name, tensor)
        except ValueError as error:
            raise TargetFileError(f"{path}: {error}") from error
        _check_strides(path, name, tensor)
    try:
        whole = masked(plain)
    except ValueError as error:
        raise TargetFileError(f"{path} {error}") from error
    weights, biases = (
        {
            int(name.partition(".")[0]): tensor
            for name, tensor in whole.items()
            if name.endswith(kind)
        }
        for kind in _AXES
    )
    places = sorted(weights)
    if (
        not weights
        or places != list(range(0, 2 * len(weights), 2))
        or not biases.keys() <= {*places}
    ):
        raise TargetFileError(
            f"{path} holds the tensors {short(sorted(state))}, which do not tell the modules "
            f"between them (0.weight, 2.weight, … would): {_REMEDY}"
        )
    if 2 * len(weights) > MOST_MODULES:
        raise TargetFileError(f"{path} holds {len(weights):,} tensors: at most {MOST_MODULES // 2}")
    if len(weights) > 1:
        warnings.warn(
            f"{path} holds weights only: taken for linear layers with ReLU between them",
            stacklevel=4,
        )
    modules: list[nn.Module] = []
    for place in places:
        weight, bias = weights[place], biases.get(place)
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
        linear.weight = nn.Parameter(weight, requires_grad=False)
        if bias is not None:
            linear.bias = nn.Parameter(bias, requires_grad=False)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])
