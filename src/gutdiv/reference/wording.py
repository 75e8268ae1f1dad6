"""A reference as lines of text, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv.numerics.portable_form import effects_from
from gutdiv.numerics.random_effects import limits, localised
from gutdiv.numerics.tails import TAIL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.model.results import Interval, Partition, Reference


def lines_of(reference: Reference) -> list[str]:
    """Return what a reference holds, one line an interval or comparison of subgroups."""
    what = f"controls declared {reference.controls_are}" if reference.controls_are else "controls"
    return [
        f"{reference.name}: {what} by {reference.declared}",
        f"{reference.n_samples:,} samples of {reference.n_subjects:,} subjects, rarefied to {reference.depth:,} reads",
        *(_interval(i) for i in reference.intervals),
        *(_partition(p) for p in reference.partitions),
        *(_portable(reference.portable) if reference.portable else ()),
    ]


def _portable(content: Mapping[str, Any]) -> list[str]:
    """Return what a reference of several studies holds: studies, limits of each metric for a study without controls, and tables."""
    studies = [f"{name}: {', '.join(str(facts[k]) for k in ('citation', 'country', 'region', 'taxonomy', 'licence') if facts.get(k))}"
               for name, facts in content["studies"].items()]  # fmt: skip
    lines = [f"portable reference, method {content['method']}, version {content['version']}: {content['scope']}", *studies]
    depth = content["verdict"]["depth"]
    for name, block in content["metrics"][str(depth)].items():
        fit = effects_from(block)
        low, high = limits(np.array([TAIL, 1 - TAIL]), fit, localised(fit))
        lines.append(
            f"{name} at {depth:,} reads, {block['K']} studies: mean {block['mu']:.4g}, SD between studies {block['tau']:.3g}, within "
            f"{np.exp(block['ln_sigma']):.3g}; 95 % of healthy people of any study from {low:.4g} to {high:.4g}"
        )
    others = [f"{int(d):,}" for d in content["metrics"] if d != str(depth)]
    lines += [f"the same metrics at {' and '.join(others)} reads stand in the file"] if others else []
    return [*lines, f"calibrated for {', '.join(sorted(content['verdict']['n'], key=int))} controls"]


def _interval(i: Interval) -> str:
    """Return one interval."""
    head = f"{i.metric} ({i.level}){' [shown only, never judged]' if i.shown_only else ''}"
    if i.lower is None and i.upper is None:
        return f"{head}: no interval: {i.absent}"
    lower = i.lower_absent if i.lower is None else _limit(i.lower, i.lower_ci)
    outliers = f", {i.outliers} called outliers and kept" if i.outliers else ""
    return f"{head}: {lower} to {'no upper limit' if i.upper is None else _limit(i.upper, i.upper_ci)}, n = {i.n}, {i.method}{outliers}"


def _limit(value: float, ci: tuple[float, float] | None) -> str:
    """Return a limit with its 90 % interval."""
    return f"{value:.4g}" if ci is None else f"{value:.4g} [{ci[0]:.4g}, {ci[1]:.4g}]"


def _partition(p: Partition) -> str:
    """Return one comparison of subgroups."""
    shares = ", ".join("-" if s is None else f"{s:.1%}" for s in p.shares)
    return (
        f"{p.metric} ({p.level}) by {p.column}, {p.first} and {p.second}: z = {p.z:.2f} (critical {p.critical:.2f}), SD ratio {p.sd_ratio:.2f}: "
        f"{p.harris_boyd} (Harris-Boyd); beyond the common limits, below and above, {shares}: {p.lahti} (Lahti)"
    )
