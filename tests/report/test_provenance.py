"""What each result was made of, as the records say, and the software beside it."""

from __future__ import annotations

from dataclasses import replace

from fake_results import fake_results

from gutdiv.report import provenance
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
