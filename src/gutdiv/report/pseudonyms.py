"""Numbers in place of the names of samples and subjects, as a whole text or within a sentence."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from gutdiv.report import reading
from gutdiv.report.wording import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gutdiv.model.results import Results

SAMPLE, PERSON = "sample", "person"
ALIGNMENT = "cohort/alignment"
_WORD = re.compile(r"[^\W_]+")
_SHORT = {"digits": 5, "letters": 3}  # a number or a word of fewer characters is a name within a sentence only where it is quoted, listed or introduced
_LIST = re.compile(r"([^.:(]*)(: |\()([^\W_]+(?:(?:, | and )[^\W_]+)*?)(?= and [\d,]+ more|[.;)]|$)")
_OF = re.compile(r"(?:samples?|subjects?|person|people)\b")
_INTRODUCED = re.compile(r"\b(?:sample|subject|person) $", re.IGNORECASE)
_PLACES = {"below_depth", "distances", "most", "nearest", "suspicious"}  # entries of records that hold names and nothing else
_ROWS = {"bars": 1, "columns": 2, "own_taxa": 0}  # rows of records, and where in each the name stands
_CUT = 24  # characters of a long name that a sentence which cuts it still shows


def known(results: Results) -> tuple[set[str], set[str]]:
    """Return the names of all samples that the results know, also of those that fell out, and of all subjects."""
    metadata = results.metadata
    samples = set(metadata.ids) if metadata is not None else set()
    for found in results.tables.values():
        if "sample_id" in found.frame.columns:
            cells = {str(s) for s in found.frame["sample_id"].unique() if not missing(s)} - samples
            samples |= {part for cell in cells for part in cell.split(";")}  # several samples of one visit stand in one cell
    fallen = reading.rows(reading.table(results, ALIGNMENT))
    samples |= {str(r["id"]) for r in fallen if r["part"] in {"sample", "metadata"} and not missing(r["id"])}
    role = reading.roles(results).get("subject")
    subjects = set(metadata.columns.get(role, ())) if metadata is not None and role else set()
    for found in results.tables.values():
        if "subject" in found.frame.columns:
            subjects |= {str(s) for s in found.frame["subject"].unique() if not missing(s)}
    return samples - {""}, {s for s in subjects if s}


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names by their digests, so that a number tells nothing of a name's place among the others."""
    return sorted(names, key=lambda s: hashlib.sha256(s.encode("utf-8", "surrogatepass")).digest())


def numbered(word: str, names: Iterable[str]) -> dict[str, str]:
    """Number names by their digests, as `sample 007`."""
    order = in_order(names)
    width = len(str(len(order)))
    return {s: f"{word} {i:0{width}d}" for i, s in enumerate(order, start=1)}


class Pseudonyms:
    """What stands in place of each name; `names.js` does the same on the page."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """Note for the first word of names where in them it stands and how long they are, by which a sentence is searched for them."""
        self.names = names
        shapes: dict[str, set[tuple[int, int]]] = {}
        for own in names:
            if word := _WORD.search(own):
                shapes.setdefault(word[0], set()).add((len(own), word.start()))
        self._starts = {word: sorted(found, reverse=True) for word, found in shapes.items()}
        self._long = [own for own in names if len(own) > _CUT]

    def whole(self, text: str) -> str:
        """Return the number of a name; any other text as it is."""
        return self.names.get(text, text)

    def within(self, text: str) -> str:
        """Return a text with every name in it replaced; a short number or word is taken for one only where it is quoted, listed or introduced."""
        if text in self.names:
            return text if _weak(text) else self.names[text]
        parts, done = [], 0
        for found in _LIST.finditer(text):
            if (told := self._listed(found)) is not None:
                parts += [self._single(text[done : found.start()]), told]
                done = found.end()
        return "".join([*parts, self._single(text[done:])])

    def _listed(self, found: re.Match[str]) -> str | None:
        """Replace short names in a list, as in `2 samples have no value: 12, 31 and 7 more`; None where it lists none."""
        before, sign, listed = found.groups()
        items = re.split(r"(, | and )", listed)
        if not all(item in self.names for item in items[::2]) or (len(items) == 1 and not _OF.search(before)):
            return None
        return f"{self._single(before)}{sign}{''.join(self.names.get(item, item) if i % 2 == 0 else item for i, item in enumerate(items))}"

    def _single(self, text: str) -> str:
        """Replace names one by one."""
        parts, done = [], 0
        for word in _WORD.finditer(text):
            if word.start() < done:
                continue
            for length, lead in self._starts.get(word[0], ()):
                start = word.start() - lead
                own = text[start : start + length] if start >= done else ""
                own = own if own in self.names else self._shortened(text, start, length)
                if own and (end := self._end(text, start, own)):
                    parts += [text[done:start], self.names[own]]
                    done = end
                    break
        return "".join([*parts, text[done:]])

    def _shortened(self, text: str, start: int, length: int) -> str:
        """Return the name of this length that a text gives the beginning of."""
        cut = text.find("…", max(start, 0))
        if start < 0 or cut < start + _CUT or cut > start + length:
            return ""
        return next((own for own in self._long if len(own) == length and own.startswith(text[start:cut])), "")

    @staticmethod
    def _end(text: str, start: int, own: str) -> int:
        """Return where a name ends that begins here; 0 where it does not."""
        end = start + len(own)
        if not text.startswith(own, start):
            return text.find("…", start) + 1
        before, after = text[start - 1 : start], text[end : end + 1]
        if before.isalnum() or after.isalnum():
            return 0
        quoted = (before in {"'", '"'} and after == before) or _INTRODUCED.search(text[max(start - 8, 0) : start]) is not None
        if own.isdigit():
            inside = re.fullmatch(r"[.,]\d", text[end : end + 2]) or re.fullmatch(r"\d[.,]", text[max(start - 2, 0) : start])
            return end if quoted or (len(own) >= _SHORT["digits"] and not inside) else 0
        return end if quoted or not own.isalpha() or len(own) >= _SHORT["letters"] else 0

    def through(self, content: Any, place: str = "") -> Any:
        """Return nested content with the names in its texts and keys replaced; short ones only in places that hold nothing but names."""
        told = self.whole if place in _PLACES else self.within
        if isinstance(content, str):
            return told(content)
        if isinstance(content, dict):
            return {told(k): self.through(v, place if place in (*_PLACES, *_ROWS) else k) for k, v in content.items()}
        if place in _ROWS and isinstance(content, list):
            return [[self.whole(c) if i == _ROWS[place] and isinstance(c, str) else self.through(c) for i, c in enumerate(row)] for row in content]
        if isinstance(content, list | tuple):
            return type(content)(self.through(v, place) for v in content)
        return content


def _weak(own: str) -> bool:
    """Whether a name is a number or a word so short that it may as well mean something else."""
    return (own.isdigit() and len(own) < _SHORT["digits"]) or (own.isalpha() and len(own) < _SHORT["letters"])
