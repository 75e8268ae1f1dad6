"""What each result was made of, as the records say, and the software beside it."""

from __future__ import annotations

from dataclasses import replace

from fake_results import fake_results
from test_content import walk

from gutdiv.report import provenance
from gutdiv.report.content import build
from gutdiv.report.parts import DataTable, Figure


def test_results_are_traced_to_what_their_records_name_with_all_distances_as_one() -> None:
    results = fake_results()
    places = {
        "diversity/alpha": [("cohort", "cohort.json")],
        "comparison/permanova/braycurtis": [("distances", "braycurtis.h5"), ("metadata", "metadata.tsv")],
        "comparison/permanova/jaccard": [("distances", "jaccard.h5"), ("metadata", "metadata.tsv")],
        "immune/links": [("cohort", "cohort.json"), ("knowledge", "own.tsv")],
    }
    table = results.tables["diversity/alpha"]
    tables = {p: replace(table, record={"inputs": [{"role": r, "name": n} for r, n in inputs]}) for p, inputs in places.items()}
    cohort = {**results.cohort, "inputs": [{"role": "table", "name": "table.biom"}]}
    assert provenance.made_of(replace(results, tables=tables, cohort=cohort, reference=None)) == {
        "cohort/cohort": ("table.biom",),
        "comparison/permanova": ("diversity/distances", "cohort/cohort"),
        "diversity/alpha": ("cohort/cohort",),
        "immune/links": ("cohort/cohort", "own.tsv"),
        "diversity/distances": ("cohort/cohort",),
    }


def test_the_software_is_listed_where_it_is_known() -> None:
    bare = [s.key for s in provenance.sections(fake_results())]
    assert "software" not in bare
    known = {s.key: s for s in provenance.sections(replace(fake_results(), software={"gutdiv": "1.2", "numpy": "9.9"}))}
    (table,) = known["software"].parts
    assert isinstance(table, DataTable)
    assert [[c.text for c in row.cells] for row in table.rows] == [["gutdiv", "1.2"], ["numpy", "9.9"]]
    assert isinstance(known["workflow"].parts[0], Figure)


def test_files_that_later_steps_read_stand_with_the_inputs_and_no_two_results_have_one_name() -> None:
    results = fake_results()
    table = results.tables["dysbiosis/verdicts"]
    read = [{"role": "published", "name": "healthy_reference.json", "sha256": "ab"}, {"role": "cohort", "name": "cohort.json", "sha256": "cd"}]
    read += [{"role": "knowledge", "name": "own.tsv", "sha256": digest} for digest in ("01", "02", "01")]
    results = replace(results, tables={**results.tables, "dysbiosis/verdicts": replace(table, record={**table.record, "inputs": read})})
    listed = next(t for t in walk(build(results), DataTable) if t.key == "inputs")
    rows = [[c.text for c in r.cells] for r in listed.rows]
    assert ["reference of published healthy groups", "healthy_reference.json", "\N{EN DASH}", "ab"] in rows
    assert [r[-1] for r in rows if "own.tsv" in r] == ["01", "02"], "of one name, but not the same"
    assert "cohort.json" not in [r[1] for r in rows], "a result is no input"
    edges = {"diversity/alpha": ("cohort/cohort",), "comparison/alpha": ("diversity/alpha",)}
    assert [provenance._word(key) for key in edges] == ["alpha diversity", "tests of alpha diversity"]
