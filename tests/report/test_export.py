"""The numbers of figures, a table for MultiQC, and a page without names."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from fake_results import fake_results
from fake_tables import HOSTILE
from test_cli import written

from gutdiv.cli.app import main
from gutdiv.io.artifacts import read_rows
from gutdiv.model.results import TABLES, Table
from gutdiv.report import export
from gutdiv.report.anonymous import anonymised
from gutdiv.report.content import build
from gutdiv.report.export import figure_data, multiqc
from gutdiv.report.render import render

if TYPE_CHECKING:
    from pathlib import Path


def test_the_numbers_of_every_view_are_rows_with_their_full_precision() -> None:
    results = fake_results(n=12)
    files = figure_data(build(results))
    header, rows = files["alpha_shannon.tsv"]
    assert "Sample" in header
    shannon = results.tables["diversity/alpha"].frame.query("metric == 'shannon'").set_index("sample_id")["value"]
    at = next(i for i, h in enumerate(header) if h.startswith("Shannon"))
    assert {r[header.index("Sample")]: r[at] for r in rows} == shannon.astype(object).where(shannon.notna(), "").to_dict()
    assert {"composition_genus.tsv", "verdict_counts.tsv"} <= set(files)


def test_file_names_hold_nothing_hostile_and_no_two_are_one() -> None:
    files = figure_data(build(fake_results(n=24, hostile=True)))
    assert all(f.removesuffix(".tsv").replace("_", "").isalnum() and len(f) < 100 for f in files)
    assert len({f.lower() for f in files}) == len(files)


def test_the_command_writes_data_and_takes_away_what_an_earlier_page_left(tmp_path: Path) -> None:
    folder, data = written(fake_results(n=12), tmp_path / "r"), tmp_path / "data"
    data.mkdir()
    (data / "old.tsv").write_text("x", encoding="utf-8")
    words = ["report", "--results", str(folder), "--output", str(tmp_path / "p.html"), "--data", str(data)]
    assert main([*words, "--multiqc", str(tmp_path / "a_mqc.json")]) == 0
    assert not (data / "old.tsv").exists()
    header, rows = read_rows(data / "verdict_counts.tsv")
    assert header[0] == "Samples"
    assert len(rows) == 2
    found = json.loads((tmp_path / "a_mqc.json").read_text(encoding="utf-8"))
    assert found["plot_type"] == "table"
    assert set(found["data"]) == {f"S{i:03d}" for i in range(12)}
    assert found["data"]["S000"]["verdict"] in {"within", "borderline", "outside", "not assessable"}
    assert main([*words, "--multiqc", str(tmp_path / "a.json")]) == 2, "MultiQC would not find it"


def test_multiqc_holds_every_sample_whatever_is_missing() -> None:
    assert multiqc(fake_results(n=12, controls=False, hostile=False))["data"]["S001"]["verdict"] == "not assessable"


def test_multiqc_gets_rows_of_groups_where_samples_are_more_than_its_page_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    results = fake_results(n=24)
    single = multiqc(results)["data"]
    monkeypatch.setattr(export, "MULTIQC_ROWS", 23)
    found = multiqc(results)
    column, groups = results.cohort["roles"]["group"], dict(zip(results.metadata.ids, results.metadata.columns[results.cohort["roles"]["group"]], strict=True))
    assert set(found["data"]) == {"all samples"} | {f"{column}: {g}" for g in set(groups.values())}
    for group in set(groups.values()):
        own, row = [single[s] for s in single if groups[s] == group], found["data"][f"{column}: {group}"]
        assert row["samples"] == len(own)
        assert row["shannon"] == pd.Series([v.get("shannon") for v in own], dtype=float).median()
        assert row["outside"] == sum(v["verdict"] == "outside" for v in own)
    assert found["data"]["all samples"]["samples"] == 24
    assert "Of 24 samples, medians and counts by group" in found["description"]
    assert set(found["headers"]) >= set(found["data"]["all samples"])
    monkeypatch.setattr(export, "MULTIQC_ROWS", 24)
    assert multiqc(results)["data"] == single


@pytest.mark.parametrize("hostile", [False, True])
def test_an_anonymised_page_names_no_sample_and_no_subject(hostile: bool) -> None:
    results = fake_results(n=24, hostile=hostile)
    names = set(results.metadata.ids) if not hostile else {HOSTILE[0]}
    page = build(anonymised(results))
    assert page.broken == {}
    text = render(page) if not hostile else ""
    for name in [] if hostile else sorted(names):
        assert f'"{name}"' not in text
        assert f">{name}<" not in text
    shown = anonymised(results)
    assert not set(shown.metadata.ids) & set(results.metadata.ids)
    assert all(c is None or c.startswith("person ") for c in shown.metadata.columns["subject"])
    assert all(re.fullmatch(r"sample \d+", s) for s in shown.metadata.ids)
    assert list(shown.metadata.ids) != sorted(shown.metadata.ids), "the order of the names is not that of the numbers"


def test_names_that_a_cell_lists_and_columns_that_count_people_stay_out_of_an_anonymised_page() -> None:
    results = fake_results(n=24)
    ids = results.metadata.ids
    frame = pd.DataFrame({"sample_id": list(ids), "nearest": [json.dumps([[i, 0.1]]) for i in reversed(ids)]})
    columns = {"visit_number": tuple(str(2_003_650 + k) for k in range(24)), "mass": tuple(f"{60 + k / 7:.3f}" for k in range(24))}
    metadata = dataclasses.replace(
        results.metadata,
        columns={**results.metadata.columns, **columns},
        kinds={**results.metadata.kinds, **dict.fromkeys(columns, "numeric")},
    )
    frame = frame.reindex(columns=[*TABLES["explanations"]])
    tables = {**results.tables, "dysbiosis/explanations": Table("explanations", frame, {})}
    shown = anonymised(dataclasses.replace(results, tables=tables, metadata=metadata))
    listed = " ".join(shown.tables["dysbiosis/explanations"].frame["nearest"])
    assert not [i for i in ids if i in listed]
    assert listed.count("sample ") == 24
    assert "visit_number" not in shown.metadata.columns
    assert shown.metadata.columns["mass"] == columns["mass"]
