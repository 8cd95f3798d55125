"""Tickets as ordinary models, for those who do not have slth."""

import io
import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import torch
from safetensors.torch import save

from slth.files import write_atomically
from slth.forms import integer, listed
from slth.networks.layers import Shape
from slth.tickets.subnetwork import Subnetwork

_SHAPE = listed(integer(1), 1, 8)
_SUFFIXES = (".pt2", ".safetensors")


def export(
    subnetwork: Subnetwork,
    path: str | PathLike[str],
    *,
    input_shape: Sequence[int] | None = None,
    overwrite: bool = True,
) -> None:
    r"""Store a pruned random network as a model, its weights written out.

    .. math::
        S_t \odot M_t, \qquad t = 1, 2, \dots

    ``.pt2`` is a program of ``torch.export``: ``torch.export.load(path).module()`` computes, for
    batches of any size, what ``subnetwork.network()`` computes, bit for bit, and needs torch alone.
    ``.safetensors`` is its ``state_dict``.  The file appears atomically.

    Parameters
    ----------
    subnetwork : Subnetwork
        Tickets of all kinds are such.
    path : str or path-like
        Its suffix decides.
    input_shape : sequence of int, optional
        Shape of an input without the batch axis; needed for ``.pt2`` where neither the subnetwork,
        being a ticket, nor its first layer tells.
    overwrite : bool
        Whether a file that is there is replaced.

    Raises
    ------
    ValueError
        If the suffix is another one, the shape of inputs is unknown, or the network does not take
        such inputs.
    FileExistsError
        If there is a file that is not to be overwritten.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from safetensors.torch import load_file
    >>> from slth.networks import RandomNetwork
    >>> from slth.tickets import Mask
    >>> net, mask = RandomNetwork.dense(widths=(1, 1, 1), seed=3), Mask([[[1]], [[0]]])
    >>> with TemporaryDirectory() as folder:
    ...     export(Subnetwork(net, mask), f"{folder}/model.safetensors")
    ...     weights = load_file(f"{folder}/model.safetensors")
    >>> weights["0.weight"] == float(net.weights(0)[0, 0]), weights["2.weight"]
    (tensor([[True]]), tensor([[0.]]))
    """
    path = check_export_path(path)
    shape = _input_shape(subnetwork, input_shape) if path.suffix == ".pt2" else ()
    network = subnetwork.network()
    if path.suffix == ".safetensors":
        data = save(network.state_dict(), metadata={"format": "pt"})
        write_atomically(path, data, overwrite=overwrite)
        return
    batch = torch.zeros(2, *shape)  # 0 and 1 would be taken for constants
    program = torch.export.export(
        network.eval(), (batch,), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Constants of equivariant layers are views, which are stored alright.
        warnings.filterwarnings("ignore", "No complete tensor found")
        torch.export.save(program, stream)
    write_atomically(path, stream.getvalue(), overwrite=overwrite)


def _input_shape(subnetwork: Subnetwork, given: Sequence[int] | None) -> Shape:
    """Find the shape of inputs: what is given, the ticket says, or the first layer tells."""
    architecture = subnetwork.random_network.architecture
    known: Shape | None = getattr(subnetwork, "input_shape", None)
    shape = (
        known or architecture.default_input_shape()
        if given is None
        else _SHAPE("input_shape", given)
    )
    if known not in (None, shape):
        raise ValueError(f"the ticket is for inputs of shape {known}, not {shape}")
    architecture.shapes(shape)
    return shape


def check_export_path(path: str | PathLike[str]) -> Path:
    """Refuse a suffix that names no kind of model, before any work.

    Raises
    ------
    ValueError
        If it does not.

    Examples
    --------
    >>> check_export_path("model.onnx")
    Traceback (most recent call last):
        ...
    ValueError: a model is exported to a .pt2 or .safetensors file, not to model.onnx
    """
    path = Path(path)
    if path.suffix not in _SUFFIXES:
        raise ValueError(f"a model is exported to a {' or '.join(_SUFFIXES)} file, not to {path}")
    return path
