"""The one place that knows numba: compiled once, cached in a writable folder, no fast-math."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from gutdiv.numerics.cache import cache_folder

F = TypeVar("F", bound=Callable[..., Any])


def _sources() -> str:
    """Return a name for the kernels as they are written now.

    numba asks only for the file of the kernel itself: one whose parts stand in another file would be taken from the cache as it was before.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


if not os.environ.get("NUMBA_CACHE_DIR"):
    os.environ["NUMBA_CACHE_DIR"] = str(cache_folder() / "numba" / _sources())
    numba.config.reload_config()  # type: ignore[no-untyped-call]


_LIGHT = ("0.68.1",)  # versions of numba whose loading from the cache is known to need no more than `_Light` gives it


class _Light:
    """Loads a cached kernel without what only compiling needs; most of a command's start would go into that.

    numba prepares for compilation whenever it looks into its cache. Here only its memory manager is started before a kernel is taken from there;
    where the kernel is not in the cache, numba goes on to compile it, and prepares itself then.
    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        from numba.core.runtime import rtsys  # type: ignore[attr-defined]

        rtsys.initialize(context)
        with self._cache._guard_against_spurious_io_errors():
            return self._cache._load_overload(signature, context)


def _cached(dispatcher: Any) -> Any:
    """Let a kernel load lightly, where this version of numba is known to allow it."""
    if numba.__version__ in _LIGHT:
        dispatcher._cache = _Light(dispatcher._cache)
    return dispatcher


def compiled(function: F) -> F:
    """Compile a function for one thread."""
    return cast("F", _cached(numba.njit(cache=True, nogil=True, fastmath=False)(function)))


def threaded(function: F) -> F:
    """Compile a function whose `prange` loops own their rows, so that threads never change a sum's order."""
    return cast("F", _cached(numba.njit(cache=True, nogil=True, fastmath=False, parallel=True)(function)))


prange = numba.prange


def use_threads(n: int) -> None:
    """Use at most n threads, n >= 1; more than the machine offers are not taken."""
    most = int(getattr(numba.config, "NUMBA_NUM_THREADS", 1))
    numba.set_num_threads(max(1, min(n, most)))


def threads_in_use() -> int:
    """Return how many threads `prange` loops take."""
    return int(numba.get_num_threads())
