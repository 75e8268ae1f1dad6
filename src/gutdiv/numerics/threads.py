"""Our own threads over pieces of work of fixed size, BLAS on one thread in each, so that no sum depends on how many threads there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@cache
def _blas() -> ThreadpoolController:
    """The BLAS that is loaded: looking for it takes longer than a small test."""
    return ThreadpoolController().select(user_api="blas")


def in_threads(work: Callable[[int], T], pieces: int, *, threads: int | None = None) -> list[T]:
    """Return work(0), work(1), ... in this order; by as many threads as BLAS would take (`OMP_NUM_THREADS`), unless told how many."""
    if threads is None:
        threads = max((int(i["num_threads"]) for i in _blas().info()), default=1)
    with _blas().limit(limits=1):
        if min(threads, pieces) < 2:
            return [work(k) for k in range(pieces)]
        with ThreadPoolExecutor(min(threads, pieces)) as pool:
            return list(pool.map(work, range(pieces)))
