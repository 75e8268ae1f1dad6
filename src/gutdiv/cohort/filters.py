"""Filters that people expect, all off unless asked for: applied in one fixed order, counted, and every id listed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.cohort.contaminants import THRESHOLD, prevalence_scores
from gutdiv.cohort.draft import Draft, Fallen, canonical_form
from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.grammar.expression import parse_expression
from gutdiv.model.cohort import EXCLUDABLE, Roles, SampleMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_SUFFIX = re.compile(r"(?:[_ ](?:\d+|[A-Z]{1,2}|fa|ge|or|cl))+$")  # numbers and letters of Greengenes2 and GTDB, mothur's ranks
_NO_BACTERIA = {
    "eukaryota",
    "eukarya",
    "eukaryote",
    "eukaryotes",
    "plantae",
    "metazoa",
    "animalia",
    "fungi",
    "protozoa",
    "protista",
    "chromista",
}
_NO_CELLS = {"virus", "viruses", "viridae"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?")


@dataclass(frozen=True)
class Filters:
    """Which filters to apply, in this order; the values given here apply none.

    Parameters
    ----------
    blanks : str
        Expression that selects negative controls: features that decontam's prevalence score calls contaminants are dropped, then the controls themselves.
    replicates : str
        Metadata column: samples with the same value are technical replicates and become one sample of that name, by summing reads.
    exclude : tuple of str
        Keys of `EXCLUDABLE`.
    min_feature_reads : int
        Reads that a feature needs over all samples.
    min_prevalence : int or float
        Samples in which a feature must be found: a number of samples (int), or a share of them (float).
    min_reads : int
        Reads that a sample needs after the filters of features.
    one_per_subject : {'', 'first', 'deepest'}
        Keep one sample of each subject: the earliest, or the one with most reads; of equal ones the first by id.
    """

    blanks: str = ""
    replicates: str = ""
    exclude: tuple[str, ...] = ()
    min_feature_reads: int = 0
    min_prevalence: int | float = 0
    min_reads: int = 0
    one_per_subject: str = ""

    def __post_init__(self) -> None:
        """Refuse names that no filter has."""
        unknown = [e for e in self.exclude if e not in EXCLUDABLE]
        if unknown:
            msg = f"--exclude names {first_ids(unknown)}; it can name {', '.join(EXCLUDABLE)}, with commas between them."
            raise InputError(msg)
        if isinstance(self.min_prevalence, float) and not 0 <= self.min_prevalence <= 1:
            msg = f"--min-prevalence {self.min_prevalence:g} is no share from 0 to 1; a number of samples is written without a point."
            raise InputError(msg)


class Sieve:
    """A draft that passes filters one after another, with what each took."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.fallen: list[Fallen] = []
        self.entries: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.merged: dict[str, list[str]] = {}
        self._start = draft.reads

    def drop_features(self, gone: npt.NDArray[np.bool_], reason: str) -> None:
        """Drop features, for one reason."""
        self.fallen += [Fallen("feature", f, "dropped", reason) for f, g in zip(self.draft.features, gone, strict=True) if g]
        self.draft = self.draft.of_features(~gone)

    def drop_samples(self, gone: npt.NDArray[np.bool_], reason: str) -> None:
        """Drop samples, for one reason."""
        self.fallen += [Fallen("sample", s, "dropped", reason) for s, g in zip(self.draft.samples, gone, strict=True) if g]
        self.draft = self.draft.of_samples(~gone)

    def run(self, name: str, option: object, step: Callable[[], None]) -> None:
        """Apply one filter and count what it took; one that leaves nothing is refused."""
        before = self.draft
        step()
        after = self.draft
        taken = before.reads - after.reads
        self.entries.append(
            {
                "filter": name,
                "option": option,
                "features": len(before.features) - len(after.features),
                "samples": len(before.samples) - len(after.samples),
                "reads": taken,
                "share_of_reads": taken / self._start if self._start else 0.0,
            }
        )
        for what, left, had in (("sample", after.samples, before.samples), ("feature", after.features, before.features)):
            if not left:
                deepest = f"; the deepest sample has {int(before.depth.max()):,} reads" if name == "min_reads" else ""
                msg = f"--{name.replace('_', '-')} {option} leaves none of {count_noun(had, what)}{deepest}. Choose a milder value, or leave it out."
                raise InputError(msg)


def sift(
    sieve: Sieve, filters: Filters, *, roles: Roles, lineages: Mapping[str, frozenset[str]] | None, tips: Callable[[], None] | None
) -> None:
    """Apply the filters that are on, in the order of the fields of `Filters`; features without a tip go before samples are judged.

    Parameters
    ----------
    lineages : mapping of str to set of str, or None
        What of `EXCLUDABLE` each feature is, as `excludable` tells it; None where there are no lineages.
    tips : callable or None
        Drops the features that the tree lacks.

    Raises
    ------
    InputError
        Where a filter leaves nothing, or needs what is not there.
    """
    if filters.blanks:
        sieve.run("blanks", filters.blanks, lambda: _without_blanks(sieve, filters.blanks))
    if filters.replicates:
        sieve.run("replicates", filters.replicates, lambda: _merged(sieve, filters.replicates, roles))
    if filters.exclude:
        if lineages is None:
            msg = f"--exclude {','.join(filters.exclude)} needs lineages, and there are none. Supply them with --taxonomy."
            raise InputError(msg)
        for name in (e for e in EXCLUDABLE if e in filters.exclude):
            gone = np.array([name in lineages[f] for f in sieve.draft.features], dtype=bool)
            sieve.run("exclude", name, lambda gone=gone, name=name: sieve.drop_features(gone, f"{name} by lineage"))  # type: ignore[misc]
    if least := filters.min_feature_reads:
        scarce = sieve.draft.feature_reads < least
        sieve.run("min_feature_reads", least, lambda: sieve.drop_features(scarce, f"fewer than {least:,} reads in all"))
    if share := filters.min_prevalence:
        needed = share * len(sieve.draft.samples) if isinstance(share, float) else share
        seldom = sieve.draft.prevalence < needed
        said = f"{share:.4g} of the samples" if isinstance(share, float) else count_noun(share, "sample")
        sieve.run("min_prevalence", share, lambda: sieve.drop_features(seldom, f"found in fewer than {said}"))
    if tips is not None:
        tips()
    if floor := filters.min_reads:
        shallow = sieve.draft.depth < floor
        sieve.run("min_reads", floor, lambda: sieve.drop_samples(shallow, f"fewer than {floor:,} reads"))
    if rule := filters.one_per_subject:
        sieve.run("one_per_subject", rule, lambda: _one_each(sieve, rule, roles))


# ---------------------------------------------------------------- by lineage
def excludable(names: Sequence[str | None]) -> frozenset[str]:
    """Tell what of `EXCLUDABLE` a lineage is.

    Parameters
    ----------
    names : sequence of seven (str or None)
        Domain to species as `lineages.parse_lineage` gives them, in the dialect of any database: Greengenes' `c__Chloroplast` and `f__mitochondria`, SILVA's
        `o__Chloroplast` and `f__Mitochondria`, and RDP's class Chloroplast. RDP's phylum Cyanobacteria/Chloroplast alone is not enough: it also holds
        gut bacteria (Gastranaerophilales).
    """
    bare = [_SUFFIX.sub("", n).casefold() if n else "" for n in names]
    found = set()
    if not any(bare):
        found.add("unassigned")
    if "chloroplast" in bare:
        found.add("chloroplast")
    if "mitochondria" in bare or "mitochondrion" in bare:
        found.add("mitochondria")
    if bare[0] == "archaea":
        found.add("archaea")
    if bare[0] in _NO_BACTERIA | _NO_CELLS:
        found.add("nonbacterial")
    return frozenset(found)


def excludable_shares(draft: Draft, lineages: Mapping[str, frozenset[str]], excluded: Iterable[str]) -> list[dict[str, Any]]:
    """Count what `--exclude` would take, or took, of a draft: features and reads of each kind, also where it is off."""
    reads, total = draft.feature_reads, draft.reads
    counted = []
    for name in EXCLUDABLE:
        of = np.array([name in lineages[f] for f in draft.features], dtype=bool)
        taken = int(reads[of].sum())
        share = taken / total if total else 0.0
        counted.append({"what": name, "features": int(of.sum()), "reads": taken, "share_of_reads": share, "excluded": name in excluded})
    return counted


# ---------------------------------------------------------------- negative controls
def _without_blanks(sieve: Sieve, expression: str) -> None:
    """Drop features that are contaminants by their prevalence in negative controls, then the controls."""
    draft = sieve.draft
    blank = parse_expression(expression).select(draft.metadata)
    if not blank.any() or blank.all():
        msg = (
            f"--blanks {expression!r} selects {'all' if blank.any() else 'none'} of {count_noun(draft.samples, 'sample')} with reads; contaminants are told "
            "by comparing negative controls with samples. Check the column's values."
        )
        raise InputError(msg)
    with np.errstate(invalid="ignore"):
        gone = prevalence_scores(draft.counts, blank) < THRESHOLD
    if blank.sum() < 5:
        sieve.notes.append(
            f"Contaminants were told from {count_noun(int(blank.sum()), 'negative control')} only; with fewer than 5 many are missed."
        )
    sieve.drop_features(
        gone, f"contaminant: found in negative controls more often than in samples (decontam's prevalence score below {THRESHOLD:g})"
    )
    sieve.drop_samples(blank, "negative control")


# ---------------------------------------------------------------- replicates
def _merged(sieve: Sieve, column: str, roles: Roles) -> None:
    """Sum the samples of each value of a column; a sample without a value stays as it is, and one set never spans groups, subjects or times."""
    draft = sieve.draft
    cells = draft.metadata.column(column)
    sets: dict[str, list[int]] = {}
    for i, (sample, cell) in enumerate(zip(draft.samples, cells, strict=True)):
        sets.setdefault(sample if cell is None else cell, []).append(i)
    lone = {s for s, c in zip(draft.samples, cells, strict=True) if c is None}
    taken = sorted(lone & {c for c in cells if c is not None})
    if taken:
        msg = (
            f"--replicates {column}: {count_noun(taken, 'sample')} without a value there are named as a set of replicates is ({first_ids(taken)}). "
            "Fill the cells or rename the samples."
        )
        raise InputError(msg)
    names = sorted(sets)
    _refuse_mixed(draft, sets, column, roles)
    rows = np.repeat(np.arange(len(names)), [len(sets[n]) for n in names])
    at = np.concatenate([np.array(sets[n]) for n in names])
    adder = sparse.csr_matrix((np.ones(at.size, dtype=np.int64), (rows, at)), shape=(len(names), len(draft.samples)))
    for name in names:
        if name not in lone:
            sieve.merged[name] = [draft.samples[i] for i in sets[name]]
    sieve.fallen += [
        Fallen("sample", draft.samples[i], "merged", f"summed with its replicates by column {column!r}")
        for name in names
        for i in sets[name]
        if name not in lone
    ]
    columns: dict[str, tuple[str | None, ...]] = {}
    differing: dict[str, list[str]] = {}  # by set, the columns in which its samples differ
    for key, values in draft.metadata.columns.items():
        known = [{values[i] for i in sets[name]} - {None} for name in names]
        columns[key] = tuple(next(iter(k)) if len(k) == 1 else None for k in known)
        for name in (n for n, k in zip(names, known, strict=True) if len(k) > 1):
            differing.setdefault(name, []).append(key)
    for name in sorted(differing):
        where = f"column {first_ids(differing[name])}: its cell is" if len(differing[name]) == 1 else None
        where = where or f"columns {first_ids(differing[name])}: their cells are"
        sieve.fallen.append(Fallen("metadata", name, "kept", f"replicates differ in {where} empty"))
    if differing:
        seen = [key for key in columns if any(key in d for d in differing.values())]
        sieve.notes.append(
            f"--replicates {column}: in {len(differing):,} of {count_noun(len(names) - len(lone), 'set')} the samples differ in metadata columns "
            f"({first_ids(seen)}); {count_noun(sum(map(len, differing.values())), 'cell')} became empty, listed in alignment.tsv."
        )
    about = replace(draft.metadata, ids=tuple(names), columns=columns)
    sieve.draft = replace(draft, samples=tuple(names), counts=canonical_form((adder @ draft.counts).tocsr()), metadata=about)


def _refuse_mixed(draft: Draft, sets: Mapping[str, list[int]], column: str, roles: Roles) -> None:
    """Refuse a set whose samples differ in a column that plays a part: they are no replicates, and their sum would belong nowhere."""
    for part in ("subject", "group", "time"):
        key = getattr(roles, part)
        if key is None:
            continue
        cells = draft.metadata.column(key)
        for name in sorted(sets):
            known = [(cells[i], draft.samples[i]) for i in sets[name] if cells[i] is not None]
            other = next(((c, s) for c, s in known if c != known[0][0]), None)
            if other is not None:
                (one, first), (two, second) = known[0], other
                msg = (
                    f"--replicates {column}: the samples of the set {name[:60]!r} differ in the {part} column {key!r} ({str(one)[:60]!r} in sample "
                    f"{first[:60]!r}, {str(two)[:60]!r} in sample {second[:60]!r}), so that they are no replicates of one sample. Mend the cells, give "
                    f"them different values in {column!r}, or leave --{part} out."
                )
                raise InputError(msg)


# ---------------------------------------------------------------- one sample a subject
def _one_each(sieve: Sieve, rule: str, roles: Roles) -> None:
    """Keep the first or the deepest sample of each subject; a sample without a subject is its own."""
    draft = sieve.draft
    if roles.subject is None:
        msg = f"--one-per-subject {rule} needs --subject: the metadata column that tells which samples are of one subject."
        raise InputError(msg)
    subjects = [
        f"sample {s}" if c is None else f"subject {c}" for s, c in zip(draft.samples, draft.metadata.column(roles.subject), strict=True)
    ]
    ranks = (-draft.depth).tolist() if rule == "deepest" else _times(draft.metadata, roles.time)
    best: dict[str, int] = {}
    for i in sorted(range(len(subjects)), key=lambda i: (ranks[i], draft.samples[i])):
        best.setdefault(subjects[i], i)
    chosen = set(best.values())
    gone = np.array([i not in chosen for i in range(len(subjects))], dtype=bool)
    sieve.drop_samples(gone, f"not the {rule} sample of its subject")


def _times(metadata: SampleMetadata, column: str | None) -> list[Any]:
    """Return what orders samples in time: numbers, or dates as in 2024-05-31; missing ones come last."""
    if column is None:
        msg = "--one-per-subject first needs --time: the metadata column that tells when a sample was taken. `deepest` needs none."
        raise InputError(msg)
    if metadata.kinds[column] == "numeric":
        return [float("inf") if np.isnan(v) else float(v) for v in metadata.numeric(column)]
    cells = metadata.column(column)
    wrong = sorted({c for c in cells if c is not None and not _DATE.fullmatch(c)})
    if wrong:
        msg = f"--one-per-subject first: column {column!r} holds {first_ids(wrong, limit=2)}; numbers or dates as in 2024-05-31 tell what was first."
        raise InputError(msg)
    return ["~" if c is None else c.replace("T", " ") for c in cells]
