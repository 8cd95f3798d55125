"""Exceptions of the subset-sum engine; all are ``ValueError``."""


class InstanceTooLarge(ValueError):  # noqa: N818
    """The instance cannot be solved exactly within the memory the engine allows itself.

    Raised before any work starts; the message names the largest instance that can be solved.
    """


class SubsetNotFound(ValueError):  # noqa: N818
    """No subset meets the tolerance.

    Parameters
    ----------
    best_error : float
        Smallest error that any admissible subset reaches, or any that was tried.
    tolerance : float
        The tolerance that was asked for.
    windows : int, optional
        Number of random windows that were searched instead of all subsets.
    """

    def __init__(self, best_error: float, tolerance: float, windows: int | None = None) -> None:
        where = "" if windows is None else f" in {windows} random windows"
        super().__init__(
            f"no subset within tolerance={tolerance:.6g}{where}: "
            f"the smallest error is {best_error:.6g}"
        )
        self.best_error = best_error
        self.tolerance = tolerance
        self.windows = windows

    def __reduce__(self) -> tuple[type["SubsetNotFound"], tuple[float, float, int | None]]:
        """Keep the numbers when the exception travels between processes."""
        return type(self), (self.best_error, self.tolerance, self.windows)
