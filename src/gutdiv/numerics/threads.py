"""Our own threads over pieces of work of fixed size, BLAS on one thread in each, so that no sum depends on how many threads there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from threadpoolctl import threadpool_info, threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def in_threads(work: Callable[[int], T], pieces: int, *, threads: int | None = None) -> list[T]:
    """Return work(0), work(1), ... in this order; by as many threads as BLAS would take (`OMP_NUM_THREADS`), unless told how many."""
    if threads is None:
        threads = max((int(i["num_threads"]) for i in threadpool_info() if i["user_api"] == "blas"), default=1)
    with threadpool_limits(1, user_api="blas"):
        if min(threads, pieces) < 2:
            return [work(k) for k in range(pieces)]
        with ThreadPoolExecutor(min(threads, pieces)) as pool:
            return list(pool.map(work, range(pieces)))
