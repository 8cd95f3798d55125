"""The loud failure of a construction."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Miss:
    """A target weight that no admissible subset of the random products approximates.

    Attributes
    ----------
    index : tuple of int
        Place of the weight among the coefficients of its layer: (output, input, ...).
    half : {"positive", "negative"}
        The half of the input line on which the slope is missed.
    weight : float
        The target weight.
    tolerance : float
        Admissible error.
    error : float
        Smallest error found; infinite if there is no subset of the required size at all.
    samples : int
        Hidden units reserved for this input and half.
    live : int
        How many of them have a first-layer weight of the right sign.
    """

    index: tuple[int, ...]
    half: str
    weight: float
    tolerance: float
    error: float
    samples: int
    live: int


class TicketNotFound(ValueError):  # noqa: N818 - the name says what happened
    """No ticket in this random network: some weight of the target is out of reach.

    Attributes
    ----------
    miss : Miss
        The weight, and how close the best subset came.
    layer : int or None
        Target layer (from 0, layers with weights only); None when a single layer was asked for.
    suggested_samples : int or None
        Samples per input and half that theory asks for; None when nobody asked theory.
    """

    def __init__(
        self, miss: Miss, layer: int | None = None, suggested_samples: int | None = None
    ) -> None:
        self.miss, self.layer, self.suggested_samples = miss, layer, suggested_samples
        where = "" if layer is None else f"target layer {layer}, "
        advice = ""
        if suggested_samples is not None:
            advice = f"; theory asks for n={suggested_samples}"
            if suggested_samples <= miss.samples:
                advice += ", so this draw is an unlucky one"
        supply = f"n={miss.samples} samples, {miss.live} of them live"
        problem = (
            f"error {miss.error:.3g} reached with {supply}, where {miss.tolerance:.3g} is allowed"
            if isfinite(miss.error)
            else f"too few products for a subset of the required size: {supply}"
        )
        super().__init__(
            f"{where}weight {miss.index} = {miss.weight:.6g}, {miss.half} half: {problem}{advice}"
        )

    def __reduce__(
        self,
    ) -> tuple[type["TicketNotFound"], tuple[Miss, int | None, int | None]]:
        """Survive the way between processes."""
        return type(self), (self.miss, self.layer, self.suggested_samples)
