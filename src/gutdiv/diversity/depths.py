"""Depths weighed in the open: what each candidate keeps and loses, by group, and whether diversity still follows the number of reads at it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from gutdiv.diversity.catalog import USUAL, find
from gutdiv.diversity.measure import impossible, measure_alpha
from gutdiv.diversity.rarefaction import (
    ALIGNED_DEPTH,
    COVERAGE,
    NO_SINGLETONS,
    SMALL_GROUP,
    candidates,
    choose_depth,
    every_group,
    is_rarefied,
    lacks_singletons,
    named_groups,
    on_a_scale,
)
from gutdiv.errors import count_noun
from gutdiv.numerics import expectations
from gutdiv.numerics.ranks import rank_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]

SHALLOW = 1000  # below this depth a warning is given
_TABLES = 9999  # random tables behind the p of more than two groups
_LOSS = 0.05  # from this p of differential loss on a warning is given
_PER = 1000  # reads that the slope is told for
_LISTED = 5  # small groups that a warning names
_FOLLOWS = 0.3  # from this correlation of richness with reads on, at the depth, a warning is given
_SOME = 20  # samples that such a correlation needs to be told
_NEAR = 0.2  # a correlation of any metric up to this size is near 0
_BY_CHANCE = 1.96  # standard errors that chance seldom exceeds
_EXACT = ("sobs", "shannon")  # correlated by their expectation, other metrics by one draw


def depth_table(
    cohort: Cohort, *, extra: Iterable[int] = (), seed: int = 42, metrics: Sequence[str] | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Weigh candidate depths: quantiles of the samples' reads, round numbers between them, the one that `auto` takes, and further ones.

    Parameters
    ----------
    extra : iterable of int
        Further depths, such as one that the user chose.
    seed : int
        Of the random tables by which the loss among more than two groups is tested, and of the draws that metrics are correlated by.
    metrics : sequence of str, optional
        Alpha metrics to correlate with reads; default `catalog.USUAL`. Richness and entropy always are.

    Returns
    -------
    DataFrame of kind `depths`, one row a candidate, rising; exactly one is chosen
        `loss_p` tests whether some groups lose more samples than others; NaN where none or all are lost or there are no groups.
        `median_coverage` is of the expected Good's coverage of the samples kept, NaN where the table has no singletons; `median_slope` of the
        new features per 1,000 further reads. `rho_<metric>` is Spearman's correlation, among the samples kept, of the metric at the depth with
        the reads they came with, `rho_<metric>_before` that of their whole counts: by their expectation for richness and entropy, by one draw
        for other metrics.
    absent : mapping of str to str
        Metrics that cannot be measured, and coverage where it cannot be told, with the reason.
    """
    depth = cohort.depth
    counts = cohort.counts.indptr.astype(np.int64), cohort.counts.data
    groups = every_group(cohort)
    chosen = choose_depth(cohort)
    withheld = lacks_singletons(cohort)
    before = _measured(cohort, [*_EXACT, *(metrics or USUAL)], "none", seed)
    others = [m for m in before if m not in _EXACT]
    table = []
    for candidate in sorted({*candidates(cohort), chosen, *(e for e in extra if e <= depth.max())}):
        kept = depth >= candidate
        reads = np.full(depth.size, candidate)
        shares = {name: float(kept[g].mean()) for name, g in groups.items()}
        smallest = min(shares, key=lambda name: (shares[name], name))
        coverage = expectations.expected_coverage(*counts, reads)[kept]
        at = {"sobs": expectations.expected_richness(*counts, reads), "shannon": expectations.expected_entropy(*counts, reads)}
        at |= _measured(cohort, others, candidate, seed) if others else {}
        table.append(
            {
                "depth": candidate,
                "samples": int(kept.sum()),
                "share_kept": float(kept.mean()),
                "smallest_group_share": shares[smallest],
                "smallest_group": smallest,
                "median_coverage": math.nan if withheld else float(np.median(coverage)),
                "chosen": candidate == chosen,
                "loss_p": _loss_p(cohort, kept, seed),
                "median_slope": float(np.median(1.0 - coverage)) * _PER,
                **{
                    f"rho_{name}{end}": _rho(values[name][kept], depth[kept])
                    for name in (*_EXACT, *others)
                    for end, values in (("_before", before), ("", at))
                },
            }
        )
    absent = {m: reason for m in dict.fromkeys(metrics or USUAL) if (reason := impossible(cohort, find(m, "alpha"), "feature", withheld=withheld))}
    if withheld:
        absent["median_coverage"] = f"{NO_SINGLETONS}: coverage cannot be told, and plays no part in the choice of depth"
    return pd.DataFrame(table), absent


def _measured(cohort: Cohort, metrics: Sequence[str], depth: str | int, seed: int) -> dict[str, Floats]:
    """Return each possible metric of all samples, whole or in one draw, in the order of the catalogue."""
    frame, _ = measure_alpha(cohort, metrics, depth=depth, draws=1, seed=seed)
    return {str(name): part.to_numpy(dtype=np.float64) for name, part in frame.groupby("metric", sort=False)["value"]}


def group_losses(cohort: Cohort, table: pd.DataFrame) -> dict[str, Any]:
    """Return what each candidate loses by group, and how that was tested: `groups` (sizes), `lost` (by depth and group), `loss_test`."""
    groups = {} if on_a_scale(cohort) else named_groups(cohort)
    lost = {str(d): {name: int((cohort.depth[g] < d).sum()) for name, g in groups.items()} for d in table["depth"]}
    if on_a_scale(cohort):
        test = f"Wilcoxon rank-sum of {cohort.roles.group} between samples lost and kept"
    elif len(groups) == 2:
        test = "Fisher's exact test"
    else:
        test = f"Fisher-Freeman-Halton test, {_TABLES:,} random tables"
    return {
        "groups": {name: int(g.size) for name, g in groups.items()},
        "lost": lost if groups else {},
        "loss_test": test if len(groups) > 1 or on_a_scale(cohort) else None,
    }


def verdict_depths(cohort: Cohort, depth: int | None) -> dict[str, int]:
    """Return the depths that verdicts are given at: the one of alpha diversity inside the study, a fixed one between studies."""
    return {"in-study": choose_depth(cohort) if depth is None else depth, "aligned": ALIGNED_DEPTH}


def depth_warnings(cohort: Cohort, table: pd.DataFrame, depth: int | None) -> list[str]:
    """Say in sentences what is doubtful about a depth: groups too small to count or losing more than others, shallow reads, low coverage."""
    if depth is None:
        return ["Samples were not rarefied: diversity and distances also differ with the number of reads."]
    said = []
    named = {} if on_a_scale(cohort) else named_groups(cohort)
    lost = [
        f"{name!r} ({count_noun(len(g), 'sample')})"
        for name, g in named.items()
        if g.size < SMALL_GROUP and (cohort.depth[g] < depth).any()
    ]
    if lost:
        listed = ", ".join(lost[:_LISTED]) + (f" and {len(lost) - _LISTED} more" if len(lost) > _LISTED else "")
        said.append(
            f"No depth that keeps nine tenths of every group covers them to {COVERAGE:.0%}, so that groups of fewer than {SMALL_GROUP} samples do "
            f"not count in the choice, and lose samples at it: {listed}."
        )
    row = table.set_index("depth").loc[depth]
    if row["loss_p"] <= _LOSS:
        said.append(
            f"Groups lose unequal shares of their samples at {depth:,} reads (p = {row['loss_p']:.2g}): "
            "those that are kept may not stand for all."
        )
    if depth < SHALLOW:
        said.append(f"The common depth is only {depth:,} reads: rare features are missed, and richness is compared poorly.")
    if row["median_coverage"] < COVERAGE:
        said.append(
            f"The median coverage at {depth:,} reads is {row['median_coverage']:.2f}, below {COVERAGE:.2f}: rare features are missed."
        )
    return said


def batch_warnings(table: pd.DataFrame, depth: int | None) -> list[str]:
    """Say what is doubtful about the samples that no other depth would mend: that richness follows the reads also at a common depth."""
    row = None if depth is None else table.set_index("depth").loc[depth]
    if row is None or row["samples"] < _SOME or abs(row["rho_sobs"]) <= _FOLLOWS:
        return []
    return [
        f"Richness still follows the reads that samples came with, also at {depth:,} reads (Spearman {row['rho_sobs']:.2f}): something other "
        "than the number of reads differs along with it, such as a batch, or a denoiser that sees less in shallow samples."
    ]


def followed(table: pd.DataFrame, depth: int | None) -> dict[str, str]:
    """Say of each metric whether it goes with the reads that samples came with at a depth: `near 0`, `by chance` or `follows`.

    A correlation that is not near 0 may still be what chance leaves among so many samples: where there is none its variance is 1 / (n - 1) (Kendall &
    Gibbons 1990, 4.14). Metrics without a correlation are left out.
    """
    if depth is None:
        return {}
    (row,) = table[table["depth"] == depth].to_dict("records")
    error = 1.0 / math.sqrt(max(int(row["samples"]) - 1, 1))
    sizes = {str(c).removeprefix("rho_"): abs(float(v)) for c, v in row.items() if str(c).startswith("rho_") and not str(c).endswith("_before")}
    return {
        metric: "near 0" if size <= _NEAR else "follows" if size > _BY_CHANCE * error else "by chance"
        for metric, size in sizes.items()
        if not math.isnan(size)
    }


def depth_notes(cohort: Cohort, depth: int | None) -> list[str]:
    """Say what is to be known of a depth and is no warning: that the table came rarefied."""
    if is_rarefied(cohort) and depth == cohort.depth[0]:
        return [
            f"All samples came with {depth:,} reads: the table was rarefied before. That depth is taken and nothing is drawn again, so that all "
            "draws are the same; the spread of the draw that was made is not known."
        ]
    return []


# ---------------------------------------------------------------- parts of the table
def _loss_p(cohort: Cohort, kept: npt.NDArray[np.bool_], seed: int) -> float:
    """P-value of unequal loss between groups, NaN where there is nothing to test."""
    if on_a_scale(cohort):
        values = cohort.metadata.numeric(str(cohort.roles.group))
        there = ~np.isnan(values)
        parts = values[there & kept], values[there & ~kept]
        return rank_sum(*parts).p if all(p.size for p in parts) else math.nan
    groups = list(named_groups(cohort).values())
    table = np.array([[int(kept[g].sum()), int((~kept[g]).sum())] for g in groups]).reshape(-1, 2)
    if len(groups) < 2 or (table.sum(axis=0) == 0).any():
        return math.nan
    return unequal_loss(table, seed=seed)


def unequal_loss(table: npt.NDArray[np.int64], *, seed: int) -> float:
    """P-value of a table of groups x (kept, lost) with fixed margins: by tables at most as likely as this one.

    Exact for two groups (Fisher), by 9,999 random tables for more (Freeman & Halton 1951), this one counted among them.
    """
    if len(table) == 2:
        return float(stats.fisher_exact(table).pvalue)
    drawn = stats.random_table(table.sum(axis=1), table.sum(axis=0)).rvs(_TABLES, method="patefield", random_state=seed)
    # a table's chance given its margins falls with the product of its cells' factorials
    rareness, own = (special.gammaln(t + 1.0).sum(axis=(-2, -1)) for t in (drawn, table))
    return float((1 + np.sum(rareness >= own - 1e-9)) / (1 + _TABLES))


def _rho(values: Floats, depth: npt.NDArray[np.int64]) -> float:
    """Spearman's correlation, NaN below three samples and where one side does not vary."""
    if values.size < 3 or np.ptp(values) == 0 or np.ptp(depth) == 0:
        return math.nan
    return float(np.corrcoef(stats.rankdata(values), stats.rankdata(depth))[0, 1])
