"""What `gutdiv cohort build` and `gutdiv run` share: the options on inputs and filters, and reading what they name."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutdiv.errors import InputError
from gutdiv.model.cohort import EXCLUDABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gutdiv.cohort.align import Choices
    from gutdiv.model.cohort import SampleMetadata
    from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree

# The options that say how inputs are read and filtered: name to the value that changes nothing. Each is a key of the config's section `cohort`.
DEFAULTS: Mapping[str, object] = {
    "format": "",
    "label": "",
    "samples_in": "",
    "values": "auto",
    "carried_tree": "auto",
    "root": "keep",
    "missing_tips": "error",
    "without_metadata": "keep",
    "blanks": "",
    "replicates": "",
    "exclude": "",
    "min_feature_reads": 0,
    "min_prevalence": 0,
    "min_reads": 0,
    "one_per_subject": "",
}


class _Named(argparse.Action):
    """Store what an option names; refuse one that is given and names nothing (the workflow leaves empty values out)."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Store the text."""
        if not values.strip(" ,\t"):
            raise argparse.ArgumentError(self, f"{values!r} names nothing; leave the option out")
        setattr(namespace, self.dest, values)


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add the files of a cohort, the columns that play a part, and the options of `DEFAULTS`."""
    files = parser.add_argument_group("files")
    files.add_argument("--table", type=Path, required=True, metavar="T", help="abundance table, or the folder of results that holds it")
    files.add_argument("--taxonomy", type=Path, metavar="X", help="lineages of the features (default: those that the table carries)")
    files.add_argument("--tree", type=Path, metavar="N", help="rooted tree of the features (default: that which the table carries)")
    files.add_argument("--metadata", type=Path, metavar="M", help="sample metadata (default: that which the table carries)")
    files.add_argument("--format", default="", metavar="KIND", help="the table's format (default: told from its name and first bytes)")
    files.add_argument("--label", default="", metavar="L", help="which label of a mothur table to read, as in 0.03")
    files.add_argument("--samples-in", choices=("rows", "columns"), default="", help="where a text table has its samples (default: told)")
    files.add_argument(
        "--values", choices=("auto", "reads", "cells"), default="auto", help="what the table's values are (default: told from them)"
    )
    columns = parser.add_argument_group("metadata columns")
    columns.add_argument("--group", metavar="COL", help="the groups to compare")
    columns.add_argument("--subject", metavar="COL", help="which samples are of one subject")
    columns.add_argument("--time", metavar="COL", help="when the sample was taken")
    parser.add_argument("--name", help="the cohort's name (default: the table's file stem)")
    parser.add_argument("--specimen", metavar="S", help="what the samples are: stool, biopsy, ...")
    parser.add_argument("--age-band", choices=("adult", "child", "infant"), help="age of the subjects")
    fits = parser.add_argument_group("what does not fit")
    fits.add_argument(
        "--carried-tree",
        choices=("auto", "use", "leave"),
        default="auto",
        help="a tree that the table carries: use it if there is one, stop if there is none (use), or leave it out",
    )
    fits.add_argument("--root", choices=("keep", "midpoint"), default="keep", help="the tree's own root, or one at its midpoint")
    fits.add_argument("--missing-tips", choices=("error", "drop"), default="error", help="features that the tree lacks: stop, or drop them")
    fits.add_argument("--without-metadata", choices=("keep", "drop"), default="keep", help="samples without a row in the metadata")
    filters = parser.add_argument_group(
        "filters, applied in this order; all are off unless given, and whatever they take is counted and listed"
    )
    filters.add_argument(
        "--blanks",
        action=_Named,
        default="",
        metavar="EXPR",
        help="negative controls, as in: 'type == \"blank\"'; contaminants are told by them, then they go",
    )
    filters.add_argument(
        "--replicates", action=_Named, default="", metavar="COL", help="metadata column: samples with one value are summed into one"
    )
    filters.add_argument("--exclude", action=_Named, default="", metavar="LIST", help=f"features by lineage: {','.join(EXCLUDABLE)}")
    filters.add_argument("--min-feature-reads", type=_reads, default=0, metavar="N", help="reads that a feature needs in all")
    filters.add_argument(
        "--min-prevalence",
        type=prevalence,
        default=0,
        metavar="F",
        help="samples that need to hold a feature: 3, or a share as in 0.1 or 10%%",
    )
    filters.add_argument("--min-reads", type=_reads, default=0, metavar="N", help="reads that a sample needs")
    filters.add_argument("--one-per-subject", choices=("first", "deepest"), default="", help="keep one sample of each subject")


def _reads(text: str) -> int:
    """Read a number of reads from 0 on."""
    if not text.isdecimal():
        msg = f"{text!r} is not a whole number from 0 on"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def prevalence(text: str) -> int | float:
    """Read a number of samples (`3`) or a share of them (`0.1`, `10%`)."""
    try:
        value = float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text) if "." in text else int(text)
    except ValueError:
        value = -1
    if not value >= 0 or (isinstance(value, float) and value > 1):
        msg = f"{text!r} is neither a number of samples, as in 3, nor a share of them, as in 0.1 or 10%"
        raise argparse.ArgumentTypeError(msg)
    return value


# ---------------------------------------------------------------- reading
@dataclass(frozen=True, eq=False)
class Inputs:
    """What the files held, and their entries in the record."""

    table: RawTable
    taxonomy: RawTaxonomy | None
    tree: RawTree | None
    metadata: SampleMetadata | None
    entries: list[dict[str, Any]]


def read_inputs(args: argparse.Namespace) -> Inputs:
    """Read the files that the options name; what a file gives takes the place of what the table carries."""
    from gutdiv.io.artifacts import input_digest
    from gutdiv.io.metadata import read_metadata
    from gutdiv.io.tables import read_abundance_table
    from gutdiv.io.taxonomy import read_taxonomy
    from gutdiv.io.trees import read_tree

    table = read_abundance_table(args.table, **_reader_options(args))
    if args.tree is None and args.carried_tree == "use" and table.tree is None:
        msg = f"--carried-tree use: {table.source} carries no tree. Give one with --tree, or leave the option out."
        raise InputError(msg)
    if args.tree is None and args.carried_tree == "leave" and table.tree is not None:
        table = replace(
            table, tree=None, notes=(*table.notes, f"The tree that {table.source} carries was left out (--carried-tree leave).")
        )
    taxonomy = read_taxonomy(args.taxonomy) if args.taxonomy else None
    tree = read_tree(args.tree) if args.tree else None
    metadata = read_metadata(args.metadata) if args.metadata else None
    replaced = {role for role in ("taxonomy", "tree", "metadata") if getattr(args, role) or getattr(table, role) is None}
    about = _digest(args.table, table, replaced)
    entries = [{**about, **_described(table)}]
    for role, given, carried in (
        ("taxonomy", taxonomy, table.taxonomy),
        ("tree", tree, table.tree),
        ("metadata", metadata, table.metadata),
    ):
        if given is not None:
            entries.append({**input_digest(role, getattr(args, role)), **_described(given)})
        elif carried is not None:
            entries.append({**about, "role": role, **_described(carried), "carried": True})
    return Inputs(table, taxonomy, tree, metadata, entries)


def carries_tree(args: argparse.Namespace) -> bool:
    """Whether the table carries a tree; a file that cannot be read is left to the stage that says why."""
    from gutdiv.io.tables import read_abundance_table

    if args.table.is_dir():
        return read_abundance_table(args.table, **_reader_options(args)).tree is not None
    try:
        with args.table.open("rb") as handle:
            head = handle.read(512)
        if head.isascii() and b"\x00" not in head and head.lstrip()[:1] not in (b"{", b"X", b"A", b"R"):  # plain text carries none
            return False
        return read_abundance_table(args.table, **_reader_options(args)).tree is not None
    except (InputError, OSError):
        return False


def _reader_options(args: argparse.Namespace) -> dict[str, str]:
    """Return the options of the table's reader that were given."""
    options = {"kind": args.format, "label": args.label, "samples_in": args.samples_in}
    return {key: value for key, value in options.items() if value}


def _described(part: RawTable | RawTaxonomy | RawTree | SampleMetadata) -> dict[str, Any]:
    """Say format, origin and notes of a part; nothing where there is nothing to say."""
    origin = dict(getattr(part, "origin", {}))
    return {"format": part.format, **({"origin": origin} if origin else {}), **({"notes": list(part.notes)} if part.notes else {})}


def _digest(path: Path, table: RawTable, replaced: set[str]) -> dict[str, Any]:
    """Return the table's entry: of a file its digest, of a folder the digests of the files that were taken."""
    from gutdiv.io.artifacts import input_digest, sha256

    if not path.is_dir():
        return input_digest("table", path)
    taken = sorted({name for role, name in table.origin.items() if role not in replaced and (path / name).is_file()})
    files = [{"name": name, "sha256": sha256(path / name)} for name in taken]
    whole = hashlib.sha256("".join(f"{f['sha256']}  {f['name']}\n" for f in files).encode()).hexdigest()
    return {"role": "table", "name": path.resolve().name, "sha256": whole, "files": files}


def chosen(args: argparse.Namespace) -> Choices:
    """Return what the options say of values, root, fit and filters."""
    from gutdiv.cohort.align import Choices
    from gutdiv.cohort.filters import Filters

    names = tuple(dict.fromkeys(word.strip() for word in args.exclude.split(",") if word.strip()))
    filters = Filters(
        blanks=args.blanks,
        replicates=args.replicates,
        exclude=names,
        min_feature_reads=args.min_feature_reads,
        min_prevalence=args.min_prevalence,
        min_reads=args.min_reads,
        one_per_subject=args.one_per_subject,
    )
    return Choices(args.values, args.root, args.missing_tips, args.without_metadata, filters)
