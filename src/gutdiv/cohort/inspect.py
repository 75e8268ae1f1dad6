"""What files are, in a few lines: sizes, depth, kind of values, dialect, how ids fit each other, and which columns could play a part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gutdiv.cohort.align import Choices, align
from gutdiv.cohort.counts import Values, classify
from gutdiv.cohort.dialects import detect
from gutdiv.cohort.spelling import respelled
from gutdiv.errors import GutdivError, count_noun, first_ids
from gutdiv.model.cohort import Roles, SampleMetadata
from gutdiv.model.inputs import RawTable, RawTaxonomy, RawTree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHALLOW = 1000  # reads below which a sample is counted as shallow here
_MOST_GROUPS, _FEWEST_EACH = 10, 3
_LONGEST = 220  # characters of a line
# Words in the names of columns that have played these parts in published tables.
_GROUP_WORDS = {
    "group",
    "diagnosis",
    "diagnostic",
    "disease",
    "status",
    "state",
    "case",
    "condition",
    "treatment",
    "arm",
    "phenotype",
    "dx",
    "ibd",
    "type",
}
_PLACE_WORDS = {"site", "body", "habitat", "biome"}
_SUBJECT_WORDS = {"subject", "patient", "person", "host", "individual", "participant", "donor", "mouse", "animal", "anonymized"}
_TIME_WORDS = {"time", "timepoint", "day", "days", "week", "month", "visit", "date", "collection"}
_ID_WORDS = {"id", "ids", "identifier", "number", "no", "num", "code", "name"}
_PARTS_OF_DATES = {"year", "month", "day"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*")


@dataclass(frozen=True, eq=False)
class Parts:
    """A table and what goes with it, from files of their own or carried by the table."""

    table: RawTable
    taxonomy: RawTaxonomy | None = None
    tree: RawTree | None = None
    metadata: SampleMetadata | None = None

    @cached_property
    def values(self) -> Values:
        """What the table's values are."""
        features = {*(self.taxonomy.rows if self.taxonomy else ()), *(self.tree.tree.tip_names if self.tree else ())}
        return classify(self.table, samples=self.metadata.ids if self.metadata else (), features=features)


# ---------------------------------------------------------------- one file
def describe(thing: RawTable | RawTaxonomy | RawTree | SampleMetadata, name: str, *, values: Values | None = None) -> list[str]:
    """Return one to four lines on one input; `values` is what `classify` said of a table."""
    if isinstance(thing, RawTable):
        return _describe_table(thing, name, values or classify(thing))
    notes = "".join(f"; {n}" for n in thing.notes[:2])
    if isinstance(thing, RawTaxonomy):
        return [_cut(f"{name}: taxonomy ({thing.format}), {count_noun(thing.rows, 'feature')}, dialect: {_dialect(thing)}{notes}")]
    if isinstance(thing, RawTree):
        return [
            _cut(
                f"{name}: {'rooted' if thing.rooted else 'UNROOTED'} tree ({thing.format}), {count_noun(thing.tree.tip_names, 'tip')}{notes}"
            )
        ]
    listed = ", ".join(f"{c} ({thing.kinds[c][:3]})" for c in list(thing.columns)[:12])
    more = f" and {len(thing.columns) - 12} more" if len(thing.columns) > 12 else ""
    lines = [_cut(f"{name}: sample metadata ({thing.format}), {count_noun(thing.ids, 'sample')}, columns: {listed}{more}")]
    return lines + [f"  {_cut(n)}" for n in thing.notes[:2]]


def _describe_table(table: RawTable, name: str, values: Values) -> list[str]:
    """Say of a table its format, depth, kind of values, and what it carries."""
    depth = np.asarray(table.values.sum(axis=1)).ravel()
    carried = [part for part in ("taxonomy", "tree", "metadata") if getattr(table, part) is not None]
    carries = f"; carries {', '.join(carried)}" if carried else ""
    lines = [f"{name}: {table.format}, {count_noun(table.sample_ids, 'sample')} x {count_noun(table.feature_ids, 'feature')}{carries}"]
    form = ",.4g" if values.mode is None else ",.0f"
    spread = " / ".join(f"{v:{form}}" for v in np.percentile(depth, [0, 25, 50, 75, 100]))
    if values.mode is None:
        lines += [
            _cut(f"  NO COUNTS: {values.said}", 400),
            f"  mend: {values.mend}",
            f"  sums of samples (min / quartiles / max): {spread}",
        ]
    else:
        shallow = int(np.sum(depth < _SHALLOW))
        once = float(np.mean(table.values.data == 1)) if table.values.nnz else 0.0
        few = f"; {count_noun(shallow, 'sample')} below {_SHALLOW:,}" if shallow else ""
        lines.append(f"  {values.kind}; reads a sample (min / quartiles / max): {spread}{few}; {once:.0%} of entries are singletons")
    if table.taxonomy is not None:
        lines.append(f"  its taxonomy: {count_noun(table.taxonomy.rows, 'feature')}, dialect: {_dialect(table.taxonomy)}")
    notes = list(dict.fromkeys([*values.notes, *table.notes]))
    shown = [f"  {_cut(n)}" for n in notes[:2]]
    return lines + shown + ([f"  and {count_noun(len(notes) - 2, 'further note')} in the record of the cohort"] if len(notes) > 2 else [])


def _dialect(taxonomy: RawTaxonomy) -> str:
    """Name the dialect of lineages, and its release where names tell it."""
    found = detect("; ".join(c or "" for c in row) for row in taxonomy.rows.values())
    return f"{found.name} ({found.flavour})" if found.flavour else found.name


def _percent(share: float) -> str:
    """Write a share; one that would be rounded to nothing says so."""
    return f"{share:.2%}" if share >= 5e-5 else "under 0.01%"


def _some(ids: Sequence[str]) -> str:
    """Show the first three ids, long ones by their beginning."""
    return first_ids([i if len(i) <= 30 else f"{i[:27]}..." for i in ids[:3]]) + (", ..." if len(ids) > 3 else "")


def _cut(line: str, longest: int = _LONGEST) -> str:
    """Cut a line, so that few lines stay few on a screen."""
    line = " ".join(line.split()) if not line.startswith(" ") else "  " + " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


# ---------------------------------------------------------------- how they fit
def together(parts: Parts, read_options: Mapping[str, str]) -> tuple[list[str], dict[str, str] | None]:
    """Say how inputs fit each other, which columns could play a part, and what comes of aligning them.

    Returns
    -------
    lines : list of str
    options : mapping of str to str, or None
        The columns and options for `gutdiv run`, without the files; None where the table holds no counts.
    """
    options = {**read_options, **_needed(parts)}
    columns: dict[str, str] = {}
    lines = _fit(parts)
    if parts.metadata is not None:
        found = candidates(parts.metadata, parts.table.sample_ids)
        columns = {role: names[0] for role, names in found.items() if names and (role != "time" or found["subject"])}
        lines += _suggested(parts.metadata, parts.table.sample_ids, found)
    if parts.values.kind == "transposed":
        return lines, {**columns, **options}
    if parts.values.mode is None:
        return lines, None
    choices = Choices(root=options.get("root", "keep"), missing_tips=options.get("missing-tips", "error"))
    try:
        cohort, fallen = align(
            parts.table,
            taxonomy=parts.taxonomy,
            tree=parts.tree,
            metadata=parts.metadata,
            roles=Roles(columns.get("group")),
            synonyms={},
            choices=choices,
        )
    except GutdivError as error:
        return [*lines, _cut(f"together: would stop: {error}", 400)], {**columns, **options}
    dropped = [f.part for f in fallen if f.outcome == "dropped"]
    lost = ", ".join(count_noun(n, part) for part in ("sample", "feature") if (n := dropped.count(part)))
    line = f"together: {count_noun(cohort.sample_ids, 'sample')}, {count_noun(cohort.feature_ids, 'feature')}, {count_noun(int(cohort.depth.sum()), 'read')}"
    shares = [s for s in cohort.record["excludable"] if s["features"]]
    taken = "; ".join(f"{s['what']} {count_noun(s['features'], 'feature')} ({_percent(s['share_of_reads'])} of reads)" for s in shares)
    return [
        *lines,
        line + (f"; dropped: {lost}" if lost else ""),
        *([f"--exclude could take: {taken}"] if taken else []),
    ], {**columns, **options}


def _fit(parts: Parts) -> list[str]:
    """Return a line on each pair of inputs whose ids must fit: what is in both, what in one only, and which spellings come near."""
    features, samples = set(parts.table.feature_ids), set(parts.table.sample_ids)
    pairs: list[tuple[str, set[str], set[str] | None, str]] = [
        ("taxonomy", features, set(parts.taxonomy.rows) if parts.taxonomy else None, "feature"),
        ("tree", features, set(parts.tree.tree.tip_names) if parts.tree else None, "feature"),
        ("metadata", samples, set(parts.metadata.ids) if parts.metadata else None, "sample"),
    ]
    lines = []
    for role, ours, theirs, what in pairs:
        if theirs is None:
            continue
        lacking, beyond = sorted(ours - theirs), sorted(theirs - ours)
        line = f"table and {role}: {count_noun(len(ours & theirs), what)} in both"
        line += f"; {len(lacking):,} only in the table ({_some(lacking)})" if lacking else ""
        line += f"; {len(beyond):,} only in the {role} ({_some(beyond)})" if beyond else ""
        hint = respelled(lacking, beyond) if lacking and beyond else ""
        lines.append(f"{line}.{hint}" if hint else line)
    return lines


def _needed(parts: Parts) -> dict[str, str]:
    """Return the options without which `gutdiv run` would stop, so far as the files tell."""
    options = {}
    if parts.values.kind == "transposed" and (found := re.search(r"--samples-in (\w+)", parts.values.mend)):
        options["samples-in"] = found[1]
    if parts.tree is not None:
        if not parts.tree.rooted:
            options["root"] = "midpoint"
        tips = set(parts.tree.tree.tip_names)
        if 0 < sum(f in tips for f in parts.table.feature_ids) < len(parts.table.feature_ids):
            options["missing-tips"] = "drop"
    return options


# ---------------------------------------------------------------- columns that could play a part
def candidates(metadata: SampleMetadata, samples: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns that could be group, subject and time, the likeliest first: by their values among these samples, then by name.

    A group has 2 to 10 values with at least 3 samples each (2 where its name is that of a group) and is known for most samples; a subject repeats; a time
    is a number or a date, and not one part of a date whose other parts stand in other columns. Only columns named as such columns are usually are taken
    for subject and time; one named as a subject and nothing else is no group.
    """
    wanted = set(samples)
    rows = [i for i, s in enumerate(metadata.ids) if s in wanted] or list(range(len(metadata.ids)))
    parts = {name for name in metadata.columns if name.lower() in _PARTS_OF_DATES}
    found: dict[str, list[tuple[tuple[int, ...], str]]] = {"group": [], "subject": [], "time": []}
    for place, (name, column) in enumerate(metadata.columns.items()):
        words = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
        known = [c for i in rows if (c := column[i]) is not None]
        values = set(known)
        if not known or len(known) <= len(rows) / 2:
            continue
        numeric = metadata.kinds[name] == "numeric"
        coded = not numeric or all(re.fullmatch(r"-?\d+", v) for v in values)
        named = bool(words & _GROUP_WORDS)
        person = bool(words & _SUBJECT_WORDS) and words - {""} <= _SUBJECT_WORDS | _ID_WORDS
        fewest = _FEWEST_EACH - 1 if named else _FEWEST_EACH
        if coded and not person and 2 <= len(values) <= _MOST_GROUPS and min(known.count(v) for v in values) >= fewest:
            likely = (words != {"group"}, not named, not words & _PLACE_WORDS, numeric, len(values), place)
            found["group"].append((likely, name))
        least = 2 if person else _MOST_GROUPS // 2 + 1
        if words & _SUBJECT_WORDS and not words & _TIME_WORDS and least <= len(values) < len(known):
            found["subject"].append(((place,), name))
        partial = name in parts and len(parts) > 1
        if words & _TIME_WORDS and not partial and len(values) > 1 and (numeric or all(_DATE.fullmatch(c) for c in known)):
            found["time"].append(((place,), name))
    return {role: [name for _, name in sorted(listed)][:3] for role, listed in found.items()}


def _suggested(metadata: SampleMetadata, samples: Sequence[str], found: Mapping[str, list[str]]) -> list[str]:
    """Say in one line which columns could play a part, with the sizes of the groups; no line where none could."""
    wanted = set(samples)
    rows = [i for i, s in enumerate(metadata.ids) if s in wanted]
    parts = []
    for role, names in found.items():
        told = []
        for name in names:
            cells = [c for i in rows if (c := metadata.columns[name][i]) is not None]
            sizes = [f"{v[:20]} {cells.count(v)}" for v in sorted(set(cells))] if role == "group" else [f"{len(set(cells)):,} values"]
            told.append(f"{name} ({', '.join(sizes[:4])}{', ...' if len(sizes) > 4 else ''})")
        parts += [f"--{role}: {'; '.join(told)}"] if told else []
    return [_cut(f"columns that could be {' | '.join(parts)}", 300)] if parts else []
