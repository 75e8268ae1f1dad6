"""Puts cohorts of several studies into one table: by genus, the names that all reference databases share, or by feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError, first_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

BY = ("genus", "feature")
STUDY = "study"  # the column of the merged metadata that names each sample's study
_RANKS = {"domain": "d", "phylum": "p", "class": "c", "order": "o", "canonical_family": "f", "canonical_genus": "g"}


@dataclass(frozen=True, eq=False)
class Merged:
    """What `gutdiv cohort build` reads to make the merged cohort, and what became of each study.

    Parameters
    ----------
    sample_ids : tuple of str
        `<study>:<id in the study>`.
    feature_ids : tuple of str
        Names of genera, or the features' own.
    counts : (n_samples, n_features) CSR matrix of int64
        Reads.
    lineages : tuple of str
        Of each feature, ranks with their prefixes; empty where no study has lineages.
    columns : mapping of str to tuple of (str or None)
        Metadata, one entry a sample; `study` comes first.
    record : mapping
        `by`, `studies` (samples, features, reads and columns missing of each), `features` (in how many studies each is) and
        `sample_is_subject` (studies without the column of subjects).
    """

    sample_ids: tuple[str, ...]
    feature_ids: tuple[str, ...]
    counts: sparse.csr_matrix
    lineages: tuple[str, ...]
    columns: Mapping[str, tuple[str | None, ...]]
    record: Mapping[str, Any]


def merge(cohorts: Mapping[str, Cohort], *, by: str = "genus", subject: str | None = None) -> Merged:
    """Merge cohorts, whose names become the values of the column `study`.

    Parameters
    ----------
    cohorts : mapping of str to Cohort
        By name of the study; two or more.
    by : str
        `genus`: reads of one canonical genus are summed; what has no genus is counted as `unclassified` of its lowest named rank, as everywhere
        in gutdiv. `feature`: features with one id are one, which holds where ids are sequences, their digests, or of one set of reference OTUs.
    subject : str, optional
        Column that names subjects; its values get the study's name in front, for equal names in two studies are two people. In a study
        without the column every sample is a subject of its own, as in a cohort without one; the record names such studies.

    Raises
    ------
    InputError
        Where fewer than two cohorts are given, one has a column `study` already or none by name of `subject`, one has no lineages and `by` is `genus`,
        or no two studies share a feature.
    """
    if by not in BY:
        msg = f"by {by!r} is unknown; {', '.join(BY)} are known."
        raise InputError(msg)
    if len(cohorts) < 2:
        msg = f"{len(cohorts)} cohort to merge; two or more are needed."
        raise InputError(msg)
    for study, cohort in cohorts.items():
        if STUDY in cohort.metadata.columns:
            msg = f"the metadata of {study} has a column {STUDY!r}, which the merged cohort needs for the studies' names. Rename it."
            raise InputError(msg)
        if by == "genus" and cohort.lineages is None:
            msg = f"{study} has no lineages, so that its features have no genus. Give its taxonomy, or merge by feature."
            raise InputError(msg)
    order = sorted(cohorts)
    names = {study: cohorts[study].taxa(by) for study in order}
    features = sorted({name for own in names.values() for name in own})
    studies_of = {name: sum(name in own for own in map(set, names.values())) for name in features}
    if max(studies_of.values()) < 2:
        msg = (
            f"no feature is in two of the studies {first_ids(order)} (as {first_ids(names[order[0]])} and {first_ids(names[order[1]])}). "
            "Merge by genus, or check that ids are of one kind."
        )
        raise InputError(msg)
    place = {name: k for k, name in enumerate(features)}
    blocks = [_onto(cohorts[study].counts, [place[name] for name in names[study]], len(features)) for study in order]
    record = {
        "by": by,
        "studies": {study: _about(cohorts[study], names[study], cohorts) for study in order},
        "sample_is_subject": [study for study in order if subject is not None and subject not in cohorts[study].metadata.columns],
        "features": {str(k): sum(v == k for v in studies_of.values()) for k in range(1, len(order) + 1)},
    }
    samples = tuple(f"{study}:{s}" for study in order for s in cohorts[study].sample_ids)
    lineages = _lineages([cohorts[study] for study in order], [names[study] for study in order], features)
    return Merged(samples, tuple(features), sparse.vstack(blocks, format="csr"), lineages, _columns(cohorts, order, subject), record)


def _onto(counts: sparse.csr_matrix, places: Sequence[int], width: int) -> sparse.csr_matrix:
    """Sum features that go to one place."""
    shape = (counts.shape[1], width)
    where = sparse.csr_matrix((np.ones(len(places), dtype=np.int64), (np.arange(len(places)), np.array(places))), shape=shape)
    return (counts @ where).tocsr()


def _about(cohort: Cohort, names: Sequence[str], cohorts: Mapping[str, Cohort]) -> dict[str, Any]:
    """Say what a study brings, and which columns of others it lacks."""
    columns = {column for other in cohorts.values() for column in other.metadata.columns}
    return {
        "n_samples": len(cohort.sample_ids),
        "n_features": len(set(names)),
        "n_reads": int(cohort.depth.sum()),
        "columns_missing": sorted(columns - set(cohort.metadata.columns)),
    }


def _lineages(cohorts: Sequence[Cohort], names: Sequence[Sequence[str]], features: Sequence[str]) -> tuple[str, ...]:
    """Spell each feature's lineage by its canonical names, after the first study that has it: databases place a genus differently."""
    found: dict[str, str] = {}
    for cohort, own in zip(cohorts, names, strict=True):
        if cohort.lineages is None:
            continue
        for name, cells in zip(own, cohort.lineages[list(_RANKS)].itertuples(index=False, name=None), strict=True):
            if name not in found:
                found[name] = "; ".join(f"{rank}__{cell or ''}" for rank, cell in zip(_RANKS.values(), cells, strict=True))
    return tuple(found.get(name, "") for name in features) if found else ()


def _columns(cohorts: Mapping[str, Cohort], order: Sequence[str], subject: str | None) -> dict[str, tuple[str | None, ...]]:
    """Put metadata one below the other; a study that lacks a column has empty cells there."""
    columns: dict[str, list[str | None]] = {STUDY: [study for study in order for _ in cohorts[study].sample_ids]}
    known = dict.fromkeys(column for study in order for column in cohorts[study].metadata.columns)
    if subject is not None and subject not in known:
        msg = f"no study has the column {subject!r} that is to name subjects. Known columns: {first_ids(known, limit=12) or 'none'}."
        raise InputError(msg)
    for column in known:
        cells: list[str | None] = []
        for study in order:
            ids = cohorts[study].sample_ids
            own = cohorts[study].metadata.columns.get(column, ids if column == subject else (None,) * len(ids))
            cells += [f"{study}:{cell}" if cell is not None else None for cell in own] if column == subject else list(own)
        columns[column] = cells
    return {column: tuple(cells) for column, cells in columns.items()}
