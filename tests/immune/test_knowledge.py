"""The knowledge base keeps its own rules, agrees with the evidence that it was made from, and a base that breaks a rule is refused."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from gutdiv.cli.app import main
from gutdiv.errors import KnowledgeError
from gutdiv.io.knowledge import COLUMNS, LEVELS, added, check_knowledge, read_immune_taxa, read_references, read_synonyms
from gutdiv.model.names import PATHOGENS

if TYPE_CHECKING:
    from pathlib import Path

TAXA, REFERENCES, SYNONYMS = read_immune_taxa(), read_references(), read_synonyms()
BY_ROW = {row["row"]: row for row in TAXA}


def refused(changes: dict[str, str], *, row: str) -> str:
    """Change cells of one row and return why the base is refused."""
    taxa = [{**r, **changes} if r["row"] == row else r for r in TAXA]
    with pytest.raises(KnowledgeError) as error:
        check_knowledge(taxa, REFERENCES, SYNONYMS)
    return str(error.value)


# ---------------------------------------------------------------- the shipped base
def test_the_shipped_base_keeps_its_rules() -> None:
    check_knowledge(TAXA, REFERENCES, SYNONYMS)
    assert len(TAXA) == 101
    assert [r["row"] for r in TAXA] == [str(i) for i in range(1, 102)]


def test_no_pathogen_is_reported_from_a_genus_call() -> None:
    for row in TAXA:
        if {"Clostridioides", "Salmonella", "Yersinia", "Vibrio", "Helicobacter", "Campylobacter"} & set(row["genera"].split("|")):
            assert row["visible_by_16s"] == "no"
            assert row["tested"] == "no"


def test_few_bifidobacteria_or_lactobacilli_are_never_a_sign_of_dysbiosis() -> None:
    for taxon in ("Bifidobacterium", "Lactobacillaceae"):
        rows = [r for r in TAXA if r["taxon"] == taxon]
        assert rows
        assert all(r["direction"] == "contested" and "no sign of dysbiosis" in r["contested_reason"] for r in rows)


@pytest.mark.parametrize(
    "taxon",
    [
        *("Akkermansia", "Segatella copri complex", "Prevotella", "Bacteroides fragilis with polysaccharide A"),
        *("Bacteroides fragilis, enterotoxigenic", "Mediterraneibacter gnavus", "Collinsella", "Bilophila"),
    ],
)
def test_contested_taxa_say_that_they_are_contested_and_why(taxon: str) -> None:
    rows = [r for r in TAXA if r["taxon"] == taxon]
    assert rows
    assert all(r["strength"] == "contested" and r["contested_reason"] for r in rows)


@pytest.mark.parametrize("word", ["polysaccharide A", "toxin BFT", "capsule"])
def test_mechanisms_of_strains_say_that_16s_cannot_see_them(word: str) -> None:
    rows = [r for r in TAXA if word in r["mechanism"]]
    assert rows
    assert all("cannot be seen" in r["visibility_reason"] or "cannot see" in r["visibility_reason"] for r in rows)


def test_fibre_is_not_said_to_raise_diversity_and_the_fermented_food_trial_is_called_small() -> None:
    assert "alpha diversity did not change" in BY_ROW["101"]["mechanism"]
    assert "small trial" in BY_ROW["56"]["strength_note"]


def test_substrates_count_as_cited_only_by_papers_of_the_row() -> None:
    for row in TAXA:
        assert set(filter(None, row["substrate_keys"].split(";"))) <= set(row["reference_keys"].split(";"))


@pytest.mark.parametrize(
    "guild",
    [
        *("butyrate producer", "propionate producer", "acetate producer", "lactate producer", "mucin user", "bile-acid transformer"),
        *("tryptophan transformer", "sulfate reducer and H2S producer", "LPS-rich Proteobacteria", "oral origin", "Th17-related"),
        *("Treg-related", "probiotic genus", "prebiotic responder"),
    ],
)
def test_every_guild_that_the_product_promises_has_taxa_that_16s_sees(guild: str) -> None:
    assert any(guild in r["guild"].split(";") and r["tested"] == "yes" for r in TAXA)


def test_several_levels_of_a_row_each_cite_references_of_their_own() -> None:
    several = [r for r in TAXA if ";" in r["evidence"]]
    assert len(several) > 30
    for row in several:
        levels = dict(part.split(":") for part in row["evidence"].split(";"))
        assert all(keys for keys in levels.values())
        assert set(",".join(levels.values()).split(",")) <= set(row["reference_keys"].split(";"))


def test_a_text_that_was_not_checked_is_worded_reported_and_none_is_worded_shown() -> None:
    unchecked = [r for r in TAXA if r["text_checked"] != "yes"]
    assert unchecked
    assert all("reported" in r["mechanism"].casefold() for r in unchecked)
    assert not any("shown" in " ".join(r.values()).casefold() for r in TAXA)


# ---------------------------------------------------------------- against the evidence it was made from
@pytest.fixture(scope="module")
def evidence(request: pytest.FixtureRequest) -> tuple[list[dict[str, str]], dict[str, dict[str, str]]]:
    """Read the source tables, which lie beside the real data."""
    folder = request.getfixturevalue("real_data").parent / "knowledge"
    if not folder.is_dir():
        pytest.skip("the evidence tables are not beside the real data")
    read = []
    for name in ("immune_taxa.tsv", "references.tsv"):
        with (folder / name).open(encoding="utf-8", newline="") as handle:
            read.append(list(csv.DictReader(handle, delimiter="\t")))
    return read[0], {r["key"]: r for r in read[1]}


@pytest.mark.real_data
def test_every_reference_is_one_of_the_evidence_and_every_doi_is_confirmed_there(
    evidence: tuple[list[dict[str, str]], dict[str, dict[str, str]]],
) -> None:
    known = evidence[1]
    for ours in REFERENCES:
        source = known[ours["key"]]
        assert source["status"] == ours["status"] != "drop"
        assert (ours["title"], ours["year"], ours["journal"]) == (source["title"], source["year"], source["journal"])
        assert ours["author"] == source["first_author"] + " et al."
        if source["status"] == "confirmed":
            assert (ours["doi"], ours["pmid"]) == (source["doi"], source["pmid"])
        else:
            assert ours["doi"] == ours["pmid"] == ""


@pytest.mark.real_data
def test_every_row_cites_what_its_source_row_cites_but_for_dropped_references(
    evidence: tuple[list[dict[str, str]], dict[str, dict[str, str]]],
) -> None:
    source, known = evidence
    assert len(source) == len(TAXA)
    checked = {"yes": "yes", "partly": "partly", "no - citation only": "no"}
    for ours, theirs in zip(TAXA, source, strict=True):
        keys = {k for k in theirs["ref_keys"].split(",") if known[k]["status"] != "drop"}
        assert set(ours["reference_keys"].split(";")) == keys, ours["taxon"]
        assert ours["text_checked"] == checked[theirs["mechanism_text_checked_against_abstract"]], ours["taxon"]


@pytest.mark.real_data
def test_a_direction_is_never_the_opposite_of_the_sources(evidence: tuple[list[dict[str, str]], dict[str, dict[str, str]]]) -> None:
    for ours, theirs in zip(TAXA, evidence[0], strict=True):
        said = theirs["direction_low_diversity_or_inflamed"].lower()
        if ours["direction"] in ("depleted", "enriched"):
            assert ours["direction"] in said, ours["taxon"]
        if theirs["evidence_strength"].startswith("contested"):
            assert ours["strength"] == "contested", ours["taxon"]


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("row", "changes", "reason"),
    [
        ("1", {"reference_keys": "sokol2008;quevrain2016;machiels2014;joossens2011;nobody2020"}, "'nobody2020' is not in references.bib"),
        ("1", {"evidence": "mouse:nobody2020"}, "cites 'nobody2020', which its reference_keys do not list"),
        ("1", {"evidence": ""}, "evidence is empty"),
        ("1", {"evidence": "human_association"}, "level 'human_association' has no reference"),
        ("1", {"evidence": "expert opinion:sokol2008"}, "'expert opinion' is not one of in_vitro, mouse, human_association, human_trial"),
        ("1", {"evidence": "mouse:sokol2008;mouse:machiels2014"}, "stands twice"),
        ("1", {"direction": "lower"}, "direction is 'lower'"),
        ("1", {"strength": "very strong"}, "strength is 'very strong'"),
        ("1", {"guild": "good bacteria"}, "guild 'good bacteria' is not in the vocabulary"),
        ("1", {"rank": "tribe"}, "rank is 'tribe'"),
        ("1", {"mechanism": "Butyrate holds back NF-kB."}, "must say 'reported'"),
        ("9", {"mechanism": "Protects mice, as was shown in a trial."}, "says 'shown'"),
        ("9", {"probiotic_use": "patients should take it"}, "says 'should'"),
        ("1", {"mechanism": "Reported: F. prausnitzii holds back NF-kB."}, "species-level claim on a row of rank genus"),
        ("1", {"mechanism": "Reported: butyrate of prausnitzii."}, "species-level claim on a row of rank genus"),
        ("69", {"mechanism": "Klebsiella pneumoniae passes colitis on; E. coli too."}, "species-level claim on a row of rank family"),
        ("1", {"species": "Faecalibacterium prausnitzii"}, "must not match species"),
        ("31", {"contested_reason": ""}, "contested, but says not why"),
        ("31", {"strength": "moderate", "direction": "depleted"}, "must be marked so"),
        ("1", {"contested_reason": "who knows"}, "not marked so"),
        ("1", {"mechanism": "Reported: Roseburia novella lowers IL-8."}, "speaks of 'Roseburia novella': a species-level claim"),
        ("1", {"strength_note": "of F. duncaniae only"}, "species-level claim on a row of rank genus"),
        ("9", {"probiotic_use": "take it daily"}, "says 'take it', which is advice"),
        ("81", {"guild": "opportunist", "visible_by_16s": "yes"}, "Clostridioides holds enteric pathogens"),
        ("1", {"genera": "Salmonella"}, "Salmonella holds enteric pathogens"),
        ("6", {"species": "Vibrio cholerae"}, "Vibrio holds enteric pathogens"),
        ("3", {"row": "03"}, "no whole number from 1"),
        ("3", {"row": "\u0663"}, "no whole number from 1"),
        ("81", {"visible_by_16s": "yes"}, "a pathogen must not be reported from a genus call"),
        ("34", {"visible_by_16s": "yes"}, "16S cannot see a strain"),
        ("45", {"direction": "depleted"}, "no sign of dysbiosis"),
        ("16", {"genera": "Ruminococcus2 (RDP bin)"}, "a bin of several genera, by a statement on a species"),
        ("42", {"genera": "Prevotella (undivided)"}, "a bin of several genera, by a statement on a species"),
        ("46", {"tested": "yes"}, "it is to be tested, but 16S sees no genus or family of it"),
        ("3", {"genera": ""}, "names nothing to match"),
        ("2", {"row": "1"}, "the number stands 2 times"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused(row: str, changes: dict[str, str], reason: str) -> None:
    assert reason in refused(changes, row=row)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "drop"}, "only `confirmed` and `no-doi` may be cited"),
        ({"status": "no-doi"}, "gives a DOI or PMID that is not confirmed"),
        ({"doi": ""}, "is confirmed, but its DOI '' is none"),
        ({"doi": "https://doi.org/10.1/x"}, "its DOI 'https://doi.org/10.1/x' is none"),
        ({"pmid": "PMC123"}, "which is no number"),
        ({"key": "uncited2020"}, "'uncited2020' is cited by no row"),
        ({"key": "lima2022"}, "'lima2022' was found not to hold and is never cited"),
    ],
)
def test_a_reference_that_breaks_a_rule_is_refused(changes: dict[str, str], reason: str) -> None:
    references = [{**r, **changes} if r["key"] == "sokol2008" else r for r in REFERENCES]
    with pytest.raises(KnowledgeError, match="faults") as error:
        check_knowledge(TAXA, references, SYNONYMS)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("spelling", "meaning", "reason"),
    [
        ("[ruminococcus] x group", ("silva", "Ruminococcus", "", "exact"), "reduced to the bare genus"),
        ("clostridium xiva", ("rdp", "Blautia", "", "polyphyletic"), "must not mean 'Blautia' alone"),
        ("blautia", ("silva", "Dorea", "", "exact"), "means several genera in silva"),
        ("something", ("mine", "Something", "", "exact"), "outside the vocabulary"),
    ],
)
def test_a_spelling_that_breaks_a_rule_is_refused(spelling: str, meaning: tuple[str, str, str, str], reason: str) -> None:
    with pytest.raises(KnowledgeError, match="fault") as error:
        check_knowledge(TAXA, REFERENCES, {**SYNONYMS, spelling: (*SYNONYMS.get(spelling, ()), meaning)})
    assert reason in str(error.value)


# ---------------------------------------------------------------- a user's own rows
def test_a_users_rows_in_the_same_format_are_read_and_judged(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    row = {**BY_ROW["1"], "row": "900", "strength_note": "our own reading"}
    own.write_text("\t".join(COLUMNS) + "\n" + "\t".join(row[c] for c in COLUMNS) + "\n", encoding="utf-8")
    rows = read_immune_taxa(own)
    assert [r["row"] for r in rows] == ["900"]
    cited = set(rows[0]["reference_keys"].split(";"))
    check_knowledge(rows, [r for r in REFERENCES if r["key"] in cited], SYNONYMS)


def test_a_table_with_other_columns_or_a_ragged_row_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    own.write_text("taxon\tguild\nBlautia\tx\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"own\.tsv: the columns are"):
        read_immune_taxa(own)
    own.write_text("\t".join(COLUMNS) + "\n1\tBlautia\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"own\.tsv, line 2: 2 cells"):
        read_immune_taxa(own)
    with pytest.raises(KnowledgeError, match="cannot be read"):
        read_immune_taxa(tmp_path / "nowhere.tsv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@book{a,\n}\n", "line 1: expected `@article"),
        ("@article{a,\n  title = {x},\n}\n", "reference 'a' lacks author, journal, year, note"),
        ("@article{a,\n  title = x,\n}\n", "line 2: expected one new `name = {value},`"),
        ("@article{a,\n  title = {x},\n  title = {y},\n}\n", "line 3: expected one new"),
        ("@article{a,\n  title = {x},\n", "'a' is not closed"),
    ],
)
def test_references_in_another_form_are_refused_with_the_line(tmp_path: Path, text: str, reason: str) -> None:
    own = tmp_path / "own.bib"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeError) as error:
        read_references(own)
    assert reason in str(error.value)


def test_every_level_of_evidence_is_used() -> None:
    assert {part.split(":")[0] for row in TAXA for part in row["evidence"].split(";")} == set(LEVELS)


def own_files(folder: Path, *rows: dict[str, str]) -> list[str]:
    """Write rows and one reference of a user, and return the words that add them."""
    lines = ["\t".join(COLUMNS), *("\t".join(row[c] for c in COLUMNS) for row in rows)]
    (folder / "own.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    entry = ("author = {Doe and others},", "title = {A cohort of our own},", "journal = {J},", "year = {2025},", "note = {no-doi},")
    (folder / "own.bib").write_text("\n".join(["@article{doe2025,", *entry, "}"]) + "\n", encoding="utf-8")
    return ["--add-knowledge", str(folder / "own.tsv"), "--add-references", str(folder / "own.bib")]


def test_a_users_rows_stand_beside_the_packages_and_replace_those_of_their_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cites = {"evidence": "human_association:doe2025", "reference_keys": "doe2025", "substrate_keys": ""}
    words = own_files(tmp_path, {**BY_ROW["1"], "row": "900", **cites}, {**BY_ROW["2"], "strength": "weak", **cites})
    assert main(["immune", "check-knowledge", *words]) == 0
    assert "102 rows keep the rules" in capsys.readouterr().out
    rows = added(TAXA, read_immune_taxa(tmp_path / "own.tsv"), key="row")
    assert [r["row"] for r in rows] == [*(r["row"] for r in TAXA), "900"]
    assert rows[1]["strength"] == "weak"


def test_rows_in_place_of_the_packages_may_cite_its_works_and_cannot_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = own_files(tmp_path, BY_ROW["1"])
    assert main(["immune", "check-knowledge", "--knowledge", words[1]]) == 0
    assert "1 rows keep the rules" in capsys.readouterr().out
    words = own_files(tmp_path)
    assert main(["immune", "check-knowledge", "--knowledge", words[1]]) == 2
    assert "there is no row" in capsys.readouterr().err


def test_an_added_reference_does_not_take_the_place_of_a_work_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cites = {"evidence": "human_association:doe2025", "reference_keys": "doe2025", "substrate_keys": ""}
    words = own_files(tmp_path, {**BY_ROW["1"], "row": "900", **cites})
    own = tmp_path / "own.bib"
    own.write_text(own.read_text(encoding="utf-8").replace("doe2025", "sokol2008"), encoding="utf-8")
    assert main(["immune", "check-knowledge", *words]) == 2
    assert "sokol2008: stands already for another work" in capsys.readouterr().err


def test_the_genera_that_are_never_reported_are_those_of_the_pathogen_rows() -> None:
    assert {g for row in TAXA if "enteric pathogen" in row["guild"].split(";") for g in row["genera"].split("|")} == PATHOGENS


def test_added_rows_keep_the_rules_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = own_files(tmp_path, {**BY_ROW["1"], "row": "900", "mechanism": "Cures colitis."})
    assert main(["immune", "check-knowledge", *words[:2]]) == 2
    assert "row 900 (Faecalibacterium): its text says 'Cures'" in capsys.readouterr().err
    words = own_files(tmp_path, {**BY_ROW["1"], "row": "900"}, {**BY_ROW["2"], "row": "900"})
    assert main(["immune", "check-knowledge", *words[:2]]) == 2
    assert "900: stands more than once among the 2 added rows" in capsys.readouterr().err
