"""How numbers, names and lists are written for people."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

CUTOFFS = (0.01, 0.025, 0.05, 0.1, 0.2)  # of p and q
MINUS, TIMES, NBSP = "\u2212", "\u00d7", "\u00a0"
NONE = "\u2013"  # shown where a value is not defined
_BIDI = frozenset({"R", "AL", "RLE", "RLO", "LRE", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"})
_TICKED = re.compile(r"`([A-Za-z]\w*)`")
_SPACED = re.compile(r"(?<=\d) %(?!\w)")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, pandas' NA or an empty text."""
    if value is None or isinstance(value, str):
        return not value
    return bool(value != value) if isinstance(value, float) else type(value).__name__ in {"NAType", "NaTType"}


def name(text: Any, *, limit: int | None = None) -> str:
    """Write a name given by the user: controls replaced, cut at `limit`, direction isolated where it could disturb its neighbours.

    Escaping for HTML is the template's work; this only makes the text safe to stand inside a sentence.
    """
    raw = "" if missing(text) else str(text)
    if raw.isascii() and raw.isprintable() and (limit is None or len(raw) <= limit):
        return raw
    return _safe(raw, limit)


@lru_cache(maxsize=1 << 12)
def _safe(raw: str, limit: int | None) -> str:
    """Replace what may disturb, cut and isolate."""
    clean = "".join(_visible(c) for c in raw)
    if limit is not None and len(clean) > limit:
        clean = clean[: limit - 1] + "…"
    if any(unicodedata.bidirectional(c) in _BIDI for c in clean):
        clean = "".join(c for c in clean if unicodedata.category(c) != "Cf" or unicodedata.bidirectional(c) not in _BIDI)
        return f"\u2068{clean}\u2069"
    return clean


def _visible(char: str) -> str:
    """Replace what no page can hold or show: controls by a space, lone surrogates and non-characters by the replacement mark."""
    category = unicodedata.category(char)
    if category == "Cc":
        return " "
    return "\ufffd" if category == "Cs" or ord(char) & 0xFFFE == 0xFFFE else char


def number(value: Any, *, digits: int = 3) -> str:
    """Write a number with this many significant digits, thousands apart, a true minus sign; undefined is a dash."""
    if missing(value):
        return NONE
    x = float(value)
    if not math.isfinite(x):
        return "\u221e" if x > 0 else f"{MINUS}\u221e"
    if x == 0:
        return "0"
    exponent = math.floor(math.log10(abs(x)))
    rounded = round(x, digits - 1 - exponent)
    if rounded == 0:
        return "0"
    exponent = math.floor(math.log10(abs(rounded)))
    if exponent < -4:
        return power(x, digits=digits)
    return f"{rounded:,.{max(0, digits - 1 - exponent)}f}".replace("-", MINUS)


VANISHING = f"<{NBSP}10{'-300'.translate(_SUPERSCRIPT)}"  # a p-value that is too small for a number is none of zero


def power(value: float, *, digits: int = 2) -> str:
    """Write a very small number as 1.2 times ten to the minus five, with superscripts."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}{NBSP}{TIMES}{NBSP}10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", MINUS)


def decimals(value: Any, *, digits: int = 2) -> int:
    """Return how many decimals show `digits` significant digits of a value: an effect and its interval are then written alike."""
    if missing(value) or not math.isfinite(float(value)) or float(value) == 0:
        return digits
    return max(0, digits - 1 - math.floor(math.log10(abs(float(value)))))


def fixed(value: Any, places: int = 2) -> str:
    """Write a number with a fixed count of decimals and a true minus sign; undefined is a dash."""
    if missing(value) or not math.isfinite(float(value)):
        return number(value)
    text = f"{float(value):,.{places}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else text.lstrip("-")


def signed(value: Any, places: int = 2) -> str:
    """Write a number with a fixed count of decimals and its sign, also where it is positive."""
    text = fixed(value, places)
    return f"+{text}" if not missing(value) and float(value) > 0 else text


def integer(value: Any) -> str:
    """Write a count with thousands apart."""
    return NONE if missing(value) else f"{round(float(value)):,}".replace("-", MINUS)


def percent(share: Any, *, digits: int = 2) -> str:
    """Write a share (0 to 1) as a percentage."""
    if missing(share):
        return NONE
    x = 100 * float(share)
    return f"{number(x, digits=max(digits, 3 if abs(x) >= 99.5 else digits))}%"


def p_value(value: Any) -> str:
    """Write a p- or q-value: two significant digits, more where they would hide that it lies above a usual cut-off, powers of ten where it is small."""
    if missing(value):
        return NONE
    x = float(value)
    if x <= 0:
        return VANISHING
    if math.floor(math.log10(x)) < -4:
        return power(x)
    digits = next((d for d in range(2, 8) if not any(x > cut >= float(f"{x:.{d}g}") for cut in CUTOFFS)), 8)
    text = number(x, digits=digits)
    return text[:-1] if text.endswith("0") and len(text) > 4 else text


def equals(symbol: str, value: Any) -> str:
    """Write `p = 0.012`, or `p not defined`."""
    if missing(value):
        return f"{symbol} not defined"
    told = p_value(value)
    return f"{symbol}{NBSP}{told}" if told == VANISHING else f"{symbol}{NBSP}={NBSP}{told}"


def span(low: Any, high: Any, *, places: int | None = None) -> str:
    """Write a range: `1.2 to 3.4`, with three significant digits or a fixed count of decimals."""
    if missing(low) or missing(high):
        return NONE
    return f"{number(low)} to {number(high)}" if places is None else f"{fixed(low, places)} to {fixed(high, places)}"


def listing(items: Sequence[str], *, limit: int = 6, last: str = "and") -> str:
    """Write `a, b and c`; more than `limit` are counted: `a, b and 7 more`."""
    shown = list(items)
    if len(shown) > limit:
        rest = len(shown) - (limit - 1)
        return f"{', '.join(shown[: limit - 1])} {last} {rest:,} more"
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def plural(count: Any, noun: str, *, many: str = "") -> str:
    """Write `1 sample`, `3 samples`, `2 taxa`."""
    return f"{integer(count)} {noun if count == 1 else many or noun + 's'}"


def tidy(text: Any) -> str:
    """Write percentages and comparisons of a text that gutdiv's stages worded as all of the page does: `90 %` as `90%`, `<=` as a sign."""
    return _SPACED.sub("%", str(text)).replace("<=", "\u2264").replace(">=", "\u2265")


def sentence(text: str) -> str:
    """Make a clause a sentence: a capital first and one full stop last."""
    clean = text.strip()
    if not clean:
        return ""
    return clean[0].upper() + clean[1:] + ("" if clean[-1] in ".!?…" else ".")


def capital(text: str) -> str:
    """Write the first letter large."""
    return text[:1].upper() + text[1:]


def quoted(text: Any, *, limit: int = 200) -> str:
    """Write an expression of the user's in single quotation marks; columns whose names are plain words need no quotes of their own."""
    plain = _TICKED.sub(r"\1", name(text, limit=limit))
    return f"\u2018{plain}\u2019"


def shortened(texts: Sequence[str], limit: int) -> list[str]:
    """Cut texts at the end, and in the middle where two would look alike then."""
    cut = [t if len(t) <= limit else t[: limit - 1] + "…" for t in texts]
    end = (limit - 1) // 2
    return [f"{t[: limit - 1 - end]}…{t[-end:]}" if c.endswith("…") and cut.count(c) > 1 else c for t, c in zip(texts, cut, strict=True)]


def folded(texts: Sequence[str], limit: int, lines: int) -> list[list[str]]:
    """Lay each text in one line, or up to two, of up to `limit` letters, broken between words; what they do not hold is cut."""
    return [_folded(t, limit) if len(t) > limit else [t] for t in texts] if lines > 1 else [[t] for t in shortened(texts, limit)]


def _folded(text: str, limit: int) -> list[str]:
    """Break a text at the word that leaves the longer line shortest; one word is not broken, and may be a little longer."""
    ways = [(text[: i + 1].rstrip(), text[i + 1 :].lstrip()) for i, c in enumerate(text[:limit]) if c in " _-"]
    *before, last = min(ways, key=lambda way: (max(map(len, way)), way)) if ways else (text,)
    longest, end = limit if before else limit + 6, (limit - 1) // 2
    return [*before, last if len(last) <= longest else f"{last[: limit - 1 - end]}…{last[-end:]}"]
