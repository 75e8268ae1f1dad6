"""The studies on which verdicts are validated: who counts as healthy there, who as ill, and what was measured of them, kept on disk.

Which studies enter a mean, and into which half a study falls, was written down here before any of them was judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from build_reference import STUDIES, run

from gutdiv.cli.reference_portable import DEPTH
from gutdiv.diversity.parts import Portable, measure_portable
from gutdiv.io.cohorts import read_cohort
from gutdiv.io.knowledge import read_parts
from gutdiv.numerics.portable_score import People
from gutdiv.reference.controls import choose_controls

if TYPE_CHECKING:
    from pathlib import Path

SEED = 42
NOT_OBESE = 'group in ("normal_weight", "overweight")'
CONTROL, COVID = 'group == "control"', 'group == "COVID19"'
ILEUM = ' and body_site == "Terminal ileum"'


@dataclass(frozen=True)
class Known:
    """A study: its healthy and its ill people as expressions, whether its ill may stand among controls, and the reference's groups of its people.

    `mean` says whether it enters the means over studies; a study that does not is shown apart, with the reason.
    """

    name: str
    healthy: str
    ill: str = ""
    contaminates: bool = True
    partners: tuple[str, ...] = ()
    mean: bool = True
    note: str = ""


PATIENTS = {
    "crc_baxter_genus": ('group == "CRC"', True),
    "crc_hale_genus": ('group in ("adenoma", "CRC")', True),
    "globalgut_yatsunenko_even10k": ('group == "infant_0_3"', False),
}
REFERENCE = tuple(
    Known(name, healthy, *PATIENTS.get(name, ("", True)), tuple(filter(None, shared.split("|"))), note="a group of the reference, left out")
    for name, healthy, shared, *_ in STUDIES
)
OUTSIDE = (
    Known("age_claesson", 'antibiotics == "n" or group == "younger_adult"', 'antibiotics == "y"', note="elderly without antibiotics; ill: with"),
    Known("covid_albataineh_genus", CONTROL, COVID),
    Known("covid_newsome_genus", CONTROL, COVID),
    Known("covid_ren_genus", CONTROL, COVID),
    Known("covid_schult_genus", CONTROL, COVID),
    Known("hmp2_ipop_zhou", 'group == "healthy"', note="first healthy visit; many at risk of diabetes"),
    Known("hmp_v13_stool", 'group == "healthy"', partners=("hmp_v35_stool",), note="donors of hmp_v35_stool, which is left out of its reference"),
    Known("ob_escobar", NOT_OBESE),
    Known("ob_ross", NOT_OBESE),
    Known("ob_wu_combo", NOT_OBESE),
    Known("thdmi_silva138_genus", 'group == "population_unlabelled"', note="nobody was screened"),
    Known("udca_pearson_asv", 'group in ("placebo_pre", "UDCA_pre")', note="adults with a removed adenoma, before treatment"),
)
APART = (
    Known("thdmi_gg2_species", 'group == "population_unlabelled"', mean=False, note="the people of thdmi_silva138_genus in another form"),
    Known("ibd_papa", 'group == "control_nonIBD"', 'group in ("UC", "CD")', mean=False, note="children with symptoms as controls"),
    Known("ibd_risk_gevers", 'group == "control_nonIBD"' + ILEUM, 'group == "CD"' + ILEUM, mean=False, note="biopsies of the ileum, mostly children"),
    Known("hct_taur", 'group == "pre_transplant"', 'group == "post_day0_35" and day >= 7', contaminates=False, mean=False,
          note="no healthy people: patients before transplant as controls, after day 7 as ill"),
)  # fmt: skip
ABSENT = {
    "crc_tito_qmp": "cells, not reads",
    "hmp_sze_bmi": "the libraries of hmp_v35_stool once more",
    "ibd_risk_gevers_stool": "7 controls",
    "ibd_2538_longitudinal": "relatives in 24 households: fewer than 20 controls",
    "thdmi_asv": "no taxonomy; its people stand in thdmi_silva138_genus",
}
# Every other one in the order of the alphabet; groups that share people stay together.
HALVES = {
    "A": ("age_claesson", "covid_newsome_genus", "covid_schult_genus", "crc_hale_genus", "healthy_poyet_genus", "hmp_v13_stool", "hmp_v35_stool",
          "ob_ross", "ob_zeevi_israel", "twinsuk_goodrich"),
    "B": ("covid_albataineh_genus", "covid_ren_genus", "crc_baxter_genus", "globalgut_yatsunenko_even10k", "ob_turnbaugh", "hmp2_ipop_zhou",
          "ob_escobar", "ob_wu_combo", "thdmi_silva138_genus", "udca_pearson_asv"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measured:
    """The healthy and the ill of a study, one sample each, and their subjects as numbers."""

    healthy: People
    ill: People
    healthy_subjects: npt.NDArray[np.int64]
    ill_subjects: npt.NDArray[np.int64]


def cohort_of(study: Known, data: Path, work: Path) -> Path:
    """Build a study's cohort where it is not there yet."""
    source, built = data / study.name, work / study.name
    if not (built / "cohort.json").exists():
        words = ["--table", source / "table.biom", "--taxonomy", source / "taxonomy.tsv", "--metadata", source / "metadata.tsv", "--group", "group"]
        header = (source / "metadata.tsv").read_text(encoding="utf-8").partition("\n")[0].split("\t")
        filled = any(line.split("\t")[header.index("subject_id")] for line in (source / "metadata.tsv").read_text("utf-8").splitlines()[1:])
        run("cohort", "build", *words, *(["--subject", "subject_id"] if filled else []), "--name", study.name, "--output", built)
    return built / "cohort.json"


def measured(study: Known, data: Path, work: Path) -> Measured:
    """Measure a study's people at the verdict's depth, or read what was measured before."""
    kept = work / f"{study.name}.people.npz"
    if not kept.exists():
        cohort = read_cohort(cohort_of(study, data, work))
        seen = measure_portable(cohort, read_parts(), depth=DEPTH, seed=SEED)
        healthy, ill = _rows(cohort, study.healthy), _rows(cohort, study.ill)
        owners = choose_controls(cohort, study.healthy, depth=DEPTH).subjects
        number = {s: i for i, s in enumerate(dict.fromkeys(owners.values()))}
        of = np.array([number[owners[s]] for s in cohort.sample_ids])
        np.savez_compressed(kept, **_values(seen, healthy, "healthy"), **_values(seen, ill, "ill"), h=of[healthy], i=of[ill])
    with np.load(kept) as found:
        people = [People(*(found[f"{who}_{what}"] for what in ("shannon", "composition", "mdi"))) for who in ("healthy", "ill")]
        return Measured(people[0], people[1], found["h"], found["i"])


def _rows(cohort: object, declared: str) -> npt.NDArray[np.int64]:
    """Rows of those whom an expression selects, one a subject."""
    if not declared:
        return np.zeros(0, np.int64)
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    return np.array([place[s] for s in choose_controls(cohort, declared, depth=DEPTH).chosen], dtype=np.int64)


def _values(seen: Portable, rows: npt.NDArray[np.int64], who: str) -> dict[str, npt.NDArray[np.float64]]:
    """What a model sees of these rows."""
    return {f"{who}_shannon": seen.alpha["Shannon"][rows], f"{who}_composition": seen.clr(other=False)[rows], f"{who}_mdi": seen.mdi()[rows]}
