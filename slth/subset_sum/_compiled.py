"""Compiled functions, whose machine code is kept for the next process where that is possible."""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core.caching import FunctionCache

P = ParamSpec("P")
R = TypeVar("R")


class _Cache(FunctionCache):  # type: ignore[misc]
    """Numba's cache, except that a file that cannot be read or written only costs time."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the machine code, or None to have it compiled."""
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            self._give_up(error)
        except Exception:  # there is no telling what a damaged pickle raises
            _warn_once(f"Numba's cache in {self.cache_path} is damaged: compiling anew")
            self._write(self.flush)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the machine code."""
        self._write(super().save_overload, sig, data)

    def _write(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        _warn_not_kept(str(error))
        self.disable()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call."""
    dispatcher = numba.njit(nogil=True)(function)
    try:
        dispatcher._cache = _Cache(function)
    except RuntimeError:
        _warn_not_kept("the folders of the package and of the user's caches are read-only")
    return cast(Callable[P, R], dispatcher)


def _warn_not_kept(reason: str) -> None:
    _warn_once(
        f"compiled code cannot be kept ({reason}), so that every process compiles it anew: "
        "set NUMBA_CACHE_DIR to a writable folder"
    )


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=3)
