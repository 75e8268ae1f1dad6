"""The course of a group over time: medians over subjects, each counted once in an interval."""

from __future__ import annotations

import pandas as pd
import pytest

from gutdiv.comparison.courses import group_courses


def visits(*rows: tuple[str, float, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject", "time", "group", "value"]).assign(metric="shannon")


def test_medians_and_quartiles_over_subjects_by_hand() -> None:
    frame = visits(*((f"p{i}", t, "a", float(i + t)) for i in range(5) for t in (0.0, 7.0)))
    first, second = group_courses(frame, by_group=True)
    assert first == {"metric": "shannon", "group": "a", "time": 0.0, "n": 5, "median": 2.0, "low": 1.0, "high": 3.0}
    assert (second["time"], second["median"]) == (7.0, 9.0)


def test_a_subject_with_many_samples_in_an_interval_counts_once() -> None:
    times = [k / 10 for k in range(200)]  # more than twelve times: gathered into intervals
    frame = visits(*(("often", t, "a", 100.0) for t in times), *((p, t, "a", 1.0) for p in ("x", "y", "z") for t in times[::20]))
    found = group_courses(frame, by_group=True)
    assert len(found) > 1
    for course in found:
        assert course["n"] <= 4
        assert course["median"] == 1.0, "one of four subjects moves no median, however often it was sampled"


def test_groups_of_fewer_than_three_subjects_have_no_course_and_groups_can_be_left_aside() -> None:
    frame = visits(*((f"p{i}", 0.0, "a" if i < 2 else "b", float(i)) for i in range(5)))
    assert [c["group"] for c in group_courses(frame, by_group=True)] == ["b"]
    (course,) = group_courses(frame, by_group=False)
    assert (course["group"], course["n"], course["median"]) == ("", 5, 2.0)


@pytest.mark.parametrize("by_group", [True, False])
def test_the_order_of_rows_does_not_matter(by_group: bool) -> None:
    frame = visits(*((f"p{i}", float(t), "ab"[i % 2], float(i * t % 7)) for i in range(12) for t in range(20)))
    assert group_courses(frame, by_group=by_group) == group_courses(frame.sample(frac=1, random_state=1), by_group=by_group)


def test_no_visits_have_no_course() -> None:
    assert group_courses(visits(), by_group=True) == []
