"""Measures alpha diversity beside scikit-bio: ten metrics without a tree, and Faith's PD (`python alpha.py --help`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from side_by_side import Case, main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TEN = ("sobs", "chao1", "ace", "shannon", "simpson", "inv_simpson", "pielou_e", "berger_parker_d", "fisher_alpha", "goods_coverage")


def cohort_in(folder: Path, *, tree: bool) -> Any:
    """Return the simulated table as a cohort, with its tree where it is wanted."""
    from scipy import sparse

    from gutdiv.io.newick import read_newick
    from gutdiv.model.cohort import Cohort, SampleMetadata
    from gutdiv.model.tree import Tree

    counts = sparse.load_npz(folder / "counts.npz").astype(np.int64)
    features = tuple(f"F{j:06d}" for j in range(counts.shape[1]))
    samples = tuple(f"S{i:06d}" for i in range(counts.shape[0]))
    grown = None
    if tree:
        raw = read_newick(folder / "tree.nwk").tree
        place = dict(zip(raw.tip_names, raw.tip_nodes, strict=True))
        grown = Tree(raw.parent, raw.length, features, np.array([place[f] for f in features], np.int32))
    return Cohort(samples, features, counts, None, grown, SampleMetadata(samples, {}, {}))


def by_gutdiv(*names: str) -> Callable[[Path], Callable[[], Mapping[str, Any]]]:
    """Measure by gutdiv, on the whole counts."""

    def load(folder: Path) -> Callable[[], Mapping[str, Any]]:
        from gutdiv.diversity.measure import measure_alpha

        cohort = cohort_in(folder, tree="faith_pd" in names)

        def call() -> Mapping[str, Any]:
            frame, _ = measure_alpha(cohort, names, depth="none")
            return {name: frame.loc[frame["metric"] == name, "value"].to_numpy() for name in names}

        return call

    return load


def by_scikit_bio(*names: str) -> Callable[[Path], Callable[[], Mapping[str, Any]]]:
    """Measure by scikit-bio on a dense table, without its validation."""

    def load(folder: Path) -> Callable[[], Mapping[str, Any]]:
        from scipy import sparse
        from skbio import TreeNode
        from skbio.diversity import alpha_diversity

        counts = sparse.load_npz(folder / "counts.npz").toarray().astype(np.int64)
        more = {}
        if "faith_pd" in names:
            more = {
                "taxa": [f"F{j:06d}" for j in range(counts.shape[1])],
                "tree": TreeNode.read(str(folder / "tree.nwk"), format="newick", convert_underscores=False),
            }

        def call() -> Mapping[str, Any]:
            return {name: alpha_diversity(name, counts, validate=False, **more).to_numpy() for name in names}

        return call

    return load


def largest_difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Tell the largest relative difference of any metric."""
    apart = {name: float(np.max(np.abs(ours[name] - theirs[name]) / np.maximum(np.abs(theirs[name]), 1e-300))) for name in ours}
    worst = max(apart, key=lambda name: apart[name])
    rest = max((v for name, v in apart.items() if name != worst), default=0.0)
    return f"to {apart[worst]:.0e} ({worst})" + (f", others to {rest:.0e}" if len(apart) > 1 else "")


def cases(n: int) -> list[Case]:
    """Return the cases of so many samples."""
    return [
        Case(
            f"alpha, {len(TEN)} metrics, {n:,} samples",
            n,
            {"gutdiv": by_gutdiv(*TEN), "scikit-bio": by_scikit_bio(*TEN)},
            30,
            largest_difference,
        ),
        Case(
            f"Faith's PD, {n:,} samples",
            n,
            {"gutdiv": by_gutdiv("faith_pd"), "scikit-bio": by_scikit_bio("faith_pd")},
            100,
            largest_difference,
            memory=0.1,
        ),
    ]


if __name__ == "__main__":
    main(__file__, cases(5000), cases(300), ("gutdiv", "scikit-bio", "numpy", "scipy", "numba"))
