"""What can go wrong with a sweep."""


class SweepError(Exception):
    """A sweep cannot be run, stored or trusted; the message says why."""


class GridError(SweepError, ValueError):
    """A grid is not well declared."""


class StoreError(SweepError, ValueError):
    """A file is not the store of this sweep."""


class DataError(SweepError, ValueError):
    """A table is not the unaltered result of a grid."""


class CellFailed(SweepError, RuntimeError):  # noqa: N818 (it is an outcome)
    """The function raised, or returned something that is no row of a table."""


class WorkersLost(SweepError, RuntimeError):  # noqa: N818 (it is an outcome)
    """A local worker process was killed."""


class SchedulerLost(SweepError, ConnectionError):  # noqa: N818 (it is an outcome)
    """There is no Dask scheduler at the address, or it went away."""
