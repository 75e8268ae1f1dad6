"""`gutdiv cohort`: build a cohort from files, or say what files are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.inputs import DEFAULTS, add_inputs, chosen, read_inputs
from gutdiv.cli.options import add_output
from gutdiv.errors import GutdivError, InputError

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = commands.add_parser("build", help="align a table with its taxonomy, tree and metadata")
    add_inputs(build)
    add_output(build, "folder for cohort.json, counts.biom, taxonomy.tsv, taxonomy_audit.tsv, metadata.tsv, tree.nwk and alignment.tsv", metavar="DIR")
    build.set_defaults(run=_build)
    inspect = commands.add_parser("inspect", help="say in a few lines what files are and how they fit")
    inspect.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    inspect.set_defaults(run=_inspect)


def _build(args: argparse.Namespace) -> int:
    """Read, align, write."""
    from gutdiv.cohort.align import align
    from gutdiv.cohort.audit import audit
    from gutdiv.io.artifacts import record, write_table
    from gutdiv.io.cohorts import write_cohort
    from gutdiv.io.knowledge import read_synonyms
    from gutdiv.model.cohort import Roles
    from gutdiv.model.results import Table

    choices, given, synonyms = chosen(args), read_inputs(args), read_synonyms()
    roles = Roles(args.group, args.subject, args.time, args.specimen, args.age_band)
    cohort, fallen = align(
        given.table,
        taxonomy=given.taxonomy,
        tree=given.tree,
        metadata=given.metadata,
        roles=roles,
        synonyms=synonyms,
        choices=choices,
    )
    options = {key: value for key, off in DEFAULTS.items() if (value := getattr(args, key)) != off or key == "missing_tips"}
    frame, about = audit(cohort, synonyms)
    kept = record("taxonomy_audit", inputs=given.entries, options=options, **about)
    write_table(args.output / "taxonomy_audit.tsv", Table("taxonomy_audit", frame, kept))
    name = args.name or args.table.resolve().name.split(".")[0]
    write_cohort(args.output, cohort, fallen, name=name, about={"inputs": given.entries, "options": options})
    dropped = sum(f.outcome == "dropped" for f in fallen)
    sys.stderr.write(
        f"cohort: {len(cohort.sample_ids):,} samples, {len(cohort.feature_ids):,} features, {int(cohort.depth.sum()):,} reads; "
        f"{dropped:,} dropped and {len(fallen) - dropped:,} merged or kept incomplete, listed in {args.output / 'alignment.tsv'}\n"
        + "".join(f"note: {note}\n" for note in cohort.record["notes"])
    )
    return 0


def _inspect(args: argparse.Namespace) -> int:
    """Say of each file what it is; of table and others how they fit."""
    from gutdiv.cohort.inspect import describe, fit

    found = {}
    failed = 0
    for path in args.paths:
        try:
            role, thing = _read_any(path)
        except GutdivError as error:
            failed += 1
            sys.stdout.write(f"{path.name}: not understood. {error}\n")
            continue
        found[role] = thing
        sys.stdout.write("".join(f"{line}\n" for line in describe(role, thing, path.name)))
    sys.stdout.write("".join(f"{line}\n" for line in fit(found)))
    if "table" in found:
        names = {role: str(p) for p in args.paths for role, t in found.items() if getattr(t, "source", None) == p.name}
        sys.stdout.write(
            "next: gutdiv run "
            + " ".join(f"--{r} {_shown(names[r])}" for r in ("table", "taxonomy", "tree", "metadata") if r in names)
            + " --output results-folder\n"
        )
    return 2 if failed else 0


def _shown(path: str) -> str:
    """Quote a path for the shell."""
    import shlex

    return shlex.quote(path)


def _read_any(path: Path) -> tuple[str, object]:
    """Read a file as the first of table, tree, taxonomy and metadata that it is."""
    from gutdiv.io.metadata import read_metadata
    from gutdiv.io.newick import read_newick
    from gutdiv.io.tables import read_abundance_table
    from gutdiv.io.taxonomy import read_taxonomy
    from gutdiv.io.text import open_bytes

    head = open_bytes(path, "input").lstrip()[:2000]
    if head.startswith(b"("):
        return "tree", read_newick(path)
    if head.startswith((b"\x89HDF", b"{")):
        return "table", read_abundance_table(path)
    reasons = []
    readers = [("taxonomy", read_taxonomy), ("metadata", read_metadata), ("table", read_abundance_table)]
    if head.lstrip(b"#").lower().startswith((b"otu", b"asv", b"feature", b" constructed")):
        readers = [readers[0], readers[2], readers[1]]  # sample metadata may bear the same header, but its cells are not all numbers
    for role, reader in readers:
        try:
            return role, reader(path)
        except InputError as error:
            reasons.append(f"as {role}: {error}")
    msg = " ".join(reasons)
    raise InputError(msg)
