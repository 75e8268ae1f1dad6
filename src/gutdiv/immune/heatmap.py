"""Shares of immune-relevant genera and guilds over all samples, in the order in which a heatmap draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.immune.samples import tested_genera
from gutdiv.model.results import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

Floats = npt.NDArray[np.float64]
Cell = tuple[str | None, str]  # a group and a verdict

LEVELS = {"genus": "clr:", "guild": "guild:"}
ROWS = 40  # taxa that can still be told apart
COLUMNS = 400  # at most so many columns: beyond, each is the mean of neighbouring samples of one group and verdict


def order_shares(
    taxa: pd.DataFrame, *, verdicts: Mapping[str, str], rows: Sequence[Mapping[str, str]], groups: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """Order samples and taxa so that like stands beside like.

    Samples stand by group, then by verdict, then along the first axis (singular vectors of the log10 shares less the mean of each taxon; half of the
    smallest share stands for none); taxa stand along the same axis. Where there are more than 400 samples, neighbours within a group and verdict are
    averaged, and where groups are so many that this is not enough, groups are not told apart.

    Parameters
    ----------
    taxa : DataFrame of kind `taxa`
        Its `share` (of all reads of a sample, not rarefied) is used, of genera and guilds.
    verdicts : mapping of str to str
        Verdict of each sample; a sample that has none is `not assessable`.
    rows : sequence of mapping
        The knowledge base; genera that it does not test are left out.
    groups : mapping of str to str or None, optional
        Group of each sample (None: not known).

    Returns
    -------
    dict
        By level (`genus`, `guild`), where a read of any of its taxa was found: `taxa` (the 40 found in most samples, as they are drawn), `found` (share of
        samples with a read of each), `left_out` (number of further taxa with reads), `samples`, `without_reads` (samples left out), and `columns`:
        rows `[group, verdict, label, n, shares]`, where `label` is the sample's id, empty for a mean of several; shares have three significant digits.
    """
    known = tested_genera(rows)
    out = {}
    for level, prefix in LEVELS.items():
        own = taxa[taxa["level"] == level]
        names = own["metric"].str.removeprefix(prefix)
        kept = own.assign(metric=names)[names.isin(list(known))] if level == "genus" else own.assign(metric=names)
        wide = kept.pivot(index="sample_id", columns="metric", values="share").sort_index().sort_index(axis=1)  # noqa: PD010 - each once: nothing to average
        read = wide[wide.notna().all(axis=1)]
        if bool((read.to_numpy() > 0).any()):
            out[level] = {**_drawn(read, verdicts, groups or {}), "without_reads": len(wide) - len(read)}
    return out


def _drawn(wide: pd.DataFrame, verdicts: Mapping[str, str], groups: Mapping[str, str | None]) -> dict[str, Any]:
    """Order one level."""
    shares, names, samples = wide.to_numpy(np.float64), [str(n) for n in wide.columns], [str(s) for s in wide.index]
    found = (shares > 0).mean(axis=0)
    most = np.lexsort((np.arange(len(names)), -shares.mean(axis=0), -found))
    top = most[: min(ROWS, int((found > 0).sum()))]
    place, weight = _axis(shares[:, top])
    top = top[np.lexsort((top, weight))]
    cells = _cells(samples, verdicts, groups)
    if len(set(cells)) > COLUMNS:
        cells = _cells(samples, verdicts, {})
    return {
        "taxa": [names[j] for j in top],
        "found": [round(float(found[j]), 4) for j in top],
        "left_out": int((found > 0).sum()) - len(top),
        "samples": len(samples),
        "columns": _columns(shares[:, top], samples, cells, place),
    }


def _axis(shares: Floats) -> tuple[Floats, Floats]:
    """Place samples (n,) and taxa (k,) along the main axis of the log shares; the taxon that weighs most stands at its high end."""
    logs = np.log10(np.maximum(shares, shares[shares > 0].min() / 2))
    logs -= logs.mean(axis=0)
    along = np.linalg.eigh(logs.T @ logs)[1][:, -1]
    along = along * (np.sign(along[np.argmax(np.round(np.abs(along), 9))]) or 1.0)
    # Rounded, so that what is equal but for the last bits stands in the order of its name.
    return np.round(logs @ along, 9), np.round(along, 9)


def _cells(samples: Sequence[str], verdicts: Mapping[str, str], groups: Mapping[str, str | None]) -> list[Cell]:
    """Give each sample its group and verdict."""
    return [(groups.get(s), verdicts.get(s, VERDICTS[-1])) for s in samples]


def _columns(shares: Floats, samples: Sequence[str], cells: Sequence[Cell], place: Floats) -> list[list[Any]]:
    """Columns in drawing order: single samples, or means of neighbours where there are too many."""
    order = sorted(set(cells), key=lambda c: (c[0] is None, c[0] or "", VERDICTS.index(c[1])))
    members = {cell: np.array([i for i, c in enumerate(cells) if c == cell], dtype=np.int64) for cell in order}
    size = 1
    while sum(-(-own.size // size) for own in members.values()) > COLUMNS:
        size += 1
    out: list[list[Any]] = []
    for (group, verdict), own in members.items():
        sorted_ = own[np.lexsort((own, place[own]))]
        for first in range(0, own.size, size):
            part = sorted_[first : first + size]
            label = samples[part[0]] if part.size == 1 else ""
            out.append([group, verdict, label, int(part.size), [float(f"{v:.3g}") for v in shares[part].mean(axis=0)]])
    return out
