"""Filters: off unless asked for, applied in one order, each counted and each id listed; contaminants as decontam scores them."""

from __future__ import annotations

import argparse
import math

import numpy as np
import pytest
from scipy import sparse

from gutdiv.cli.inputs import prevalence
from gutdiv.cohort.align import Choices, align
from gutdiv.cohort.contaminants import prevalence_scores
from gutdiv.cohort.filters import Filters, excludable
from gutdiv.cohort.lineages import parse_lineage
from gutdiv.errors import AlignmentError, ExpressionError, InputError
from gutdiv.io.newick import parse_newick
from gutdiv.model.cohort import EXCLUDABLE, Roles, SampleMetadata
from gutdiv.model.inputs import RawTable, RawTaxonomy

LINEAGES = {
    "chl": "d__Bacteria; p__Cyanobacteria; c__Cyanobacteriia; o__Chloroplast",
    "mit": "k__Bacteria; p__Proteobacteria; c__Alphaproteobacteria; o__Rickettsiales; f__mitochondria",
    "euk": "d__Eukaryota; p__Ascomycota",
    "arc": "d__Archaea; p__Methanobacteriota",
    "non": "Unassigned",
    "bac": "d__Bacteria; p__Bacteroidota; c__Bacteroidia; o__Bacteroidales; f__Bacteroidaceae; g__Bacteroides",
    "bla": "d__Bacteria; p__Bacillota; c__Clostridia; o__Lachnospirales; f__Lachnospiraceae; g__Blautia",
}
FEATURES = tuple(LINEAGES)
#          chl mit euk arc non bac bla
COUNTS = [
    [10, 0, 0, 5, 0, 50, 35],  # s1
    [0, 20, 0, 0, 0, 40, 40],  # s2
    [0, 0, 7, 0, 3, 0, 90],  # s3
    [5, 0, 0, 0, 0, 0, 0],  # s4: chloroplast only
    [0, 0, 0, 0, 0, 1, 2],  # s5
]
SAMPLES = ("s1", "s2", "s3", "s4", "s5")


def table(counts=COUNTS, samples=SAMPLES, features=FEATURES) -> RawTable:
    return RawTable(samples, features, sparse.csr_matrix(np.array(counts, dtype=float)), "t.tsv", "text")


def taxonomy() -> RawTaxonomy:
    return RawTaxonomy({f: (text,) for f, text in LINEAGES.items()}, ("lineage",), "x.tsv", "text")


def metadata(kinds: dict[str, str] | None = None, ids: tuple[str, ...] = SAMPLES, **columns: tuple[str | None, ...]) -> SampleMetadata:
    return SampleMetadata(ids, columns, {c: (kinds or {}).get(c, "categorical") for c in columns}, "m.tsv")


def built(filters: Filters, **parts):
    parts = {"table": table(), "taxonomy": taxonomy(), **parts}
    return align(parts.pop("table"), **parts, synonyms={}, choices=Choices(filters=filters))


def listed(fallen) -> set[tuple[str, str, str, str]]:
    return {(f.part, f.id, f.outcome, f.reason) for f in fallen}


# ---------------------------------------------------------------- by lineage
@pytest.mark.parametrize(
    ("lineage", "kinds"),
    [
        ("k__Bacteria; p__Cyanobacteria; c__Chloroplast; o__Streptophyta; f__; g__; s__", {"chloroplast"}),  # Greengenes
        (
            "k__Bacteria; p__Proteobacteria; c__Alphaproteobacteria; o__Rickettsiales; f__mitochondria; g__Zea; s__luxurians",
            {"mitochondria"},
        ),
        ("D_0__Bacteria;D_1__Cyanobacteria;D_2__Oxyphotobacteria;D_3__Chloroplast", {"chloroplast"}),  # SILVA 132
        ("d__Bacteria; p__Proteobacteria; c__Alphaproteobacteria; o__Rickettsiales; f__Mitochondria; g__Mitochondria", {"mitochondria"}),
        ("Bacteria(100);Cyanobacteria/Chloroplast(100);Chloroplast(100);Chloroplast(100);Streptophyta(100);", {"chloroplast"}),  # RDP
        ("Bacteria(100);Cyanobacteria/Chloroplast(97);Cyanobacteria(95);", set()),
        ("Bacteria;Cyanobacteria;Cyanobacteriia;Chloroplast;Chloroplast_fa;Chloroplast_ge", {"chloroplast"}),  # mothur's SILVA
        ("d__Bacteria; p__Cyanobacteria; c__Vampirivibrionia; o__Gastranaerophilales", set()),
        ("d__Eukaryota; p__Ascomycota; c__Saccharomycetes", {"nonbacterial"}),
        ("Eukaryota;Viridiplantae;Streptophyta", {"nonbacterial"}),
        ("k__Viruses; p__", {"nonbacterial"}),
        ("d__Archaea; p__Methanobacteriota", {"archaea"}),
        ("k__Archaea; p__Euryarchaeota", {"archaea"}),
        ("Unassigned", {"unassigned"}),
        ("", {"unassigned"}),
        ("k__; p__; c__; o__; f__; g__; s__", {"unassigned"}),
        ("unknown(100);unknown_unclassified(100);unknown_unclassified(100);", {"unassigned"}),
        ("d__Bacteria", set()),
        ("d__Bacteria;p__Bacillota_A_368345;c__Clostridia_258483", set()),
    ],
)
def test_what_can_be_excluded_is_told_in_every_dialect(lineage: str, kinds: set[str]) -> None:
    assert excludable(parse_lineage(lineage)) == kinds


def test_nothing_is_excluded_by_default_but_the_record_says_what_each_would_take() -> None:
    cohort, _ = built(Filters())
    assert cohort.feature_ids == tuple(sorted(FEATURES))
    assert cohort.record["filters"] == []
    shares = {row["what"]: (row["features"], row["reads"], row["excluded"]) for row in cohort.record["excludable"]}
    assert list(shares) == list(EXCLUDABLE)
    assert shares == {
        "chloroplast": (1, 15, False),
        "mitochondria": (1, 20, False),
        "nonbacterial": (1, 7, False),
        "archaea": (1, 5, False),
        "unassigned": (1, 3, False),
    }
    assert cohort.record["excludable"][0]["share_of_reads"] == pytest.approx(15 / 308)


def test_what_is_excluded_is_counted_listed_and_a_sample_left_without_reads_goes_too() -> None:
    cohort, fallen = built(Filters(exclude=("unassigned", "chloroplast", "mitochondria")))
    assert cohort.feature_ids == ("arc", "bac", "bla", "euk")
    assert cohort.sample_ids == ("s1", "s2", "s3", "s5")
    assert [(row["filter"], row["option"], row["features"], row["samples"], row["reads"]) for row in cohort.record["filters"]] == [
        ("exclude", "chloroplast", 1, 0, 15),
        ("exclude", "mitochondria", 1, 0, 20),
        ("exclude", "unassigned", 1, 0, 3),
    ]
    assert cohort.record["filters"][1]["share_of_reads"] == pytest.approx(20 / 308)
    assert {
        ("feature", "chl", "dropped", "chloroplast by lineage"),
        ("feature", "mit", "dropped", "mitochondria by lineage"),
        ("feature", "non", "dropped", "unassigned by lineage"),
        ("sample", "s4", "dropped", "no reads left after features were dropped"),
    } <= listed(fallen)
    assert {row["what"] for row in cohort.record["excludable"] if row["excluded"]} == {"chloroplast", "mitochondria", "unassigned"}


def test_excluding_needs_lineages_and_known_names() -> None:
    with pytest.raises(InputError, match=r"--exclude chloroplast needs lineages.*--taxonomy"):
        align(table(), synonyms={}, choices=Choices(filters=Filters(exclude=("chloroplast",))))
    with pytest.raises(InputError, match="--exclude names 'chlorplast'; it can name chloroplast, mitochondria"):
        Filters(exclude=("chlorplast",))


# ---------------------------------------------------------------- by reads and prevalence
def test_rare_features_and_shallow_samples_are_dropped_in_this_order() -> None:
    cohort, fallen = built(Filters(min_feature_reads=10, min_prevalence=2, min_reads=10))
    # reads: chl 15, mit 20, euk 7, arc 5, non 3; found in: chl 2, mit 1, bac 3, bla 4 samples; then s4 has 5 reads and s5 3
    assert cohort.feature_ids == ("bac", "bla", "chl")
    assert cohort.sample_ids == ("s1", "s2", "s3")
    assert [(row["filter"], row["option"], row["features"], row["samples"], row["reads"]) for row in cohort.record["filters"]] == [
        ("min_feature_reads", 10, 3, 0, 15),
        ("min_prevalence", 2, 1, 0, 20),
        ("min_reads", 10, 0, 2, 8),
    ]
    assert ("feature", "euk", "dropped", "fewer than 10 reads in all") in listed(fallen)
    assert ("feature", "mit", "dropped", "found in fewer than 2 samples") in listed(fallen)
    assert ("sample", "s5", "dropped", "fewer than 10 reads") in listed(fallen)


def test_a_share_of_samples_counts_the_samples_that_are_there_and_reaching_it_is_enough() -> None:
    cohort, fallen = built(Filters(min_prevalence=0.6))  # 3 of 5 samples
    assert cohort.feature_ids == ("bac", "bla")
    assert ("feature", "chl", "dropped", "found in fewer than 0.6 of the samples") in listed(fallen)
    with pytest.raises(InputError, match=r"--min-prevalence 1.5 is no share"):
        Filters(min_prevalence=1.5)


def test_features_that_only_dropped_samples_held_go_with_them() -> None:
    cohort, fallen = built(Filters(min_reads=101), table=table([*COUNTS[:4], [0, 0, 0, 0, 0, 60, 60]]))
    assert cohort.sample_ids == ("s5",)
    assert cohort.feature_ids == ("bac", "bla")
    assert ("feature", "arc", "dropped", "no reads left after samples were dropped") in listed(fallen)


def test_a_filter_that_leaves_nothing_is_refused_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"--min-reads 1000 leaves none of 5 samples; the deepest sample has 100 reads"):
        built(Filters(min_reads=1000))
    with pytest.raises(InputError, match="--min-feature-reads 999 leaves none of 7 features"):
        built(Filters(min_feature_reads=999))


def test_features_that_a_filter_takes_need_no_tip() -> None:
    tree = parse_newick("((bac:1,bla:1):1,(arc:1,(euk:1,non:1):1):1);", "t.nwk")
    with pytest.raises(AlignmentError, match="2 features of 7 have no tip"):
        built(Filters(), tree=tree)
    cohort, _ = built(Filters(exclude=("chloroplast", "mitochondria")), tree=tree)
    assert cohort.tree is not None
    assert cohort.feature_ids == ("arc", "bac", "bla", "euk", "non")


# ---------------------------------------------------------------- negative controls
# found in a of n_a controls and b of n_b samples: the score as decontam's isContaminantPrevalence gives it (R/decontam.R at commit 07bb4d7, run in R 4.2.2)
DECONTAM = [
    (0, 1, 2, 10, 0.590909090909091),
    (0, 2, 2, 20, 0.588744588744589),
    (0, 2, 20, 20, 0.997835497835498),
    (0, 3, 8, 8, 0.996969696969697),
    (1, 1, 9, 10, 0.454545454545455),
    (1, 2, 5, 20, 0.272727272727273),
    (1, 3, 1, 8, 0.272727272727273),
    (1, 3, 8, 8, 0.972727272727273),
    (2, 2, 5, 20, 0.0454545454545455),
    (2, 3, 0, 8, 0.0272727272727272),
    (3, 3, 8, 8, 0.5),
    (0, 6, 2, 40, 0.623188405797102),
    (1, 6, 2, 40, 0.194993412384717),
    (1, 12, 15, 30, 0.99353714735304),
    (1, 25, 2, 60, 0.429533259086767),
    (3, 6, 10, 40, 0.128316240550821),
    (5, 6, 0, 40, 2.18857650611417e-06),
    (5, 6, 20, 40, 0.0784647381357534),
    (6, 12, 2, 30, 0.00190819831384651),
    (11, 12, 7, 30, 0.000108845233511833),
    (12, 12, 0, 30, 4.52157012985438e-11),
    (12, 12, 15, 30, 0.000786022619224864),
    (12, 25, 1, 60, 2.1820434358737e-07),
    (12, 25, 59, 60, 0.999999957766901),
    (24, 25, 2, 60, 1.30694450574424e-16),
    (24, 25, 60, 60, 0.852941176470588),
    (1, 1, 0, 10, math.nan),
    (0, 6, 1, 40, math.nan),
]


def test_the_score_is_decontams() -> None:
    for a, n_a, b, n_b, expected in DECONTAM:
        column = np.array([3] * a + [0] * (n_a - a) + [9] * b + [0] * (n_b - b))
        blanks = np.arange(n_a + n_b) < n_a
        (score,) = prevalence_scores(sparse.csr_matrix(column[:, None]), blanks)
        assert score == pytest.approx(expected, rel=1e-10, abs=1e-13, nan_ok=True), (a, n_a, b, n_b)


def with_blanks():
    """Twenty samples and six blanks; `kit` is in every blank and in two samples, `bug` in samples only, `both` everywhere."""
    samples = tuple(f"s{i:02d}" for i in range(20)) + tuple(f"b{i}" for i in range(6))
    counts = [[(i < 2) * 4, 50, 10] for i in range(20)] + [[30, 0, 2] for _ in range(6)]
    kinds = metadata(ids=samples, type=("stool",) * 20 + ("blank",) * 6)
    return table(counts, samples, ("kit", "bug", "both")), kinds


def test_contaminants_are_dropped_and_listed_and_then_the_blanks_leave() -> None:
    raw, kinds = with_blanks()
    cohort, fallen = align(raw, metadata=kinds, synonyms={}, choices=Choices(filters=Filters(blanks='type == "blank"')))
    assert cohort.feature_ids == ("both", "bug")
    assert cohort.sample_ids == tuple(f"s{i:02d}" for i in range(20))
    (entry,) = cohort.record["filters"]
    assert (entry["filter"], entry["option"], entry["features"], entry["samples"]) == ("blanks", 'type == "blank"', 1, 6)
    assert entry["reads"] == 2 * 4 + 6 * 32
    reasons = {f.id: f.reason for f in fallen}
    assert reasons["kit"] == "contaminant: found in negative controls more often than in samples (decontam's prevalence score below 0.1)"
    assert reasons["b0"] == "negative control"
    assert not any("fewer than 5" in n for n in cohort.record["notes"])


def test_a_contaminant_is_what_scores_below_a_tenth() -> None:
    # scores of DECONTAM above: 0.078 for 5 of 6 controls and 20 of 40 samples, 0.128 for 3 of 6 and 10 of 40
    blank = np.arange(46) < 6
    below = np.where(blank, np.arange(46) < 5, np.arange(46) < 26)
    above = np.where(blank, np.arange(46) < 3, np.arange(46) < 16)
    counts = np.stack([below * 4, above * 4, np.full(46, 50)], axis=1)
    samples = tuple(f"x{i:02d}" for i in range(46))
    about = metadata(ids=samples, type=tuple("blank" if b else "stool" for b in blank))
    raw = table(counts, samples, ("below", "above", "everywhere"))
    cohort, _ = align(raw, metadata=about, synonyms={}, choices=Choices(filters=Filters(blanks='type == "blank"')))
    assert cohort.feature_ids == ("above", "everywhere")


def test_blanks_must_be_some_of_the_samples_and_few_of_them_are_noted() -> None:
    raw, kinds = with_blanks()
    for expression, said in (
        ('type == "water"', "selects none of 26 samples"),
        ('type in ["stool", "blank"]', "selects all of 26 samples"),
    ):
        with pytest.raises(InputError, match=said):
            align(raw, metadata=kinds, synonyms={}, choices=Choices(filters=Filters(blanks=expression)))
    with pytest.raises(ExpressionError, match="character 6: found"):
        align(raw, metadata=kinds, synonyms={}, choices=Choices(filters=Filters(blanks="type = 'blank'")))
    with pytest.raises(InputError, match="no column 'kind'"):
        align(raw, metadata=kinds, synonyms={}, choices=Choices(filters=Filters(blanks="kind == 'blank'")))
    few = metadata(ids=kinds.ids, type=("stool",) * 20 + ("blank",) * 2 + (None,) * 4)
    cohort, _ = align(raw, metadata=few, synonyms={}, choices=Choices(filters=Filters(blanks="type == 'blank'")))
    assert len(cohort.sample_ids) == 24, "a sample whose kind is not known is no blank"
    assert any("2 negative controls only" in note for note in cohort.record["notes"])


# ---------------------------------------------------------------- replicates
def test_replicates_are_summed_under_the_name_of_their_set_and_cells_that_differ_become_empty() -> None:
    about = metadata(tube=("T1", "T1", None, "T2", "T2"), site=("a", "a", "b", "c", None), run=("1", "2", "1", "1", "1"))
    cohort, fallen = built(Filters(replicates="tube"), metadata=about, roles=Roles(group="site"))
    assert cohort.sample_ids == ("T1", "T2", "s3")
    order = [FEATURES.index(f) for f in cohort.feature_ids]
    raw = np.array(COUNTS)[:, order]
    assert cohort.counts.toarray().tolist() == [(raw[0] + raw[1]).tolist(), (raw[3] + raw[4]).tolist(), raw[2].tolist()]
    assert cohort.metadata.column("site") == ("a", "c", "b"), "a missing cell contradicts nobody"
    assert cohort.metadata.column("run") == (None, "1", "1")
    assert cohort.metadata.column("tube") == ("T1", "T2", None)
    assert cohort.record["merged"] == {"T1": ["s1", "s2"], "T2": ["s4", "s5"]}
    assert ("sample", "s4", "merged", "summed with its replicates by column 'tube'") in listed(fallen)
    assert ("metadata", "T1", "kept", "replicates differ in column 'run': its cell is empty") in listed(fallen)
    assert cohort.record["filters"][0]["reads"] == 0
    assert cohort.record["filters"][0]["samples"] == 2


def test_a_set_that_differs_in_several_columns_is_listed_once_and_noted() -> None:
    about = metadata(tube=("T1", "T1", "T1", "T2", "T2"), run=("1", "2", "3", "1", "1"), plate=("a", "a", "b", "c", "d"))
    cohort, fallen = built(Filters(replicates="tube"), metadata=about)
    kept = [(f.id, f.reason) for f in fallen if (f.part, f.outcome) == ("metadata", "kept")]
    assert kept == [
        ("T1", "replicates differ in columns 'run', 'plate': their cells are empty"),
        ("T2", "replicates differ in column 'plate': its cell is empty"),
    ]
    notes = [n for n in cohort.record["notes"] if "--replicates" in n]
    assert notes == [
        "--replicates tube: in 2 of 2 sets the samples differ in metadata columns ('run', 'plate'); 3 cells became empty, listed in alignment.tsv."
    ]


@pytest.mark.parametrize("part", ["group", "subject", "time"])
def test_samples_of_different_groups_subjects_or_times_are_never_summed(part: str) -> None:
    about = metadata(tube=("T1", "T1", None, "T2", "T2"), x=("a", None, "b", "c", "d"))
    said = rf"--replicates tube: .* set 'T2' differ in the {part} column 'x' \('c' in sample 's4', 'd' in sample 's5'\).*leave --{part} out"
    with pytest.raises(InputError, match=said):
        built(Filters(replicates="tube"), metadata=about, roles=Roles(**{part: "x"}))
    cohort, _ = built(Filters(replicates="tube"), metadata=about)
    assert cohort.metadata.column("x") == ("a", None, "b"), "without a part a cell that differs is emptied"


def test_a_set_of_replicates_cannot_take_the_name_of_another_sample() -> None:
    about = metadata(tube=("s3", "s3", None, "T2", "T2"))
    with pytest.raises(InputError, match=r"--replicates tube: 1 sample without a value there .*'s3'"):
        built(Filters(replicates="tube"), metadata=about)
    with pytest.raises(InputError, match="no column 'vial'"):
        built(Filters(replicates="vial"), metadata=about)


# ---------------------------------------------------------------- one sample a subject
ABOUT = {
    "who": ("p", "p", "p", "q", None),
    "week": ("3", "1", None, "2", "1"),
    "day": ("2024-03-02", "2024-01-31", None, "2024-02-01", None),
}


@pytest.mark.parametrize(
    ("rule", "time", "kept"),
    [
        ("first", "week", ("s2", "s4", "s5")),
        ("first", "day", ("s2", "s4", "s5")),
        ("deepest", None, ("s1", "s4", "s5")),
    ],
)
def test_one_sample_stands_for_each_subject(rule: str, time: str | None, kept: tuple[str, ...]) -> None:
    about = metadata({"week": "numeric"}, **ABOUT)
    cohort, fallen = built(Filters(one_per_subject=rule), metadata=about, roles=Roles(subject="who", time=time))
    assert cohort.sample_ids == kept, "of equal depth the first by id; a sample without a subject is its own"
    assert ("sample", "s3", "dropped", f"not the {rule} sample of its subject") in listed(fallen)
    assert cohort.record["filters"][0]["samples"] == 2


def test_the_deepest_sample_is_the_one_with_most_reads_and_a_sample_at_the_floor_stays() -> None:
    about = metadata(who=("p", "p", "q", "q", "q"))
    raw = table([[0, 0, 0, 0, 0, n, 1] for n in (9, 29, 19, 39, 4)])  # 10, 30, 20, 40 and 5 reads
    cohort, _ = built(Filters(one_per_subject="deepest"), table=raw, metadata=about, roles=Roles(subject="who"))
    assert cohort.sample_ids == ("s2", "s4")
    cohort, _ = built(Filters(min_reads=20), table=raw)
    assert cohort.sample_ids == ("s2", "s3", "s4")


def test_one_per_subject_says_what_it_needs() -> None:
    about = metadata(**ABOUT, visit=("late", "early", None, "x", "y"))
    for rule, roles, said in (
        ("first", Roles(), "needs --subject"),
        ("first", Roles(subject="who"), "needs --time"),
        ("first", Roles(subject="who", time="visit"), "column 'visit' holds 'early', 'late' and 2 more"),
    ):
        with pytest.raises(InputError, match=said):
            built(Filters(one_per_subject=rule), metadata=about, roles=roles)


# ---------------------------------------------------------------- the order of all of them
def test_samples_without_metadata_are_kept_or_dropped_by_choice() -> None:
    about = metadata(ids=("s1", "s2", "s9"), x=("a", "b", "c"))
    cohort, fallen = align(table(), metadata=about, synonyms={})
    assert len(cohort.sample_ids) == 5
    assert ("sample", "s3", "kept", "no row in the sample metadata: its cells are empty") in listed(fallen)
    cohort, fallen = align(table(), metadata=about, synonyms={}, choices=Choices(without_metadata="drop"))
    assert cohort.sample_ids == ("s1", "s2")
    assert {
        ("sample", "s3", "dropped", "no row in the sample metadata"),
        ("metadata", "s9", "dropped", "no such sample in the table"),
    } <= listed(fallen)
    empty = table([[0] * 7, [1] * 7], ("s1", "s2"))
    with pytest.raises(InputError, match="--without-metadata drop leaves no sample"):
        align(empty, metadata=metadata(ids=("s1",), x=("a",)), synonyms={}, choices=Choices(without_metadata="drop"))


def test_every_id_that_is_gone_is_listed_once_and_the_order_of_samples_changes_nothing() -> None:
    about = metadata({"week": "numeric"}, **ABOUT, tube=("T1", "T1", None, None, None))
    filters = Filters(replicates="tube", exclude=("chloroplast",), min_feature_reads=6, min_reads=3, one_per_subject="deepest")
    cohort, fallen = built(filters, metadata=about, roles=Roles(subject="who"))
    gone = [f.id for f in fallen if f.part == "feature" and f.outcome == "dropped"]
    assert sorted(gone + list(cohort.feature_ids)) == sorted(FEATURES)
    turned = table([row[::-1] for row in COUNTS[::-1]], SAMPLES[::-1], FEATURES[::-1])
    again, listed_again = built(filters, table=turned, metadata=about, roles=Roles(subject="who"))
    assert again.sample_ids == cohort.sample_ids
    assert (again.counts != cohort.counts).nnz == 0
    assert again.record["filters"] == cohort.record["filters"]
    assert listed_again == fallen, "also the list of what is gone"


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("0.1", 0.1), ("10%", 0.1), ("1.0", 1.0), ("100%", 1.0), ("0", 0), (".5", 0.5)])
def test_a_prevalence_is_a_number_of_samples_or_a_share(text: str, value: float) -> None:
    found = prevalence(text)
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize("text", ["1.5", "150%", "-1", "-0.1", "few", "", "nan", "inf", "%"])
def test_what_is_no_prevalence_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="neither a number of samples"):
        prevalence(text)
