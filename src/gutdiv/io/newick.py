"""Newick trees: a strict reader into postorder arrays, and the writer of the canonical tree."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gutdiv.errors import InputError, count_noun, first_ids
from gutdiv.io.artifacts import write_text
from gutdiv.io.text import read_whole_text
from gutdiv.model.inputs import RawTree
from gutdiv.model.tree import Tree

# One node, from the parentheses that open before it to the mark that ends it: a quoted label ('' stands for one quote) or a bare one (blanks may stand
# within), perhaps a length. What is no node is taken to the end in one piece. Quantifiers are possessive, so that hostile text costs one pass.
_NODE = re.compile(
    r"""([(\s]*+)
        (?:'((?:[^']++|'')*+)'|([^\s(),:;'\[\]]++(?:[ \x1f]++[^\s(),:;'\[\]]++)*+))?+
        \s*+(?:(:)\s*+([^\s(),:;'\[\]]*+)\s*+)?+
        ([,);])
        |(\S[\S\s]*+)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"('(?:[^']++|'')*+')|\[[^\]]*+\]")
_DECLARED = re.compile(r"\s*\[&([RU])\]", re.IGNORECASE)
_BARE = re.compile(r"[^\s(),:;'\[\]]+\Z")
_BLANK = "\x1f"  # stands where a comment stood: white space to the pattern

_Node = tuple[str, str, str, str, str, str, str]


def read_newick(path: Path | str) -> RawTree:
    """Read one tree with branch lengths; underscores in labels stay underscores.

    The tree is rooted where it begins with `[&R]`, unrooted with `[&U]`; without either, a base with more than two branches marks it as
    unrooted (the convention of PHYLIP). A missing branch length is refused, a negative one (some tree builders write them) becomes 0 and is
    counted in the notes. Other comments in brackets and names of inner nodes are passed over.

    Raises
    ------
    InputError
        Where the text is no Newick tree, tips repeat, or branch lengths are missing.
    """
    path = Path(path)
    return parse_newick(read_whole_text(path, "tree"), path.name)


def parse_newick(text: str, source: str) -> RawTree:
    """Parse Newick text; see `read_newick`."""
    if text[:6].upper() == "#NEXUS":
        msg = f"{source} is a NEXUS file. Write the tree in Newick format (in R: ape::write.tree)."
        raise InputError(msg)
    declared = _DECLARED.match(text)
    if "[" in text:
        text = _COMMENT.sub(lambda m: m[1] or _BLANK * len(m[0]), text)
    if not text.lstrip().startswith("("):
        msg = f"{source} is not Newick: it begins with {text.lstrip()[:20]!r}, where '(' is expected. Supply a tree in Newick format."
        raise InputError(msg)
    nodes = _NODE.findall(text)
    inner, parent = _structure(nodes, text, source)
    root = len(nodes) - 1
    tips = np.flatnonzero(~inner)
    names = [nodes[i][1].replace("''", "'") or nodes[i][2] for i in tips.tolist()]
    _check_tips(names, source)
    length = _lengths(nodes, text, source)
    notes = []
    if negative := int(np.sum(length < 0)):
        were = "was" if negative == 1 else "were"
        notes.append(f"{count_noun(negative, 'negative branch length')} in {source} {were} set to 0")
    rooted = declared[1].upper() == "R" if declared else int(np.sum(parent == root)) <= 2
    return RawTree(Tree(parent, np.maximum(length, 0.0), tuple(names), tips.astype(np.int32)), source, tuple(notes), rooted)


def _structure(nodes: list[_Node], text: str, source: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
    """Tell inner nodes from tips and find each node's parent; refuse parentheses that do not match.

    Nodes end in postorder, so that their order in the text is that of the arrays. A node's parent is the next node that ends one level below.
    """
    if nodes and nodes[-1][6]:
        tail = nodes.pop()[6]
        place = len(text) - len(tail)
        if nodes and nodes[-1][5] == ";":
            msg = f"{source}: text follows the tree's closing ';' (character {place + 1}). Supply a file with one tree."
        elif nodes and ";" not in tail:
            msg = f"{source}: no complete Newick tree (no closing ';'); the file seems cut off. Supply a tree in Newick format."
        else:
            msg = f"{source}: character {place + 1} ({tail[:20]!r}) is not Newick. Supply a tree in Newick format."
        raise InputError(msg)
    ends = "".join(node[5] for node in nodes)
    if ";" not in ends:
        msg = f"{source}: no complete Newick tree (no closing ';'). Supply a tree in Newick format."
        raise InputError(msg)
    if (one := ends.index(";") + 1) < len(nodes):
        msg = f"{source}: text follows the tree's closing ';' (character {_start(text, one) + 1}). Supply a file with one tree."
        raise InputError(msg)
    mark = np.frombuffer(ends.encode("ascii"), dtype=np.uint8)
    opened = np.fromiter((node[0].count("(") for node in nodes), dtype=np.int64, count=len(nodes))
    closed = mark == ord(")")
    level = np.cumsum(opened) - np.cumsum(closed) + closed  # of the node itself: 0 at the base
    inner = np.concatenate(([False], closed[:-1]))
    if (wrong := np.flatnonzero((level == 0) & (mark != ord(";")))).size:
        place = _start(text, int(wrong[0]) + 1) - 1
        msg = f"{source}: unexpected {ends[wrong[0]]!r} at character {place + 1}; the tree's parentheses do not match."
        raise InputError(msg)
    if level[-1] > 0:
        many = "parenthesis" if level[-1] == 1 else "parentheses"
        msg = f"{source}: {level[-1]:,} {many} still open at the end; the file seems cut off."
        raise InputError(msg)
    if (wrong := np.flatnonzero(inner & (opened > 0))).size:
        place = _start(text, int(wrong[0]))
        msg = f"{source}: character {place + 1} ({text[place : place + 20]!r}) is not Newick: a comma is missing. Supply a tree in Newick format."
        raise InputError(msg)
    n = len(nodes)
    key = level * n + np.arange(n)
    order = np.argsort(key)
    above = np.searchsorted(key[order], key[:-1] - n)
    return inner, np.append(order[above], -1).astype(np.int32)


def _start(text: str, node: int) -> int:
    """Return where in the text a node begins, for messages."""
    for at, match in enumerate(_NODE.finditer(text)):
        if at == node:
            return match.start()
    return len(text)


def _check_tips(names: list[str], source: str) -> None:
    """Refuse nameless and repeated tips."""
    if any(not n for n in names):
        msg = f"{source}: {sum(not n for n in names)} tips have no name. Each tip must carry a feature's id."
        raise InputError(msg)
    if broken := [n.replace(_BLANK, "") for n in names if _BLANK in n]:
        msg = f"{source}: brackets, which Newick takes for a comment, stand within {count_noun(broken, 'name')} of tips ({first_ids(broken)} without them). "
        raise InputError(msg + "Put such names into single quotation marks.")
    seen: set[str] = set()
    twice = sorted({n for n in names if n in seen or seen.add(n)})  # type: ignore[func-returns-value]
    if twice:
        msg = f"{source}: {count_noun(twice, 'tip')} more than once: {first_ids(twice)}. Keep one tip for each feature."
        raise InputError(msg)


def _lengths(nodes: list[_Node], text: str, source: str) -> npt.NDArray[np.float64]:
    """Return the branch lengths, 0 at the base; `NA`, `NaN` and nothing count as missing, which is refused."""
    cells = [node[4] for node in nodes]
    try:
        length = np.array([float(c or "nan") for c in cells])
    except ValueError:
        length = np.array([_number(c, text, at, source) for at, c in enumerate(cells)])
    length[-1] = 0.0
    missing = np.flatnonzero(~np.isfinite(length))
    if missing.size:
        named = [nodes[i][1] or nodes[i][2] for i in missing.tolist()]
        many = "branch" if missing.size == 1 else "branches"
        msg = (
            f"{source}: {missing.size:,} {many} of {len(nodes) - 1:,} without a length (first below or at {first_ids([n for n in named if n])}). "
            "Supply a tree with branch lengths; Faith PD and UniFrac are sums of them."
        )
        raise InputError(msg)
    return length


def _number(cell: str, text: str, node: int, source: str) -> float:
    """Read one branch length, or say where it stands that it is no number."""
    try:
        return float(cell or "nan")
    except ValueError as error:
        if cell.upper() == "NA":
            return math.nan
        match = next(m for at, m in enumerate(_NODE.finditer(text)) if at == node)
        msg = f"{source}: branch length {cell!r} at character {match.start(5) + 1} is no number."
        raise InputError(msg) from error


def write_newick(path: Path, tree: Tree) -> None:
    """Write a rooted tree so that `read_newick` gives back the same: exact lengths, quoted labels where needed, `[&R]` where the base has many branches."""
    names = dict(zip(tree.tip_nodes.tolist(), tree.tip_names, strict=True))
    pieces: list[list[str]] = [[] for _ in range(tree.parent.size)]
    for node, up in enumerate(tree.parent.tolist()):
        own = pieces[node]
        text = f"({','.join(own)})" if own else _quoted(names[node])
        if up < 0:
            write_text(path, ("[&R] " if len(own) > 2 else "") + text + ";\n")
        else:
            pieces[up].append(f"{text}:{float(tree.length[node])!r}")
        pieces[node] = []


def _quoted(label: str) -> str:
    """Quote a label where Newick needs it."""
    return label if _BARE.match(label) else "'" + label.replace("'", "''") + "'"
