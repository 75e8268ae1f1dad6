"""Kernels from the cache: loaded lightly, or compiled after all, they compute the same."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numba
import numpy as np

from gutdiv.numerics import jit

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CODE = """
import sys
import numpy as np
from scipy import sparse
from gutdiv.numerics import branches, index
from gutdiv.numerics.span import Span
print(index._sums_of(np.array([0, 2, 3]), np.array([0.5, 0.25, 4.0])).tolist())
loaded = "numba.np.arraymath" in sys.modules
if sys.argv[1] == "more":
    print(branches._places(np.array([2, 3, 3, -1])).tolist())
    print(np.round(index.euclid(sparse.csr_matrix(np.eye(3)), Span(3), centred=False), 9).tolist())
print(loaded)
"""


def run(folder: Path, word: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, word], capture_output=True, text=True, check=False, env={**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_cached_kernel_loads_without_the_compiler_and_others_compile_after_it(tmp_path: Path) -> None:
    sums = "[0.75, 4.0]"
    root = round(float(np.sqrt(2)), 9)
    assert run(tmp_path, "one") == [sums, "True"]  # compiled: numba is all there
    light = "False" if numba.__version__ in jit._LIGHT else "True"
    assert run(tmp_path, "one") == [sums, light]
    # children in the order of their numbers: tip 1, then node 2 with tip 0
    rest = ["[1, 0, 2, 3]", str([[0.0 if i == j else root for j in range(3)] for i in range(3)])]
    for _ in range(2):  # the second time all of it is in the cache
        assert run(tmp_path, "more") == [sums, *rest, light]


def test_a_version_of_numba_that_was_not_tried_loads_as_numba_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "_LIGHT", ())

    def doubled(x: float) -> float:
        return 2 * x

    assert not isinstance(jit._cached(numba.njit(doubled))._cache, jit._Light)
    monkeypatch.setattr(jit, "_LIGHT", (numba.__version__,))
    assert isinstance(jit._cached(numba.njit(doubled))._cache, jit._Light)
