"""`gutdiv comparison`, what is computed from distances: PERMANOVA, pairs, dispersion, ANOSIM, Mantel, constrained axes; and what belongs together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gutdiv.cli.options import add_output, add_seed, add_threads, positive

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from gutdiv.model.results import DistanceMatrix, Table

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXCHANGE = ("strata", "subject", "permute", "permutations")


def configure(commands: Commands) -> None:
    """Add the subcommands."""
    permanova = commands.add_parser("permanova", help="how much of the distances between samples follows a formula")
    _add_files(permanova)
    permanova.add_argument("--formula", required=True, metavar="F", help="as in '~ disease + age * sex'; other names stand in backticks")
    permanova.add_argument(
        "--by",
        choices=("terms", "margin", "whole"),
        default="margin",
        help="each term after those before it (terms), after all others (margin), or all at once (whole) (default: %(default)s)",
    )
    _add_exchange(permanova)
    _add_untestable(permanova)
    add_output(permanova, "permanova.tsv")
    permanova.set_defaults(run=_permanova)

    pairs = commands.add_parser("pairs", help="PERMANOVA of each pair of groups, and whether the two differ in spread")
    _add_files(pairs)
    pairs.add_argument("--variable", required=True, metavar="COL", help="metadata column of groups")
    pairs.add_argument("--formula", metavar="F", help="covariates, as in '~ age + sex': the groups are tested after them")
    _add_exchange(pairs)
    _add_untestable(pairs)
    add_output(pairs, "pairs.tsv")
    pairs.set_defaults(run=_pairs)

    dispersion = commands.add_parser("dispersion", help="whether groups differ in spread around their centre")
    _add_files(dispersion)
    dispersion.add_argument("--variable", required=True, metavar="COL", help="metadata column of groups")
    _add_subject(dispersion)
    centres = "centre of a group (default: spatial median, above 3,000 samples centroid)"
    dispersion.add_argument("--centre", choices=("auto", "median", "centroid"), default="auto", help=centres)
    dispersion.add_argument("--bias-adjust", action="store_true", help="correct for small groups by sqrt(n / (n - 1))")
    dispersion.add_argument("--square-root", action="store_true", help="take the roots of the distances, which makes most metrics Euclidean")
    _add_permutations(dispersion)
    add_output(dispersion, "dispersion.tsv")
    dispersion.set_defaults(run=_dispersion)

    anosim = commands.add_parser("anosim", help="whether distances between groups rank higher than those within")
    _add_files(anosim)
    anosim.add_argument("--variable", required=True, metavar="COL", help="metadata column of groups")
    _add_exchange(anosim)
    add_output(anosim, "anosim.tsv")
    anosim.set_defaults(run=_anosim)

    mantel = commands.add_parser("mantel", help="whether two matrices of distances agree")
    mantel.add_argument("--distances", type=Path, required=True, metavar="D", help="distances, .h5 or .tsv; their samples are permuted")
    mantel.add_argument("--against", type=Path, required=True, metavar="E", help="the distances to compare with")
    mantel.add_argument("--given", type=Path, metavar="G", help="distances whose part in both is taken out first: partial Mantel test")
    mantel.add_argument("--metadata", type=Path, metavar="M", help="sample metadata, TSV; for --strata and --subject")
    mantel.add_argument("--method", choices=("pearson", "spearman"), default="pearson", help="distances or their ranks (default: %(default)s)")
    _add_exchange(mantel)
    add_output(mantel, "mantel.tsv")
    mantel.set_defaults(run=_mantel)

    constrained = commands.add_parser("constrained", help="the axes along which a formula explains most of the distances: a picture, no test")
    _add_files(constrained)
    constrained.add_argument("--formula", required=True, metavar="F", help="as for permanova")
    _add_untestable(constrained)
    add_output(constrained, "constrained.tsv")
    constrained.set_defaults(run=_constrained)

    told = "permanova by margin, constrained axes and, of groups, dispersion and pairs: what each command writes, from distances that are read once"
    structure = commands.add_parser("structure", help=told)
    _add_files(structure)
    structure.add_argument("--formula", required=True, metavar="F", help="as for permanova, and the covariates of pairs")
    structure.add_argument("--variable", metavar="COL", help="metadata column of groups")
    _add_exchange(structure)
    _add_untestable(structure)
    told = "folder in which each result stands under its command's name and that of the distances, as in permanova/braycurtis.tsv"
    structure.add_argument("--output", type=Path, required=True, metavar="DIR", help=told)
    structure.set_defaults(run=_structure)


def _add_files(parser: argparse.ArgumentParser) -> None:
    """Add `--distances` and `--metadata`."""
    parser.add_argument("--distances", type=Path, required=True, metavar="D", help="distances, .h5 or .tsv")
    parser.add_argument("--metadata", type=Path, required=True, metavar="M", help="sample metadata, TSV")


def _add_untestable(parser: argparse.ArgumentParser) -> None:
    """Add what to do with samples that cannot test what is asked."""
    parser.add_argument(
        "--untestable",
        choices=("error", "record"),
        default="error",
        help="where these samples cannot test what is asked: stop, or write an empty table with the reason (default: %(default)s)",
    )


def _add_subject(parser: argparse.ArgumentParser) -> None:
    """Add `--subject`."""
    told = "metadata column that tells which samples are of one subject (default: the one that the cohort.json beside the metadata names)"
    parser.add_argument("--subject", metavar="COL", help=told)


def _subject(args: argparse.Namespace) -> str | None:
    """Return the subject column: as given, else as the cohort that the metadata belong to declares it."""
    from gutdiv.io.artifacts import read_json

    if args.subject is not None or args.metadata is None:
        return cast("str | None", args.subject)
    cohort = args.metadata.with_name("cohort.json")
    content = read_json(cohort) if cohort.is_file() else {}
    if (content.get("files") or {}).get("metadata", {}).get("name") != args.metadata.name:
        return None
    return cast("str | None", (content.get("roles") or {}).get("subject"))


def _add_permutations(parser: argparse.ArgumentParser) -> None:
    """Add `--permutations` and `--seed`."""
    parser.add_argument("--permutations", type=positive, default=999, metavar="N", help="number of permutations (default: %(default)s)")
    add_seed(parser)


def _add_exchange(parser: argparse.ArgumentParser) -> None:
    """Add what tells which samples may be exchanged, and the threads that do it."""
    parser.add_argument("--strata", metavar="COL", help="metadata column: permute only within its values, as within batches")
    _add_subject(parser)
    parser.add_argument(
        "--permute",
        choices=("auto", "within", "whole"),
        default="auto",
        help="with repeated subjects: exchange samples within subjects, whole subjects, or whichever fits each term (default: %(default)s)",
    )
    _add_permutations(parser)
    add_threads(parser)


def _digests(args: argparse.Namespace, files: tuple[str, ...]) -> list[dict[str, str]]:
    """Tell the inputs, by the options that they were given with."""
    from gutdiv.io.artifacts import input_digest

    return [input_digest(role, path) for role in files if (path := getattr(args, role))]


def _with_record(table: Table, options: dict[str, Any], inputs: list[dict[str, str]], *, seed: int | None, **about: Any) -> Table:
    """Put before what a result says of itself how it was made and what its distances say."""
    from gutdiv.io.artifacts import record
    from gutdiv.model.results import Table as Result

    head = record(table.kind, options=options, inputs=inputs, seed=seed)
    notes = list(dict.fromkeys([*about.get("notes", []), *table.record.get("notes", [])]))
    return Result(table.kind, table.frame, {**head, **about, **table.record, **({"notes": notes} if notes else {})})


def _carried(distances: DistanceMatrix) -> dict[str, Any]:
    """What the distances say of their metric, and of the samples that they stand for."""
    from gutdiv.comparison.share import subsample_note

    out = {name: distances.record[name] for name in ("traits", "subsample") if name in distances.record}
    return {**out, "notes": [subsample_note(out["subsample"])]} if "subsample" in out else out


def _on_distances(args: argparse.Namespace, test: Callable[..., Table], options: dict[str, Any], *, in_pieces: bool = True, **more: Any) -> int:
    """Read distances and metadata, run a test on them, write what it says; most tests make a matrix of their own and need no other."""
    from gutdiv.io.artifacts import write_table
    from gutdiv.io.distances import read_distances
    from gutdiv.io.metadata import read_metadata

    distances = read_distances(args.distances, in_pieces=in_pieces)
    table = test(distances, read_metadata(args.metadata), **options, **more)
    inputs = _digests(args, ("distances", "metadata"))
    write_table(args.output, _with_record(table, options, inputs, seed=getattr(args, "seed", None), **_carried(distances)))
    return 0


def _or_recorded(args: argparse.Namespace, test: Callable[..., Table], untested: Callable[..., Table], what: str) -> Callable[..., Table]:
    """Return a test that, where `--untestable record` is given, puts what it cannot test into the record of an empty table."""
    from gutdiv.comparison.scheme import UntestableError

    def recorded(distances: DistanceMatrix, *rest: Any, **options: Any) -> Table:
        try:
            return test(distances, *rest, **options)
        except UntestableError as error:
            if args.untestable == "error":
                raise
            return untested(distances.metric, what, str(error))

    return recorded


def _options(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Take options by name."""
    return {name: _subject(args) if name == "subject" else getattr(args, name) for name in names}


def _permanova(args: argparse.Namespace) -> int:
    """Test a formula on distances."""
    from gutdiv.comparison.distances import permanova, untested

    test = _or_recorded(args, permanova, untested, args.formula)
    return _on_distances(args, test, _options(args, "formula", "by", *EXCHANGE), seed=args.seed, threads=args.threads)


def _pairs(args: argparse.Namespace) -> int:
    """Test each pair of groups."""
    from gutdiv.comparison.pairs import compare_pairs, untested

    test = _or_recorded(args, compare_pairs, untested, args.variable)
    return _on_distances(args, test, _options(args, "variable", "formula", *EXCHANGE), seed=args.seed, threads=args.threads)


def _dispersion(args: argparse.Namespace) -> int:
    """Compare the spread of groups."""
    from gutdiv.comparison.dispersion import compare_dispersion

    options = _options(args, "variable", "subject", "centre", "bias_adjust", "square_root", "permutations")
    return _on_distances(args, compare_dispersion, options, seed=args.seed)


def _anosim(args: argparse.Namespace) -> int:
    """Compare ranks of distances between and within groups."""
    from gutdiv.comparison.anosim import anosim

    return _on_distances(args, anosim, _options(args, "variable", *EXCHANGE), in_pieces=False, seed=args.seed, threads=args.threads)


def _mantel(args: argparse.Namespace) -> int:
    """Correlate matrices of distances."""
    from gutdiv.comparison.mantel import mantel
    from gutdiv.io.artifacts import write_table
    from gutdiv.io.distances import read_distances
    from gutdiv.io.metadata import read_metadata

    distances = read_distances(args.distances)
    against = read_distances(args.against)
    given = read_distances(args.given) if args.given else None
    metadata = read_metadata(args.metadata) if args.metadata else None
    options = _options(args, "method", *EXCHANGE)
    table = mantel(distances, against, metadata, given=given, seed=args.seed, threads=args.threads, **options)
    inputs = _digests(args, ("distances", "against", "given", "metadata"))
    write_table(args.output, _with_record(table, options, inputs, seed=args.seed, **_carried(distances)))
    return 0


def _constrained(args: argparse.Namespace) -> int:
    """Find constrained axes."""
    from gutdiv.comparison.constrained import constrain, untested

    return _on_distances(args, _or_recorded(args, constrain, untested, args.formula), _options(args, "formula"))


def _structure(args: argparse.Namespace) -> int:
    """Run what belongs together, and write each result as its own command would; what one has found the next does not compute again."""
    from gutdiv.comparison import constrained, dispersion, pairs
    from gutdiv.comparison import distances as whole
    from gutdiv.comparison.selection import keep_centred
    from gutdiv.io.artifacts import write_table
    from gutdiv.io.distances import read_distances
    from gutdiv.io.metadata import read_metadata

    metadata = read_metadata(args.metadata)
    if args.variable is not None:
        metadata.column(args.variable)  # a wrong name is told before anything is computed
    distances = read_distances(args.distances, in_pieces=True)
    inputs, exchange = _digests(args, ("distances", "metadata")), _options(args, *EXCHANGE)
    more = {"seed": args.seed, "threads": args.threads}
    made: dict[str, Table] = {}

    def keep(name: str, table: Table, options: dict[str, Any], seed: int | None) -> None:
        made[name] = _with_record(table, options, inputs, seed=seed, **_carried(distances))

    with keep_centred():
        options = {"formula": args.formula, "by": "margin", **exchange}
        test = _or_recorded(args, whole.permanova, whole.untested, args.formula)
        keep("permanova", test(distances, metadata, **options, **more), options, args.seed)
        options = {"formula": args.formula}
        test = _or_recorded(args, constrained.constrain, constrained.untested, args.formula)
        keep("constrained", test(distances, metadata, **options), options, None)
        if args.variable is not None:
            options = {"variable": args.variable, "subject": exchange["subject"], "centre": "auto", "bias_adjust": False, "square_root": False}
            options["permutations"] = args.permutations
            keep("dispersion", dispersion.compare_dispersion(distances, metadata, **options, seed=args.seed), options, args.seed)
            options = {"variable": args.variable, "formula": args.formula, **exchange}
            known = [made["permanova"], made["dispersion"]]
            test = _or_recorded(args, pairs.compare_pairs, pairs.untested, args.variable)
            keep("pairs", test(distances, metadata, **options, **more, known=known), options, args.seed)
    for name, table in made.items():
        write_table(args.output / name / f"{args.distances.stem}.tsv", table)
    return 0
