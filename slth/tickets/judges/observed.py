"""So many of these inputs are classified rightly: counted, and nothing beyond them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from slth.forms import Form, integer, number, text, unfit
from slth.tickets.predictions import predict
from slth.tickets.promise import Promise
from slth.tickets.pruned_pair import VerificationError
from slth.tickets.subnetwork import Subnetwork

_DIGEST = text(64, "[0-9a-f]{64}")
_CONFIDENCE = 0.99


@dataclass(frozen=True)
class Recount:
    r"""What :func:`slth.tickets.recount` found.

    Attributes
    ----------
    tested, correct : int
        Inputs, and those of them whose class has the only largest output.
    margin : float
        The smallest of all inputs' margins: how far the largest output is above the second, over
        the largest absolute value of an output; 0 where several are largest.
    kept, total : int
        Kept and all random parameters, counted from the mask.
    """

    tested: int
    correct: int
    margin: float
    kept: int
    total: int

    @property
    def accuracy(self) -> float:
        """Fraction of the tested inputs that is right."""
        return self.correct / self.tested

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 99 % interval of Clopper and Pearson for the accuracy on the population.

        It holds if the tested inputs are an independent sample of it that the search has not seen.

        Examples
        --------
        >>> [round(end, 3) for end in Recount(450, 439, 0.001, 1, 2).interval]
        [0.95, 0.99]
        """
        found = binomtest(self.correct, self.tested).proportion_ci(_CONFIDENCE, method="exact")
        return float(found.low), float(found.high)

    @property
    def density(self) -> float:
        """Kept parameters per random parameter."""
        return self.kept / self.total


@dataclass(frozen=True)
class ObservedPromise(Promise):
    r"""Of these inputs so many are classified rightly, in exact arithmetic.

    .. math::
        \#\{i : f_{y_i}(x_i) > f_j(x_i) \text{ for all } j \ne y_i\}

    It says nothing about any other input.  A tie is wrong, so a network without a single weight is
    never right.  Networks without biases are positively homogeneous, so that the scale of inputs
    and of weights does not matter.

    Parameters
    ----------
    data_digest : str
        SHA-256 over shape, type and values of the inputs, and over their classes.
    mask_digest : str
        The same over the mask.  A changed bit that changes no class is seen by this only.
    classes_digest : str
        The same over the classes that the network gives to the inputs.
    tested, correct : int
        Inputs, and those that are right.
    margin : float
        The smallest of all inputs' margins, see :class:`Recount`.

    Examples
    --------
    >>> ObservedPromise(*["0" * 64] * 3, tested=450, correct=439, margin=0.001).terms()["promise"]
    '439 of 450 inputs are classified rightly (97.56 %)'
    """

    forms: ClassVar[Mapping[str, Form]] = {
        "data_digest": _DIGEST,
        "mask_digest": _DIGEST,
        "classes_digest": _DIGEST,
        "tested": integer(1),
        "correct": integer(),
        "margin": number(0.0),
    }

    data_digest: str
    mask_digest: str
    classes_digest: str
    tested: int
    correct: int
    margin: float

    def __post_init__(self) -> None:
        """Refuse more that are right than there are."""
        super().__post_init__()
        if self.correct > self.tested:
            raise unfit("correct", self.correct, f"at most {self.tested}, the number tested")

    @classmethod
    def of(cls, subnetwork: Subnetwork, x: Any, y: Any) -> Self:
        """Count, and promise what was counted."""
        return cls._counted(subnetwork, x, y)[0]

    @classmethod
    def _counted(cls, subnetwork: Subnetwork, x: Any, y: Any) -> tuple[Self, float]:
        inputs, classes = _inputs(x), _classes(y, len(x))
        found = predict(subnetwork, inputs.double())
        if int(classes.max()) >= found.outputs:
            raise ValueError(f"classes must be below {found.outputs}, got {int(classes.max())}")
        promise = cls(
            data_digest=_data_digest(inputs, classes),
            mask_digest=subnetwork.mask.digest(),
            classes_digest=hashlib.sha256(found.classes.astype("<i8").data).hexdigest(),
            tested=len(inputs),
            correct=int(np.count_nonzero(found.classes == classes.numpy())),
            margin=found.margin,
        )
        return promise, found.slack

    def judge(self, subnetwork: Subnetwork, x: Any, y: Any) -> Recount:
        """Count again.

        Raises
        ------
        VerificationError
            If data or mask are others, or the count is.
        """
        given = _data_digest(_inputs(x), _classes(y, len(x)))
        if given != self.data_digest:
            raise VerificationError(
                f"the ticket was observed on the data {self.data_digest[:12]}…, "
                f"these are {given[:12]}…"
            )
        if subnetwork.mask.digest() != self.mask_digest:
            raise VerificationError("the mask is another one than the one that was observed")
        found, slack = self._counted(subnetwork, x, y)
        for name in ("tested", "correct"):
            said, counted = getattr(self, name), getattr(found, name)
            if said != counted:
                raise VerificationError(f"{counted} inputs are {name}, the ticket says {said}")
        if found.classes_digest != self.classes_digest:
            raise VerificationError("the ticket says that inputs get other classes than they do")
        if abs(found.margin - self.margin) > 2.0 * slack:
            raise VerificationError(
                f"the smallest margin is {found.margin:.6g}, the ticket says {self.margin:.6g}"
            )
        mask = subnetwork.mask
        return Recount(found.tested, found.correct, found.margin, mask.kept, mask.total)

    def terms(self) -> dict[str, str]:
        """Say what was counted, and on which data."""
        share = 100.0 * self.correct / self.tested
        return {
            "promise": f"{self.correct:,} of {self.tested:,} inputs are classified rightly "
            f"({share:.4g} %)",
            "smallest margin": f"{self.margin:.4g} of the largest output",
            "data's sha256": self.data_digest,
        }


def _inputs(x: Any) -> Tensor:
    """Take a batch of finite floating-point numbers."""
    batch = torch.as_tensor(x).detach().cpu()
    if not batch.is_floating_point():
        raise ValueError(f"inputs must be floating-point numbers, got {batch.dtype}")
    if batch.ndim < 2 or not batch.numel():
        raise ValueError(f"inputs must be a batch of at least one, got shape {tuple(batch.shape)}")
    if not batch.isfinite().all():
        raise ValueError("inputs must be finite")
    return batch


def _classes(y: Any, tested: int) -> Tensor:
    """Take one class for each input."""
    classes = torch.as_tensor(y).detach().cpu()
    if classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool:
        raise ValueError(f"classes must be integers, got {classes.dtype}")
    if classes.shape != (tested,):
        raise ValueError(
            f"classes must have shape ({tested},), one for each input, got {tuple(classes.shape)}"
        )
    if (classes < 0).any():
        raise ValueError(f"classes must be at least 0, got {int(classes.min())}")
    return classes.to(torch.int64)


def _data_digest(x: Tensor, y: Tensor) -> str:
    """SHA-256 over both; 0.0 and -0.0 are the same number."""
    sha = hashlib.sha256(f"{x.dtype}{tuple(x.shape)}".encode())
    sha.update((x.double() + 0.0).contiguous().numpy().astype("<f8", copy=False).data)
    sha.update(y.contiguous().numpy().astype("<i8", copy=False).data)
    return sha.hexdigest()
