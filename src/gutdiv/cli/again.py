"""The commands that make results again: each is told from the record of its result and from the options that the command has."""

from __future__ import annotations

import argparse
import importlib
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gutdiv.model.results import Results

# What an input's role stands for inside a folder of results; other inputs are files from outside, called by their names.
_PLACES = {
    "cohort": "cohort/cohort.json",
    "metadata": "cohort/metadata.tsv",
    "alpha": "diversity/alpha.tsv",
    "taxa": "diversity/taxa.tsv",
    "distances": "diversity/distances/{name}",
    "reference": "reference/reference.json",
    "verdicts": "dysbiosis/verdicts.tsv",
    "flags": "dysbiosis/flags.tsv",
    "links": "immune/links.tsv",
    "abundance": "comparison/abundance.tsv",
}
# Actions that are not called as their result is, and outputs that are no table of their own.
_ACTIONS = {
    "diversity/depths": "depth",
    "dysbiosis/verdicts": "verdict",
    "dysbiosis/taxa_flags": "flags",
    "immune/matches": "match",
    "immune/links": "link",
}
_FOLDERS = {"dysbiosis/verdicts": "dysbiosis", "comparison/longitudinal/tests": "comparison/longitudinal"}
_WITH_ANOTHER = ("dysbiosis/flags", "dysbiosis/explanations", "comparison/longitudinal/trajectories")  # the same command makes these
_LAST = ("stability", "samples", "enrichment")  # made of results of their own stage
_STAGES = ("cohort", "diversity", "reference", "comparison", "dysbiosis", "immune")
_SINGULAR = {"covariates": "covariate", "markers": "marker"}


def commands(results: Results) -> dict[str, str]:
    """Return the command that makes each result again, by its place, in an order in which they can be run.

    Files of results are named from their folder on, files from outside by name only. Options that are as they are by default are left out, and so
    is the number of threads, on which no result depends.
    """
    records = {place: table.record for place, table in results.tables.items() if table.kind != "arrows"}
    records |= dict(_unread(records))
    if results.reference is not None:
        records["reference/reference"] = results.reference.record
    made = {"cohort/cohort": _cohort(results.cohort)}
    for stage in _STAGES[1:]:
        options = _actions(stage)
        places = [p for p in sorted(records, key=_turn) if p.startswith(f"{stage}/") and p not in _WITH_ANOTHER]
        for place in places:
            action = _action(place, records[place])
            if action in options:
                made[place] = _command(stage, action, options[action], place, records[place])
    return made


def _unread(records: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the results that the page does not read, with what the records of those made of them say of their making."""
    for record in records.values():
        for role, source in (record.get("sources") or {}).items():
            if source.get("options") is not None:
                name = next(str(i["name"]) for i in record["inputs"] if i["role"] == role)
                yield _PLACES[role].format(name=name).rpartition(".")[0], source


def _actions(stage: str) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of a stage's actions by name."""
    parser = argparse.ArgumentParser()
    importlib.import_module(f"gutdiv.cli.{stage}").configure(parser)
    found = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(found.choices)


def _turn(place: str) -> tuple[bool, int, str]:
    """Return what places are sorted by, so that results stand behind those that they are made of."""
    return place.split("/")[1] in _LAST, place.count("/"), place


def _action(place: str, record: Mapping[str, Any]) -> str:
    """Name the action that makes a result."""
    if place == "reference/reference":
        return "build"
    if place.startswith("diversity/ordination/"):
        return "landmarks" if "landmarks" in record else "ordination"
    if place.startswith("diversity/distances/"):
        return "beta"
    return _ACTIONS.get(place, place.split("/")[1])


def _cohort(cohort: Mapping[str, Any]) -> str:
    """Word `gutdiv cohort build`, whose options stand as roles and choices in the cohort's own record."""
    values = {**(cohort.get("options") or {}), **(cohort.get("roles") or {}), "name": cohort.get("name")}
    files = {str(i.get("role")): str(i.get("name")) for i in cohort.get("inputs") or () if not i.get("carried")}
    return shlex.join(["gutdiv", "cohort", "build", *_words(_actions("cohort")["build"], {**files, **values}), "--output", "cohort"])


def _command(stage: str, action: str, parser: argparse.ArgumentParser, place: str, record: Mapping[str, Any]) -> str:
    """Word the command that makes the result at a place."""
    values: dict[str, Any] = {_SINGULAR.get(k, k): v for k, v in (record.get("options") or {}).items()}
    values |= {k: record[k] for k in ("seed", "metric") if record.get(k) is not None and k not in values}
    files: dict[str, list[str]] = {}
    for entry in record.get("inputs") or ():
        role, called = str(entry.get("role")), str(entry.get("name"))
        inside = _PLACES.get(role, "{name}").format(name=called)
        files.setdefault(role, []).append(inside if inside.endswith(called) else called)
    values |= files
    if place == "reference/reference":
        values["outliers"] = "reference/outliers.tsv"
    ending = {"reference": "json", "distances": "h5"}.get(place.split("/")[1], "tsv")
    output = _FOLDERS.get(place, f"{place}.{ending}")
    return shlex.join(["gutdiv", stage, action, *_words(parser, values), "--output", output])


def _words(parser: argparse.ArgumentParser, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that differ from their defaults, in the order in which the command explains them."""
    for option in parser._actions:
        value = "record" if option.dest == "untestable" else values.get(option.dest)  # as the workflow does: what cannot be tested ends nothing
        if not option.option_strings or option.dest in ("output", "threads", "help") or value in (None, "", [], {}, option.default):
            continue
        flag = option.option_strings[0]
        if option.nargs == 0:
            yield flag
            continue
        listed = [f"{k}={v!r}" for k, v in value.items()] if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
        for word in map(str, listed):
            yield from [f"{flag}={word}"] if word.startswith("-") else [flag, word]
