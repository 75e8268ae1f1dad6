"""The titles and sentences of a sample's own page, and the terms that are explained at the "?" of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gutdiv.report import terms
from gutdiv.report.parts import Prose, Section
from gutdiv.report.wording import listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CANNOT = (
    "Whether this person is ill: a place among the controls is no diagnosis, and nothing here replaces a clinical test.",
    "Why the sample stands where it stands: diet, medicines, transit time, age and handling of the specimen all move it.",
    "How many bacteria there were: reads tell shares only, unless load was measured beside them.",
    "Which species or strain is meant where only a genus is named; no pathogen is reported from a genus call.",
)
_LIMITS = (
    "The field is the reference interval of the controls, its darker edges the uncertainty of the limits, the line their median. With several metrics some "
    "lie outside in anyone."
)
_PARTS = (
    "A bar is how much a component adds to the sample's score. The bars make 100% in every sample, however usual it is: how unusual it is, the shares of "
    "controls say."
)
_COURSE = (
    "All samples of the same person; the diamond is this one. A band is the reference interval of the controls. A change in one person may be chance: it "
    "was not tested."
)


def blocks(shared: Mapping[str, Any], *, judged: bool) -> dict[str, dict[str, Any]]:
    """Return title, lead and terms of each part of a sample's page, by its key.

    Where no sample was judged (`judged`), what a verdict is made of has no part of its own.
    """
    labels = [m["label"] for m in shared["metrics"]]
    courses = [m["label"] for m in shared["courses"]["metrics"]]
    limits, timed = shared["limits"], shared["courses"]["time"]
    place = shared["axes"].get("label", "")
    found = {
        "intervals": (
            "Place in the reference intervals" if limits else "Diversity of the sample",
            _LIMITS if limits else "There is no reference interval: only the values are shown, each at the study's common depth.",
            labels + (["verdict", "flag"] if judged else []),
        ),
        "parts": ("What the verdict is made of", _PARTS, ["verdict", "control", "p-value"]),
        "drivers": ("Taxa farthest from the controls", "Robust z of centred log-ratios: they describe the sample and explain nothing.", []),
        "immune": ("Immune-relevant taxa", shared["immune"]["told"], ["guild", "control"]),
        "composition": ("Composition", "", ["sample", "control"]),
        "ordination": ("Among all samples", "", ["ordination", "dissimilarity", place]),
        "course": ("Over time" if timed else "Samples of the same person", _COURSE if timed else "", [*courses, "trajectory"]),
        "known": ("What is known of the sample", "", []),
        "cannot": ("What cannot be said", "", []),
    }
    return {key: {"title": title, "lead": lead, "terms": _terms(key, title, lead, words)} for key, (title, lead, words) in found.items()}


def _terms(key: str, title: str, lead: str, words: Sequence[str]) -> list[dict[str, Any]]:
    """Return the terms that a part uses, as any section of the page does."""
    used = terms.used(Section(key, title, (Prose((listing(words, limit=len(words)),)),), lead)) if words or lead else ()
    return [{k: v for k, v in asdict(t).items() if k in {"term", "text"}} for t in used]
