"""The slopes behind the links: every taxon against the diversity of the rest, relative to the typical reference taxon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from gutdiv.immune.composition import Composition, Taxa, testable
from gutdiv.numerics.effort import (
    BLOCK,
    digamma_weight,
    null_curve,
    rest_collision,
    rest_entropy,
    slopes,
    subject_jackknife,
    typical_slope,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gutdiv.immune.design import Design

Floats = npt.NDArray[np.float64]

MIN_PREVALENCE = 0.10
REFERENCE_PREVALENCE = 0.90
MIN_REFERENCE = 15  # fewer reference taxa were not validated
MIN_UNITS = 12  # samples or subjects; from 60 on the method was validated, below a note says so
MIN_SPREAD_TAXA = 5  # reference taxa from which a median slope at another prevalence is given at all
PARTNERS = 3


@dataclass(frozen=True, eq=False)
class Fit:
    """Slopes of all taxa against one predictor: `relative = b - s g` with its standard errors, and g with its own error.

    With measured load nothing is taken away: `relative` is b itself, and g only tells of the typical taxon.
    """

    b: Floats
    relative: Floats
    se: Floats
    se_conservative: Floats
    g: float
    se_g: float

    def p(self, freedom: int) -> Floats:
        """Two-sided p of a relative slope of 0."""
        return np.asarray(2 * stats.t.sf(np.abs(self.relative / self.se), freedom))


@dataclass(frozen=True, eq=False)
class Linked:
    """All that was estimated for one set of samples, taxa in the order of `taxa`."""

    taxa: Taxa
    design: Design
    prevalence: Floats
    s: Floats
    n_reference: int
    order_1: Fit
    order_2: Fit | None = None
    alone: Fit | None = None
    partners: tuple[tuple[str, ...], ...] = ()
    spread: Mapping[str, Any] = field(default_factory=dict)
    depth_correlation: float = float("nan")
    measured: bool = False


def estimate(
    composition: Composition,
    rows: Sequence[Mapping[str, str]],
    hidden: frozenset[str],
    design: Design,
    *,
    marker: Floats | None = None,
    load: Floats | None = None,
) -> Linked | str:
    """Run the procedure on one set of samples, against diversity or against a marker; or say why it cannot be run.

    Parameters
    ----------
    composition : Composition
        Of all samples of the cohort.
    rows : sequence of mapping
        The knowledge base.
    hidden : frozenset of str
        Parts that are neither tested nor used as reference.
    design : Design
        Samples in use, covariates, subjects.
    marker : (all samples,) float, optional
        Stands in place of diversity.
    load : (all samples,) float, optional
        Measured cells or gene copies per unit of stool, in any one unit, positive in the samples of the design. Effort is then reads per
        load, the slopes are those of absolute abundance, and reference taxa are not needed.
    """
    counts = sparse.csr_matrix(composition.counts[design.rows])
    units = design.basis.shape[0]
    if units < MIN_UNITS:
        return f"{units} {'subjects' if design.means else 'samples'} can be used, and {MIN_UNITS} are needed"
    share = np.asarray((counts > 0).sum(axis=0)).ravel() / counts.shape[0]
    speakable = np.array([name not in hidden for name in composition.names])
    reference = np.flatnonzero((share >= REFERENCE_PREVALENCE) & speakable)
    if load is None and reference.size < MIN_REFERENCE:
        there = "1 taxon is" if reference.size == 1 else f"{reference.size} taxa are"
        return (
            f"{there} present in at least {REFERENCE_PREVALENCE:.0%} of the samples, and {MIN_REFERENCE} are needed "
            "to tell how much effort each sample got"
        )
    taxa = testable(composition, rows, seen=(share >= MIN_PREVALENCE) & speakable)
    if not taxa.names:
        return f"no taxon is present in at least {MIN_PREVALENCE:.0%} of the samples"
    work = _Work(counts, taxa, reference, design, load=None if load is None else load[design.rows])
    y, s = work.freed()
    prevalence = np.concatenate([(work.reads(b) > 0).mean(axis=0) for b in work.blocks()])
    kept = prevalence >= MIN_PREVALENCE  # a family of the knowledge base may be rarer than the parts that were chosen
    single = np.flatnonzero(np.isin(work.part, reference))

    def against(predictor: Callable[[slice], Floats]) -> Fit:
        pairs = [(y[:, b], design.units(predictor(b))) for b in work.blocks()]
        return _take(_relative(pairs, design, s, single, measured=load is not None), kept)

    about = (_kept(work.taxa, kept), design, prevalence[kept], s[kept], int(reference.size))
    if marker is not None:
        values = marker[design.rows][:, None]
        fit = against(lambda _: values)
        if np.isnan(fit.b).all():
            return "it has one value in these samples, or the covariates explain all of it"
        return Linked(*about, fit, measured=load is not None)
    chosen, names = _partners(work, y, kept)
    whole = rest_entropy(work.total, work.weighted)
    return Linked(
        *about,
        against(work.diversity),
        against(lambda b: work.diversity(b, order=2)),
        against(lambda b: work.diversity(b, others=chosen)),
        tuple(p for p, k in zip(names, kept, strict=True) if k),
        {} if load is not None else {f"{p:.0%}": _typical_at(composition, counts, (share >= p) & speakable, design) for p in (0.80, 0.95)},
        _correlation(np.log(work.total), whole),
        load is not None,
    )


def _correlation(x: Floats, y: Floats) -> float:
    """Pearson's correlation; NaN where either is constant, as depth is in a rarefied table."""
    constant = np.ptp(x) == 0 or np.ptp(y) == 0
    return float("nan") if constant else float(np.corrcoef(x, y)[0, 1])


class _Work:
    """Sums over a composition that all taxa share, and those of each block of taxa."""

    def __init__(
        self, counts: sparse.csr_matrix, taxa: Taxa, reference: npt.NDArray[np.int64], design: Design, load: Floats | None = None
    ) -> None:
        self.counts, self.taxa, self.reference, self.design, self.load = counts, taxa, reference, design, load
        values = counts.data.astype(np.float64)
        self.entropy_terms = _like(counts, digamma_weight(counts.data))
        self.pair_terms = _like(counts, values * (values - 1))
        terms = (counts, self.entropy_terms, self.pair_terms)
        self.total, self.weighted, self.pairs = (np.asarray(m.sum(axis=1), dtype=np.float64).ravel() for m in terms)
        self.logs = np.log(counts[:, reference].toarray() + 0.5)
        # the part of each single taxon; -1 for a family
        self.part = np.where(taxa.single, np.asarray(taxa.members.argmax(axis=0)).ravel(), -1)

    def blocks(self) -> list[slice]:
        """Cut the taxa into blocks of fixed size."""
        m = len(self.taxa.names)
        return [slice(k, min(k + BLOCK, m)) for k in range(0, m, BLOCK)]

    def reads(self, block: slice) -> npt.NDArray[np.int64]:
        """Reads of a block of taxa, (n, block)."""
        return np.asarray((self.counts @ self.taxa.members[:, block]).toarray(), dtype=np.int64)

    def freed(self) -> tuple[Floats, Floats]:
        """Log counts of all taxa freed of effort, in the design's units, and their thinning slopes."""
        inside = self.taxa.members[self.reference].astype(np.float64)  # (reference, taxa)
        everyone = self.logs.sum(axis=1)[:, None]
        ys, ss = [], []
        for block in self.blocks():
            if self.load is None:
                own = inside[:, block].toarray()
                effort = (everyone - self.logs @ own) / (self.reference.size - own.sum(axis=0))
            else:
                effort = (np.log(self.total) - np.log(self.load))[:, None]
            y, s = null_curve(self.reads(block), effort)
            ys.append(self.design.units(y))
            ss.append(s)
        return np.column_stack(ys), np.concatenate(ss)

    def diversity(self, block: slice, *, order: int = 1, others: sparse.csr_matrix | None = None) -> Floats:
        """Diversity of each sample without each taxon of a block, and without its `others` (parts, taxa); shape (n, block)."""
        left = self.taxa.members if others is None else self.taxa.members + others
        out = sparse.csr_matrix((left[:, block] > 0).astype(np.int64))
        rest = self.total[:, None] - (self.counts @ out).toarray()
        if order == 1:
            return rest_entropy(rest, self.weighted[:, None] - (self.entropy_terms @ out).toarray())
        return rest_collision(rest, self.pairs[:, None] - (self.pair_terms @ out).toarray())


def _like(counts: sparse.csr_matrix, values: Floats) -> sparse.csr_matrix:
    """Put other values into the cells of a matrix."""
    return sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def _relative(
    blocks: Sequence[tuple[Floats, Floats]], design: Design, s: Floats, in_reference: npt.NDArray[np.int64], *, measured: bool = False
) -> Fit:
    """Slope of every taxon, less that of the typical reference taxon unless load was measured."""
    parts = [slopes(y, d, design.basis) for y, d in blocks]
    b, ols = (np.concatenate([getattr(p, name) for p in parts]) for name in ("b", "ols"))
    if design.subjects is not None and not design.means:
        own = np.concatenate([subject_jackknife(p, design.subjects) for p in parts])
    else:
        own = np.concatenate([p.hc3 for p in parts])
    if measured:
        known = in_reference.size >= MIN_REFERENCE
        g, se_g = typical_slope(b[in_reference] / s[in_reference]) if known else (float("nan"), float("nan"))
        return Fit(b, b, own, np.maximum(own, ols), g, se_g)
    g, se_g = typical_slope(b[in_reference] / s[in_reference])
    shared = (s * se_g) ** 2
    return Fit(b, b - s * g, np.sqrt(own**2 + shared), np.sqrt(np.maximum(own, ols) ** 2 + shared), g, se_g)


def _partners(work: _Work, y: Floats, kept: npt.NDArray[np.bool_]) -> tuple[sparse.csr_matrix, tuple[tuple[str, ...], ...]]:
    """Choose for each taxon the three others, genera or unclassified parts, whose residuals go most closely with its own."""
    taxa, basis = work.taxa, work.design.basis
    e = without(y, basis)
    length = np.sqrt((e**2).sum(axis=0))
    e = e / np.where(length > 0, length, 1.0)
    strength = np.abs(e.T @ e)
    singles = np.flatnonzero(taxa.single & kept)
    nested = (taxa.members.T @ taxa.members).toarray() > 0
    closeness = np.where(nested[:, singles], -1.0, strength[:, singles].round(12))
    names, where = [], []
    for j in range(len(taxa.names)):
        best = sorted(range(singles.size), key=lambda k: (-closeness[j, k], k))[:PARTNERS]
        best = [k for k in best if closeness[j, k] >= 0]
        names.append(tuple(taxa.names[singles[k]] for k in best))
        where += [(work.part[singles[k]], j) for k in best]
    at = np.array(where, dtype=np.int64).reshape(-1, 2)
    chosen = sparse.csr_matrix((np.ones(len(at), dtype=np.int64), (at[:, 0], at[:, 1])), shape=taxa.members.shape)
    return chosen, tuple(names)


def _typical_at(composition: Composition, counts: sparse.csr_matrix, seen: npt.NDArray[np.bool_], design: Design) -> dict[str, Any]:
    """The typical slope with other reference taxa, effort and all; None where they are too few."""
    size = int(seen.sum())
    if size < MIN_SPREAD_TAXA:
        return {"g": None, "se_g": None, "n_reference_taxa": size}
    work = _Work(counts, testable(composition, (), seen=seen), np.flatnonzero(seen), design)
    y, s = work.freed()
    fit = _relative([(y[:, b], design.units(work.diversity(b))) for b in work.blocks()], design, s, np.arange(size))
    return {"g": fit.g, "se_g": fit.se_g, "n_reference_taxa": size}


def _take(fit: Fit, kept: npt.NDArray[np.bool_]) -> Fit:
    """Keep these taxa of a fit."""
    return Fit(fit.b[kept], fit.relative[kept], fit.se[kept], fit.se_conservative[kept], fit.g, fit.se_g)


def _kept(taxa: Taxa, kept: npt.NDArray[np.bool_]) -> Taxa:
    """Keep these taxa."""
    at = np.flatnonzero(kept).tolist()
    names, ranks = (tuple(column[j] for j in at) for column in (taxa.names, taxa.ranks))
    return Taxa(names, ranks, tuple(taxa.rows[j] for j in at), taxa.members[:, at], taxa.single[at])
