"""A study of more samples than a page can hold: those that stand out are shown, the others by a share, and all are counted."""

from __future__ import annotations

import pandas as pd
import pytest
from fake_results import fake_results

from gutdiv.model.cohort import SampleMetadata
from gutdiv.model.results import TABLES, Results, Table
from gutdiv.report import shown
from gutdiv.report.content import build
from gutdiv.report.parts import Figure, Note


def results(n: int, outside: int) -> Results:
    ids = tuple(f"s{i:04d}" for i in range(n))
    own = {"sample_id": ids, "verdict": ["outside"] * outside + ["within"] * (n - outside), "p": [i / n for i in range(n)]}
    table = Table("verdicts", pd.DataFrame({c: own.get(c, [""] * n) for c in TABLES["verdicts"]}))
    return Results("big", {"dysbiosis/verdicts": table}, {}, SampleMetadata(ids, {}, {}), None)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FROM": 100, "MOST": 60, "FOREMOST": 40}.items():
        monkeypatch.setattr(shown, name, value)
    monkeypatch.setattr(shown, "thinned", shown.thinned.__wrapped__)


def test_all_samples_of_a_usual_study_are_shown(narrow: None) -> None:
    given = results(100, 50)
    assert shown.thinned(given) is given
    assert shown.note(given) == ""


@pytest.mark.parametrize(("outside", "kept"), [(10, 10), (90, 40)])
def test_samples_that_stand_out_come_first_and_a_share_of_the_others_fills_the_page(narrow: None, outside: int, kept: int) -> None:
    given = results(300, outside)
    found = shown.thinned(given).metadata
    assert found is not None
    assert len(found.ids) == 60
    assert set(given.metadata.ids[:kept]) <= set(found.ids)
    assert list(found.ids) == sorted(found.ids), "in the order of the metadata"
    assert shown.note(given).startswith("The page shows 60 of 300 samples one by one")


def test_a_picture_of_a_distribution_is_drawn_without_regard_to_what_stands_out(narrow: None) -> None:
    rows = [{"sample_id": f"s{i:04d}", "value": i} for i in range(300)]
    found = shown.evenly(results(300, 150), rows)
    assert len(found) == 60
    assert 15 < sum(int(r["value"]) < 150 for r in found) < 45
    assert shown.evenly(results(100, 50), rows[:100]) == rows[:100]


def test_a_page_of_some_samples_says_which_beside_every_picture_of_single_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FROM": 20, "MOST": 12, "FOREMOST": 4}.items():
        monkeypatch.setattr(shown, name, value)
    shown.thinned.cache_clear()
    page = build(fake_results(n=24))
    shown.thinned.cache_clear()
    assert page.broken == {}
    assert page.samples is not None
    assert len(page.samples.samples) == 12
    for panel in ("diversity", "dysbiosis"):
        sections = next(p for p in page.panels if p.key == panel).sections
        notes = [p.text for s in sections for p in s.parts if isinstance(p, Note)]
        assert [t for t in notes if t.startswith("The page shows 12 of 24 samples one by one")], panel
    drawn = [v for p in page.panels for s in p.sections for f in s.parts if isinstance(f, Figure) and f.key == "ordination" for v in f.views]
    assert {len(v.numbers.rows) for v in drawn} == {12}
