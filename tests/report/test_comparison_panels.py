"""What the comparisons found reaches the page: position and spread together, pairs, models, taxa by two estimators, and change over time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_results import HOSTILE, fake_results
from test_content import panel, texts, walk

from gutdiv.report import paths, reading
from gutdiv.report.content import build
from gutdiv.report.panels import constrained, longitudinal, structure
from gutdiv.report.parts import DataTable, Figure, Note, Sentences

if TYPE_CHECKING:
    from gutdiv.model.results import Results


def shown(results: Results, key: str) -> DataTable:
    """Return a table of the page by its key."""
    page = build(results)
    assert page.broken == {}
    return next(t for t in walk(page, DataTable) if t.key == key)


def column(table: DataTable, label: str) -> list[str]:
    """Return the texts of a column."""
    place = [c.label for c in table.columns].index(label)
    return [r.cells[place].text for r in table.rows]


def changed(results: Results, place: str, **record: Any) -> Results:
    """Return results in which the record of one table holds other entries."""
    table = results.tables[place]
    return replace(results, tables={**results.tables, place: replace(table, record={**table.record, **record})})


# ---------------------------------------------------------------- position and spread
def test_beside_every_permanova_stands_whether_groups_differ_in_spread_and_what_both_say() -> None:
    table = shown(fake_results(), "permanova")
    together = dict(zip(column(table, "Dissimilarity"), column(table, "Together"), strict=True))
    assert together["Bray-Curtis"] == "communities differ in position; no clear difference in spread"
    assert together["Jaccard distance"] == "communities differ, but groups also differ in spread, so the PERMANOVA may show spread"
    assert "0.41" in column(table, "p of spread")


@pytest.mark.parametrize(
    ("position", "spread", "words"),
    [
        ("weak", "clear", "no clear difference in position; groups differ in spread"),
        ("weak", "weak", "no clear difference in position or in spread"),
        ("clear", "not assessable", "communities differ; spread was not tested for this term"),
        ("not assessable", "clear", "not assessable"),
    ],
)
def test_no_word_says_more_than_the_two_tests(position: str, spread: str, words: str) -> None:
    results = fake_results()
    place = "comparison/dispersion/braycurtis"
    found = {**results.tables[place].record["findings"][0], "strength": spread}
    results = changed(results, place, findings=[found])
    assert structure.together(position, reading.spread_finding(results, "braycurtis", "group")) == words


def test_a_term_that_is_not_the_groups_has_no_test_of_spread() -> None:
    assert reading.spread_finding(fake_results(), "braycurtis", "age") is None


def test_a_difference_that_may_be_one_of_spread_is_never_told_without_saying_so() -> None:
    results = fake_results()
    plain = next(s for s in next(walk(panel(build(results), "overview"), Sentences)).items if s.link and s.link.text == "Structure")
    assert "spread" not in plain.text
    place = "comparison/dispersion/braycurtis"
    wide = changed(results, place, findings=[{**results.tables[place].record["findings"][0], "strength": "clear"}])
    page = build(wide)
    told = next(s for s in next(walk(panel(page, "overview"), Sentences)).items if s.link and s.link.text == "Structure")
    assert told.text.endswith("Groups also differ in spread, so this may be a difference of spread.")
    figure = next(f for f in walk(page, Figure) if f.key == "ordination")
    assert figure.views[0].title == "Communities differ by group, in position or in spread: 8.3% of the variation in Bray-Curtis"


def test_pairs_of_groups_are_listed_with_their_spread_where_there_are_three_groups_or_more() -> None:
    table = shown(fake_results(), "pairs")
    first = column(table, "Together")[:3]
    assert first[1].endswith("so the PERMANOVA may show spread")
    assert first[2] == "no clear difference; spread was not tested"
    results = fake_results()
    for place in [p for p in results.tables if p.startswith("comparison/pairs/")]:
        table_of = results.tables[place]
        results = replace(results, tables={**results.tables, place: replace(table_of, frame=table_of.frame.iloc[:1])})
    assert "pairs" not in {t.key for t in walk(build(results), DataTable)}


def test_the_picture_of_the_model_names_its_share_and_warns_that_it_tests_nothing() -> None:
    figure = constrained.figure(fake_results())
    assert figure is not None
    views = {v.key: v for v in figure.views}
    assert views["braycurtis"].title == "\u2018~ group\u2019 holds 10% of the variation in Bray-Curtis"
    assert "look farther apart than they are" in views["braycurtis"].subtitle
    assert any(t["name"] == constrained.LEGEND for t in views["braycurtis"].data)
    assert {t["type"] for t in views["jaccard"].data} == {"box"}, "one axis is drawn as boxes along it"


# ---------------------------------------------------------------- models
def test_models_show_one_metric_at_a_time_in_its_own_unit_and_what_residuals_say() -> None:
    page = build(fake_results())
    figure = next(f for f in walk(page, Figure) if f.key == "models")
    assert figure.views[0].title == "Shannon entropy, other terms held constant: clearly lower in patient than in healthy"
    assert figure.views[0].layout["xaxis"]["title"]["text"] == "Difference in Shannon entropy (nats), with 95% CI"
    results, place = fake_results(), "comparison/model"
    weak = results.tables[place].frame.assign(strength="weak")
    for kept, words in (
        (weak, "Shannon entropy, other terms held constant: none of 2 coefficients clear"),
        (weak[weak["variable"] == "group"], "Shannon entropy by a model: no clear difference between patient and healthy"),
        (weak[weak["variable"] == "age"], "Shannon entropy by a model: its coefficient is not clear"),
    ):
        less = replace(results, tables={**results.tables, place: replace(results.tables[place], frame=kept)})
        assert next(f for f in walk(build(less), Figure) if f.key == "models").views[0].title == words
    table = shown(fake_results(), "models")
    assert set(column(table, "Residuals")) == {"Near normal; even spread", "Not normal; even spread"}
    told = " ".join(texts(panel(page, "diversity")))
    assert "chao1: the metric does not vary." in told


# ---------------------------------------------------------------- abundance
def test_taxa_stand_with_both_estimators_and_their_agreement() -> None:
    page = build(fake_results())
    one = panel(page, "abundance")
    views = {v.label: v for v in next(walk(one, Figure)).views}
    title = views["Abundance, patient minus healthy"].title
    assert title == "Abundance: 2 of 9 taxa differ clearly between patient and healthy by both estimators, 1 more by one only"
    table = shown(fake_results(), "abundance-table")
    assert {"clear by both estimators", "estimators disagree on the direction"} <= set(column(table, "Estimators"))
    details = {d.term: d.text for d in table.rows[0].details}
    assert "ANCOM-BC2" in details
    assert details["Found in"].startswith("90% of the samples in patient and 70% in healthy")
    told = " ".join(texts(one))
    for words in ("total bacterial load was not measured", "No pathogen is reported from a genus call", "names no cause", "q within"):
        assert words in told
    notes = [n.text for n in walk(one, Note)]
    assert "Structural zeros: never found in patient: Escherichia-Shigella. No ratio can be estimated for them." in notes


def test_why_no_abundance_was_compared_is_said() -> None:
    bare = build(fake_results(group=False))
    assert panel(bare, "abundance").absent == "Abundances were not compared: no group column was declared."
    results = fake_results()
    place = "comparison/abundance"
    table = results.tables[place]
    empty = replace(table, frame=table.frame.iloc[:0], record={**table.record, "absent": {"abundance": "the cohort has no lineages."}})
    page = build(replace(results, tables={**results.tables, place: empty}))
    assert panel(page, "abundance").absent == "Abundances were not compared: the cohort has no lineages."


def test_the_first_screen_says_of_taxa_and_of_change_at_most_one_sentence() -> None:
    sentences = [s for said in walk(panel(build(fake_results()), "overview"), Sentences) for s in said.items if s.link]
    about = {s.link.href: s.text for s in sentences if s.link}
    assert len(about) == len(sentences)
    expected = "Abundances differ: more Faecalibacterium; less Roseburia in patient than in healthy (2 of 9 taxa clear"
    assert about["#abundance"].startswith(expected)
    assert about["#longitudinal"].startswith("Over time, 2 of 4 tests of change are clear: Shannon entropy (week)")
    none = changed(fake_results(), "comparison/abundance", findings=[])
    told = " ".join(texts(panel(build(none), "overview")))
    assert "None of 9 taxa differs in abundance clearly" in told


# ---------------------------------------------------------------- over time
def test_trajectories_are_lines_of_groups_over_a_readable_number_of_subjects() -> None:
    figure = next(f for f in walk(build(fake_results()), Figure) if f.key == "trajectories")
    view = figure.views[0]
    assert view.title == "Shannon entropy over time: clear for week"
    strong = [t for t in view.data if t["mode"] == "lines+markers"]
    assert [t["name"] for t in strong] == ["healthy", "patient"]
    pale = [t for t in view.data if t["mode"] == "lines" and "text" in t]
    assert all(t["x"].count(None) <= paths.SHOWN for t in pale)
    assert "50 of 100, evenly spaced" in view.subtitle
    assert len(view.numbers.rows) == 6, "the numbers of the strong lines; the file holds every visit"
    assert figure.views[2].label == "Bray-Curtis to the own first sample"


def test_subjects_are_drawn_by_their_place_in_the_list_whatever_they_look_like() -> None:
    assert list(paths.drawn(range(1000)))[:3] == [0, 25, 50]
    assert len(paths.drawn(range(1000))) == paths.SHOWN
    assert list(paths.drawn(range(7))) == list(range(7))
    assert list(paths.drawn([])) == []


def test_only_subjects_with_several_visits_are_thinned_and_said_to_be_drawn() -> None:
    once, often = [(f"once{i}", [(0.0, 1.0)]) for i in range(151)], [(f"often{i}", [(0.0, 1.0), (1.0, 2.0)]) for i in range(27)]
    mixed = [s for i in range(151) for s in (once[i], *often[i : i + 1])]
    group = paths.Path("all", mixed, [(0.0, 1.0, 0.5, 1.5)])
    traces, _ = paths.chart([group], x_title="week", y_title="value")
    pale = next(t for t in traces if t["mode"] == "lines" and "text" in t)
    assert {w for w in pale["text"] if w} == {who for who, _ in often}
    assert longitudinal._pale([group]) == "Pale lines: single subjects; 27 of 178 subjects have more than one visit."
    many = paths.Path("more", [*once, *((f"m{i}", [(0.0, 1.0), (1.0, 2.0)]) for i in range(100))], [])
    assert longitudinal._pale([group, many]) == (
        "Pale lines: single subjects; 127 of 429 subjects have more than one visit, and 61 of these are drawn, evenly spaced in the order of their names."
    )
    assert longitudinal._pale([replace(group, subjects=often)]) == "Pale lines: single subjects."
    assert longitudinal._pale([replace(group, subjects=once)]).startswith("No subject has more than one visit")


def test_why_nothing_was_followed_is_said() -> None:
    results = fake_results()
    bare = replace(results, tables={k: t for k, t in results.tables.items() if "longitudinal" not in k})
    one = panel(build(bare), "longitudinal")
    assert one.absent == "Change over time was not assessed: no column of times was declared."


# ---------------------------------------------------------------- the text for a paper
def test_the_methods_tell_each_comparison_that_was_made_with_its_paper() -> None:
    told = " ".join(texts(panel(build(fake_results()), "methods")))
    for words in (
        "Differences in spread between groups were tested apart (dispersion around the spatial median; Anderson 2006).",
        "Legendre P, Anderson MJ (1999)",
        "beside it by ANCOM-BC2 (Lin and Peddada 2024)",
        "Zhou H, He K, Chen J, Zhang X (2022)",
        "MacKinnon JG, White H (1985)",
        "Laird NM, Ware JH (1982)",
        "Change over time was tested by F tests of mixed models with a random intercept by subject and Wilcoxon signed-rank (unit: subject).",
    ):
        assert words in told
    bare = " ".join(texts(panel(build(fake_results(group=False)), "methods")))
    for words in ("ANCOM", "Anderson", "Legendre", "Laird"):
        assert words not in bare


def test_hostile_names_in_the_new_figures_are_escaped() -> None:
    page = build(fake_results(hostile=True))
    assert page.broken == {}
    for figure in walk(page, Figure):
        if figure.key in {"abundance", "models", "constrained", "trajectories"}:
            for view in figure.views:
                labels = [view.layout["xaxis"]["title"]["text"], *view.layout["yaxis"].get("ticktext", ())]
                labels += [str(t.get("customdata", "")) for t in view.data]
                assert not any(bad in label for bad in HOSTILE[:3] for label in labels), figure.key


def test_a_difference_between_groups_that_is_always_there_is_not_told_as_change() -> None:
    results = fake_results()
    place = "comparison/longitudinal/tests"
    always = changed(results, place, group="week")  # as if the clear term were the groups
    figure = next(f for f in walk(build(always), Figure) if f.key == "trajectories")
    assert figure.views[0].title == "Shannon entropy over time: its test is not clear"
    told = " ".join(texts(panel(build(always), "overview")))
    assert "Over time, none of 2 tests of change is clear." in told


def test_distances_of_a_subsample_are_said_to_be_and_r2_of_all_samples_stands_beside_with_its_interval() -> None:
    place = "comparison/permanova/braycurtis"
    results = changed(fake_results(), place, subsample={"samples": 500, "of": 90_000}, notes=["This rests on 500 of 90,000 samples."])
    table = results.tables[place]
    frame = table.frame.assign(r2_all=0.0384, r2_low=0.0342, r2_high=0.0423)
    results = replace(results, tables={**results.tables, place: replace(table, frame=frame)})
    assert "0.0384 (0.0342 to 0.0423)" in column(shown(results, "permanova"), "R² of all samples (95% CI)")
    notes = [n.text for n in walk(build(results), Note) if n.kind == "caution"]
    assert notes.count("This rests on 500 of 90,000 samples.") == 1
    assert "R² of all samples (95% CI)" not in [c.label for c in shown(fake_results(), "permanova").columns]
