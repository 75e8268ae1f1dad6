"""Plain words for the terms of the page: which of them a section uses, and what each means here."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gutdiv.report.parts import DataTable, Detail, Facts, Figure, Glossary, Note, Panel, Prose, Section, Sentences, VerdictSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

TERMS = {
    "sample": "One sequenced specimen, a row of the study.",
    "feature": "One column of the table: an amplicon sequence variant (ASV), an operational taxonomic unit (OTU), or "
    "a taxon where the table is by taxon.",
    "depth": "How many reads a sample has, or is brought down to. More reads find more features, so samples are compared at one depth.",
    "rarefied": "All samples are brought to the same number of reads by drawing without replacement; values are "
    "averages over many such draws.",
    "coverage": "The estimated share of a sample's bacteria whose kind was seen among its reads.",
    "alpha diversity": "Diversity within one sample: how many kinds there are, and how evenly reads are spread over them.",
    "Shannon": "A measure of diversity within a sample that rises with the number of kinds and with how evenly they share the reads.",
    "richness": "The number of different kinds of bacteria in a sample, as found in its reads or estimated from them.",
    "ordination": "A map of samples: near each other where their communities are alike. Each axis shows a share of all differences, never all of them.",
    "dissimilarity": "How unlike two samples are: 0 where they are the same; for most measures 1 where they share nothing.",
    "UniFrac": "How unlike two samples are by the branches of the bacteria's family tree that they do not share.",
    "centred log-ratio": "The logarithm of a taxon's share against the average taxon of the same sample: how much it stands out there, whatever the depth.",
    "reference interval": "The range between the 2.5th and the 97.5th percentile of the declared controls, one sample per "
    "person, at the same depth.",
    "control": "A sample that you declared one to compare the others with; nobody is healthy by being a control.",
    "verdict": "How unusual a sample is among the controls, by one p-value over diversity and composition: outside, borderline or within, or not "
    "assessable with the reason.",
    "tier": "What a verdict rests on, by the number of the study's own controls: nothing below 10, published groups aligned by them from 10 (provisional) and "
    "20 (aligned), and from 60 the own controls alone (in-study).",
    "false alarm": "A sample like the controls that is called outside all the same; at a limit of 5% one in twenty is expected.",
    "flag": "Where one metric of one sample lies relative to its reference interval. Flags describe; with several "
    "metrics some flags are expected in anyone.",
    "p-value": "How often chance alone would show a difference this large or larger, if there were none.",
    "q-value": "A p-value corrected for the number of tests in its family (Benjamini and Hochberg): the expected "
    "share of false findings among those as small. Of a sample: corrected for how many samples were judged.",
    "clear": "A test that passes the level of its family: q up to 0.05, or p where there is one test. A link is clear where it is also robust.",
    "CI": "Confidence interval: 95% for effects and links, 90% for the limits of reference intervals.",
    "link": "How a taxon moves with the diversity of all other taxa, relative to the typical prevalent taxon of the study.",
    "guild": "Taxa that do the same thing, as making butyrate, taken together.",
    "prevalence": "The share of samples in which a taxon was found.",
    "PERMANOVA": "A permutation test of whether communities differ between groups; R² is the share of variation that goes along with the term.",
    "omega squared": "R² corrected for what chance alone would explain; partial: of the variation that the other terms leave.",
    "dispersion": "How far samples lie from the centre of their group; a test of whether this spread differs between groups.",
    "permutation": "Groups are exchanged between samples at random many times, to see what chance alone would show.",
    "covariate": "A column, as age, that is held constant while something else is compared.",
    "mixed model": "A model of repeated samples in which every person has a level of their own.",
    "trajectory": "The values of one person over time.",
    "Cliff's delta": "How often a value of one group is above one of the other, less how often it is below: 0 where they overlap, 1 or -1 where they do not.",
    "log fold change": "By how much a taxon's abundance differs, as a natural logarithm: 0.7 is twice, -0.7 half as much, relative to the typical taxon.",
    "odds ratio": "How much more often a taxon is found in one group than in the other, as a ratio of odds; its logarithm is 0 where there is no difference.",
    "Hill number": "Diversity as a number of kinds that are equally common: of order 0 all kinds count alike, of order 2 common ones most.",
    "pseudo-F": "Variation between groups against variation within them, from dissimilarities; permutations tell how large it is by chance.",
    "principal coordinates": "Axes that show the dissimilarities of samples as distances, the longest first.",
    "eigenvalue": "How much of the variation one axis of an ordination shows; negative ones belong to what no map of distances can show.",
    "redundancy analysis": "An ordination whose axes are chosen to show what a model's columns go along with: a picture of the model, no test.",
    "ellipse": "Where about two thirds of a group's samples would lie, if they were normally distributed along both axes.",
    "conformal": "A p-value by rank: how many of the controls, the sample among them, are at least as unusual. No shape of distribution is assumed.",
    "second opinion": "The verdict by published groups of healthy people, aligned to this study by its controls, beside the one by the own controls.",
    "stability": "In how many repeats, with other random reads or other controls, a verdict stays the same.",
    "robust z": "How far a taxon lies from the controls' median, in units of their usual spread; unusual controls hardly move it.",
    "tipping value": "How much the typical taxon would have to change with diversity for a link to vanish.",
    "HC3": "Standard errors that hold where groups spread differently, by what each sample does to the fit.",
    "residual": "What a model leaves unexplained of each sample; a pattern in it says that the model does not fit.",
}
# How else a term is written, as a pattern; all others are sought as they stand, also in the plural.
_WRITTEN = {
    "rarefied": r"rarefi\w+|rarefaction\w*",
    "dissimilarity": r"dissimilarit\w+",
    "centred log-ratio": r"centred log-ratios?|CLR",
    "q-value": r"q-values?|q",
    "p-value": r"p-values?|p",
    "clear": r"clear|clearly",
    "CI": r"CI|confidence intervals?",
    "omega squared": r"omega squared|ω²",
    "richness": r"richness|observed features|chao1",
    "prevalence": r"prevalence|prevalent",
    "trajectory": r"trajector\w+",
    "permutation": r"permut\w+",
    "link": r"links? of|links? with|linked",
    "mixed model": r"mixed models?",
    "log fold change": r"log fold changes?",
    "odds ratio": r"odds ratios?",
    "principal coordinates": r"principal coordinates|PCoA",
    "pseudo-F": r"pseudo-F",
    "redundancy analysis": r"redundancy analys[ie]s",
    "stability": r"stays in|stability",
    "Cliff's delta": r"Cliff's delta",
}
_PATTERNS = {term: re.compile(rf"(?<![\w.-])(?:{_WRITTEN.get(term, re.escape(term) + 's?')})(?![\w-]|\.\w)", re.IGNORECASE) for term in TERMS}


def explained(panel: Panel) -> Panel:
    """Return the panel with the terms that each of its titled sections uses."""
    return replace(panel, sections=tuple(replace(s, terms=used(s)) if s.title else s for s in panel.sections))


def used(section: Section) -> tuple[Detail, ...]:
    """Return the terms that a section uses in its own words, none that stand in the user's data, with what they mean."""
    said = "\n".join(_words(section))
    return tuple(Detail(term, meaning) for term, meaning in TERMS.items() if _PATTERNS[term].search(said))


def _words(section: Section) -> Iterator[str]:
    """Yield the texts of a section that gutdiv words: no cells."""
    yield section.title
    yield section.lead
    for part in section.parts:
        match part:
            case Figure():
                yield from (text for view in part.views for text in (view.label, view.title, view.subtitle))
            case DataTable():
                yield part.caption
                yield part.note
                yield from (text for column in part.columns for text in (column.label, column.help))
            case Note():
                yield part.text
            case Facts():
                yield from (text for fact in part.items for text in (fact.label, fact.note))
            case Sentences():
                yield from (sentence.text for sentence in part.items)
            case VerdictSummary():
                yield from (part.headline, part.standing, *part.remarks)
            case Prose():
                yield from part.paragraphs
            case Glossary():
                pass
