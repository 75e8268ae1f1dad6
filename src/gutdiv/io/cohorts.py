"""A cohort on disk: BIOM, Newick and TSV that the field can open, and one record with their digests."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gutdiv.errors import ArtifactError
from gutdiv.io.artifacts import read_json, read_rows, record, sha256, whole_file, write_json, write_rows, write_table, write_text
from gutdiv.io.biom import read_biom_hdf5, write_biom_hdf5
from gutdiv.io.newick import read_newick, write_newick
from gutdiv.model.cohort import LINEAGE_COLUMNS, Cohort, Roles, SampleMetadata
from gutdiv.model.results import Table
from gutdiv.model.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import pandas as pd


def write_cohort(folder: Path | str, cohort: Cohort, fallen: Iterable[Any], *, name: str, about: Mapping[str, Any]) -> None:
    """Write a cohort's files into a folder, its record `cohort.json` last.

    The files are always the same ones, as steps that share no folder need to be told beforehand what to hand on: where there are
    no lineages or no tree, theirs is empty and the record does not name it.

    Parameters
    ----------
    folder : Path or str
        Made where missing.
    cohort : Cohort
        What to write.
    fallen : iterable
        Objects with `part`, `id`, `outcome`, `reason`, for `alignment.tsv`.
    name : str
        The cohort's name.
    about : mapping
        `options` and `inputs` of the record.
    """
    folder = Path(folder)
    columns = ["part", "id", "outcome", "reason"]
    import pandas as pd  # only where it is needed: the import takes a quarter of a second

    alignment = pd.DataFrame(
        [[getattr(f, c) for c in columns] for f in fallen], columns=columns, dtype=object
    )  # a tree may lose 200,000 tips
    base = {"inputs": about.get("inputs", ()), "options": about.get("options", {})}
    write_table(folder / "alignment.tsv", Table("alignment", alignment, record("alignment", **base)))
    files = {"counts": "counts.biom", "metadata": "metadata.tsv", "alignment": "alignment.tsv"}
    with whole_file(folder / "counts.biom") as temporary:
        write_biom_hdf5(temporary, cohort.sample_ids, cohort.feature_ids, cohort.counts)
    _write_metadata(folder / "metadata.tsv", cohort.metadata, base)
    for key, file, part in (("taxonomy", "taxonomy.tsv", cohort.lineages), ("tree", "tree.nwk", cohort.tree)):
        if part is None:
            write_text(folder / file, "")  # in place of an earlier build's, which is not this cohort's
            continue
        files[key] = file
        if isinstance(part, Tree):
            write_newick(folder / file, part)
        else:
            cells = [["" if c is None else c for c in part[name]] for name in LINEAGE_COLUMNS]
            rows = zip(cohort.feature_ids, *cells, strict=True)
            write_rows(folder / file, ["feature_id", *LINEAGE_COLUMNS], rows)
    depth = cohort.depth
    quartiles = dict(zip(("min", "q1", "median", "q3", "max"), np.percentile(depth, [0, 25, 50, 75, 100]).tolist(), strict=True))
    tally = Counter(zip(alignment["part"], alignment["outcome"], alignment["reason"], strict=True))
    content = {
        **record("cohort", **base),
        **cohort.record,
        "name": name,
        "n_samples": len(cohort.sample_ids),
        "n_features": len(cohort.feature_ids),
        "n_entries": int(cohort.counts.nnz),
        "n_reads": int(depth.sum()),
        "depth": quartiles,
        "has_tree": cohort.tree is not None,
        "has_lineages": cohort.lineages is not None,
        "has_singletons": cohort.has_singletons,
        "roles": asdict(cohort.roles),
        "fallen": [{"part": p, "outcome": o, "reason": r, "count": c} for (p, o, r), c in sorted(tally.items())],
        "files": {key: {"name": file, "sha256": sha256(folder / file)} for key, file in sorted(files.items())},
    }
    write_json(folder / "cohort.json", content)


def read_cohort(path: Path | str, *, parts: Collection[str] = ("lineages", "tree")) -> Cohort:
    """Read a cohort by its `cohort.json`, with these of its parts (beside counts and metadata).

    Raises
    ------
    ArtifactError
        Where a file, of whatever part, is missing or was changed since.
    """
    path = Path(path)
    content = read_json(path)
    if content.get("kind") != "cohort":
        msg = f"{path} holds {content.get('kind')!r}, where a cohort is expected. `gutdiv cohort build` makes one."
        raise ArtifactError(msg)
    files = {key: path.parent / entry["name"] for key, entry in content["files"].items()}
    for key, file in files.items():
        if not file.is_file() or sha256(file) != content["files"][key]["sha256"]:
            msg = f"{file} is missing or was changed after the cohort was built. Build the cohort again."
            raise ArtifactError(msg)
    table = read_biom_hdf5(files["counts"])
    counts = table.values.astype(np.int64)
    counts.sort_indices()
    counts.indices = counts.indices.astype(np.int32)
    counts.indptr = counts.indptr.astype(np.int64)
    lineages = None
    if "taxonomy" in files and "lineages" in parts:
        lineages = _lineages(files["taxonomy"])
    return Cohort(
        table.sample_ids,
        table.feature_ids,
        counts,
        lineages,
        _tree(files["tree"], table.feature_ids) if "tree" in files and "tree" in parts else None,
        read_sample_metadata(files["metadata"]),
        Roles(**content["roles"]),
        content,
    )


def _lineages(path: Path) -> pd.DataFrame:
    """Read the lineages."""
    import pandas as pd

    _, rows = read_rows(path)
    cells = [[c or None for c in r[1:]] for r in rows]
    return pd.DataFrame(cells, index=pd.Index([r[0] for r in rows], dtype=object), columns=list(LINEAGE_COLUMNS), dtype=object)


def _tree(path: Path, features: tuple[str, ...]) -> Tree:
    """Read the canonical tree, its tips in the order of the features."""
    tree = read_newick(path).tree
    place = dict(zip(tree.tip_names, tree.tip_nodes.tolist(), strict=True))
    return Tree(tree.parent, tree.length, features, np.array([place[f] for f in features], dtype=np.int32))


def _write_metadata(path: Path, metadata: SampleMetadata, base: Mapping[str, Any]) -> None:
    """Write metadata as strings, and the kinds of its columns in the record beside it."""
    columns = list(metadata.columns)
    rows = ([s, *(metadata.columns[c][i] for c in columns)] for i, s in enumerate(metadata.ids))
    write_rows(path, ["sample_id", *columns], rows)
    write_json(path.with_suffix(".json"), record("metadata", **base, columns=dict(metadata.kinds)))


def read_sample_metadata(path: Path) -> SampleMetadata:
    """Read the metadata of a cohort that gutdiv wrote, ids and cells exactly as they were."""
    header, rows = read_rows(path)
    kinds = read_json(path.with_suffix(".json"))["columns"]
    columns = {name: tuple(r[j] or None for r in rows) for j, name in enumerate(header[1:], start=1)}
    return SampleMetadata(tuple(r[0] for r in rows), columns, kinds)
