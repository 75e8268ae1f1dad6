"""Our own threads over pieces of work of fixed size, BLAS on one thread in each, so that no sum depends on how many threads there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
P = ParamSpec("P")


@cache
def _blas() -> tuple[ThreadpoolController, int]:
    """The BLAS that is loaded and its threads, before any limit of ours: looking for it takes longer than a small test."""
    found = ThreadpoolController().select(user_api="blas")
    return found, max((int(i["num_threads"]) for i in found.info()), default=1)


def on_one_blas_thread(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function with BLAS on one thread: the last bits of its sums depend on how many there are."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with _blas()[0].limit(limits=1):
            return function(*args, **kwargs)

    return limited


def in_threads(work: Callable[[int], T], pieces: int, *, threads: int | None = None) -> list[T]:
    """Return work(0), work(1), ... in this order; by as many threads as BLAS would take (`OMP_NUM_THREADS`), unless told how many."""
    controller, most = _blas()
    threads = min(most if threads is None else threads, pieces)
    with controller.limit(limits=1):
        if threads < 2:
            return [work(k) for k in range(pieces)]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, range(pieces)))
