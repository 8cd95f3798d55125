"""What a ticket says, and who judges it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from torch import Tensor

from slth.folders import classes_in, module_names
from slth.forms import Form, choice, instance, record
from slth.networks import Network, RandomNetwork, Target

if TYPE_CHECKING:
    from slth.tickets.certificate import Certificate
    from slth.tickets.ticket import Ticket

_JUDGES = "slth.tickets.judges"


@dataclass(frozen=True)
class Promise(ABC):
    """A promise: a frozen dataclass of numbers, names and tuples of them, with its judge.

    Each kind is a class in a file of its own in ``slth/tickets/judges``, which gives it its name in
    ticket files.  ``forms`` says what each field must look like, whoever gives it.
    """

    forms: ClassVar[Mapping[str, Form]] = {}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Find a field of the kind of promise that it is."""

    def __post_init__(self) -> None:
        """Refuse fields of another form."""
        for name, form in self.forms.items():
            object.__setattr__(self, name, form(name, getattr(self, name)))

    @classmethod
    def kind(cls) -> str:
        """Name of the promise: that of its file."""
        return cls.__module__.rpartition(".")[2]

    def to_json(self) -> dict[str, Any]:
        """Describe the promise by its kind and its fields."""
        return {"kind": self.kind(), **asdict(self)}

    @classmethod
    def from_json(cls, description: object, name: str = "promise") -> Self:
        """Read the fields that :meth:`to_json` wrote; ``name`` is what errors call the promise.

        Raises
        ------
        ValueError
            If one is missing, too many, or has another form.
        """
        fields = record({"kind": choice(cls.kind()), **cls.forms})(name, description)
        del fields["kind"]
        return cls(**fields)

    @abstractmethod
    def terms(self) -> dict[str, str]:
        """Say in words how the ticket was made and what it promises."""


class TargetPromise(Promise):
    """A promise about a target network: it is judged without any data."""

    @abstractmethod
    def target_architecture(self, random_network: RandomNetwork) -> Network:
        """Architecture of the target that the random network is for.

        Raises
        ------
        ValueError
            If it is for none, or the promise is about another number of layers.
        """

    @abstractmethod
    def judge(
        self, ticket: "Ticket", target: Target, data: Tensor | None, rng: np.random.Generator
    ) -> "Certificate":
        """Recompute from seed and mask what the promise says.

        Parameters
        ----------
        ticket : Ticket
            One that makes this promise, for this target.
        target : Target
        data : torch.Tensor of float64, shape (N, *input_shape), or None
            Inputs on which to look at errors, besides those that the judge finds; None for not
            looking at all.
        rng : numpy.random.Generator
            Starting points of searches.

        Raises
        ------
        VerificationError
            If the promise is broken.
        """


def promised(base: type[Any]) -> Form:
    """Take promises of a class, and what :meth:`Promise.to_json` says of them.

    Examples
    --------
    >>> promised(TargetPromise)("promise", {"kind": "hope"})
    Traceback (most recent call last):
        ...
    ValueError: promise.kind must be one of ('observed', 'pairs'), got 'hope'
    """

    def read(name: str, value: object) -> object:
        if not isinstance(value, Promise):
            given = value.get("kind") if isinstance(value, Mapping) else value
            kind = choice(*module_names(_JUDGES))(f"{name}.kind", given)
            [found] = classes_in(f"{_JUDGES}.{kind}", Promise)  # type: ignore[type-abstract]
            value = found.from_json(value, name)
        return instance(base)(name, value)

    return read
