"""The door for trees: Newick, plain or packed, and QIIME 2 artifacts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gutdiv.io.newick import parse_newick
from gutdiv.io.qiime import is_artifact, read_artifact
from gutdiv.io.text import decode, first_bytes, read_whole_text

if TYPE_CHECKING:
    from gutdiv.model.inputs import RawTree


def read_tree(path: Path | str) -> RawTree:
    """Read a tree with branch lengths.

    An artifact's type says whether its tree is rooted, as `[&R]` and `[&U]` do in Newick: a base of three branches is a root in a
    `Phylogeny[Rooted]` (with a note), and a base of two is none in a `Phylogeny[Unrooted]`. scikit-bio would refuse the former; QIIME 2's own
    metrics take it.

    Raises
    ------
    InputError
        Where the file is neither, tips repeat, branch lengths are missing, or an artifact is no tree.
    """
    path = Path(path)
    if not is_artifact(path, first_bytes(path, "tree")):
        return parse_newick(read_whole_text(path, "tree"), path.name)
    artifact = read_artifact(path, "tree")
    raw = parse_newick(decode(artifact.data, f"{path.name} ({artifact.member})", "tree"), path.name)
    rooted = artifact.type.startswith("Phylogeny[Rooted")
    branches = int((raw.tree.parent == raw.tree.parent.size - 1).sum())
    notes = (
        (f"The base of {path.name} splits into {branches} branches; it is taken as the root, as its type {artifact.type} says.",)
        if rooted and branches > 2
        else ()
    )
    about = f"QIIME 2 artifact ({artifact.type}), Newick"
    return replace(raw, rooted=rooted, format=about, origin=artifact.origin, notes=(*raw.notes, *notes))
