"""The knowledge base as commands take it: the package's rows, a user's in their place, and a user's beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_knowledge(parser: argparse.ArgumentParser) -> None:
    """Add `--knowledge`, `--references` and their adding twins."""
    parser.add_argument(
        "--knowledge", type=Path, metavar="FILE", help="rows of your own in the format of immune_taxa.tsv, in place of the package's"
    )
    parser.add_argument("--references", type=Path, metavar="FILE", help="their references, in the format of references.bib")
    parser.add_argument(
        "--add-knowledge", type=Path, metavar="FILE", help="rows of your own that stand beside the others; one with the number of another replaces it"
    )
    parser.add_argument("--add-references", type=Path, metavar="FILE", help="references of these rows that are not among the others")


def read_knowledge(args: argparse.Namespace) -> tuple[dict[str, str], ...]:
    """Read the knowledge base and refuse one that breaks its rules."""
    return read_base(args)[0]


def read_base(args: argparse.Namespace) -> tuple[tuple[dict[str, str], ...], tuple[dict[str, str], ...]]:
    """Read rows and references, and refuse a base that breaks its rules."""
    from gutdiv.io.knowledge import added, check_knowledge, cited, read_immune_taxa, read_references, read_synonyms, same_works

    rows, references = read_immune_taxa(args.knowledge), read_references(args.references)
    if args.knowledge and not args.references:
        references = cited(references, rows)  # rows of one's own that cite the package's works only
    if args.add_knowledge:
        rows = added(rows, read_immune_taxa(args.add_knowledge), key="row")
        references = cited(references, rows)  # a row that was replaced may have been the only one to cite a work
    if args.add_references:
        more = read_references(args.add_references)
        same_works(read_references(args.references), more)
        references = added(references, more, key="key")
    check_knowledge(rows, references, read_synonyms())
    return tuple(dict(r) for r in rows), tuple(dict(r) for r in references)


def knowledge_inputs(args: argparse.Namespace) -> dict[str, Path | None]:
    """Return the files that were given, by role."""
    return {role: getattr(args, role) for role in ("knowledge", "references", "add_knowledge", "add_references")}
