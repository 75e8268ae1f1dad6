"""How a term may be permuted where subjects or strata tie samples together, and when a design cannot be tested at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.numerics.permutation import count_arrangements, permute_rows, permute_subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gutdiv.model.cohort import SampleMetadata

Places = npt.NDArray[np.intp]
PERMUTE = ("auto", "within", "whole")
MIN_SUBJECTS = 3  # with fewer, samples within subjects tell of these alone
MIN_ARRANGEMENTS = 20  # with fewer, p cannot reach .05 whatever the distances are


class UntestableError(InputError):
    """The samples at hand cannot test what was asked, whatever the distances are."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Which samples belong together: codes of subject and stratum by sample; `subjects` is None where no subject repeats."""

    n: int
    subject: str | None
    subjects: Places | None
    strata: str | None
    blocks: Places


@dataclass(frozen=True, eq=False)
class Scheme:
    """One way to permute: `moving` are the columns that whole subjects exchange, None where rows of the design move as a whole."""

    name: str
    unit: str
    layout: Layout
    blocks: Places
    moving: frozenset[str] | None

    @property
    def key(self) -> tuple[str, frozenset[str] | None]:
        """What two schemes that draw the same permutations share."""
        return self.name, self.moving

    def draw(self, number: int, seed: int) -> Places:
        """Draw permutation `number`, (n,)."""
        if self.moving is None or self.layout.subjects is None:
            return permute_rows(seed, number, blocks=self.blocks)
        return permute_subjects(seed, number, subjects=self.layout.subjects, blocks=self.blocks)


def codes(metadata: SampleMetadata, column: str) -> Places:
    """Number the distinct values of a column without missing cells; equal numbers are one value however they are written."""
    cells = metadata.column(column)
    if metadata.kinds[column] == "numeric":
        return np.unique(metadata.numeric(column), return_inverse=True)[1].astype(np.intp)
    return np.unique(np.array(cells, dtype=object), return_inverse=True)[1].astype(np.intp)


def lay_out(metadata: SampleMetadata, *, subject: str | None, strata: str | None) -> Layout:
    """Tell which samples belong together; the columns named must have no missing cell."""
    n = len(metadata.ids)
    blocks = np.zeros(n, dtype=np.intp) if strata is None else codes(metadata, strata)
    subjects = None if subject is None else codes(metadata, subject)
    if subjects is not None and subjects.max(initial=0) + 1 == n:
        subjects = None
    return Layout(n, subject, subjects, strata, blocks)


def varies_within(values: Places, groups: Places) -> npt.NDArray[np.bool_]:
    """Return for each group whether it holds more than one value, shape (n_groups,)."""
    pairs = np.unique(np.stack([groups, values]), axis=1)
    return np.asarray(np.bincount(pairs[0], minlength=int(groups.max(initial=0)) + 1) > 1)


def few_varying(metadata: SampleMetadata, column: str, subject: str) -> list[str]:
    """Return the samples of the subjects within which a column varies, where these are fewer than half of all subjects; else none."""
    owners = codes(metadata, subject)
    varying = varies_within(codes(metadata, column), owners)
    if not 0 < 2 * int(varying.sum()) < varying.size:
        return []
    return [s for s, owner in zip(metadata.ids, owners, strict=True) if varying[owner]]


def choose_scheme(columns: Sequence[str], layout: Layout, metadata: SampleMetadata, *, tested: Sequence[str], permute: str) -> Scheme | str:
    """Choose how to permute one term, or return the reason why it cannot be tested.

    Parameters
    ----------
    columns : sequence of str
        All columns of the formula.
    layout : Layout
        Which samples belong together.
    metadata : SampleMetadata
        Its rows are the samples used.
    tested : sequence of str
        Columns of the tested term.
    permute : str
        `within`: samples are exchanged within subjects. `whole`: subjects exchange all values that are constant within them, their
        samples and what varies within them stay. `auto`: whole where some tested column is constant within subjects, within where some
        varies within at least half of them.
    """
    if layout.subjects is None:
        return _by_rows(layout, metadata, tested)
    if layout.subjects.max() + 1 < MIN_SUBJECTS:
        return f"rests on {count_noun(int(layout.subjects.max()) + 1, 'subject')} ({layout.subject}) alone, where at least {MIN_SUBJECTS} are needed"
    constant = [c for c in columns if not varies_within(codes(metadata, c), layout.subjects).any()]
    between = [c for c in tested if c in constant]
    if permute == "auto" and not between and all(few_varying(metadata, c, str(layout.subject)) for c in tested):
        return (
            f"varies within some subjects ({layout.subject}), but within fewer than half of them: exchanging samples within subjects would "
            "test these few only, and whole subjects cannot be exchanged; give a column that is constant within subjects"
        )
    if permute == "auto":
        permute = "whole" if between else "within"
    if permute == "within":
        return _by_rows(layout, metadata, tested)
    if not between:
        return f"varies within subjects ({layout.subject}), so exchanging whole subjects cannot test it; samples within subjects can be"
    return _by_subjects(layout, metadata, between, frozenset(constant))


def _by_rows(layout: Layout, metadata: SampleMetadata, tested: Sequence[str]) -> Scheme | str:
    """Samples are exchanged: freely, within strata, within subjects, or within both."""
    parts = [(layout.blocks, f"strata of {layout.strata}")] if layout.strata is not None else []
    if layout.subjects is not None:
        parts.append((layout.subjects, f"subjects ({layout.subject})"))
    blocks = np.unique(np.stack([layout.blocks, *(p for p, _ in parts)]), axis=1, return_inverse=True)[1].astype(np.intp)
    place = " and ".join(t for _, t in parts)
    labels = _joint(metadata, tested)
    if parts and not varies_within(labels, blocks).any():
        give = f"give {layout.strata} as the subject, and " if layout.subjects is None else ""
        advice = f"; {give}whole subjects can be exchanged to test it"
        return f"does not vary within {place}, so that exchanging samples there cannot test it{advice}"
    scarce = _scarce(labels, blocks, metadata, tested)
    if scarce:
        return scarce
    if not parts:
        unit = "sample" if layout.subject is None else f"sample (one of each subject of {layout.subject})"
        return Scheme("unrestricted", unit, layout, blocks, None)
    return Scheme(f"within {place}", f"sample within {place}", layout, blocks, None)


def _by_subjects(layout: Layout, metadata: SampleMetadata, between: Sequence[str], moving: frozenset[str]) -> Scheme | str:
    """Whole subjects are exchanged, within strata where there are some."""
    assert layout.subjects is not None
    first = np.unique(layout.subjects, return_index=True)[1]
    mixed = np.flatnonzero(varies_within(layout.blocks, layout.subjects))
    if mixed.size:
        names = [metadata.column(str(layout.subject))[first[k]] or "" for k in mixed]
        return (
            f"has subjects in more than one stratum of {layout.strata} ({first_ids(names)}), so that whole subjects cannot be exchanged "
            "within strata"
        )
    blocks = layout.blocks[first]
    scarce = _scarce(_joint(metadata, between)[first], blocks, metadata, between)
    if scarce:
        return f"{scarce} over {count_noun(first.size, 'subject')}"
    inside = f", within strata of {layout.strata}" if layout.strata is not None else ""
    return Scheme(f"whole subjects ({layout.subject}){inside}", f"subject ({layout.subject})", layout, blocks, moving)


def _joint(metadata: SampleMetadata, columns: Sequence[str]) -> Places:
    """Number the distinct combinations of values."""
    return np.unique(np.stack([codes(metadata, c) for c in columns]), axis=1, return_inverse=True)[1].astype(np.intp)


def _scarce(labels: Places, blocks: Places, metadata: SampleMetadata, tested: Sequence[str]) -> str:
    """Return why there are too few different arrangements, or nothing."""
    partition = len(tested) == 1 and (metadata.kinds[tested[0]] != "numeric" or labels.max() == 1)
    number = count_arrangements(labels, blocks, exchangeable=partition)
    if number >= MIN_ARRANGEMENTS:
        return ""
    return f"can be arranged in only {count_noun(int(number), 'way')}, so that p cannot fall below {1 / number:.2g}"


def check_permute(permute: str, subject: str | None, permutations: int, seed: int) -> None:
    """Refuse options that make no sense.

    Raises
    ------
    InputError
        Where a value is unknown or out of range, or permuting by subjects is asked for without a subject.
    """
    if permute not in PERMUTE:
        msg = f"permute {permute!r} is unknown; {', '.join(PERMUTE)} are known."
        raise InputError(msg)
    if permute != "auto" and subject is None:
        msg = f"permuting {permute!r} needs the metadata column that names the subject. Give --subject."
        raise InputError(msg)
    if not 1 <= permutations <= 10_000_000:
        msg = f"{permutations:,} permutations were asked for; a number from 1 to 10,000,000 is expected."
        raise InputError(msg)
    if not 0 <= seed < 2**63:
        msg = f"the seed is {seed}; a whole number from 0 to 2^63 - 1 is expected."
        raise InputError(msg)
