"""What `gutdiv dysbiosis verdict` and `stability` both measure of a cohort before anything is judged."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.dysbiosis.aligned import Published
    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Reference
    from gutdiv.numerics.portable_score import People

SHIPPED = "healthy_reference.json"


def shipped_reference() -> Path:
    """Where the package keeps its own reference."""
    return Path(str(files("gutdiv") / "knowledge" / SHIPPED))


def measured_alarms(reference: Path) -> list[Mapping[str, Any]]:
    """What was measured of each tier's false alarms; of tiers that another reference than the package's makes, nothing was."""
    from gutdiv.io.artifacts import input_digest
    from gutdiv.io.knowledge import read_false_alarms

    digests = {input_digest("published", place)["sha256"] for place in (reference, shipped_reference())}
    return [r for r in read_false_alarms() if len(digests) == 1 or r["tier"] == "in-study"]


def published_groups(
    cohort: Cohort, reference: Reference | None, *, expression: str | None, subject: str | None, seed: int
) -> tuple[Published | None, str]:
    """Hold the cohort's samples beside a portable reference; None and the reason where that cannot be done."""
    if reference is None or not reference.portable:
        return None, "published healthy groups are left out (--no-reference)"
    if cohort.lineages is None:
        return None, "the cohort has no lineages, so that it cannot be held against published healthy groups"
    from gutdiv.diversity.parts import OTHER, measure_portable
    from gutdiv.dysbiosis.aligned import Published
    from gutdiv.numerics.portable_form import model_from, tables_from
    from gutdiv.numerics.portable_score import People
    from gutdiv.reference.controls import choose_controls

    content = reference.portable
    depth = int(content["verdict"]["depth"])
    if (cohort.depth < depth).all():
        return None, f"no sample has the {depth:,} reads at which samples are held against published healthy groups"
    seen = measure_portable(cohort, content["parts_rule"], depth=depth, seed=seed)
    people = People(seen.alpha["Shannon"], seen.clr(other=False), seen.mdi())
    made = Published(
        reference.name,
        len(content["studies"]),
        depth,
        model_from(content["verdict"]),
        tables_from(content["verdict"]["n"]),
        content["method"] == "robust",
        people,
        seen.counts[:, seen.parts.index(OTHER)] / depth,
        tuple(p for p in seen.parts if p != OTHER),
        choose_controls(cohort, expression, subject=subject, depth=depth) if expression else None,
    )
    return made, ""


def people_of_draw(cohort: Cohort, reference: Reference, *, seed: int, draw: int) -> People:
    """What one rarefaction draw shows of the samples."""
    from gutdiv.diversity.parts import measure_portable
    from gutdiv.numerics.portable_score import People

    content = reference.portable
    seen = measure_portable(cohort, content["parts_rule"], depth=int(content["verdict"]["depth"]), draws=1, first=draw, seed=seed)
    return People(seen.alpha["Shannon"], seen.clr(other=False), seen.mdi())
