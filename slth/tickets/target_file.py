"""Targets read from files, without executing anything that the files contain."""

import re
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from slth.tickets.target import SUPPORTED, read

_REMEDY = "save an nn.Sequential of supported modules with torch.save(target, 'target.pt')"


class TargetFileError(ValueError):
    """A file does not hold a target that can be read safely; the message says why."""


def load_target(path: str | PathLike[str]) -> nn.Sequential:
    """Read a target network from a file.

    ``.pt`` and ``.pth`` files hold what ``torch.save(target, path)`` wrote, ``target`` being an
    ``nn.Sequential`` of supported modules.  They are read with ``weights_only=True``: no class but
    those of the supported modules is admitted, and no code that the file brings along is run.

    A ``state_dict``, in such a file or in a ``.safetensors`` file, names the layers but not what is
    between them.  It is read where the names 0.weight, 2.weight, 4.weight, … leave room for exactly
    one module between two linear layers, which is then taken to be ReLU; a warning says so.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    torch.nn.Sequential
        Built anew from what :func:`slth.tickets.read` finds, float32, without gradients.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TargetFileError
        If the file is damaged, of another kind, or holds more than a target.
    ValueError
        If the network has a form that :func:`slth.tickets.read` refuses.

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
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no target file {path}")
    match path.suffix:
        case ".pt" | ".pth":
            loaded = _unpickled(path)
        case ".safetensors":
            loaded = _tensors(path)
        case ".pt2":
            raise TargetFileError(
                f"{path} is an exported program, which no longer says of which modules it was "
                f"made: {_REMEDY}"
            )
        case _:
            raise TargetFileError(f"{path}: a target is a .pt, .pth or .safetensors file")
    if isinstance(loaded, dict):
        loaded = _dense_network(path, loaded)
    if not isinstance(loaded, nn.Sequential):
        raise TargetFileError(f"{path} holds a {type(loaded).__name__}: {_REMEDY}")
    try:
        known = read(loaded)
    except (AttributeError, TypeError) as error:  # modules without their attributes
        raise TargetFileError(f"{path} holds damaged modules: {error}") from error
    return known.module()


def _unpickled(path: Path) -> Any:
    """Read what torch.save wrote, if it holds tensors and supported modules only."""
    with torch.serialization.safe_globals(list(SUPPORTED)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch has to say about old kinds of files
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file can make torch raise almost anything
            foreign = _foreign(path)
            if foreign:
                raise TargetFileError(
                    f"{path} holds {', '.join(foreign)}, but only supported modules are read: "
                    f"{_REMEDY}"
                ) from error
            raise TargetFileError(
                f"{path} is damaged or was not written by torch.save(target, path): "
                f"{_reason(error)}"
            ) from error


def _foreign(path: Path) -> list[str]:
    """List the names that a file would import beyond those that are admitted."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # as above
        return []


def _reason(error: Exception) -> str:
    """Return what went wrong, without torch's advice to trust the file."""
    text = str(error).rpartition("WeightsUnpickler error: ")[2]
    return (text.strip() or type(error).__name__).splitlines()[0]


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise TargetFileError(f"{path} is truncated or no safetensors file: {error}") from error


def _dense_network(path: Path, state: dict[Any, Any]) -> nn.Sequential:
    """Rebuild a dense network from its state_dict, if there is one way only to do it."""
    weights: dict[int, Tensor] = {}
    for name, tensor in state.items():
        matched = re.fullmatch(r"(\d+)\.weight", str(name))
        if matched is None or not isinstance(tensor, Tensor) or tensor.ndim != 2:
            shape = f" of shape {tuple(tensor.shape)}" if isinstance(tensor, Tensor) else ""
            raise TargetFileError(
                f"{path} holds {name!r}{shape}: from tensors alone only dense networks without "
                f"biases are rebuilt, with the names 0.weight, 2.weight, …; {_REMEDY}"
            )
        weights[int(matched[1])] = tensor
    if not weights or sorted(weights) != list(range(0, 2 * len(weights), 2)):
        raise TargetFileError(
            f"{path} holds the tensors {sorted(state)}, which do not tell the modules between "
            f"them (0.weight, 2.weight, … would): {_REMEDY}"
        )
    if len(weights) > 1:
        warnings.warn(
            f"{path} holds weights only: taken for linear layers with ReLU between them",
            stacklevel=3,
        )
    modules: list[nn.Module] = []
    for _, weight in sorted(weights.items()):
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
        linear.weight = nn.Parameter(weight, requires_grad=False)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])
