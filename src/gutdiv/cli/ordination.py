"""`gutdiv diversity ordination` and `landmarks`: coordinates of samples, and arrows of taxa beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gutdiv.cli.options import add_cohort, add_depth, add_output, add_seed, add_threads, depth, positive, take_threads
from gutdiv.errors import InputError

if TYPE_CHECKING:
    import argparse

    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Ordination

OF_DISTANCES, OF_COUNTS = ("pcoa", "umap"), ("pca_clr", "robust_pca")
METHODS = {
    "pcoa": "principal coordinates of --distances",
    "umap": "neighbourhoods of --distances, by umap-learn",
    "pca_clr": "principal components of CLR(counts + 1) of --cohort",
    "robust_pca": "principal components of the completed robust CLR of --cohort, three axes",
}


def configure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("ordination", help="principal coordinates of distances, or principal components of a cohort")
    parser.add_argument("--distances", type=Path, metavar="D", help="distances, .h5 or .tsv")
    parser.add_argument("--cohort", type=Path, metavar="C", help="cohort.json: arrows of its taxa are written too, as <output>_arrows.tsv")
    told = "; ".join(f"{word}: {what}" for word, what in METHODS.items())
    parser.add_argument("--method", choices=METHODS, default="pcoa", help=f"{told} (default: %(default)s)")
    parser.add_argument(
        "--depth",
        type=depth,
        metavar="auto|none|N",
        help="with --cohort: leave out samples with fewer reads, as `diversity beta` does; nothing is rarefied (default: auto)",
    )
    parser.add_argument("--axes", type=positive, metavar="K", help="axes to keep (default: 10; umap: 2)")
    parser.add_argument(
        "--eigenvalues",
        choices=("auto", "all"),
        default="auto",
        help="beyond 2,000 samples, estimate the sum of positive eigenvalues (auto) or compute all of them, which takes n^3 (default: %(default)s)",
    )
    add_threads(parser)
    add_output(parser, "ordination.tsv")
    parser.set_defaults(run=run)

    told = "principal coordinates by landmarks, for more samples than a matrix of distances can hold: approximate, with what they err by"
    parser = commands.add_parser("landmarks", help=told)
    add_cohort(parser)
    parser.add_argument("--metric", required=True, metavar="NAME", help="one metric of `diversity beta`")
    add_depth(parser)
    add_seed(parser)
    parser.add_argument("--draws", type=positive, default=1, metavar="R", help="rarefaction draws whose mean is taken (default: %(default)s)")
    parser.add_argument("--alpha", type=float, metavar="A", help="of generalized_unifrac, from 0 to 1 (default: 0.5)")
    parser.add_argument(
        "--landmarks", type=positive, default=2000, metavar="L", help="samples to which all others are measured (default: %(default)s)"
    )
    parser.add_argument("--axes", type=positive, default=10, metavar="K", help="axes to keep (default: %(default)s)")
    add_threads(parser)
    add_output(parser, "ordination.tsv; arrows of taxa are written too, as <output>_arrows.tsv")
    parser.set_defaults(run=run_landmarks)


def run(args: argparse.Namespace) -> int:
    """Compute and write an ordination, and the arrows of taxa where a cohort is given."""
    from gutdiv.io.artifacts import input_digest, record
    from gutdiv.io.cohorts import read_cohort

    _check(args)
    cohort = read_cohort(args.cohort) if args.cohort else None
    result, about = _of_counts(args, cohort) if cohort is not None and args.method in OF_COUNTS else _of_distances(args)
    options = {"axes": args.axes, "method": args.method, "eigenvalues": args.eigenvalues}
    options |= {"depth": args.depth or "auto"} if args.method in OF_COUNTS else {}
    inputs = [input_digest(name, path) for name in ("distances", "cohort") if (path := getattr(args, name))]
    _write(args.output, result, cohort, record("ordination", options=options, inputs=inputs, **_found(result), **about))
    return 0


def run_landmarks(args: argparse.Namespace) -> int:
    """Compute and write an ordination by landmarks, and the arrows of taxa."""
    from gutdiv.diversity.distances import beta_measure
    from gutdiv.diversity.landmarks import ordinate_by_landmarks
    from gutdiv.io.artifacts import input_digest, record
    from gutdiv.io.cohorts import read_cohort

    take_threads(args.threads)
    cohort = read_cohort(args.cohort)
    measure = beta_measure(cohort, args.metric, depth=args.depth, draws=args.draws, seed=args.seed, alpha=args.alpha)
    result, about = ordinate_by_landmarks(measure, landmarks=args.landmarks, axes=args.axes)
    options = {name: getattr(args, name) for name in ("metric", "depth", "draws", "landmarks", "axes")} | {"method": "pcoa by landmarks"}
    options |= measure.options
    about |= {name: measure.about[name] for name in ("metric", "traits", "depth")}
    head = record("ordination", options=options, inputs=[input_digest("cohort", args.cohort)], seed=args.seed, **_found(result), **about)
    _write(args.output, result, cohort, head)
    return 0


def _found(result: Ordination) -> dict[str, Any]:
    """What the record says of the axes."""
    return {
        "eigenvalues": result.eigenvalues.tolist(),
        "proportion_explained": result.proportion_explained.tolist(),
        "negative_share": result.negative_share,
        "proportion_error": result.proportion_error or None,
        "negative_share_error": result.negative_share_error or None,
        "notes": list(result.notes),
    }


def _write(path: Path, result: Ordination, cohort: Cohort | None, head: dict[str, Any]) -> None:
    """Write an ordination, and the arrows of taxa beside it where a cohort is given."""
    import pandas as pd

    from gutdiv.io.artifacts import write_table
    from gutdiv.model.results import Table

    frame = pd.DataFrame({"sample_id": list(result.ids), **{f"axis_{k + 1}": result.axes[:, k] for k in range(result.axes.shape[1])}})
    write_table(path, Table("ordination", frame, head))
    if cohort is not None:
        _write_arrows(path, result, cohort, head)


def _check(args: argparse.Namespace) -> None:
    """Refuse a method without what it is computed from."""
    if args.method in OF_COUNTS and (args.distances or not args.cohort):
        msg = f"--method {args.method} is computed from the counts of --cohort, not from --distances. Give --cohort alone."
        raise InputError(msg)
    if args.method in OF_DISTANCES and args.depth is not None:
        msg = f"--depth belongs to {' and '.join(OF_COUNTS)}; the samples of --distances are those that `gutdiv diversity beta` kept. Leave it out."
        raise InputError(msg)
    if args.method in OF_DISTANCES and not args.distances:
        msg = f"--method {args.method} is computed from --distances, which `gutdiv diversity beta` makes. Give them, or --method {OF_COUNTS[0]}."
        raise InputError(msg)


def _of_counts(args: argparse.Namespace, cohort: Cohort) -> tuple[Ordination, dict[str, Any]]:
    """Ordinate the counts of a cohort."""
    from gutdiv.diversity.ordination import clr_distances, ordinate, robust_pca
    from gutdiv.diversity.robust import TRAITS

    take_threads(args.threads)
    axes, least = args.axes or 10, args.depth or "auto"
    if args.method == "robust_pca":
        return robust_pca(cohort, axes=axes, depth=least), {"metric": "robust_pca", "traits": TRAITS, "depth": None}
    distances = clr_distances(cohort, depth=least)
    about = {"metric": "pca_clr", "traits": distances.record.get("traits", {}), "depth": distances.record.get("depth")}
    return ordinate(distances, axes=axes, all_eigenvalues=args.eigenvalues == "all"), about


def _of_distances(args: argparse.Namespace) -> tuple[Ordination, dict[str, Any]]:
    """Ordinate distances."""
    from gutdiv.diversity.ordination import ordinate
    from gutdiv.io.artifacts import making
    from gutdiv.io.distances import read_distances
    from gutdiv.numerics.spectra import DENSE

    distances = read_distances(args.distances)
    about = {"metric": distances.metric, "traits": distances.record.get("traits", {}), "depth": distances.record.get("depth")}
    about["sources"] = {"distances": making(distances.record)}
    if args.method == "umap":
        from gutdiv.diversity.embedding import umap_embedding

        return umap_embedding(distances, axes=args.axes or 2), about
    if len(distances.ids) > DENSE:  # fewer samples take one thread and no compiled kernel
        take_threads(args.threads)
    return ordinate(distances, axes=args.axes or 10, all_eigenvalues=args.eigenvalues == "all"), about


def _write_arrows(path: Path, result: Ordination, cohort: Cohort, head: dict[str, Any]) -> None:
    """Write the arrows of taxa beside the ordination."""
    from gutdiv.diversity.arrows import taxa_arrows
    from gutdiv.immune.composition import pathogens
    from gutdiv.io.artifacts import record, write_table
    from gutdiv.io.knowledge import read_immune_taxa
    from gutdiv.model.results import Table

    frame, about = taxa_arrows(result, cohort, unnamed=pathogens(read_immune_taxa()))
    more = record("arrows", options=head["options"], inputs=head["inputs"], metric=head["metric"], **about)
    write_table(path.with_name(f"{path.stem}_arrows.tsv"), Table("arrows", frame, more))
