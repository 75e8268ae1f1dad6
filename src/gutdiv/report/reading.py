"""What panels look up in the results: tables, records, findings, metric labels and groups; nothing is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gutdiv.model.results import Finding, Results, Table
from gutdiv.report.wording import missing, name

# Group labels as they are shown: long ones are cut, missing ones named.
NO_GROUP = "no group given"
LABEL_LIMIT = 40
FROM_BASELINE = "_from_baseline"  # behind the name of a dissimilarity that is taken to a subject's own first sample
FIRST = ("braycurtis", "weighted_unifrac_normalized", "unweighted_unifrac", "jaccard", "aitchison")


@dataclass(frozen=True)
class Metric:
    """What the results say of a metric: how to call it, its unit, its source and how it was estimated."""

    key: str
    label: str
    unit: str
    citation: str
    estimator: str

    @property
    def axis(self) -> str:
        """The label with its unit, for an axis or a column."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


def table(results: Results, place: str) -> Table | None:
    """Return the table at a place, or None where there is none."""
    return results.tables.get(place)


def filled(results: Results, place: str) -> Table | None:
    """Return the table at a place where it has rows, else None."""
    found = results.tables.get(place)
    return found if found is not None and len(found.frame) else None


def record(results: Results, place: str) -> Mapping[str, Any]:
    """Return the record of the table at a place, empty where there is none."""
    found = results.tables.get(place)
    return found.record if found is not None else {}


def under(results: Results, folder: str) -> tuple[str, ...]:
    """Return the names of the tables in a folder: the dissimilarities that most studies report first, then the others by name.

    Arrows that lie beside an ordination are no table of their own.
    """
    names = sorted(p.removeprefix(folder) for p, t in results.tables.items() if p.startswith(folder) and t.kind != "arrows")
    return tuple(sorted(names, key=lambda n: FIRST.index(n) if n in FIRST else len(FIRST)))


def rows(found: Table | None) -> Iterator[dict[str, Any]]:
    """Iterate over a table's rows as mappings of column to cell."""
    if found is not None:
        columns = [str(c) for c in found.frame.columns]
        for values in found.frame.itertuples(index=False, name=None):
            yield dict(zip(columns, values, strict=True))


def findings(source: Mapping[str, Any], what: str = "") -> tuple[Finding, ...]:
    """Return a record's findings by rank, of one kind where `what` is given."""
    listed = [f if isinstance(f, Finding) else _finding(f) for f in source.get("findings") or ()]
    return tuple(sorted((f for f in listed if not what or f.what == what), key=lambda f: (f.rank, f.subject)))


def _finding(entry: Mapping[str, Any]) -> Finding:
    """Read one finding as it stands in a record (JSON has no NaN: an undefined size is null)."""
    size = entry.get("size")
    return Finding(
        what=str(entry.get("what", "")),
        subject=str(entry.get("subject", "")),
        direction=str(entry.get("direction", "none")),
        size=float("nan") if missing(size) else float(size or 0),
        unit=str(entry.get("unit", "")),
        strength=str(entry.get("strength", "")),
        rank=int(entry.get("rank") or 0),
        values=dict(entry.get("values") or {}),
    )


def structure_findings(results: Results) -> tuple[Finding, ...]:
    """Return the PERMANOVA findings of all distance metrics, in the order of their folder."""
    names = under(results, "comparison/permanova/")
    return tuple(f for n in names for f in findings(record(results, f"comparison/permanova/{n}"), "structure"))


def spread_finding(results: Results, metric: str, term: str) -> Finding | None:
    """Return what the test of dispersion found for one dissimilarity, where it tested the groups of this term."""
    found = findings(record(results, f"comparison/dispersion/{metric}"), "dispersion")
    return next((f for f in found if name(f.values.get("variable")) in {name(term), name(term).strip("`")}), None)


def change_tests(results: Results) -> list[dict[str, Any]]:
    """Return the tests over time that speak of change: each term once, and not the difference between groups that is there at all times."""
    place = "comparison/longitudinal/tests"
    tested = [r for r in rows(table(results, place)) if not missing(r["p"]) and r.get("part") != "coefficient"]
    return [r for r in tested if not (r.get("part") == "term" and r["variable"] == record(results, place).get("group"))]


def absences(source: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what a record declares absent, as pairs of name and reason."""
    listed = source.get("absent") or {}
    return tuple((str(k), str(v)) for k, v in sorted(listed.items())) if isinstance(listed, Mapping) else ()


def notes(source: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a record's notes."""
    listed = source.get("notes") or ()
    return tuple(str(n) for n in ([listed] if isinstance(listed, str) else listed))


def depth_warnings(results: Results) -> tuple[str, ...]:
    """Return what the choice of depth warns of, in sentences; they may hold names given by the user."""
    return _sentences(record(results, "diversity/depths").get("warnings"))


def beyond_depth(results: Results) -> tuple[str, ...]:
    """Return those of the warnings that no other depth would mend."""
    return _sentences(record(results, "diversity/depths").get("beyond_depth"))


def _sentences(listed: Any) -> tuple[str, ...]:
    """Return what a record lists as sentences."""
    return tuple(name(w, limit=600) for w in ([listed] if isinstance(listed, str) else listed or ()))


def held(results: Results) -> tuple[str, ...]:
    """Return the columns, besides the group, that the design of the comparisons holds constant: a plain difference between groups may be theirs."""
    column = str((results.cohort.get("roles") or {}).get("group") or "")
    named = [str(r["variable"]) for r in rows(table(results, "comparison/model"))]
    for place in under(results, "comparison/permanova/"):
        named += [str(r["term"]).strip("`") for r in rows(table(results, f"comparison/permanova/{place}"))]
    return tuple(dict.fromkeys(name(n, limit=40) for n in named if n != column and n.lower() not in ("residual", "total")))


def metric(results: Results, key: str) -> Metric:
    """Return what the records say of a metric, such as `shannon` or `shannon (genus)`; where they say nothing, its name is its label."""
    base, _, level = key.partition(" (")
    if level:
        found = metric(results, base)
        return Metric(key, f"{found.label} ({level}", found.unit, found.citation, found.estimator)
    if key.endswith(FROM_BASELINE):
        found = metric(results, key.removesuffix(FROM_BASELINE))
        return Metric(key, f"{found.label} to the own first sample", found.unit, found.citation, found.estimator)
    for source in _metric_sources(results, key):
        traits = (source.get("metrics") or {}).get(key) or (source.get("traits") if source.get("metric") == key else None)
        if isinstance(traits, Mapping):
            return Metric(
                key,
                _plain(name(traits.get("label"))) or key,
                "" if traits.get("unit") == "1" else name(traits.get("unit")),
                name(traits.get("citation")),
                name(traits.get("estimator")),
            )
    return Metric(key, key, "", "", "")


def _plain(label: str) -> str:
    """Write a label that stands well in a list: `Weighted UniFrac, normalised` becomes `Normalised weighted UniFrac`."""
    base, comma, kind = label.partition(", ")
    kind = f"un{kind.removeprefix('not ')}" if kind.startswith("not ") else kind
    return f"{kind[:1].upper()}{kind[1:]} {base[:1].lower()}{base[1:]}" if comma and base.startswith("Weighted ") else label


def _metric_sources(results: Results, key: str) -> Iterator[Mapping[str, Any]]:
    """Iterate over the records that may describe a metric."""
    yield record(results, "diversity/alpha")
    yield record(results, f"diversity/ordination/{key}")
    yield record(results, f"comparison/permanova/{key}")
    yield record(results, "dysbiosis/flags")


def at_level(row: Mapping[str, Any]) -> str:
    """Name a metric with its level, as the flags do: `shannon` of features, `shannon (genus)` of genera."""
    level = str(row.get("level") or "feature")
    return str(row["metric"]) if level == "feature" else f"{row['metric']} ({level})"


def obstacle(results: Results) -> str:
    """Return why no sample at all was judged, empty where some were."""
    judged = findings(record(results, "dysbiosis/verdicts"), "verdicts")
    if not judged or judged[0].values.get("n_assessable") or judged[0].values.get("n_controls_assessable"):
        return ""
    reasons = {str(r["reason"]) for r in rows(table(results, "dysbiosis/verdicts"))}
    return reasons.pop() if len(reasons) == 1 else "no sample could be judged; each one's reason stands in the table"


def depth(results: Results) -> int | None:
    """Return the reads per sample at which diversity was measured; None where samples were used as they are."""
    chosen = record(results, "diversity/alpha").get("depth")
    return None if missing(chosen) else int(chosen)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Groups:
    """The group column: its name, each sample's label, the labels in order, and whether it holds numbers along a scale."""

    column: str
    of: Mapping[str, str]
    labels: tuple[str, ...]
    numeric: bool


@lru_cache(maxsize=4)
def groups(results: Results) -> Groups | None:
    """Return the samples' groups where a group column was declared and is at hand."""
    column = (results.cohort.get("roles") or {}).get("group")
    metadata = results.metadata
    if not column or metadata is None or column not in metadata.columns:
        return None
    cells = metadata.columns[column]
    shown = _labels({c for c in cells if c is not None and not missing(c)})
    of = {s: NO_GROUP if missing(c) else shown[str(c)] for s, c in zip(metadata.ids, cells, strict=True)}
    labels = sorted(shown.values())
    if NO_GROUP in of.values():
        labels.append(NO_GROUP)
    return Groups(column, of, tuple(labels), metadata.kinds.get(column) == "numeric")


def group_labels(results: Results) -> dict[str, str]:
    """Return how groups are shown, by their value; empty without groups."""
    grouped, column = groups(results), (results.cohort.get("roles") or {}).get("group")
    if grouped is None or results.metadata is None or column is None:
        return {}
    return {str(v): grouped.of[s] for s, v in zip(results.metadata.ids, results.metadata.columns[column], strict=True) if v is not None}


def fallen(results: Results) -> tuple[Mapping[str, Any], ...]:
    """Return what fell out of the cohort or stayed incomplete: part, outcome, reason and count."""
    return tuple(results.cohort.get("fallen") or ())


def _labels(values: set[str]) -> dict[str, str]:
    """Cut labels to a readable length; two that would then look alike are numbered."""
    shown: dict[str, str] = {}
    for value in sorted(values):
        label, number = name(value, limit=LABEL_LIMIT), 1
        while label in shown.values() or label == NO_GROUP:
            number += 1
            label = f"{name(value, limit=LABEL_LIMIT - 5)} ({number})"
        shown[value] = label
    return shown


def roles(results: Results) -> Mapping[str, Any]:
    """Return the roles that columns play, without those that are not given."""
    return {k: v for k, v in (results.cohort.get("roles") or {}).items() if not missing(v)}


def controls_word(results: Results) -> str:
    """Return what the controls may be called: `healthy controls` only where the user declared them so."""
    return "healthy controls" if results.reference is not None and results.reference.controls_are == "healthy" else "controls"
