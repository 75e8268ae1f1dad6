"""A cohort in the making: what filters take from and hand on, and the list of everything that fell out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata


@dataclass(frozen=True)
class Fallen:
    """One sample, feature, tip or cell that was dropped, merged, or kept incomplete, and why."""

    part: str
    id: str
    outcome: str
    reason: str


@dataclass(frozen=True, eq=False)
class Draft:
    """Samples and features that fit each other, sorted by id.

    Parameters
    ----------
    samples, features : tuple of str
    counts : (n_samples, n_features) CSR matrix of int64
    metadata : SampleMetadata
        One row a sample, in the same order.
    """

    samples: tuple[str, ...]
    features: tuple[str, ...]
    counts: sparse.csr_matrix
    metadata: SampleMetadata

    @property
    def reads(self) -> int:
        """All reads."""
        return int(self.counts.sum())

    @property
    def depth(self) -> npt.NDArray[np.int64]:
        """Reads of each sample."""
        return np.asarray(self.counts.sum(axis=1)).ravel().astype(np.int64)

    @property
    def feature_reads(self) -> npt.NDArray[np.int64]:
        """Reads of each feature."""
        return np.asarray(self.counts.sum(axis=0)).ravel().astype(np.int64)

    @property
    def prevalence(self) -> npt.NDArray[np.int64]:
        """In how many samples each feature was found."""
        return np.bincount(self.counts.indices, minlength=len(self.features))

    def of_samples(self, keep: npt.NDArray[np.bool_]) -> Draft:
        """Keep these samples."""
        samples = tuple(s for s, k in zip(self.samples, keep, strict=True) if k)
        return replace(self, samples=samples, counts=self.counts[np.flatnonzero(keep)], metadata=self.metadata.select(samples))

    def of_features(self, keep: npt.NDArray[np.bool_]) -> Draft:
        """Keep these features."""
        features = tuple(f for f, k in zip(self.features, keep, strict=True) if k)
        return replace(self, features=features, counts=self.counts[:, np.flatnonzero(keep)])


def canonical_form(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Sort indices and give them the widths that the kernels take."""
    matrix.sort_indices()
    return sparse.csr_matrix((matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64)), shape=matrix.shape)
