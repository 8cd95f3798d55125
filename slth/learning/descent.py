"""Stochastic gradient descent that can be interrupted, resumed and repeated to the bit."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json import JSONDecodeError
from math import cos, pi
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm

from slth.files import write_atomically
from slth.forms import flag, integer, short
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.targets.training import SCALE
from slth.threads import one_thread

_KEY = "slth_descent"
_EVERY = 100

Loss = Callable[[Tensor, Tensor, float], Tensor]
"""Of a batch of inputs, their classes, and the share of the steps that is done."""


class How(TypedDict, total=False):
    """The fields of :class:`Descent`, as searches take them by keyword."""

    steps: int
    batch: int
    seed: int
    progress: bool
    checkpoint: str | PathLike[str] | None


class CheckpointError(ValueError):
    """A file is no checkpoint of this search; the message says why."""


@dataclass(frozen=True)
class Descent:
    """How long and in which order a search looks at the data.

    Attributes
    ----------
    steps, batch : int
        Number of steps, and of inputs in each.
    seed : int
        Of the order of the inputs, and of all else that a search draws.
    progress : bool
        Whether a bar shows how far it is, on standard error.
    checkpoint : path-like, optional
        File in which the state is kept, every hundred steps and at the end.  A search that finds
        its own state there goes on from it, to the same bits; one that is over returns at once.

    Raises
    ------
    ValueError
        If a number is out of range, or the folder of the checkpoint does not exist.

    Examples
    --------
    >>> Descent(steps=0)
    Traceback (most recent call last):
        ...
    ValueError: steps must be an integer >= 1, got 0
    """

    steps: int = 1500
    batch: int = 128
    seed: int = 0
    progress: bool = False
    checkpoint: str | PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Refuse fields of another form."""
        for name, form in (("steps", integer(1)), ("batch", integer(1)), ("progress", flag)):
            object.__setattr__(self, name, form(name, getattr(self, name)))
        object.__setattr__(self, "seed", integer(0, 2**63 - 1)("seed", self.seed))
        if self.checkpoint is not None and not Path(self.checkpoint).parent.is_dir():
            raise ValueError(f"there is no folder for the checkpoint {self.checkpoint}")

    def generator(self, purpose: int = 0) -> torch.Generator:
        """Return a generator of this seed; different purposes draw from different streams."""
        mixed = sha256(f"{self.seed},{purpose}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(mixed[:7], "little"))

    def run(
        self,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        data: Dataset,
        generator: torch.Generator,
        settings: object,
        *,
        cosine: bool = True,
    ) -> tuple[float, ...]:
        """Take the steps; return the loss on the batch of each.

        Parameters
        ----------
        optimizer : torch.optim.Optimizer
            Over one group of tensors, which are changed in place.
        loss : callable
            See ``Loss``.
        data : Dataset
            Whose training part is looked at, its inputs times 8, as in ``slth.targets``.
        generator : torch.Generator
            From which batches are drawn, and what the loss draws.
        settings : object
            What defines the search, beside the data and the tensors it begins with: a checkpoint
            of another one is refused.
        cosine : bool
            Whether the learning rate falls to 0 along half a cosine.

        Raises
        ------
        CheckpointError
            If the checkpoint is unreadable, or of another search.
        FloatingPointError
            If the loss is not finite.
        """
        [group] = optimizer.param_groups
        rate, tensors = group["lr"], group["params"]
        digest = _digest((self.steps, self.batch, self.seed, settings), [
            data.x_train, data.y_train, *tensors
        ])  # fmt: skip
        path = None if self.checkpoint is None else Path(self.checkpoint)
        history: list[float] = []
        if path is not None and path.exists():
            history = _resume(path, digest, tensors, optimizer, generator)
            if len(history) > self.steps:
                raise CheckpointError(f"{path} holds {len(history)} steps of {self.steps}")
            [group] = optimizer.param_groups  # reading a state makes new ones
        with (
            one_thread(),
            tqdm(
                total=self.steps, initial=len(history), unit="step", disable=not self.progress
            ) as bar,
        ):
            for step in range(len(history), self.steps):
                done = step / self.steps
                chosen = torch.randint(len(data.x_train), (self.batch,), generator=generator)
                value = loss(SCALE * data.x_train[chosen], data.y_train[chosen], done)
                if not bool(value.isfinite()):
                    raise FloatingPointError(f"the loss is {float(value)} at step {step}")
                optimizer.zero_grad()
                torch.autograd.backward(value)
                group["lr"] = rate * (0.5 + 0.5 * cos(pi * done) if cosine else 1.0)
                optimizer.step()
                history.append(float(value.detach()))
                bar.update()
                if path is not None and (len(history) % _EVERY == 0 or len(history) == self.steps):
                    _store(path, digest, tensors, optimizer, generator, history)
        return tuple(history)


def check_data(network: RandomNetwork, data: Dataset) -> None:
    """Refuse data that the network does not take, before any work.

    Raises
    ------
    ValueError
        If the shape of an input or the number of classes does not fit.
    """
    shape = tuple(data.x_train.shape[1:])
    output = network.architecture.shapes(shape)[-1]
    classes = int(data.y_train.max()) + 1
    if len(output) != 1 or output[0] < classes:
        raise ValueError(f"data of {classes} classes, a network with outputs of shape {output}")


def cross_entropy(
    network: RandomNetwork, weights: Sequence[Tensor], x: Tensor, y: Tensor
) -> Tensor:
    """Return the loss of the network with these weights, in place of its own, on a batch."""
    outputs = network.architecture.evaluate(
        lambda layer, index, x: layer.apply(weights[index], x), x
    )
    return torch.nn.functional.cross_entropy(outputs, y)


def _digest(settings: object, tensors: Sequence[Tensor]) -> str:
    """Fingerprint of what decides where a search ends."""
    sha = sha256(repr(settings).encode())
    for tensor in tensors:
        sha.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        sha.update(tensor.detach().contiguous().numpy().data)
    return sha.hexdigest()


def _store(
    path: Path,
    digest: str,
    tensors: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    history: Sequence[float],
) -> None:
    """Write a checkpoint."""
    state = optimizer.state_dict()["state"]
    parts = {f"tensor.{index}": tensor.detach() for index, tensor in enumerate(tensors)}
    for index, fields in state.items():
        parts.update({f"state.{index}.{name}": value for name, value in fields.items()})
    parts["generator"] = generator.get_state()
    parts["history"] = torch.tensor(history, dtype=torch.float64)
    data = save(
        {name: value.clone().contiguous() for name, value in parts.items()},
        metadata={_KEY: json.dumps({"search": digest})},
    )
    write_atomically(path, data)


def _resume(
    path: Path,
    digest: str,
    tensors: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> list[float]:
    """Read a checkpoint into tensors, optimiser and generator; return the losses so far."""
    try:
        with safe_open(path, framework="pt") as stored:
            header = json.loads((stored.metadata() or {}).get(_KEY, "{}"))
            if header != {"search": digest}:
                raise CheckpointError(
                    f"{path} is no checkpoint of this search, but {short(header)}: remove it, or "
                    "name another file"
                )
            parts = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        history: list[float] = parts.pop("history").tolist()
        generator.set_state(parts.pop("generator"))
        state: dict[int, dict[str, Any]] = {}
        with torch.no_grad():
            for name, value in parts.items():
                kind, _, rest = name.partition(".")
                if kind == "tensor":
                    own = tensors[int(rest)]
                    own.copy_(value.reshape(own.shape))  # without broadcasting
                else:
                    index, _, field = rest.partition(".")
                    state.setdefault(int(index), {})[field] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    except (
        SafetensorError,
        KeyError,
        IndexError,
        RuntimeError,
        TypeError,
        JSONDecodeError,
    ) as error:
        raise CheckpointError(f"{path} is no readable checkpoint: {error}") from error
    return history
