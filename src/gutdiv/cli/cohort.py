"""`gutdiv cohort`: build a cohort from files, or say what files are."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.cli.inputs import DEFAULTS, add_inputs, chosen, read_inputs
from gutdiv.cli.options import add_output, add_subject
from gutdiv.errors import InputError, count_noun

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = commands.add_parser("build", help="align a table with its taxonomy, tree and metadata")
    add_inputs(build)
    add_output(
        build,
        "folder for cohort.json, counts.biom, taxonomy.tsv, taxonomy_audit.tsv, metadata.tsv, tree.nwk and alignment.tsv",
        metavar="DIR",
    )
    build.set_defaults(run=_build)
    merge = commands.add_parser("merge", help="put cohorts of several studies into one table, as input for `build`")
    merge.add_argument("--cohort", action="append", required=True, type=Path, metavar="FILE", help="cohort.json of a study, two or more")
    merge.add_argument("--by", choices=("genus", "feature"), default="genus", help="what is one kind in all studies (default: %(default)s)")
    add_subject(merge)
    add_output(merge, "folder for table.biom, taxonomy.tsv, metadata.tsv and merged.json", metavar="DIR")
    merge.set_defaults(run=_merge)
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
        f"cohort: {count_noun(cohort.sample_ids, 'sample')}, {count_noun(cohort.feature_ids, 'feature')}, "
        f"{count_noun(int(cohort.depth.sum()), 'read')}; "
        f"{dropped:,} dropped and {len(fallen) - dropped:,} merged or kept incomplete, listed in {args.output / 'alignment.tsv'}\n"
        + "".join(f"note: {note}\n" for note in cohort.record["notes"])
    )
    return 0


def _merge(args: argparse.Namespace) -> int:
    """Read cohorts, merge them, write what `cohort build` reads."""
    from gutdiv.cohort.merge import merge
    from gutdiv.io.artifacts import input_digest, read_json, record, whole_file, write_json, write_rows
    from gutdiv.io.biom import write_biom_hdf5
    from gutdiv.io.cohorts import read_cohort

    paths = {str(read_json(path)["name"]): path for path in args.cohort}
    if len(paths) < len(args.cohort):
        msg = f"two of the {len(args.cohort)} cohorts have one name ({', '.join(sorted(paths))}). Build one anew with another --name."
        raise InputError(msg)
    found = merge({study: read_cohort(path, parts=("lineages",)) for study, path in paths.items()}, by=args.by, subject=args.subject)
    with whole_file(args.output / "table.biom") as temporary:
        write_biom_hdf5(temporary, found.sample_ids, found.feature_ids, found.counts)
    rows = zip(found.feature_ids, found.lineages or ("",) * len(found.feature_ids), strict=True)
    write_rows(args.output / "taxonomy.tsv", ["Feature ID", "Taxon"], rows)
    cells = [["" if cell is None else cell for cell in column] for column in found.columns.values()]
    write_rows(args.output / "metadata.tsv", ["sample_id", *found.columns], zip(found.sample_ids, *cells, strict=True))
    entries = [input_digest(study, path) for study, path in sorted(paths.items())]
    about = record("merged", inputs=entries, options={"by": args.by, "subject": args.subject}, **found.record)
    write_json(args.output / "merged.json", about)
    return 0


def _inspect(args: argparse.Namespace) -> int:
    """Say of each file what it is, how they fit, and how to go on; a file that is not understood hinders nothing."""
    from gutdiv.cli.recognise import ROLES, recognise
    from gutdiv.cohort.inspect import Parts, describe, together

    seen = [recognise(path) for path in args.paths]
    first = {role: next((one for one in seen if one.role == role), None) for role in ROLES}
    main, lineages, tree, about = (first[role] for role in ROLES)
    parts = None
    if main is not None and main.table is not None:
        parts = Parts(
            main.table,
            lineages.taxonomy if lineages else main.table.taxonomy,
            tree.tree if tree else main.table.tree,
            about.metadata if about else main.table.metadata,
        )
    lines = []
    for one in seen:
        name = one.path.name or str(one.path)
        thing = one.table or one.taxonomy or one.tree or one.metadata
        if thing is None:
            lines.append(f"{name}: not understood. {' '.join(one.reasons)}")
        else:
            lines += describe(thing, name, values=parts.values if parts and one is main else None)
    if parts is not None and main is not None:
        said, options = together(parts, main.options)
        lines += said
        if options is None:
            lines.append("next: mend the table as said above.")
        else:
            files = {role: str(one.path) for role, one in first.items() if one is not None}
            words = [f"--{key} {shlex.quote(value)}" for key, value in {**files, **options}.items()]
            lines.append(f"next: gutdiv run {' '.join(words)} --output results-folder")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if any(one.role for one in seen) else 2
