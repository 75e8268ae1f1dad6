"""A reference of several studies: calibrated on simulated studies, written, read back, and held against local controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gutdiv.errors import InputError
from gutdiv.io.artifacts import read_reference, write_reference
from gutdiv.numerics.portable_form import model_content, model_from, rounded, tables_content, tables_from
from gutdiv.numerics.portable_score import (
    MAP_SHARES,
    Model,
    People,
    Table,
    components,
    control_components,
    fit_model,
    judge_controls,
    judge_new,
)
from gutdiv.reference.calibration import calibrate
from gutdiv.reference.check import check_portable
from gutdiv.reference.portable import Study, build_portable
from gutdiv.reference.wording import lines_of

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("Faecalibacterium", "Enterobacteriaceae", "Blautia", "Rikenellaceae", "other")


def study(rng: np.random.Generator, n: int, p: int = 4) -> People:
    """Draw a study with a shift and a scale of its own."""
    scale = np.exp(rng.normal(0, 0.15))
    return People(
        rng.normal(2.2, 0.3) + 0.4 * scale * rng.standard_normal(n),
        rng.normal(0, 0.5, size=p) + scale * rng.standard_normal((n, p)),
        rng.normal(-3.5, 0.3) + 0.7 * scale * rng.standard_normal(n),
    )


@pytest.fixture(scope="module")
def studies() -> dict[str, People]:
    rng = np.random.default_rng(1)
    return {f"study_{k}": study(rng, n) for k, n in enumerate((60, 90, 70, 55, 80, 65))}


@pytest.fixture(scope="module", params=[False, True], ids=["v0", "robust"])
def fitted(request: pytest.FixtureRequest, studies: dict[str, People]) -> tuple[Model, dict[int, Table], bool]:
    robust = bool(request.param)
    return fit_model(list(studies.values())), calibrate(studies, {}, robust=robust, seed=3, grid=(0, 10, 20), draws=4), robust


def test_false_alarms_in_new_studies_are_near_the_level(fitted: tuple[Model, dict[int, Table], bool]) -> None:
    model, tables, robust = fitted
    rng = np.random.default_rng(20)
    rate = []
    for _ in range(20):
        new = study(rng, 80)
        p = judge_new(model, tables, new.take(np.arange(20, 80)), new.take(np.arange(20)), robust=robust)
        rate.append(np.mean(p <= 0.05))
    # 20 studies of 60 people: 5 % with a standard error of about .8 %
    assert np.mean(rate) == pytest.approx(0.05, abs=0.025)


def test_a_sick_person_is_outside_and_the_order_of_controls_does_not_count(fitted: tuple[Model, dict[int, Table], bool]) -> None:
    model, tables, robust = fitted
    new = study(np.random.default_rng(30), 30)
    sick = People(new.shannon[:1] - 2.5, new.composition[:1] + 4, new.mdi[:1] + 4)
    controls = np.arange(10, 30)
    p = judge_new(model, tables, sick, new.take(controls), robust=robust)
    assert p[0] < 0.01
    turned = judge_new(model, tables, sick, new.take(controls[::-1]), robust=robust)
    assert turned == pytest.approx(p, rel=1e-9)


def test_one_absurd_control_hides_sick_people_unless_controls_are_weighed(fitted: tuple[Model, dict[int, Table], bool]) -> None:
    model, tables, robust = fitted
    new = study(np.random.default_rng(31), 60)
    controls = new.take(np.arange(20))
    clean = judge_new(model, tables, new.take(np.arange(20, 60)), controls, robust=robust)
    spoiled = People(controls.shannon.copy(), controls.composition.copy(), controls.mdi.copy())
    spoiled.shannon[0], spoiled.composition[0], spoiled.mdi[0] = 0.1, 8.0, 4.0
    p = judge_new(model, tables, new.take(np.arange(20, 60)), spoiled, robust=robust)
    moved = np.abs(p - clean)[clean < 0.1].max(initial=0.0)
    assert moved <= 0.04 if robust else moved > 0.04  # the bound named in the design


def test_the_p_map_rises_and_stays_within_one(fitted: tuple[Model, dict[int, Table], bool]) -> None:
    _, tables, robust = fitted
    p = np.linspace(1e-4, 1, 500)
    mapped = tables[20].mapped(p)
    assert (np.diff(mapped) >= 0).all()
    assert mapped.max() <= 1
    assert (tables[20].p_map is not None) == robust
    assert tables[0].p_map is None
    if robust:
        assert tables[20].mapped(tables[20].p_map[5:6]) == pytest.approx(MAP_SHARES[5:6], rel=1e-6)


def test_a_held_out_map_differs_from_the_replayed_one_only_in_the_map(studies: dict[str, People]) -> None:
    made = {m: calibrate(studies, {}, robust=True, mapping=m, seed=3, grid=(10,), draws=3)[10] for m in ("replayed", "held out")}
    none = calibrate(studies, {}, robust=True, mapping="none", seed=3, grid=(10,), draws=3)[10]
    assert none.p_map is None
    for table in made.values():
        assert all((table.tails[c] == none.tails[c]).all() for c in none.tails)
        assert (table.score.residuals == none.score.residuals).all()
        assert (np.diff(table.p_map) >= 0).all()
    assert (made["replayed"].p_map != made["held out"].p_map).any()


def test_controls_of_a_study_are_held_against_the_others_one_by_one(fitted: tuple[Model, dict[int, Table], bool]) -> None:
    model, _, robust = fitted
    for n in (3, 6, 15):
        controls = study(np.random.default_rng(33), n)
        own = control_components(model, controls, robust=robust)
        every = np.arange(n)
        for i in range(n):
            alone = components(model, controls.take(every[i : i + 1]), controls.take(np.delete(every, i)), robust=robust)
            assert own[i : i + 1] == pytest.approx(alone, rel=1e-9, abs=1e-9)
    assert control_components(model, controls.take(every[:0]), robust=robust).shape == (0, 3)


def test_content_gives_the_model_and_tables_back_to_five_digits(fitted: tuple[Model, dict[int, Table], bool]) -> None:
    model, tables, robust = fitted
    new = study(np.random.default_rng(32), 60)
    tested, controls = new.take(np.arange(20, 60)), new.take(np.arange(20))
    p = judge_new(model, tables, tested, controls, robust=robust)
    names = [f"study_{k}" for k in range(6)]
    back = judge_new(model_from(model_content(model, names)), tables_from(tables_content(tables)), tested, controls, robust=robust)
    assert back == pytest.approx(p, abs=2e-3)
    assert rounded([1.234567, -0.000123456]) == [1.2346, -0.00012346]


def test_controls_are_judged_without_themselves(fitted: tuple[Model, dict[int, Table], bool]) -> None:
    model, tables, robust = fitted
    controls = study(np.random.default_rng(33), 21)
    p = judge_controls(model, tables, controls, robust=robust)
    rest = np.delete(np.arange(21), 4)
    alone = judge_new(model, tables, controls.take(np.array([4])), controls.take(rest), robust=robust)
    # the components are the same; the score is shrunk by scores that each leave one more control out here
    assert p[4] == pytest.approx(alone[0], abs=0.05)


def as_study(name: str, people: People, **more: frozenset[str]) -> Study:
    metrics = {1000: {"Shannon": people.shannon, "clr:Blautia": people.composition[:, 2]}}
    facts = {"citation": "nobody 2000"}
    return Study(name, metrics, {1000: {"clr:Blautia": 0.9}}, people, more.get("shared", frozenset()), facts, people.size + 5)


def test_a_reference_of_studies_is_one_file_without_values_of_people(studies: dict[str, People], tmp_path: Path) -> None:
    given = [as_study(name, people) for name, people in studies.items()]
    rules = [{"part": p, "rank": "genus", "name": p} for p in PARTS]
    options = {"name": "r", "depth": 1000, "parts": PARTS, "rules": rules, "index": (("a",), ("b",)), "scales": {"clr": "clr"}, "seed": 1}
    made = build_portable(given, method="v0", **options)  # type: ignore[arg-type]
    write_reference(tmp_path / "r.json", made)
    back = read_reference(tmp_path / "r.json")
    assert back.portable == made.portable
    assert (back.n_subjects, back.n_samples) == (420, 450)
    text = (tmp_path / "r.json").read_text()
    assert repr(float(studies["study_0"].shannon[0])) not in text
    assert made.portable["metrics"]["1000"]["clr:Blautia"]["prevalence"] == [0.9] * 6
    assert set(made.portable["verdict"]["n"]) == {"0", "5", "10", "15", "20", "30", "40", "60"}
    assert "60" not in [n for n, t in made.portable["verdict"]["n"].items() if "study_3" in t["studies"]]  # 55 people
    printed = "\n".join(lines_of(back))
    assert "Shannon at 1,000 reads, 6 studies" in printed
    local = study(np.random.default_rng(40), 40)
    found = check_portable(back, {"Shannon": local.shannon}, local)
    assert found["metric"].tolist() == ["portable score", "Shannon"]
    assert found["verdict"][0] == "compatible"
    sick = People(local.shannon - 2.5, local.composition, local.mdi)
    assert check_portable(back, {"Shannon": sick.shannon}, sick)["verdict"][1] == "too narrow"


def test_too_few_studies_or_people_are_refused(studies: dict[str, People]) -> None:
    options = {"name": "r", "depth": 1000, "parts": PARTS, "rules": [], "index": ((), ()), "scales": {}, "seed": 1}
    few = [as_study(n, p) for n, p in list(studies.items())[:3]]
    with pytest.raises(InputError, match="needs 4"):
        build_portable(few, method="v0", **options)  # type: ignore[arg-type]
    small = [*few, as_study("tiny", studies["study_0"].take(np.arange(12)))]
    with pytest.raises(InputError, match=r"tiny \(12\): fewer than 30 people"):
        build_portable(small, method="v0", **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no method 'best'"):
        build_portable(few, method="best", **options)  # type: ignore[arg-type]
