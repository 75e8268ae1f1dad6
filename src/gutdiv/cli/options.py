"""Options that several commands share, so that they are spelled and explained once."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

DEFAULT_SEED = 42


def add_cohort(parser: argparse.ArgumentParser) -> None:
    """Add `--cohort`."""
    parser.add_argument("--cohort", type=Path, required=True, metavar="C", help="cohort.json, as `gutdiv cohort build` writes it")


def add_output(parser: argparse.ArgumentParser, what: str, *, metavar: str = "FILE") -> None:
    """Add `--output`."""
    parser.add_argument("--output", type=Path, required=True, metavar=metavar, help=what)


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add `--seed`."""
    parser.add_argument("--seed", type=seed, default=DEFAULT_SEED, metavar="S", help="seed of all random draws (default: %(default)s)")


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add `--subject`."""
    parser.add_argument(
        "--subject", metavar="COL", help="metadata column that tells which samples are of one subject (default: as in the cohort)"
    )


def add_depth(parser: argparse.ArgumentParser) -> None:
    """Add `--depth`."""
    parser.add_argument(
        "--depth",
        type=depth,
        default="auto",
        metavar="auto|none|N",
        help="reads to which every sample is rarefied: chosen from the cohort (auto), not at all (none), or a number (default: %(default)s)",
    )


def add_level(parser: argparse.ArgumentParser) -> None:
    """Add `--level`."""
    parser.add_argument("--level", choices=("feature", "genus"), default="feature", help="count features or genera (default: %(default)s)")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument("--threads", type=positive, metavar="T", help="threads (default: all)")


def take_threads(count: int | None) -> None:
    """Use so many threads, where a number is given."""
    from gutdiv.numerics.jit import use_threads

    if count:
        use_threads(count)


def seed(text: str) -> int:
    """Read a seed: a whole number from 0 to 2**63 - 1."""
    return _whole(text, 0, 2**63 - 1)


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    return _whole(text, 1, 2**31 - 1)


def not_negative(text: str) -> int:
    """Read a whole number from 0 on."""
    return _whole(text, 0, 2**31 - 1)


def power(text: str) -> tuple[str, float]:
    """Read `METRIC=POWER`, or tell argparse what was expected."""
    return pair(text, "METRIC=POWER, as in shannon=2")


def pair(text: str, expected: str) -> tuple[str, float]:
    """Read `NAME=NUMBER`, or tell argparse what was expected."""
    name, _, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not name or not math.isfinite(value):
        msg = f"{text!r} is not {expected}"
        raise argparse.ArgumentTypeError(msg)
    return name, value


def depth(text: str) -> str | int:
    """Read `auto`, `none` or a number of reads."""
    return text if text in ("auto", "none") else _whole(text, 1, 2**31 - 1)


def _whole(text: str, low: int, high: int) -> int:
    """Read a whole number within limits, or tell argparse what was expected."""
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        msg = f"{text!r} is not a whole number from {low} to {high}"
        raise argparse.ArgumentTypeError(msg)
    return value
