"""Tickets as ordinary models, for those who do not have slth."""

import io
import warnings
from os import PathLike
from pathlib import Path

import torch
from safetensors.torch import save

from slth.files import write_atomically
from slth.tickets.ticket import Ticket

_SUFFIXES = (".pt2", ".safetensors")


def export(ticket: Ticket, path: str | PathLike[str], *, overwrite: bool = True) -> None:
    r"""Store the pruned random network of a ticket as a model, its weights written out.

    .. math::
        S_t \odot M_t, \qquad t = 1, \dots, 2\ell

    ``.pt2`` is a program of ``torch.export``: ``torch.export.load(path).module()`` computes, for
    batches of any size, what ``ticket.network()`` computes, bit for bit, and needs torch alone.
    ``.safetensors`` is the ``state_dict`` of ``ticket.network()``.  The file appears atomically.

    Parameters
    ----------
    ticket : Ticket
    path : str or path-like
        Its suffix decides.
    overwrite : bool
        Whether a file that is there is replaced.

    Raises
    ------
    ValueError
        If the suffix is another one.
    FileExistsError
        If there is a file that is not to be overwritten.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from safetensors.torch import load_file
    >>> from slth.networks import RandomNetwork
    >>> from slth.tickets import Mask, PairPromise
    >>> net, mask = RandomNetwork.dense(widths=(1, 1, 1), seed=3), Mask([[[1]], [[0]]])
    >>> promise = PairPromise("pensia", "best", (None,), (0.1,))
    >>> ticket = Ticket(net, mask, "…", net.digest(), (1,), True, promise)
    >>> with TemporaryDirectory() as folder:
    ...     export(ticket, f"{folder}/model.safetensors")
    ...     weights = load_file(f"{folder}/model.safetensors")
    >>> weights["0.weight"] == float(net.weights(0)[0, 0]), weights["2.weight"]
    (tensor([[True]]), tensor([[0.]]))
    """
    path = check_export_path(path)
    network = ticket.network()
    if path.suffix == ".safetensors":
        data = save(network.state_dict(), metadata={"format": "pt"})
        write_atomically(path, data, overwrite=overwrite)
        return
    batch = torch.zeros(2, *ticket.input_shape)  # 0 and 1 would be taken for constants
    program = torch.export.export(
        network.eval(), (batch,), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Constants of equivariant layers are views, which are stored alright.
        warnings.filterwarnings("ignore", "No complete tensor found")
        torch.export.save(program, stream)
    write_atomically(path, stream.getvalue(), overwrite=overwrite)


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
