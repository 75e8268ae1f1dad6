"""R's objects that say themselves what is what: phyloseq objects and SummarizedExperiments; and how every table of an R file is finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.r.objects import RMatrix, classes, environment, frame, matrix, members, slots, text_matrix, texts
from gutdiv.io.r.parts import linked_tips, metadata_of, taxonomy_of, tree_of
from gutdiv.io.raw import checked_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rdata.parser import RObject

    from gutdiv.io.r.objects import RFrame
    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree


def whole_table(path: Path, name: str, thing: RObject, samples_in: str | None, others: Sequence[str] = ()) -> RawTable:
    """Build a table of a phyloseq object, its `otu_table` alone, or a SummarizedExperiment; `others` names what stands beside it in the file.

    Raises
    ------
    InputError
        Where its matrix is not in the file, or lacks ids.
    """
    notes = [f"{path.name} also holds {first_ids(others)}, not used."] if others else []
    if "assays" in slots(thing):
        return _experiment(path, name, thing, samples_in, notes)
    parts = slots(thing) if "phyloseq" in classes(thing) else {"otu_table": thing}
    counts = matrix(parts["otu_table"])
    if counts is None or counts.rows is None or counts.columns is None:
        msg = f"{path.name}: the otu_table of {name} is no matrix of numbers with names of rows and columns. Make it anew with otu_table()."
        raise InputError(msg)
    own = "columns" if int(slots(parts["otu_table"])["taxa_are_rows"].value[0]) == 1 else "rows"
    taxa = text_matrix(parts["tax_table"]) if "tax_table" in parts else None
    about = frame(parts["sam_data"]) if "sam_data" in parts else None
    notes += [f"The reference sequences (refseq) of {path.name} are not used."] if "refseq" in parts else []
    return finished_table(
        path,
        "phyloseq object of R" if "phyloseq" in classes(thing) else "otu_table of R's phyloseq",
        counts,
        samples_in or own,
        notes,
        taxa=None if taxa is None else ("tax_table", taxa),
        about=None if about is None else ("sam_data", about),
        tree=parts.get("phy_tree"),
        origin={"r_object": name, "taxa_are_rows": "TRUE" if own == "columns" else "FALSE"},
    )


def _experiment(path: Path, name: str, thing: RObject, samples_in: str | None, notes: list[str]) -> RawTable:
    """Build a table of a SummarizedExperiment or a class made of it: rows are features, columns samples."""
    parts = slots(thing)
    holder = slots(parts["assays"])
    data = holder["data"] if "data" in holder else environment(holder[".xData"])["data"]
    assays = dict(members(slots(data).get("listData", data)))
    chosen = "counts" if "counts" in assays else next(iter(assays), "")
    if not assays or (chosen != "counts" and len(assays) > 1):
        msg = f"{path.name}: {name} has {count_noun(assays, 'assay')} ({first_ids(assays)}), and none is named 'counts'. Keep or name the one with read counts."
        raise InputError(msg)
    counts = matrix(assays[chosen])
    if counts is None:
        kind = next(iter(classes(assays[chosen])), assays[chosen].info.type.name)
        msg = f"{path.name}: the assay {chosen!r} of {name} is a {kind}, which is not in the file as numbers. Save it with as.matrix() around the assay."
        raise InputError(msg)
    ranges, about = slots(parts["rowRanges"]) if "rowRanges" in parts else {}, frame(parts["colData"])
    features = next((ids for ids in (_names(parts), _names(ranges), counts.rows) if ids is not None), None)
    samples = about.rows if about is not None and not about.automatic else counts.columns
    if features is None or samples is None:
        lacking = ("rownames", "features") if features is None else ("colnames", "samples")
        msg = f"{path.name}: {name} has no {lacking[0]}. Set them to the ids of its {lacking[1]}."
        raise InputError(msg)
    looks = [f for p in (parts, ranges) if "elementMetadata" in p and (f := frame(p["elementMetadata"])) is not None and f.columns]
    notes = (
        [f"Of the assays of {name}, {chosen!r} was taken; left out: {first_ids([a for a in assays if a != chosen])}."]
        if len(assays) > 1
        else []
    )
    tree, labels = None, None
    if "rowTree" in parts and "rowLinks" in parts and (links := frame(parts["rowLinks"])) is not None:
        labels, which, without = linked_tips(links, features)
        trees = dict(members(parts["rowTree"]))
        tree = trees.get(which or next(iter(trees), "")) if labels else None
        notes += [f"{count_noun(without, 'feature')} of {name} are linked to no tip of their own in its rowTree."] if without else []
    return finished_table(
        path,
        f"{classes(thing)[0]} object of R, assay {chosen!r}",
        RMatrix(counts.values, features, samples),
        samples_in or "columns",
        notes,
        taxa=("rowData", replace(looks[0], rows=features)) if looks else None,
        about=None if about is None or not about.columns else ("colData", replace(about, rows=samples)),
        tree=tree,
        labels=labels,
        origin={"r_object": name, "assay": chosen},
    )


def _names(parts: Mapping[str, RObject]) -> tuple[str, ...] | None:
    """Return the names that an object of Bioconductor gives its rows, wherever its class keeps them."""
    for key in ("NAMES", "partitioning", "ranges"):
        if key in parts:
            held = parts[key] if key == "NAMES" else slots(parts[key]).get("NAMES")
            if held is not None:
                return tuple(t or "" for t in texts(held))
    return None


def finished_table(
    path: Path,
    what: str,
    counts: RMatrix,
    samples_in: str,
    notes: list[str],
    *,
    taxa: tuple[str, RFrame] | None = None,
    about: tuple[str, RFrame] | None = None,
    tree: RObject | None = None,
    labels: Mapping[int, str] | None = None,
    origin: Mapping[str, str] | None = None,
) -> RawTable:
    """Check ids and put the parts together."""
    samples, features = (counts.rows, counts.columns) if samples_in == "rows" else (counts.columns, counts.rows)
    values = counts.values if samples_in == "rows" else counts.values.T.tocsr()
    if values.shape != (len(samples or ()), len(features or ())):
        msg = (
            f"{len(samples or ())} samples and {len(features or ())} features are named in a table of {values.shape[0]} x {values.shape[1]}"
        )
        raise ValueError(msg)
    taxonomy: RawTaxonomy | None = None
    metadata: SampleMetadata | None = None
    phylogeny: RawTree | None = None
    if taxa is not None:
        found = taxonomy_of(taxa[1], path.name, what=taxa[0])
        notes += found.notes
        taxonomy = found if found.ranks else None
    if about is not None:
        metadata = metadata_of(about[1], path.name, what=about[0])
        notes += metadata.notes
    if tree is not None:
        try:
            phylogeny = tree_of(tree, f"the tree in {path.name}", labels=labels)
            notes += phylogeny.notes
        except InputError as error:  # the table can be used without it
            notes.append(f"{path.name}: the tree in the file was not used. {error}")
    return checked_table(
        samples or (),
        features or (),
        values,
        source=path.name,
        format=what,
        taxonomy=taxonomy,
        metadata=metadata,
        tree=phylogeny,
        origin={"samples_in": samples_in, **(origin or {})},
        notes=tuple(notes),
    )
