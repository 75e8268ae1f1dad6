"""Colours can be read: contrast by the formula of WCAG 2.2, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gutdiv.report

TEXT = ("ink", "ink-2", "ink-3", "accent", "outside", "borderline", "within", "above", "not-assessable")
SERIES = tuple(f"s{i}" for i in range(1, 9))
GROUNDS = ("bg", "surface", "sunken", "alert-bg", "caution-bg")


def themes() -> dict[str, dict[str, str]]:
    """Read the tokens of the light theme, of the dark one as chosen, and of the dark one as the system asks for it."""
    css = (Path(gutdiv.report.__file__).parent / "assets" / "tokens.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", css)
    assert len(blocks) == 3
    return dict(zip(("light", "dark", "system dark"), (dict(re.findall(r"--([a-z0-9-]+):\s*([^;]+);", b)) for b in blocks), strict=True))


def luminance(colour: str) -> float:
    """Return the relative luminance (0 to 1) of `#rrggbb`."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """Return the contrast ratio, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_known_ends() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the usual example of a grey that just fails


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("token", TEXT)
def test_text_reaches_4_5_to_1(theme: str, ground: str, token: str) -> None:
    tokens = themes()[theme]
    assert contrast(tokens[token], tokens[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("token", SERIES)
def test_series_reach_3_to_1(theme: str, token: str) -> None:
    tokens = themes()[theme]
    for ground in ("bg", "surface"):
        assert contrast(tokens[token], tokens[ground]) >= 3


def test_the_chosen_token_text_on_its_ground_reaches_4_5_to_1() -> None:
    for theme in ("light", "dark"):
        tokens = themes()[theme]
        assert contrast(tokens["accent"], tokens["accent-soft"]) >= 4.5


def test_dark_is_the_same_whether_chosen_or_asked_for_by_the_system() -> None:
    read = themes()
    assert read["dark"] == read["system dark"]
    assert read["light"].keys() >= read["dark"].keys()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_shades_of_a_heatmap_go_one_way_and_none_stands_apart_from_few(theme: str) -> None:
    tokens = themes()[theme]
    ramp = [luminance(tokens[f"heat-{k}"]) for k in ("none", "low", "middle", "high")]
    assert ramp == sorted(ramp, reverse=theme == "light")
    assert contrast(tokens["heat-none"], tokens["heat-low"]) >= 1.5
    assert contrast(tokens["heat-low"], tokens["heat-high"]) >= 5
    for ground in ("bg", "surface"):
        assert contrast(tokens["heat-point"], tokens[ground]) >= 3, "points along a scale of numbers can be seen at its pale end"
        assert contrast(tokens["heat-high"], tokens[ground]) >= 3
