"""A contrast of two groups stands the same way round on the whole page, and says in words which group is higher."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from fake_results import fake_results
from test_content import walk

from gutdiv.report import contrasts
from gutdiv.report.content import build
from gutdiv.report.panels.guilds import enriched
from gutdiv.report.parts import DataTable, Figure, Note, Sentences

if TYPE_CHECKING:
    from gutdiv.model.results import Results

ALPHA, MODEL, CHANGE = "comparison/alpha", "comparison/model", "comparison/longitudinal/tests"


def backwards(results: Results, **record: Any) -> Results:
    """Return results whose tests by ranks hold their contrast the other way round, as where no baseline is named: the same numbers, turned by hand."""
    table = results.tables[ALPHA]
    frame = table.frame.copy()
    frame["contrast"] = [" - ".join(reversed(str(c).split(" - "))) for c in frame["contrast"]]
    frame["n_1"], frame["n_2"] = table.frame["n_2"], table.frame["n_1"]
    frame["effect"], frame["ci_low"], frame["ci_high"] = -table.frame["effect"], -table.frame["ci_high"], -table.frame["ci_low"]
    found = []
    for f in table.record["findings"]:
        v = f["values"]
        values = {**v, "contrast": f"{v['group_2']} - {v['group_1']}", "group_1": v["group_2"], "group_2": v["group_1"], "n_1": v["n_2"], "n_2": v["n_1"]}
        found.append({**f, "size": -f["size"], "direction": {"lower": "higher"}.get(f["direction"], f["direction"]), "values": values})
    return replace(results, tables={**results.tables, ALPHA: replace(table, frame=frame, record={**table.record, "findings": found, **record})})


def shown(results: Results) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the titles of the effects, the cells of their tests, and the first findings of the page."""
    page = build(results)
    assert page.broken == {}
    effects = next(f for f in walk(page, Figure) if f.key == "effects")
    tests = next(t for t in walk(page, DataTable) if t.key == "tests")
    return [v.title for v in effects.views], [[c.text for c in r.cells] for r in tests.rows], [s.text for s in next(walk(page, Sentences)).items]


def test_tests_by_ranks_are_shown_the_way_round_that_models_and_abundances_have_and_the_page_says_so() -> None:
    plain, turned = fake_results(), backwards(fake_results())
    assert turned.tables[ALPHA].frame["contrast"].iloc[0] == "healthy - patient"
    assert shown(turned) == shown(plain)
    told = [n.text for n in walk(build(turned), Note) if "with the other sign" in n.text]
    assert told == [
        "Shown is patient minus healthy, as on the whole page; comparison/alpha.tsv holds the same tests as healthy minus patient, with the other sign."
    ]
    assert not [n.text for n in walk(build(plain), Note) if "with the other sign" in n.text]


def test_a_baseline_that_was_named_is_kept_and_models_are_turned_to_it() -> None:
    named = backwards(fake_results(), baseline="patient")
    tables = {p: t for p, t in named.tables.items() if p != contrasts.ABUNDANCE}  # abundances take the same baseline where one is named
    named = replace(named, tables=tables)
    turned = contrasts.alike(named)
    assert turned.tables[ALPHA] is named.tables[ALPHA]
    model, file = turned.tables[MODEL].frame, named.tables[MODEL].frame
    of_group = (file["part"] == "coefficient") & (file["variable"] == "group")
    assert set(file["contrast"][of_group]) == {"patient - healthy"}
    assert set(model["contrast"][of_group]) == {"healthy - patient"}
    assert model["effect"][of_group].tolist() == [0.4] * 6
    assert model["ci_low"][of_group].tolist() == pytest.approx([0.3] * 6)
    assert model["ci_high"][of_group].tolist() == pytest.approx([0.5] * 6)
    assert model["p"].equals(file["p"])
    pd.testing.assert_frame_equal(model[~of_group], file[~of_group], check_dtype=False)
    page = build(named)
    view = next(f for f in walk(page, Figure) if f.key == "models").views[0]
    assert view.title == "Shannon entropy, other terms held constant: clearly higher in healthy than in patient"
    assert "comparison/model.tsv holds the same tests as patient minus healthy, with the other sign." in " ".join(n.text for n in walk(page, Note))


def test_over_time_subjects_are_compared_the_way_round_that_coefficients_have() -> None:
    results = fake_results()
    table = results.tables[CHANGE]
    row = table.frame.iloc[-1].to_dict()
    family = {"family": "2 tests of healthy - patient, rate of change"}
    rate = {**family, "variable": "group", "contrast": "healthy - patient", "n_1": 40, "n_2": 60, "effect": 0.3, "ci_low": 0.1, "ci_high": 0.6}
    rate |= {"p": 0.001, "q": 0.002}
    rate |= {"effect_name": "Cliff's delta", "part": "rate of change", "strength": "clear", "test": "Wilcoxon rank-sum of the rate of change"}
    beside = {"variable": "group", "contrast": "patient - healthy", "effect": -0.2, "effect_name": "coefficient", "part": "coefficient", "p": 0.2}
    found = {"what": "course", "subject": "shannon", "direction": "higher", "size": 0.3, "unit": "Cliff's delta", "strength": "clear", "rank": 0}
    found["values"] = {"contrast": "healthy - patient", "n_1": 40, "n_2": 60, "ci_low": 0.1, "ci_high": 0.6}
    frame = pd.DataFrame([*table.frame.to_dict("records"), {**row, **rate}, {**row, **beside}])
    of_subjects = replace(table, frame=frame, record={**table.record, "findings": [found], "group": "group"})
    only = {ALPHA: results.tables[ALPHA]}  # nothing else that would decide which is taken from which
    results = replace(results, tables={**only, **{p: t for p, t in results.tables.items() if "longitudinal" in p}, CHANGE: of_subjects})
    turned = contrasts.alike(results).tables[CHANGE]
    (new,) = turned.frame[turned.frame["part"] == "rate of change"].to_dict("records")
    assert [new[c] for c in ("contrast", "n_1", "n_2", "effect", "ci_low", "ci_high")] == ["patient - healthy", 60, 40, -0.3, -0.6, -0.1]
    assert new["family"] == "2 tests of patient - healthy, rate of change"
    finding = turned.record["findings"][0]
    assert (finding.size, finding.direction, finding.values["contrast"]) == (-0.3, "lower", "patient - healthy")
    panel = next(p for p in build(results).panels if p.key == "longitudinal")
    parts = [part for section in panel.sections for part in section.parts]
    shown = next(p for p in parts if isinstance(p, DataTable))
    at = [c.label for c in shown.columns].index("Contrast")
    assert "healthy minus patient" not in {r.cells[at].text for r in shown.rows}
    assert [n.text for n in parts if isinstance(n, Note) and "with the other sign" in n.text] == [
        "Shown is patient minus healthy, as on the whole page; comparison/longitudinal/tests.tsv holds the same tests as healthy minus patient, "
        "with the other sign."
    ]
    (figure,) = (p for p in parts if isinstance(p, Figure))
    assert "rate of change, patient minus healthy" in figure.views[1].title


@pytest.mark.parametrize(("baseline", "contrast", "effect"), [(None, "patient - healthy", 0.5), ("patient", "healthy - patient", -0.5)])
def test_a_slope_that_differs_between_groups_is_named_by_them_and_turned_with_them(baseline: str | None, contrast: str, effect: float) -> None:
    results = fake_results()
    if baseline:
        results = backwards(results, baseline=baseline)
        results = replace(results, tables={p: t for p, t in results.tables.items() if p != contrasts.ABUNDANCE})
    table = results.tables[CHANGE]
    row = {**table.frame.iloc[-1].to_dict(), "part": "coefficient", "effect_name": "coefficient", "ci_low": 0.4, "ci_high": 0.6, "effect": 0.5, "n_2": pd.NA}
    alone, crossed = {"variable": "group", "contrast": "patient - healthy"}, {"variable": "week:group", "contrast": "week:grouppatient"}
    found = {"what": "course", "subject": "shannon", "direction": "higher", "size": 0.5, "unit": "coefficient", "strength": "weak", "values": crossed}
    frame = pd.DataFrame([*table.frame.to_dict("records"), {**row, **alone}, {**row, **crossed}])
    made = replace(table, frame=frame, record={**table.record, "findings": [found]})
    turned = contrasts.alike(replace(results, tables={**results.tables, CHANGE: made})).tables[CHANGE]
    last = turned.frame.iloc[-1]
    assert (last["contrast"], last["effect"], last["ci_low"]) == (contrast, effect, 0.4 if effect > 0 else -0.6)
    assert last["n_1"] == 50, "the units of both groups together"
    (finding,) = turned.record["findings"]
    assert (finding.size, finding.values["contrast"]) == (effect, contrast)
    one, two = contrast.split(" - ")
    assert contrasts.told(results, {**row, **crossed, "contrast": contrast}) == f"{one} minus {two}"


def test_pairs_whose_effect_has_no_sign_stand_as_everywhere_and_need_no_remark() -> None:
    results = fake_results()
    place, table = next((p, t) for p, t in results.tables.items() if p.startswith(contrasts.PAIRS))
    frame = table.frame.copy()
    frame.loc[0, "contrast"] = "healthy - patient"
    page = build(replace(results, tables={**results.tables, place: replace(table, frame=frame)}))
    pairs = next(t for t in walk(page, DataTable) if t.key == "pairs")
    assert pairs.rows[0].cells[1].text == "patient and healthy"
    assert not [n.text for n in walk(page, Note) if "with the other sign" in n.text]


def test_nothing_is_turned_where_nothing_else_was_compared() -> None:
    alone = backwards(fake_results())
    alone = replace(alone, tables={p: t for p, t in alone.tables.items() if p not in {MODEL, CHANGE, contrasts.ABUNDANCE}})
    assert contrasts.alike(alone) is alone


def test_the_result_file_is_not_touched_by_what_is_shown() -> None:
    results = backwards(fake_results())
    before = results.tables[ALPHA].frame.copy()
    build(results)
    assert results.tables[ALPHA].frame.equals(before)


def test_titles_axes_and_tables_say_which_group_is_taken_from_which_and_where_more_is() -> None:
    titles, rows, _ = shown(fake_results())
    assert titles == ["5 of 6 metrics are clearly lower in patient than in healthy"]
    assert {r[1] for r in rows} == {"patient minus healthy"}
    view = next(f for f in walk(build(fake_results()), Figure) if f.key == "effects").views[0]
    assert view.layout["xaxis"]["title"]["text"].startswith("Cliff's delta, patient minus healthy (right of zero: higher in patient)")


@pytest.mark.parametrize(
    ("effects", "strengths", "title"),
    [
        ((0.4, 0.2), ("clear", "clear"), "2 of 2 metrics are clearly higher in patient than in healthy"),
        ((0.4, -0.2), ("clear", "clear"), "2 of 2 metrics differ clearly between patient and healthy, 1 higher and 1 lower in patient"),
        ((0.4, -0.2), ("weak", "clear"), "1 of 2 metrics is clearly lower in patient than in healthy"),
        ((0.4, 0.0), ("clear", "clear"), "2 of 2 metrics differ clearly between patient and healthy, 1 higher and 0 lower in patient"),
        ((0.4, -0.2), ("weak", "weak"), "None of 2 metrics differs clearly between patient and healthy"),
    ],
)
def test_a_title_counts_what_is_clear_and_says_where_it_is_higher(effects: tuple[float, ...], strengths: tuple[str, ...], title: str) -> None:
    rows = [
        {"variable": "group", "contrast": "patient - healthy", "effect": e, "effect_name": "Cliff's delta", "strength": s}
        for e, s in zip(effects, strengths, strict=True)
    ]
    assert contrasts.counted(fake_results(), rows, ("metric", "metrics")) == title


def test_an_effect_over_several_groups_has_no_direction() -> None:
    row = {"variable": "group", "contrast": "a, b, c", "effect": 0.2, "effect_name": "epsilon squared", "strength": "clear"}
    assert contrasts.counted(fake_results(), [row], ("metric", "metrics")) == "1 of 1 metric differs clearly: a, b, c"
    assert contrasts.reads(fake_results(), row) == ""


def test_groups_whose_names_hold_the_sign_between_them_are_told_apart_by_the_column() -> None:
    results = fake_results()
    assert results.metadata is not None
    named = {"healthy": "A - B", "patient": "B - A"}
    columns = {**results.metadata.columns, "group": tuple(named.get(str(c), c) for c in results.metadata.columns["group"])}
    results = replace(results, metadata=replace(results.metadata, columns=columns))
    assert contrasts.sides(results, {"variable": "group", "contrast": "A - B - B - A"}) == ("A - B", "B - A")
    assert contrasts.sides(results, {"variable": "group", "contrast": "A - C"}) == ("", "")
    assert contrasts.told(results, {"variable": "group", "contrast": "A - C"}) == "A - C"


def test_guilds_say_which_test_found_their_taxa_with_the_contrast_as_on_the_whole_page() -> None:
    results = fake_results()
    found = results.tables["immune/enrichment"]
    sources = ["abundance: group, patient - healthy", "abundance: group, low-fat - high - fat"]
    assert len(found.frame) == len(sources)
    enrichment = replace(found, frame=found.frame.assign(source=sources))
    section = enriched(replace(results, tables={**results.tables, "immune/enrichment": enrichment}))
    assert section is not None
    (table,) = (part for part in section.parts if isinstance(part, DataTable))
    at = [c.label for c in table.columns].index("Among taxa that")
    words = {(row.cells[at].text, row.cells[at + 1].text) for row in table.rows}
    directions = [str(d) for d in found.frame["direction"]]
    assert words == {
        ("differ between patient and healthy", f"{directions[0]} in patient"),
        ("differ in abundance: group, low-fat - high - fat", directions[1]),
    }, "what names no two groups stays as it is"
    one = enriched(replace(results, tables={**results.tables, "immune/enrichment": replace(found, frame=found.frame.assign(source=sources[0]))}))
    assert one is not None
    (table,) = (part for part in one.parts if isinstance(part, DataTable))
    assert table.caption == "Guilds among the taxa that differ between patient and healthy"
    assert "Among taxa that" not in [c.label for c in table.columns]
