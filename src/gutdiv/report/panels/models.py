"""Linear and mixed models of alpha diversity, for the diversity panel: effects with the other terms held constant, and what residuals say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gutdiv.report import absences, cells, charts, contrasts, group_tests, reading
from gutdiv.report.parts import Cell, Column, Figure, Note, Section, View
from gutdiv.report.wording import capital, listing, missing, name, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.results import Results
    from gutdiv.report.parts import DataTable, Part

PLACE = "comparison/model"
COEFFICIENT = "coefficient"
FITS = {"singular": "no difference between subjects beside what is modelled", "not converged": "the fit did not converge: do not rely on it"}


def tested(results: Results) -> list[dict[str, Any]]:
    """Return the tests that gave a p-value."""
    return [r for r in reading.rows(reading.table(results, PLACE)) if not missing(r["p"])]


def section(results: Results) -> Section | None:
    """Assemble the models: effects by metric, all tests, and what could not be modelled; None where they were not asked for."""
    found = reading.table(results, PLACE)
    if found is None:
        return None
    rows = tested(results)
    figure = _figure(results, rows)
    parts: list[Part] = [figure] if figure is not None else []
    parts += [_table(results, "models", rows)] if rows else []
    parts += [Note("info", told)] if (told := contrasts.remark(results, PLACE)) else []
    parts += [Note("info", name(n, limit=400)) for n in reading.notes(found.record)]
    parts += absences.notes(results, found.record)
    formula, alone = found.record.get("formula"), _alone(rows)
    held = "as a model, with its residuals looked at" if alone else "every effect with the other terms held constant"
    lead = f"Each metric by {'the formula' if missing(formula) else quoted(formula)}: {held}. Tests by ranks stand under 'Within samples'."
    return Section("models", "Within samples, by models", tuple(parts) or (Note("absent", "No model was fitted."),), lead)


def _figure(results: Results, rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Show the coefficients of one metric at a time, since each metric has its own unit."""
    by_metric: dict[str, list[Mapping[str, Any]]] = {}
    for r in rows:
        if r.get("part") == COEFFICIENT and not missing(r["effect"]):
            by_metric.setdefault(str(r["metric"]), []).append(r)
    views = []
    for key, members in by_metric.items():
        metric = reading.metric(results, key)
        called = [_name(results, r, alone=_alone(rows)) for r in members]
        lines = [group_tests.line(r, word) for r, word in zip(members, called, strict=True)]
        unit = f" ({metric.unit})" if metric.unit else ""
        axis = f"Difference in {metric.label}{unit}{group_tests.with_interval(members)}"
        data, layout = charts.forest(lines, title=axis, marks=group_tests.MARKS)
        clear = [_clear(results, r, word) for r, word in zip(members, called, strict=True) if group_tests.is_clear(r)]
        told = f"clearly {listing(clear, limit=3)}" if clear else _none(results, members)
        title = f"{metric.label}{' by a model' if _alone(rows) else ', other terms held constant'}: {told}"
        alt = f"{title}. Forest plot of model coefficients: one line a coefficient, zero means no difference."
        narrow = charts.narrow([str(x["label"]) for x in lines], lines=2)
        numbers = _table(results, f"models-{key}", members)
        views.append(View(key, metric.label, title, alt, data, layout, numbers, "", narrow, int(layout["height"])))
    return Figure("models", tuple(views), "Metric") if views else None


def _none(results: Results, rows: Sequence[Mapping[str, Any]]) -> str:
    """Word that no coefficient is clear."""
    if len(rows) > 1:
        return f"none of {len(rows):,} coefficients clear"
    return f"no clear difference{contrasts.between(results, rows[0])}" if contrasts.sides(results, rows[0])[0] else "its coefficient is not clear"


def _alone(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the model has one term only, beside which nothing is held constant."""
    return len({str(r["variable"]) for r in rows}) < 2


def _name(results: Results, row: Mapping[str, Any], *, alone: bool) -> str:
    """Name a coefficient by its contrast, with its variable where the contrast does not name it and other terms stand beside it."""
    contrast, variable = contrasts.told(results, row), name(row["variable"], limit=40)
    return contrast if alone or variable in contrast else f"{variable}: {contrast}"


def _clear(results: Results, row: Mapping[str, Any], word: str) -> str:
    """Word a clear coefficient by its direction: of two groups which is higher, of anything else whether the metric rises or falls with it."""
    (one, two), up = contrasts.sides(results, row), float(row["effect"]) > 0
    if one and ":" in str(row["variable"]):
        return f"unlike in {one} and {two} for {name(row['variable'], limit=60)}"
    if one:
        return f"{'higher' if up else 'lower'} in {one} than in {two}"
    number = str(row.get("contrast")) == f"per {row['variable']}"
    return f"{'rising' if up else 'falling'} with {name(row['variable'], limit=40)}" if number else f"clear for {word}"


def _table(results: Results, key: str, rows: Sequence[Mapping[str, Any]]) -> DataTable:
    """List the tests of all models, with what the residuals say."""
    first = (group_tests.metric_column(results), cells.column("Term", "variable", cells.text, kind="name", choose=True))
    further = ((Column("Residuals", "text", "Whether the model's assumptions hold, from its residuals."), _residuals),)
    return group_tests.table(results, rows, key=key, caption="Models of alpha diversity", source=f"{PLACE}.tsv", first=first, further=further)


def _residuals(row: Mapping[str, Any]) -> Cell:
    """Say what the residuals of a model say of it."""
    told = [name(row.get("normality"))] if not missing(row.get("normality")) else []
    told += [f"{name(row['spread'])} spread"] if not missing(row.get("spread")) else []
    told += ["one unit alone moves the result"] if row.get("influence") == "influential" else []
    told += [FITS[str(row["fit"])]] if str(row.get("fit")) in FITS else []
    return cells.text(capital("; ".join(told)))
