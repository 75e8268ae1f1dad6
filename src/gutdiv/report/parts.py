"""What a page is made of: panels of sections of figures, tables, notes and sentences, all of it data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Number: TypeAlias = int | float


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere: an anchor of this page (`#...`) or a DOI address; following it is the reader's choice."""

    text: str
    href: str


@dataclass(frozen=True)
class Span:
    """Where a value lies: a bar from `low` to `high` with the interval `lower` to `upper` marked and the value as a dot."""

    low: float
    high: float
    lower: float | None
    upper: float | None
    value: float


@dataclass(frozen=True)
class Cell:
    """One table cell: its text as shown, the value it sorts by, a status word that picks icon and colour, or a small range bar."""

    text: str
    value: Number | str | None = None
    status: str = ""
    span: Span | None = None


@dataclass(frozen=True)
class Column:
    """A table column; `kind` is `text`, `words` (many), `phrase` (some), `name` (of the user), `taxon`, `number`, `status`, `span`, `sample` (page).

    `choose` lets rows be filtered by it: by its words, or, where all cells have numbers for values, from one to another. A column that stands `aside`
    is shown when the reader asks for it, and is in what is saved.
    """

    label: str
    kind: Literal["text", "words", "phrase", "name", "taxon", "number", "status", "span", "sample"] = "text"
    help: str = ""
    choose: bool = False
    aside: bool = False


@dataclass(frozen=True)
class Detail:
    """A term and what is said of it when a row is opened; a `wide` one begins a new group across the whole row."""

    term: str
    text: str
    links: tuple[Link, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Row:
    """Cells in the order of the table's columns, and the details shown when the row is opened."""

    cells: tuple[Cell, ...]
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True)
class DataTable:
    """A table; an interactive one can be searched, sorted and opened row by row.

    Parameters
    ----------
    key : str
        Unique within the page; becomes part of element ids.
    caption : str
        What the rows are, in a few words.
    columns, rows : tuple
        All rows have as many cells as there are columns.
    source : str
        The result file that holds the same numbers.
    interactive : bool
        Whether the reader can search, filter and sort it.
    note : str
        A sentence below the table.
    hint : str
        What can be done with the table on a screen, before the note; left out on paper.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    source: str = ""
    interactive: bool = False
    note: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        """Refuse a row that does not fit the columns."""
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                msg = f"table {self.key}: a row of {len(row.cells)} cells for {len(self.columns)} columns"
                raise ValueError(msg)


@dataclass(frozen=True)
class View:
    """One state of a figure: what a plotly chart shows, its title (the finding), its words for those who cannot see it, its numbers.

    `data` and `layout` are plotly's; colours are CSS variables (`var(--s1)`) that the page resolves for the theme. `narrow` overrides
    parts of the layout on small screens; `deep` is the subtitle while the points are drawn along three axes.
    """

    key: str
    label: str
    title: str
    alt: str
    data: tuple[Mapping[str, Any], ...]
    layout: Mapping[str, Any]
    numbers: DataTable
    subtitle: str = ""
    narrow: Mapping[str, Any] = field(default_factory=dict)
    height: int = 360
    deep: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure with one or more views; `switch` names what the reader chooses between where there are several.

    Where `recolour` is set, the reader can colour its points by any column of the metadata: traces of samples then hold `ids`, their places in the metadata.
    Where `spatial` is set, it can also be seen along three axes: traces of samples then hold the third coordinates in `meta.z`, and layouts a `scene`.
    A trace of samples with `meta.group` gets an ellipse.
    """

    key: str
    views: tuple[View, ...]
    switch: str = ""
    recolour: bool = False
    spatial: bool = False

    def __post_init__(self) -> None:
        """Refuse a figure without a view or with a choice that has no name."""
        if not self.views or (len(self.views) > 1 and not self.switch):
            msg = f"figure {self.key}: a figure has a view, and a name for its switch where it has several"
            raise ValueError(msg)


@dataclass(frozen=True)
class Note:
    """A remark: `alert` (something is wrong, with what to do), `absent` (a part that is not there, and why), `caution`, or `info`."""

    kind: Literal["alert", "absent", "caution", "info"]
    text: str
    action: str = ""
    link: Link | None = None


@dataclass(frozen=True)
class Fact:
    """A number that introduces the study: label, value and a few words below it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Facts in a row."""

    items: tuple[Fact, ...]


@dataclass(frozen=True)
class Sentence:
    """A finding in words; `mark` is `clear`, `weak` or `none` and picks the sign before it."""

    text: str
    mark: str = "none"
    link: Link | None = None


@dataclass(frozen=True)
class Sentences:
    """Findings in order of weight, or standing sentences; `title` folds them under it."""

    items: tuple[Sentence, ...]
    numbered: bool = False
    title: str = ""


@dataclass(frozen=True)
class Prose:
    """Paragraphs; `copy` offers them as one text to take along, `title` folds them under it, `code` keeps their lines."""

    paragraphs: tuple[str, ...]
    copy: bool = False
    title: str = ""
    code: bool = False


@dataclass(frozen=True)
class VerdictBar:
    """Verdict counts of one set of samples, and what to expect of it by chance: one line of the verdict summary."""

    who: str
    counts: tuple[tuple[str, int], ...]
    total: int
    remark: str = ""


@dataclass(frozen=True)
class VerdictSummary:
    """The verdict in numbers with the standing of its reference."""

    headline: str
    standing: str
    bars: tuple[VerdictBar, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Glossary:
    """Terms and what they mean here, under a title that opens them."""

    title: str
    items: tuple[Detail, ...]


Part: TypeAlias = Figure | DataTable | Note | Facts | Sentences | Prose | VerdictSummary | Glossary


@dataclass(frozen=True)
class Section:
    """A titled run of parts inside a panel; an empty title continues the panel without a heading. `terms`: the words it uses, explained."""

    key: str
    title: str
    parts: tuple[Part, ...]
    lead: str = ""
    terms: tuple[Detail, ...] = ()


@dataclass(frozen=True)
class Panel:
    """A part of the page with its word in the contents list; `absent` is the reason where it has nothing to show."""

    key: str
    word: str
    title: str
    lead: str
    sections: tuple[Section, ...] = ()
    absent: str = ""


@dataclass(frozen=True)
class SamplePages:
    """A page of its own for each sample: what all share (labels, intervals, evidence), and what belongs to each, as `report/sample_pages.py` says."""

    shared: Mapping[str, Any]
    samples: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Page:
    """The whole report as data; `broken` names the panels that failed and why, for the command line and the tests."""

    name: str
    subtitle: str
    version: str
    panels: tuple[Panel, ...]
    broken: Mapping[str, str] = field(default_factory=dict)
    samples: SamplePages | None = None
