"""Tables out of R's files: phyloseq and SummarizedExperiment objects, DADA2's matrices, data frames, and what stands beside them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from gutdiv.errors import InputError, first_ids
from gutdiv.io.headers import are_features
from gutdiv.io.r.containers import finished_table, whole_table
from gutdiv.io.r.objects import RFrame, RMatrix, classes, frame, matrix, members, slots, text_matrix, texts
from gutdiv.io.r.parts import taxonomy_of
from gutdiv.io.r.serial import DAMAGE, read_r_objects
from gutdiv.io.ranks import LINEAGE_NAMES, RANK_OF, rank_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rdata.parser import RObject

    from gutdiv.model.inputs import RawTable, RawTaxonomy

Part = TypeVar("Part")

_ID_NAMES = {
    "id",
    "x",
    "otu",
    "otu_id",
    "otuid",
    "x.otu.id",
    "x.otuid",
    "asv",
    "asv_id",
    "feature",
    "feature.id",
    "feature_id",
    "featureid",
}
_SAVE = "Save the one that you mean: saveRDS(x, 'table.rds')."


@dataclass
class _Found:
    """What a file holds, sorted by the part that it can play; names are R's."""

    whole: dict[str, RObject] = field(default_factory=dict)  # objects that say themselves what is what
    matrices: dict[str, RMatrix] = field(default_factory=dict)
    frames: dict[str, RFrame] = field(default_factory=dict)
    trees: dict[str, RObject] = field(default_factory=dict)
    nameless: list[str] = field(default_factory=list)  # matrices of numbers without ids
    others: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        """Return the names of all that was found."""
        return [*self.whole, *self.matrices, *self.frames, *self.trees, *self.nameless, *self.others]


def read_r_table(path: Path, *, samples_in: str | None = None) -> RawTable:
    """Read the one table of an R file, with the lineages, metadata and tree that belong to it.

    Known are phyloseq objects, (Tree)SummarizedExperiments, matrices of numbers (dense or `dgCMatrix`; DADA2's `seqtab` has samples in rows) and
    data frames whose columns are numbers, perhaps beside a column of ids and columns of lineages. In a file with several objects the others
    are used where they are unmistakable: a taxonomy or metadata by its ids, a tree by its tips.

    Parameters
    ----------
    samples_in : {'rows', 'columns'}, optional
        Where samples stand; default: as the object says, else as the names of rows and columns tell, else in columns, with a note.

    Raises
    ------
    InputError
        Where the file is damaged, holds no table or several, or ids are missing or repeated.
    """
    objects = read_r_objects(path)
    return _guarded(path, lambda: _table(path, _sorted(objects), samples_in))


def read_r_taxonomy(path: Path) -> RawTaxonomy:
    """Read the one taxonomy of an R file: a matrix of strings (DADA2's `taxtab`, also as `tax` of a list), a data frame, or a phyloseq's `tax_table`.

    Raises
    ------
    InputError
        Where the file is damaged, or holds no taxonomy or several.
    """
    objects = read_r_objects(path)
    return _guarded(path, lambda: _only_taxonomy(path, _sorted(objects)))


def _guarded(path: Path, work: Callable[[], Part]) -> Part:
    """Turn whatever objects that do not fit together bring about into one message."""
    try:
        return work()
    except DAMAGE as error:
        what = str(error) or type(error).__name__
        msg = f"{path.name}: its R objects are not as their classes say ({what[:200]}). Save the table anew with a current version of its package."
        raise InputError(msg) from error


def _sorted(objects: Mapping[str, RObject], prefix: str = "", found: _Found | None = None) -> _Found:
    """Sort the objects of a file, and of plain lists in it, by what they can be."""
    found = _Found() if found is None else found
    for name, thing in objects.items():
        name = f"{prefix}{name}" or "the object"
        kinds = classes(thing)
        if "phyloseq" in kinds or "otu_table" in kinds or {"assays", "colData"} <= slots(thing).keys():
            found.whole[name] = thing
        elif "phylo" in kinds:
            found.trees[name] = thing
        elif (seen := frame(thing) or text_matrix(thing)) is not None:
            found.frames[name] = seen
        elif (numbers := matrix(thing)) is not None:
            ids = (numbers.rows, numbers.columns)
            # Bootstraps of a taxonomy, distances and correlations are matrices of numbers too.
            if ids[0] != ids[1] and not {c.lower() for c in ids[1] or ("",)} <= RANK_OF.keys():
                found.matrices[name] = numbers
            else:
                (found.nameless if ids == (None, None) else found.others).append(name)
        elif members(thing) and not kinds and prefix.count("$") < 3:
            inside = {key or f"[[{i + 1}]]": entry for i, (key, entry) in enumerate(members(thing))}
            _sorted(inside, f"{name}$" if name != "the object" else "$", found)
        else:
            found.others.append(name)
    return found


# ---------------------------------------------------------------- the table and what belongs to it
def _table(path: Path, found: _Found, samples_in: str | None) -> RawTable:
    """Build the one table; frames are tables only where nothing else is."""
    tables: dict[str, Callable[[], RawTable]] = {
        n: partial(whole_table, path, n, t, samples_in, [o for o in found.names() if o != n]) for n, t in found.whole.items()
    }
    tables |= {n: partial(_plain, path, n, m, found, samples_in) for n, m in found.matrices.items()}
    if not tables:
        counts = {n: c for n, f in found.frames.items() if (c := _counts_in(f)) is not None}
        tables = {
            n: partial(_plain, path, n, m, replace(found, frames=_beside(found.frames, n, rest)), samples_in)
            for n, (m, rest) in counts.items()
        }
    if len(tables) == 1:
        return next(iter(tables.values()))()
    if tables:
        msg = f"{path.name} holds {len(tables)} objects that may be the table: {first_ids(tables, limit=8)}. {_SAVE}"
        raise InputError(msg)
    if found.nameless:
        msg = f"{path.name}: the matrix {found.nameless[0]} has no names of rows and columns. Set rownames() and colnames() to the ids."
        raise InputError(msg)
    hint = "A phyloseq object, a SummarizedExperiment, a matrix or a data frame of counts is expected."
    if any(_is_taxonomy(f) for f in found.frames.values()):
        hint = "It holds a taxonomy: give it with --taxonomy, and the table apart from it."
    msg = f"{path.name} holds no abundance table, but {first_ids(found.names())}. {hint}"
    raise InputError(msg)


def _beside(frames: Mapping[str, RFrame], name: str, rest: RFrame | None) -> dict[str, RFrame]:
    """Return the frames beside a frame that is the table, with its own columns of lineages as one of them."""
    others = {n: f for n, f in frames.items() if n != name}
    return others if rest is None else {**others, name: rest}


def _counts_in(table: RFrame) -> tuple[RMatrix, RFrame | None] | None:
    """See a data frame as a table: numbers, beside at most ids in the first column and columns of lineages; None where it is none."""
    import numpy as np
    from scipy import sparse

    words = [n for n, c in table.columns.items() if c.numbers is None]
    numeric = {n: c.numbers for n, c in table.columns.items() if c.numbers is not None}
    rows = table.rows
    if table.automatic:
        first = next(iter(table.columns), "")
        named = first.strip().lower() in _ID_NAMES or words == [first]
        if not named or len(set(table.columns[first].cells)) < len(rows):
            return None
        rows = tuple(c or "" for c in table.columns[first].cells)
        words = [w for w in words if w != first]
        numeric.pop(first, None)
    if not numeric or any(w.strip().lower() not in RANK_OF.keys() | LINEAGE_NAMES for w in words):
        return None
    values = sparse.csr_matrix(np.column_stack([v for v in numeric.values() if v is not None]))
    return RMatrix(values, rows, tuple(numeric)), RFrame(rows, False, {w: table.columns[w] for w in words}) if words else None  # noqa: FBT003


def _plain(path: Path, name: str, counts: RMatrix, found: _Found, samples_in: str | None) -> RawTable:
    """Build a table of a bare matrix, and of the objects beside it that name its samples or features."""
    if counts.rows is None or counts.columns is None:
        msg = f"{path.name}: the matrix {name} has no names of {'rows' if counts.rows is None else 'columns'}. Set rownames() and colnames() to the ids."
        raise InputError(msg)
    rows, columns = set(counts.rows), set(counts.columns)
    taxa = {n: f for n, f in found.frames.items() if _is_taxonomy(f) and (rows | columns) & set(f.rows)}
    about = {n: f for n, f in found.frames.items() if n not in taxa and (rows | columns) & set(f.rows)}
    trees = {n: t for n, t in found.trees.items() if (rows | columns) & set(texts(dict(members(t))["tip.label"]))}
    for what, several in (("taxonomy", taxa), ("metadata", about), ("tree", trees)):
        if len(several) > 1:
            msg = f"{path.name} holds {len(several)} objects that may be the {what} of {name}: {first_ids(several)}. {_SAVE}"
            raise InputError(msg)
    lies, why = _lie_of_samples(counts, [f.rows for f in about.values()], [f.rows for f in taxa.values()])
    notes = (
        [f"{path.name} does not say where samples stand; they were taken to stand in its {lies}. --samples-in says otherwise."]
        if not why
        else []
    )
    used = {name, *taxa, *about, *trees}
    left = [n for n in found.names() if n not in used]
    notes += [f"{path.name} also holds {first_ids(left)}, not used."] if left else []
    return finished_table(
        path,
        "matrix of R" if name == "the object" else f"matrix {name} of R",
        counts,
        samples_in or lies,
        notes,
        taxa=next(iter(taxa.items()), None),
        about=next(iter(about.items()), None),
        tree=next(iter(trees.values()), None),
    )


def _is_taxonomy(seen: RFrame) -> bool:
    """Whether a frame is unmistakably a taxonomy: two or more ranks, or whole lineages."""
    found = rank_columns(list(seen.columns))
    return len(found) > 1 or "lineage" in found


def _lie_of_samples(counts: RMatrix, samples: Sequence[Sequence[str]], features: Sequence[Sequence[str]]) -> tuple[str, str]:
    """Tell whether samples stand in `rows` or `columns`, and by what; by nothing: in columns, as phyloseq and classic tables have them."""
    for known, if_rows in ((features, "columns"), (samples, "rows")):
        for ids in known:
            in_rows, in_columns = (len(set(side or ()).intersection(ids)) for side in (counts.rows, counts.columns))
            if in_rows != in_columns:
                other = {"rows": "columns", "columns": "rows"}[if_rows]
                return (if_rows if in_rows > in_columns else other), "by the objects beside it"
    down, across = are_features(counts.rows or ()), are_features(counts.columns or ())
    if down != across:
        return ("columns" if down else "rows"), "by the names of features"
    return "columns", ""


def _only_taxonomy(path: Path, found: _Found) -> RawTaxonomy:
    """Return the one taxonomy of a file."""
    taxa = {n: f for n, f in found.frames.items() if _is_taxonomy(f)}
    for name, thing in found.whole.items():
        if "tax_table" in slots(thing) and (seen := text_matrix(slots(thing)["tax_table"])) is not None:
            taxa[name] = seen
    if len(taxa) != 1:
        several = (
            f"{len(taxa)} objects that may be the taxonomy ({first_ids(taxa)})" if taxa else f"no taxonomy, but {first_ids(found.names())}"
        )
        msg = f"{path.name} holds {several}. Save the one taxonomy, features in rows and ranks in columns: saveRDS(taxtab, 'taxonomy.rds')."
        raise InputError(msg)
    name, seen = next(iter(taxa.items()))
    if seen.automatic:
        msg = f"{path.name}: the rows of {name} have no names. Set rownames() to the ids of features."
        raise InputError(msg)
    taxonomy = replace(taxonomy_of(seen, path.name, what=name), format="R file" if name == "the object" else f"R file, object {name}")
    if not taxonomy.ranks:
        msg = f"{path.name}: none of the columns of {name} is named for a rank ({first_ids(seen.columns)})."
        raise InputError(msg)
    return taxonomy
