"""A results folder of nf-core/ampliseq: table, taxonomy, tree and sample metadata by its path alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.errors import InputError, first_ids
from gutdiv.io.biom import read_biom_hdf5, read_biom_json
from gutdiv.io.delimited import read_text_table
from gutdiv.io.metadata import read_metadata
from gutdiv.io.qiime import ZIP_MAGIC, read_qiime_table
from gutdiv.io.tables import AMPLISEQ_TABLES
from gutdiv.io.taxonomy import read_taxonomy
from gutdiv.io.text import first_bytes
from gutdiv.io.trees import read_tree

if TYPE_CHECKING:
    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.inputs import RawTable

# What is taken, best first; `*` stands for a database. DADA2's classification goes before QIIME 2's, as in the pipeline itself (docs/output.md). The
# tree as an artifact says whether it is rooted, the same tree as Newick does not. The order of the tables stands in io/tables.py.
_TAXONOMIES = (
    "dada2/ASV_tax_species.*.tsv",
    "dada2/ASV_tax_species.tsv",
    "dada2/ASV_tax.*.tsv",
    "dada2/ASV_tax.tsv",
    "qiime2/taxonomy/taxonomy.tsv",
    "qiime2/input/taxonomy.qza",
)
_TREES = ("qiime2/phylogenetic_tree/rooted-tree.qza", "qiime2/phylogenetic_tree/tree.nwk")
_SHEET = "samplesheet"  # input/samplesheet.*: which reads are of which sample, nothing about the sample
_MOST_METADATA = 4096  # bytes looked at to tell a samplesheet from metadata


def read_ampliseq(path: Path) -> RawTable:
    """Read a results folder of nf-core/ampliseq.

    What was taken stands in `origin` (`table`, `taxonomy`, `tree`, `metadata`: names below the folder), what else was there and could have been taken
    in the notes. Of taxonomies by several databases the first by name is taken, SILVA (the pipeline's default) before others.
    Sample metadata are the one text file in `input/` that is no samplesheet. Nothing outside the folder is read: where the pipeline
    has put links into its work folder (`--publish_dir_mode symlink`), the folder is refused.

    Raises
    ------
    InputError
        Where the folder holds no table, or a file that would be taken is a link that leads out of it, or is damaged.
    """
    name = path.resolve().name
    tables, taxonomies, trees = _found(path, AMPLISEQ_TABLES), _found(path, _TAXONOMIES), _found(path, _TREES)
    if not tables:
        msg = (
            f"{name} holds no table of nf-core/ampliseq ({', '.join(AMPLISEQ_TABLES)}). Give the folder that the pipeline got as --outdir."
        )
        raise InputError(msg)
    taxonomies.sort(key=lambda t: (_form(t), not _database(t).startswith("silva"), t))
    table = _table(path / tables[0])
    origin = {"table": tables[0]}
    notes = [_said("table", tables), *table.notes]
    taxonomy, tree = None, None
    if taxonomies:
        taxonomy = read_taxonomy(path / taxonomies[0])
        origin["taxonomy"] = taxonomies[0]
        notes.append(_said("taxonomy", taxonomies))
    if trees:
        tree = read_tree(path / trees[0])
        origin["tree"] = trees[0]
        notes.append(_said("tree", trees))
    place, metadata, said = _metadata(path)
    if place:
        origin["metadata"] = place
    notes += said
    return replace(
        table,
        source=name,
        format=f"nf-core/ampliseq results, {table.format}",
        taxonomy=taxonomy or table.taxonomy,
        tree=tree,
        metadata=metadata,
        origin={**table.origin, **origin},
        notes=tuple(notes),
    )


def _found(folder: Path, patterns: tuple[str, ...]) -> list[str]:
    """Return names below the folder that match, in the order of the patterns; refuse links that lead out."""
    inside = folder.resolve()
    names = []
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            name = path.relative_to(folder).as_posix()
            if not path.resolve().is_relative_to(inside):
                msg = (
                    f"{inside.name}/{name} is a link that leads out of the folder, as nf-core/ampliseq makes with --publish_dir_mode symlink. "
                    "Copy the folder with what its links point to (`cp -rL`), or give table, taxonomy and tree one by one."
                )
                raise InputError(msg)
            if path.is_file() and name not in names:
                names.append(name)
    return names


def _form(taxonomy: str) -> int:
    """Return the place of a taxonomy's pattern among `_TAXONOMIES`; with and without a database in the name are one."""
    name = Path(taxonomy).name
    return ("ASV_tax_species", "ASV_tax", "taxonomy.tsv", "taxonomy.qza").index(name if name.startswith("taxonomy") else name.split(".")[0])


def _database(taxonomy: str) -> str:
    """Return the database that stands in the name of DADA2's taxonomies; '' where none does."""
    return Path(taxonomy).name.removesuffix(".tsv").partition(".")[2].lower()


def _said(part: str, names: list[str]) -> str:
    """Say what was taken and what was not."""
    others = f"; not taken: {first_ids(names[1:], limit=8)}" if len(names) > 1 else ""
    mend = f" (to take another, give it with --{part})" if part != "table" and others else ""
    return f"{part} from {names[0]}{others}{mend}."


def _table(path: Path) -> RawTable:
    """Read the table by its form."""
    head = first_bytes(path, "table")
    if head.startswith(ZIP_MAGIC):
        return read_qiime_table(path)
    if path.suffix == ".biom":
        return read_biom_hdf5(path) if head.startswith(b"\x89HDF") else read_biom_json(path)
    return read_text_table(path)


def _metadata(folder: Path) -> tuple[str, SampleMetadata | None, list[str]]:
    """Find and read the sample metadata that the pipeline copied into input/; a samplesheet is none."""
    names = _found(folder, ("input/*.tsv", "input/*.csv", "input/*.txt"))
    sheets = [n for n in names if Path(n).name.lower().startswith(_SHEET) or _names_reads(folder / n)]
    candidates = [n for n in names if n not in sheets]
    if len(candidates) == 1:
        return candidates[0], read_metadata(folder / candidates[0]), [f"metadata from {candidates[0]}."]
    if candidates:
        return (
            "",
            None,
            [f"metadata not taken: input/ holds several files that may be it ({first_ids(candidates)}); give one with --metadata."],
        )
    why = f"{sheets[0]} says where reads lie, nothing about the samples" if sheets else "input/ holds none"
    return "", None, [f"metadata not taken: {why}; give it with --metadata."]


def _names_reads(path: Path) -> bool:
    """Whether a file has the columns of a samplesheet."""
    first = first_bytes(path, "sample metadata", size=_MOST_METADATA).split(b"\n", 1)[0].lower()
    return b"forwardreads" in first or b"fastq" in first
