"""Newick trees: a strict reader into postorder arrays, and the writer of the canonical tree."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.artifacts import write_text
from gutdiv.io.text import read_whole_text
from gutdiv.model.inputs import RawTree
from gutdiv.model.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# A quoted label ('' stands for one quote), a bracketed comment, one structural character, or a bare label.
_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(\[[^\]]*\])|([(),:;])|([^\s(),:;'\[\]]+))")
_BARE = re.compile(r"[^\s(),:;'\[\]]+\Z")


def read_newick(path: Path | str) -> RawTree:
    """Read one tree with branch lengths; underscores in labels stay underscores.

    A base with more than two branches marks the tree as unrooted, a missing branch length is refused, a negative one (some tree builders
    write them) becomes 0 and is counted in the notes.

    Raises
    ------
    InputError
        Where the text is no Newick tree, tips repeat, or branch lengths are missing.
    """
    path = Path(path)
    return parse_newick(read_whole_text(path, "tree"), path.name)


def parse_newick(text: str, source: str) -> RawTree:
    """Parse Newick text; see `read_newick`."""
    labels, lengths, children = _nodes(text, source)
    root = len(labels) - 1
    tips = [i for i in range(root + 1) if not children[i]]
    names = [labels[i] for i in tips]
    _check_tips(names, source)
    missing = [i for i in range(root) if lengths[i] is None]
    if missing:
        msg = (
            f"{source}: {count_noun(missing, 'branch')} of {root} without a length (first below or at {first_ids([labels[i] for i in missing if labels[i]])}). "
            "Supply a tree with branch lengths; Faith PD and UniFrac are sums of them."
        )
        raise InputError(msg.replace("branchs", "branches"))
    length = np.array([0.0 if i == root or v is None else v for i, v in enumerate(lengths)])
    negative = int(np.sum(length < 0))
    notes = (f"{negative} negative branch lengths in {source} were set to 0",) if negative else ()
    parent = np.full(root + 1, -1, dtype=np.int32)
    for node, kids in enumerate(children):
        parent[kids] = node
    tree = Tree(parent, np.maximum(length, 0.0), tuple(names), np.array(tips, dtype=np.int32))
    return RawTree(tree, source, notes, rooted=len(children[root]) <= 2)


def _check_tips(names: list[str], source: str) -> None:
    """Refuse nameless and repeated tips."""
    if any(not n for n in names):
        msg = f"{source}: {sum(not n for n in names)} tips have no name. Each tip must carry a feature's id."
        raise InputError(msg)
    seen: set[str] = set()
    twice = [n for n in names if n in seen or seen.add(n)]  # type: ignore[func-returns-value]
    if twice:
        msg = f"{source}: {count_noun(twice, 'tip')} more than once: {first_ids(twice)}. Keep one tip for each feature."
        raise InputError(msg)


def _nodes(text: str, source: str) -> tuple[list[str], list[float | None], list[list[int]]]:
    """Walk the tokens once: labels, lengths and children of all nodes in postorder."""
    labels: list[str] = []
    lengths: list[float | None] = []
    children: list[list[int]] = []
    open_groups: list[list[int]] = []
    label, length, group, done = "", None, None, False
    after_colon = False

    def close() -> int:
        """Finish the node that was being read and return its number."""
        labels.append(label)
        lengths.append(length)
        children.append(group or [])
        return len(labels) - 1

    for kind, token, place in _tokens(text, source):
        if done:
            msg = f"{source}: text follows the tree's closing ';' (character {place + 1}). Supply a file with one tree."
            raise InputError(msg)
        if kind == "label":
            if after_colon:
                length = _length(token, source, place)
                after_colon = False
            else:
                label = token
        elif token == "(":
            open_groups.append([])
            label, length, group = "", None, None
        elif token == ":":
            after_colon = True
        elif token in ",)":
            if not open_groups:
                msg = f"{source}: unexpected {token!r} at character {place + 1}; the tree's parentheses do not match."
                raise InputError(msg)
            open_groups[-1].append(close())
            group = open_groups.pop() if token == ")" else None
            label, length, after_colon = "", None, False
        else:  # ';'
            if open_groups:
                msg = f"{source}: {count_noun(open_groups, 'parenthesis')} still open at the end; the file seems cut off."
                raise InputError(msg.replace("parenthesiss", "parentheses"))
            close()
            done = True
    if not done:
        msg = f"{source}: no complete Newick tree (no closing ';'). Supply a tree in Newick format."
        raise InputError(msg)
    return labels, lengths, children


def _tokens(text: str, source: str) -> Iterator[tuple[str, str, int]]:
    """Yield (kind, token, place): labels without their quotes, structural characters; comments are passed over."""
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            msg = f"{source}: character {place + 1} ({text[place : place + 20]!r}) is not Newick. Supply a tree in Newick format."
            raise InputError(msg)
        quoted, comment, mark, bare = match.groups()
        if quoted is not None:
            yield "label", quoted.replace("''", "'"), place
        elif mark is not None:
            yield "mark", mark, place
        elif comment is None:
            yield "label", bare, place
        place = match.end()


def _length(token: str, source: str, place: int) -> float | None:
    """Read a branch length; NaN and NA count as missing."""
    try:
        value = float(token)
    except ValueError as error:
        if token.upper() == "NA":
            return None
        msg = f"{source}: branch length {token!r} at character {place + 1} is no number."
        raise InputError(msg) from error
    return value if math.isfinite(value) else None


def write_newick(path: Path, tree: Tree) -> None:
    """Write a tree so that `read_newick` gives back the same arrays: exact lengths, quoted labels where needed."""
    names = dict(zip(tree.tip_nodes.tolist(), tree.tip_names, strict=True))
    pieces: list[list[str]] = [[] for _ in range(tree.parent.size)]
    for node, up in enumerate(tree.parent.tolist()):
        own = pieces[node]
        text = f"({','.join(own)})" if own else _quoted(names[node])
        if up < 0:
            write_text(path, text + ";\n")
        else:
            pieces[up].append(f"{text}:{float(tree.length[node])!r}")
        pieces[node] = []


def _quoted(label: str) -> str:
    """Quote a label where Newick needs it."""
    return label if _BARE.match(label) else "'" + label.replace("'", "''") + "'"
