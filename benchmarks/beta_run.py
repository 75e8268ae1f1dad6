"""One run of gutdiv or scikit-bio on a simulated table, in a process of its own: `beta.py` starts it, and it imports what the run needs alone."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def run_gutdiv(metric: str, precision: str, folder: Path, output: Path) -> dict[str, float]:
    """Measure by gutdiv; return the seconds of each phase."""
    begin = time.perf_counter()
    from gutdiv.cli.startup import defer_unused, end_soon, start_soon

    start_soon()  # as the command does
    defer_unused()
    import numpy as np

    from gutdiv.io.biom import read_biom_hdf5
    from gutdiv.io.distances import write_rows_block
    from gutdiv.io.newick import read_newick
    from gutdiv.numerics import pairs
    from gutdiv.numerics.rows import Branches
    from gutdiv.numerics.span import Condensed

    imported = time.perf_counter()
    table = read_biom_hdf5(folder / "table.biom")
    counts, tree = table.values, None
    if "unifrac" in metric:
        raw = read_newick(folder / "tree.nwk").tree
        place = dict(zip(raw.tip_names, raw.tip_nodes.tolist(), strict=True))
        tree = Branches(np.array([place[f] for f in table.feature_ids], np.int32), raw.parent, raw.length)
    read = time.perf_counter()
    wanted: dict[str, Any] = {"condensed": True, "single": precision == "single"}

    def call(matrix: Any) -> Any:
        if metric in ("braycurtis", "jaccard"):
            return getattr(pairs, metric)(matrix, **wanted)
        if metric == "generalized_unifrac":
            return pairs.generalized_unifrac(matrix, tree, alpha=0.5, **wanted)
        if metric == "unweighted_unifrac":
            return pairs.unweighted_unifrac(matrix, tree, **wanted)
        return pairs.weighted_unifrac(matrix, tree, normalized=True, **wanted)

    call(counts[:4])
    ready = time.perf_counter()
    found = call(counts)
    called = time.perf_counter()
    write_rows_block(output, table.sample_ids, Condensed(found, len(table.sample_ids)), (0, len(table.sample_ids)), {})
    done = time.perf_counter()
    end_soon()
    return {"import": imported - begin, "read": read - imported, "kernels": ready - read, "call": called - ready, "write": done - called}


def run_scikit_bio(metric: str, precision: str, folder: Path, output: Path) -> dict[str, float]:
    """Measure by scikit-bio on a dense table, UniFrac by its numba engine."""
    import biom
    import numpy as np
    from skbio import TreeNode
    from skbio.diversity import beta_diversity

    assert precision == "double"
    table = biom.load_table(str(folder / "table.biom"))
    counts = table.matrix_data.T.toarray().astype(np.int64)
    more: dict[str, Any] = {"validate": False}
    if metric == "unweighted_unifrac":
        tree = TreeNode.read(str(folder / "tree.nwk"), format="newick", convert_underscores=False)
        more |= {"taxa": list(table.ids(axis="observation")), "tree": tree, "engine": "numba"}
    beta_diversity(metric, counts[:4], **more)
    begin = time.perf_counter()
    found = beta_diversity(metric, counts, **more)
    called = time.perf_counter() - begin
    _keep(output, np.asarray(found.data), list(table.ids()))
    return {"call": called}


def _keep(output: Path, matrix: Any, ids: list[str]) -> None:
    """Write a matrix as HDF5 for the comparison."""
    import h5py

    with h5py.File(output, "w") as file:
        file["matrix"] = matrix
        file.create_dataset("order", data=ids, dtype=h5py.string_dtype())


if __name__ == "__main__":
    tool, metric, precision, folder, output = sys.argv[1:]
    runner = {"gutdiv": run_gutdiv, "scikit-bio": run_scikit_bio}[tool]
    print(json.dumps(runner(metric, precision, Path(folder), Path(output))))
