"""Over pairs of samples: the distances that gutdiv knows, each for the rows asked for, as two kinds of sums over shared features or branches.

Every function takes `**wanted` (see `span.Wanted`): rows `start` to `stop`, each pair once (`condensed`), and single precision (`single`). The value of a
pair depends on the table as a set of samples, never on rows, threads or order. NaN: both samples are empty; or, where proportions are compared, one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.numerics import branches, index, tiles
from gutdiv.numerics.span import Array, Span, Wanted

if TYPE_CHECKING:
    from gutdiv.numerics.rows import Branches

Floats = npt.NDArray[np.float64]


def braycurtis(matrix: sparse.csr_matrix, **wanted: Unpack[Wanted]) -> Array:
    """Bray-Curtis dissimilarity, sum |x - y| / sum (x + y), in [0, 1] (Bray & Curtis 1957).

    Parameters
    ----------
    matrix : (n, p) CSR, values > 0

    Returns
    -------
    (stop - start, n), or (n (n - 1) / 2,) where condensed
    """
    return _minima(matrix, tiles.BRAY_CURTIS, wanted)


def ruzicka(matrix: sparse.csr_matrix, **wanted: Unpack[Wanted]) -> Array:
    """Ruzicka dissimilarity, the quantitative Jaccard: 1 - sum min(x, y) / sum max(x, y), in [0, 1] (Ruzicka 1958)."""
    return _minima(matrix, tiles.JACCARD, wanted)


def jaccard(matrix: sparse.csr_matrix, **wanted: Unpack[Wanted]) -> Array:
    """Jaccard dissimilarity of presence, 1 - shared / all features of either, in [0, 1] (Jaccard 1912); only what is stored counts, not its value."""
    return _minima(_with(matrix, np.ones(matrix.nnz)), tiles.JACCARD, wanted)


def _minima(matrix: sparse.csr_matrix, kind: int, wanted: Wanted) -> Array:
    """Distances by sums of minima, in the smallest type that holds them without rounding, else in the precision wanted."""
    matrix = matrix if matrix.has_sorted_indices else matrix.sorted_indices()
    span = Span(matrix.shape[0], **wanted)
    most = float(matrix.sum(axis=1).max()) if matrix.nnz else 0.0
    whole = bool(np.all(matrix.data == np.floor(matrix.data)))
    single = span.single and (not whole or most < 2**24)
    return tiles.distances(matrix, span, kind=kind, dtype=np.float32 if single else np.uint16 if whole and most < 2**16 else np.float64)


def aitchison(matrix: sparse.csr_matrix, pseudocount: float, **wanted: Unpack[Wanted]) -> Array:
    """Aitchison distance: Euclidean distance of CLR(x + pseudocount), in ln units (Aitchison 1986).

    With w = ln(x + c) - ln c, which is 0 on absent features, CLR = w - mean(w) and d^2 = |w_i - w_j|^2 - p (mean_i - mean_j)^2: only present features
    are touched. A sample without reads has a CLR of zeros. Computed in double precision whatever is wanted.
    """
    matrix = matrix if matrix.has_sorted_indices else matrix.sorted_indices()
    logs = _with(matrix, np.log(matrix.data + pseudocount) - np.log(pseudocount))
    return index.euclid(logs, Span(matrix.shape[0], **wanted), centred=True)


def hellinger(matrix: sparse.csr_matrix, **wanted: Unpack[Wanted]) -> Array:
    """Hellinger distance: Euclidean distance of root proportions, in [0, root 2] (Rao 1995; Legendre & Gallagher 2001), as vegan's `hellinger`.

    Some texts divide it by root 2. Computed in double precision whatever is wanted.
    """
    proportions, empty = _proportions(matrix)
    proportions.data = np.sqrt(proportions.data)
    out = index.euclid(proportions, Span(matrix.shape[0], **wanted), centred=False, undefined=empty)
    return np.minimum(out, np.sqrt(2.0), out=out, dtype=out.dtype)


def jensen_shannon(matrix: sparse.csr_matrix, **wanted: Unpack[Wanted]) -> Array:
    """Jensen-Shannon distance: root of the divergence in nats, in [0, root ln 2] (Endres & Schindelin 2003), as scipy's `jensenshannon`.

    phyloseq's JSD is the divergence itself. Computed in double precision whatever is wanted.
    """
    proportions, empty = _proportions(matrix)
    return index.jensen_shannon(proportions, Span(matrix.shape[0], **wanted), undefined=empty)


def unweighted_unifrac(matrix: sparse.csr_matrix, tree: Branches, **wanted: Unpack[Wanted]) -> Array:
    """Unweighted UniFrac, in [0, 1]: length of the branches above only one of the samples / above either (Lozupone & Knight 2005)."""
    span = Span(matrix.shape[0], **wanted)
    dtype = np.float32 if span.single else np.float64
    held, _ = branches.branch_matrix(matrix, tree, kind=branches.PRESENCE, dtype=dtype)
    return tiles.distances(held, span, kind=tiles.JACCARD, dtype=dtype)


def weighted_unifrac(matrix: sparse.csr_matrix, tree: Branches, *, normalized: bool, **wanted: Unpack[Wanted]) -> Array:
    """Weighted UniFrac (Lozupone 2007): sum over branches of length x |difference of proportions|, if `normalized` over length x their sum.

    In units of branch length, or in [0, 1]. QIIME 2's `weighted_unifrac` and scikit-bio's default are not normalised, phyloseq's default is.
    """
    span = Span(matrix.shape[0], **wanted)
    dtype = np.float32 if span.single else np.float64
    held, _ = branches.branch_matrix(matrix, tree, kind=branches.PROPORTION, dtype=dtype)
    kind = tiles.BRAY_CURTIS if normalized else tiles.MANHATTAN
    return tiles.distances(held, span, kind=kind, dtype=dtype, undefined=np.diff(matrix.indptr) == 0)


def generalized_unifrac(matrix: sparse.csr_matrix, tree: Branches, *, alpha: float, **wanted: Unpack[Wanted]) -> Array:
    """Generalised UniFrac, in [0, 1]: sum L (p + q)^alpha |p - q|/(p + q) / sum L (p + q)^alpha (Chen 2012), as GUniFrac's d_alpha and `ssu -a`.

    alpha 1 is normalised weighted UniFrac; smaller values give abundant lineages less weight. Computed in double precision, but for alpha 1.
    """
    if alpha == 1.0:
        return weighted_unifrac(matrix, tree, normalized=True, **wanted)
    held, length = branches.branch_matrix(matrix, tree, kind=branches.COUNT)
    held.data /= np.repeat(_totals(matrix), np.diff(held.indptr))
    return index.powers(held, length, Span(matrix.shape[0], **wanted), alpha=alpha, undefined=np.diff(matrix.indptr) == 0)


def va_unifrac(matrix: sparse.csr_matrix, tree: Branches, **wanted: Unpack[Wanted]) -> Array:
    """Variance-adjusted weighted UniFrac, in [0, 1]: each branch weighs 1 / root(m (M - m)), m the reads of both samples below it, M all their reads.

    (Chang 2011; GUniFrac's d_VAW.) Branches above all reads of both have no variance and are left out. Computed in double precision.
    """
    held, length = branches.branch_matrix(matrix, tree, kind=branches.COUNT)
    return index.variance_adjusted(held, length, _totals(matrix), Span(matrix.shape[0], **wanted))


def _totals(matrix: sparse.csr_matrix) -> Floats:
    """Sum of each row, shape (n,)."""
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()


def _proportions(matrix: sparse.csr_matrix) -> tuple[sparse.csr_matrix, npt.NDArray[Any]]:
    """Each row divided by its sum, and which rows are empty."""
    matrix = matrix if matrix.has_sorted_indices else matrix.sorted_indices()
    return _with(matrix, matrix.data / np.repeat(_totals(matrix), np.diff(matrix.indptr))), np.diff(matrix.indptr) == 0


def _with(matrix: sparse.csr_matrix, data: Floats) -> sparse.csr_matrix:
    """Return the matrix with other values."""
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)
