"""Which tier a study's verdicts belong to, by the number of its own controls, and why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gutdiv.model.results import Controls

PROVISIONAL, ALIGNED, CROSS_CHECK, IN_STUDY = 10, 20, 40, 60  # control subjects from which on
OUTSIDE, BORDERLINE = 0.025, 0.10  # p at most


def word(p: float) -> str:
    """Return the verdict of a p-value: outside (p <= .025), borderline (p <= .10) or within."""
    return "outside" if p <= OUTSIDE else "borderline" if p <= BORDERLINE else "within"


def tier_of(deep: int, aligned: int) -> str:
    """Return the tier of so many control subjects at the depth of the study's verdict, and at that of the published groups (0: they are not usable)."""
    if deep >= IN_STUDY:
        return "in-study"
    return "aligned" if aligned >= ALIGNED else "provisional" if aligned >= PROVISIONAL else "none"


def obstacle(controls: Controls | None, *, depth: int, published_depth: int | None, aligned: int, absent: str) -> str:
    """Say why no sample can be judged.

    Parameters
    ----------
    published_depth : int or None
        Reads at which samples are held against published groups; None where that cannot be done, and `absent` says why.
    aligned : int
        Control subjects with that many reads.
    """
    where = f" where {absent}" if absent and published_depth is None else ""
    if controls is None:
        return f"no controls were declared (--controls); a verdict needs {IN_STUDY if published_depth is None else PROVISIONAL} of this study{where}"
    if published_depth is not None:
        return f"{aligned} control subjects with {published_depth:,} reads; a verdict needs {PROVISIONAL}"
    return f"{len(controls.chosen)} control subjects with {depth:,} reads; a verdict needs {IN_STUDY}{where}"
