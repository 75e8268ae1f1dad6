"""All results of one cohort, read for the report: what is there is read, what is not is absent, and what is damaged is left out and named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.errors import ArtifactError
from gutdiv.io.artifacts import read_json, read_reference, read_table
from gutdiv.io.cohorts import read_sample_metadata
from gutdiv.io.knowledge import read_immune_taxa, read_references
from gutdiv.model.results import Results, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Where each table lies below results/<cohort>/, without its ending, and of which kind it is; `*` stands for a metric. The first pattern counts.
_TABLES = {
    "cohort/alignment": "alignment",
    "cohort/taxonomy_audit": "taxonomy_audit",
    "diversity/composition": "composition",
    "diversity/depths": "depths",
    "diversity/curves": "curves",
    "diversity/standards": "standards",
    "diversity/alpha": "alpha",
    "diversity/ordination/*_arrows": "arrows",
    "diversity/ordination/*": "ordination",
    "comparison/alpha": "group_test",
    "comparison/model": "group_test",
    "comparison/permanova/*": "permanova",
    "comparison/dispersion/*": "group_test",
    "comparison/pairs/*": "group_test",
    "comparison/constrained/*": "ordination",
    "comparison/abundance": "abundance",
    "comparison/longitudinal/tests": "group_test",
    "comparison/longitudinal/trajectories": "trajectories",
    "dysbiosis/verdicts": "verdicts",
    "dysbiosis/explanations": "explanations",
    "dysbiosis/stability": "stability",
    "dysbiosis/flags": "flags",
    "dysbiosis/taxa_flags": "flags",
    "dysbiosis/indices": "indices",
    "immune/links": "links",
    "immune/matches": "matches",
    "immune/samples": "samples",
    "immune/enrichment": "enrichment",
}


def read_results(
    folder: Path | str, places: Collection[str] | None = None, *, knowledge: Mapping[str, tuple[Mapping[str, str], ...]] | None = None
) -> Results:
    """Read the results of one cohort from its folder: all tables, or only those at these places (as in the list above).

    `knowledge` stands in place of the package's rows and references.

    A part that cannot be read (damaged, of another kind, or a table without its record or the other way round) is left out, and stands in
    `Results.unreadable` with what is wrong and how to mend it.

    Raises
    ------
    ArtifactError
        Where the folder holds no cohort, or the cohort's own record or metadata cannot be read.
    """
    folder = Path(folder)
    place = folder / "cohort" / "cohort.json"
    if not place.is_file():
        msg = f"{folder} holds no results of a cohort ({place.relative_to(folder)} is missing). Give the folder results/<cohort> of a workflow run."
        raise ArtifactError(msg)
    cohort = read_json(place)
    metadata = read_sample_metadata(folder / "cohort" / "metadata.tsv")
    tables: dict[str, Table] = {}
    unreadable: dict[str, str] = {}
    for pattern, kind in _TABLES.items():
        if places is not None and pattern not in places:
            continue
        for path in sorted({p.with_suffix(".tsv") for ending in ("tsv", "json") for p in folder.glob(f"{pattern}.{ending}")}):
            place_of = str(path.relative_to(folder).with_suffix("").as_posix())
            if place_of in tables or place_of in unreadable:
                continue
            try:
                tables[place_of] = read_table(path, kind)
            except ArtifactError as error:
                unreadable[place_of] = _within(folder, error)
    reference = None
    if (path := folder / "reference" / "reference.json").is_file():
        try:
            reference = read_reference(path)
        except ArtifactError as error:
            unreadable["reference/reference"] = _within(folder, error)
    return Results(
        name=str(cohort.get("name", folder.name)),
        tables=tables,
        cohort=cohort,
        metadata=metadata,
        reference=reference,
        knowledge=knowledge or {"immune_taxa": read_immune_taxa(), "references": read_references()},
        unreadable=unreadable,
    )


def _within(folder: Path, error: ArtifactError) -> str:
    """Word what is wrong with files named from the cohort's folder on, for a page tells nothing of where it was made."""
    return str(error).replace(f"{folder}{os.sep}", "")
