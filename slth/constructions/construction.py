"""What a construction is, and where all of them are found."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slth.folders import classes_in, module_names
from slth.forms import choice
from slth.networks import Target, WeightLaw
from slth.networks.layers import Shape
from slth.objectives import Objective
from slth.tickets import Ticket

if TYPE_CHECKING:
    from slth.constructions.plan import Plan

_CATALOGUE = "slth.constructions.catalogue"


@dataclass(frozen=True, eq=False)
class Request:
    """What :func:`slth.prune` was asked for, as far as every construction understands it.

    Attributes
    ----------
    target : Target
    epsilon : float or None
    weight_tolerance : object
        As it was given.
    sizes : sequence of int or None
        One for each layer with weights.
    samples : object
        As it was given.
    seed : int
    law : {"uniform", "normal"}
    objective : {"best", "feasible", "fewest"} or None
    nonnegative_inputs : bool
    input_shape : tuple of int
    budget : float
    """

    target: Target
    epsilon: float | None
    weight_tolerance: Any
    sizes: Sequence[int | None]
    samples: Any
    seed: int
    law: WeightLaw
    objective: Objective | None
    nonnegative_inputs: bool
    input_shape: Shape
    budget: float


class Construction(ABC):
    """A proof as a program: how a random network is planned, and how a ticket is found in it.

    Each construction is a class in a file of its own in ``slth/constructions/catalogue``, which
    gives it its name.  ``summary`` is what the command line says of it.
    """

    summary: ClassVar[str]

    @classmethod
    def name(cls) -> str:
        """Name of the construction: that of its file."""
        return cls.__module__.rpartition(".")[2]

    @abstractmethod
    def plan(self, request: Request) -> "Plan":
        """Decide everything that is decided before the random network is drawn.

        Raises
        ------
        ValueError
            If an argument is out of range for this construction, or a weight is out of reach.
        """

    @abstractmethod
    def find(self, plan: "Plan", *, progress: bool) -> Ticket:
        """Search the random network of a plan.

        Raises
        ------
        TicketNotFound
            If it holds no ticket.
        """


def construction_names() -> list[str]:
    """Names of all constructions.

    Examples
    --------
    >>> construction_names()
    ['malach', 'natale', 'pensia']
    """
    return module_names(_CATALOGUE)


def construction(name: str) -> Construction:
    """Find a construction by its name.

    Raises
    ------
    ValueError
        If there is none of this name.

    Examples
    --------
    >>> construction("malach").summary
    'one product for every weight'
    """
    choice(*construction_names())("construction", name)
    [found] = classes_in(f"{_CATALOGUE}.{name}", Construction)  # type: ignore[type-abstract]
    return found()
