"""Says where two lists of ids differ only in spelling; nothing is ever joined on a guess."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gutdiv.errors import count_noun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# What programs do to ids on their way, from the mildest: each makes spellings equal that differ in this way alone.
_WAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("blanks or quotation marks around them", lambda i: i.strip().strip("'\"").strip()),
    ("`_` for blanks, or quotation marks", lambda i: i.strip().strip("'\"").replace("_", " ")),
    ("upper and lower case", str.casefold),
    (
        "an X before a digit and dots for other marks, as R writes names",
        lambda i: re.sub(r"[^0-9A-Za-z.]", ".", re.sub(r"^X(?=\d)", "", i)),
    ),
    ("zeros before numbers", lambda i: re.sub(r"(?<!\d)0+(?=\d)", "", i)),
    ("`;size=` or a version behind them", lambda i: re.sub(r"(?:;size=\d+;?|\.\d+)$", "", i)),
)


def respelled(lacking: Iterable[str], there: Iterable[str]) -> str:
    """Say in one sentence in which way ids would match; empty where none does.

    Parameters
    ----------
    lacking : iterable of str
        Ids that found no partner.
    there : iterable of str
        Ids among which a partner was sought.
    """
    ours, theirs = sorted(set(lacking)), sorted(set(there))
    for what, form in _WAYS:
        partners = {form(i): i for i in reversed(theirs)}
        pairs = [(i, partners[form(i)]) for i in ours if form(i) in partners]
        if pairs:
            one, other = pairs[0]
            would = "would match but for" if len(pairs) > 1 else "would match, but for"
            return f" {count_noun(pairs, 'id')} {would} {what} ({one[:60]!r} and {other[:60]!r}); ids are compared letter for letter."
    return ""
