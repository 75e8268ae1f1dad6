"""Simulates the gut cohort of `test_data/` with known truth: same seed, same bytes (`python simulate.py [--seed S] [--output DIR]`)."""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HERE = Path(__file__).resolve().parent
SEED = 20261122
FILES = ("table.biom", "taxonomy.tsv", "tree.nwk", "metadata.tsv", "truth.json")

HEALTHY_ONCE, HEALTHY_THRICE = 120, 10
PATIENTS_ONCE, PATIENTS_TWICE, PATIENTS_THRICE = 40, 10, 10
ICC = 0.6  # share of a taxon's variance that lies between subjects
LOW_MODES = (  # how a sample was made low in diversity, the genus that dominates it, how many samples
    ("bloom", "Escherichia-Shigella", 13),
    ("bloom", "Klebsiella", 6),
    ("bloom", "Enterococcus", 11),
    ("loss", "Bacteroides", 15),
)
LOW_PATIENTS_ONCE = 20
LOW_PATTERNS = {  # which visits of the repeated patients are low
    2: ["11"] * 4 + ["10"] * 3 + ["00"] * 3,
    3: ["111"] * 3 + ["100", "010", "001", "100", "010"] + ["000"] * 2,
}
DOMINANCE = np.log(190.0)  # mean ln abundance of a dominant genus, in percent of a typical community
AGE_SLOPE = {"Bifidobacterium": -0.02}  # ln-units per year; age does not follow diversity
SUBJECT_CONCENTRATION = 3.0  # Dirichlet concentration of a genus' ASVs within a subject
BRANCH = (0.012, 0.06, 0.05, 0.06, 0.08, 0.1, 0.3)  # mean branch lengths within genus, family, order, class, phylum, domain, life


@dataclass(frozen=True)
class Genus:
    """A row of genera.tsv: what a genus is like in a typical gut, and which part it plays here."""

    lineage: str
    asvs: int
    share: float
    sd: float
    present: float
    role: str
    size: float
    immune: bool
    species: tuple[str, ...]

    @property
    def name(self) -> str:
        """The genus as spelled, or the last named rank with `(no genus)`."""
        last = self.lineage.split("; ")[-1]
        return last[3:] if last.startswith("g__") else f"{last[3:]} (no genus)"


@dataclass(frozen=True, eq=False)
class Sample:
    """One row of the metadata, and how the sample was made low (`how`, `dominant`), if it was."""

    sample_id: str
    group: str
    subject: str
    time: int
    age: int
    sex: str
    bmi: float
    how: str = ""
    dominant: str = ""


@dataclass(frozen=True, eq=False)
class Simulated:
    """Reads (samples x ASVs, the last without metadata), the genus of each ASV, true ln abundances (samples x genera; NaN: absent)."""

    seed: int
    genera: tuple[Genus, ...]
    samples: tuple[Sample, ...]
    counts: Ints
    genus_of: Ints
    log_abundance: Floats
    asv_shannon: Floats
    newick: str


def read_genera(path: Path = HERE / "genera.tsv") -> tuple[Genus, ...]:
    """Read the table of genera."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    return tuple(
        Genus(
            r["lineage"], int(r["asvs"]), float(r["share"]), float(r["sd"]), float(r["present"]), r["role"],
            float(r["size"] or 0), r["immune"] == "1", tuple(r["species"].split(",")) if r["species"] else (),
        )
        for r in rows
    )  # fmt: skip


def design(rng: np.random.Generator) -> tuple[Sample, ...]:
    """Draw subjects, visits, covariates and which patient samples are low; ids do not tell the group."""
    visits: list[tuple[str, str, int, str]] = []  # group, subject, visit, "1" if low
    sizes = [1] * HEALTHY_ONCE + [3] * HEALTHY_THRICE
    visits += [("healthy", f"H{i + 1:03d}", v, "0") for i, n in enumerate(sizes) for v in range(n)]
    once = ["1"] * LOW_PATIENTS_ONCE + ["0"] * (PATIENTS_ONCE - LOW_PATIENTS_ONCE)
    patterns = once + LOW_PATTERNS[2] + LOW_PATTERNS[3]
    visits += [("patient", f"P{i + 1:03d}", v, low) for i, p in enumerate(patterns) for v, low in enumerate(p)]
    subjects = sorted({v[1] for v in visits})
    age = dict(zip(subjects, np.clip(np.rint(rng.normal(45, 14, len(subjects))), 19, 79).astype(int), strict=True))
    sex = dict(zip(subjects, rng.choice(["female", "male"], len(subjects)), strict=True))
    bmi = dict(zip(subjects, np.clip(rng.normal(25, 3.6, len(subjects)), 17.5, 39), strict=True))
    modes = [(how, dominant) for how, dominant, n in LOW_MODES for _ in range(n)]
    order = iter(rng.permutation(len(modes)))
    places = rng.permutation(len(visits))
    samples = []
    for place, (group, subject, visit, low) in zip(places, visits, strict=True):
        how, dominant = modes[next(order)] if low == "1" else ("", "")
        shift = round(float(rng.normal(0, 0.2)), 1) if visit else 0.0
        samples.append(
            Sample(f"S{place + 1:03d}", group, subject, 4 * visit, int(age[subject]), str(sex[subject]),
                   round(float(bmi[subject]) + shift, 1), how, dominant)
        )  # fmt: skip
    return tuple(sorted(samples, key=lambda s: s.sample_id))


def free_log_abundances(rng: np.random.Generator, genera: tuple[Genus, ...], samples: tuple[Sample, ...]) -> Floats:
    """Draw ln abundances before anything follows diversity; every genus independent of every other, -inf where absent."""
    subjects = sorted({s.subject for s in samples})
    row = np.array([subjects.index(s.subject) for s in samples])
    mean = np.log([g.share for g in genera])
    sd = np.array([g.sd for g in genera])
    between = rng.standard_normal((len(subjects), len(genera)))[row]
    within = rng.standard_normal((len(samples), len(genera)))
    log_a: Floats = mean + sd * (np.sqrt(ICC) * between + np.sqrt(1 - ICC) * within)
    present = rng.random((len(subjects), len(genera))) < np.array([g.present for g in genera])
    log_a[~present[row]] = -np.inf
    names = [g.name for g in genera]
    age = np.array([s.age for s in samples], dtype=np.float64)
    for name, slope in AGE_SLOPE.items():
        log_a[:, names.index(name)] += slope * (age - 45)
    dominance = DOMINANCE + 0.25 * rng.standard_normal(len(samples))
    lost = np.array([g.role == "lost" for g in genera])
    for i, sample in enumerate(samples):
        if sample.how:
            log_a[i, names.index(sample.dominant)] = dominance[i]
        if sample.how == "loss":
            log_a[i, lost] = -np.inf
    return log_a


def diversity_of_others(log_a: Floats) -> Floats:
    """Shannon diversity (nats) of the composition of all other genera, for each sample and genus, in SD units over the samples."""
    a = np.exp(log_a)
    x_log_x = a * np.where(a > 0, log_a, 0.0)
    rest = a.sum(axis=1, keepdims=True) - a
    d = np.log(rest) - (x_log_x.sum(axis=1, keepdims=True) - x_log_x) / rest
    z: Floats = (d - d.mean(axis=0)) / d.std(axis=0, ddof=1)
    return z


def slope_on(z: Floats, y: Floats) -> float:
    """Least-squares slope of y on z over the samples where y is finite; NaN below 3 samples."""
    kept = np.isfinite(y)
    if kept.sum() < 3:
        return float("nan")
    centred: Floats = z[kept] - z[kept].mean()
    return float(np.sum(centred * y[kept]) / np.sum(centred**2))


def plant(free: Floats, genera: tuple[Genus, ...]) -> Floats:
    """Let the planted genera follow the diversity of the others; the slope within these samples is then the stated one.

    The planted genera belong to each other's others, so this is a fixed point, found by damped iteration.
    """
    log_a = free.copy()
    planted = [j for j, g in enumerate(genera) if g.role == "planted"]
    for _ in range(2000):
        z = diversity_of_others(log_a)
        step = 0.0
        for j in planted:
            wanted = free[:, j] + (genera[j].size - slope_on(z[:, j], free[:, j])) * z[:, j]
            step = max(step, float(np.abs(wanted - log_a[:, j]).max()))
            log_a[:, j] += 0.5 * (wanted - log_a[:, j])
        if step < 1e-10:
            return np.asarray(np.round(log_a, 9), dtype=np.float64)  # the last bits of exp and log differ between processors
    msg = "the planted links did not converge"
    raise RuntimeError(msg)


def asv_shares(rng: np.random.Generator, genera: tuple[Genus, ...], samples: tuple[Sample, ...]) -> list[Floats]:
    """Split each genus among its ASVs, (n_samples, n_asvs) a genus: subjects differ, visits resemble each other; loss leaves one strain."""
    subjects = sorted({s.subject for s in samples})
    shares = []
    for genus in genera:
        typical = np.sort(rng.dirichlet(np.full(genus.asvs, 1.2)))[::-1]
        carried = rng.random((len(subjects), genus.asvs)) < 0.2 + 0.75 * typical / typical[0]
        carried[~carried.any(axis=1), 0] = True
        of_subject = [rng.dirichlet(SUBJECT_CONCENTRATION * typical + 0.01) * c + 1e-6 * c for c in carried]
        concentration = SUBJECT_CONCENTRATION * ICC / (1 - ICC) - 1
        share = np.empty((len(samples), genus.asvs))
        for i, sample in enumerate(samples):
            own = of_subject[subjects.index(sample.subject)]
            own = own / own.sum()
            share[i] = rng.dirichlet(np.maximum(concentration * own, 1e-3)) * (own > 0)
            share[i] /= share[i].sum()
            if sample.how and (sample.how == "loss" or sample.dominant == genus.name):
                share[i] = 0.05 * share[i] + 0.95 * (np.arange(genus.asvs) == np.argmax(own))
        shares.append(share)
    return shares


def draw_depths(rng: np.random.Generator, samples: tuple[Sample, ...]) -> Ints:
    """Draw reads per sample, 8,000 to 40,000 and unrelated to diversity; one healthy and two ordinary patient samples are shallow."""
    depth = np.clip(rng.lognormal(np.log(18_000), 0.35, len(samples)), 8_000, 40_000).astype(np.int64)
    often = [s.subject for s in samples]
    ordinary = [i for i, s in enumerate(samples) if not s.how and often.count(s.subject) == 1]
    for group, n in (("healthy", 1), ("patient", 2)):
        shallow = rng.choice([i for i in ordinary if samples[i].group == group], n, replace=False)
        depth[shallow] = rng.integers(300, 900, n)
    return depth


def show_every_asv(counts: Ints, genus_of: Ints) -> None:
    """Give an ASV that drew no read one read of its genus' largest cell, in place: a real table lists no unseen ASV."""
    for k in np.flatnonzero(counts.sum(axis=0) == 0):
        own = np.flatnonzero(genus_of == genus_of[k])
        i, place = np.unravel_index(np.argmax(counts[:, own]), (len(counts), own.size))
        counts[i, own[place]] -= 1
        counts[i, k] += 1


def newick_tree(rng: np.random.Generator, lineages: list[str], tips: list[str]) -> str:
    """Join ASVs at random within each genus, genera within each family and so on; a rooted tree with all branch lengths."""

    def branch(level: int) -> str:
        return f"{max(float(rng.gamma(2.0, BRANCH[level] / 2)), 1e-5):.5f}"

    def join(clades: list[str], level: int) -> str:
        """Join clades two by two in random order; each gets its branch when it is joined."""
        while len(clades) > 1:
            first, second = (clades.pop(int(rng.integers(len(clades)))) for _ in range(2))
            clades.append(f"({first}:{branch(level)},{second}:{branch(level)})")
        return clades[0]

    ranks = [tuple(lineage.split("; ")) for lineage in lineages]
    clades: dict[tuple[str, ...], str] = {}
    for genus in sorted(set(ranks)):
        path = genus + ("",) * (6 - len(genus))
        clades[path] = join([t for t, r in zip(tips, ranks, strict=True) if r == genus], 0)
    for level in range(1, 7):
        parents = sorted({path[:-1] for path in clades})
        clades = {parent: join([c for path, c in clades.items() if path[:-1] == parent], level) for parent in parents}
    return clades[()] + ";"


def simulate(seed: int = SEED) -> Simulated:
    """Simulate the whole cohort: 240 samples with metadata, and last one sample (`S241`) without."""
    genera = read_genera()
    rngs = [np.random.default_rng([seed, part]) for part in range(6)]
    samples = design(rngs[0])
    log_a = plant(free_log_abundances(rngs[1], genera, samples), genera)
    shares = asv_shares(rngs[2], genera, samples)
    abundance = np.hstack([np.exp(log_a[:, [j]]) * share for j, share in enumerate(shares)])
    genus_of = np.repeat(np.arange(len(genera)), [g.asvs for g in genera])
    p = abundance / abundance.sum(axis=1, keepdims=True)
    h = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1)
    depth = draw_depths(rngs[3], samples)
    counts = np.array([rngs[4].multinomial(n, row) for n, row in zip(depth, p, strict=True)])
    show_every_asv(counts, genus_of)
    stray = rngs[4].multinomial(12_000, p[:3].mean(axis=0))
    order = np.lexsort((np.arange(genus_of.size), -counts.sum(axis=0)))
    listed = np.array([genera[j].role != "unlisted" for j in genus_of[order]])
    order = np.concatenate([order[listed], order[~listed]])  # the features without a taxonomy row come last
    counts = np.vstack([counts, stray])[:, order]
    genus_of = genus_of[order]
    lineages = [genera[j].lineage for j in genus_of] + [genera[0].lineage]
    tips = [feature_id(k) for k in range(len(lineages))]  # the last tip is no feature
    newick = newick_tree(rngs[5], lineages, tips)
    return Simulated(seed, genera, samples, counts, genus_of, np.where(np.isfinite(log_a), log_a, np.nan), h, newick)


def feature_id(place: int) -> str:
    """`ASV_0001` is the most abundant."""
    return f"ASV_{place + 1:04d}"


def truth_of(cohort: Simulated) -> dict[str, Any]:
    """Collect what is true of the cohort, on the scale on which links are defined."""
    log_a = np.where(np.isnan(cohort.log_abundance), -np.inf, cohort.log_abundance)
    z = diversity_of_others(log_a)
    reads = np.zeros((len(cohort.samples), len(cohort.genera)), dtype=np.int64)
    np.add.at(reads.T, cohort.genus_of, cohort.counts[: len(cohort.samples)].T)
    mean_share = (reads / reads.sum(axis=1, keepdims=True)).mean(axis=0)
    rank = np.argsort(np.argsort(-mean_share, kind="stable"), kind="stable") + 1
    prevalence = (reads > 0).mean(axis=0)
    realised = np.array([slope_on(z[:, j], log_a[:, j]) for j in range(len(cohort.genera))])
    taxa = []
    for j, g in enumerate(cohort.genera):
        own = np.flatnonzero(cohort.genus_of == j)
        taxa.append({
            "taxon": g.name, "lineage": g.lineage, "role": g.role, "slope": g.size if g.role in ("planted", "null") else None,
            "realised_slope": round(float(realised[j]), 4), "immune_relevant": g.immune,
            "prevalence": round(float(prevalence[j]), 4), "mean_share": round(float(mean_share[j]), 6),
            "abundance_rank": int(rank[j]), "samples_present": int(np.isfinite(log_a[:, j]).sum()),
            "features": [feature_id(int(k)) for k in own],
        })  # fmt: skip
    low = {s.sample_id: {"how": s.how, "dominant": s.dominant} for s in cohort.samples if s.how}
    return {
        "seed": cohort.seed,
        "design": {
            "samples": len(cohort.samples), "subjects": len({s.subject for s in cohort.samples}),
            "samples_by_group": {g: sum(s.group == g for s in cohort.samples) for g in ("healthy", "patient")},
            "subjects_by_group": {g: len({s.subject for s in cohort.samples if s.group == g}) for g in ("healthy", "patient")},
            "features": len(cohort.genus_of) - 3, "icc": ICC, "age_slope": AGE_SLOPE,
        },
        "on_top": {
            "samples_without_metadata": ["S241"], "metadata_without_sample": ["S242", "S243"],
            "features_without_taxonomy": [feature_id(len(cohort.genus_of) - k) for k in (3, 2, 1)],
            "tips_without_feature": [feature_id(len(cohort.genus_of))],
        },
        "shallow_samples": [s.sample_id for s, n in zip(cohort.samples, cohort.counts.sum(axis=1), strict=False) if n < 1000],
        "low_diversity": low,
        "asv_shannon": {s.sample_id: round(float(h), 3) for s, h in zip(cohort.samples, cohort.asv_shannon, strict=True)},
        "scale": "slope of ln absolute abundance on the Shannon diversity of the composition of all other genera, in SD units over the "
        "240 samples; group is not in the model",
        "gamma": round(float(np.median(realised[prevalence >= 0.9])), 4),
        "taxa": taxa,
    }  # fmt: skip


def write_biom(path: Path, matrix: Ints, *, features: list[str], samples: list[str]) -> None:
    """Write features x samples as BIOM 2.1, uncompressed and without times, so that the bytes depend on the content only."""
    with h5py.File(path, "w", libver="earliest") as handle:
        attributes = {
            "id": "gutdiv simulated cohort", "type": "OTU table", "format-url": "http://biom-format.org",
            "format-version": np.array([2, 1]), "generated-by": "test_data/simulate.py",
            "creation-date": "2000-01-01T00:00:00", "shape": np.array(matrix.shape), "nnz": int((matrix > 0).sum()),
        }  # fmt: skip
        for key, value in attributes.items():
            handle.attrs[key] = value
        for axis, ids, rows in (("observation", features, matrix), ("sample", samples, matrix.T)):
            for group in ("metadata", "group-metadata"):
                handle.create_group(f"{axis}/{group}")
            at_row, at_column = np.nonzero(rows)
            indptr = np.concatenate([[0], np.cumsum((rows > 0).sum(axis=1))])
            handle.create_dataset(f"{axis}/ids", data=ids, dtype=h5py.string_dtype(), track_times=False)
            for name, data in (("data", rows[at_row, at_column].astype("<f8")), ("indices", at_column.astype("<i4")),
                               ("indptr", indptr.astype("<i4"))):  # fmt: skip
                handle.create_dataset(f"{axis}/matrix/{name}", data=data, track_times=False)


def write(cohort: Simulated, folder: Path) -> None:
    """Write the files of `FILES`."""
    features = [feature_id(k) for k in range(len(cohort.genus_of))]
    write_biom(folder / "table.biom", cohort.counts.T, features=features, samples=[*(s.sample_id for s in cohort.samples), "S241"])
    rng, seen = np.random.default_rng([cohort.seed, 99]), [0] * len(cohort.genera)
    lines = ["Feature ID\tTaxon\tConfidence"]
    for feature, j in zip(features, cohort.genus_of, strict=True):
        genus = cohort.genera[j]
        confidence = rng.beta(12, 0.6) * 0.3 + 0.7
        if genus.role == "unlisted":
            continue
        species = genus.species[seen[j]] if seen[j] < len(genus.species) else ""
        seen[j] += 1
        if not species and "g__" in genus.lineage and rng.random() < 0.2:
            species = "uncultured_bacterium"
        lines.append(f"{feature}\t{genus.lineage}{f'; s__{species}' if species else ''}\t{confidence:.4f}")
    (folder / "taxonomy.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    (folder / "tree.nwk").write_text(cohort.newick + "\n", encoding="utf-8", newline="\n")
    rows = ["sample-id\tgroup\tsubject\ttime\tage\tsex\tbmi"]
    rows += [f"{s.sample_id}\t{s.group}\t{s.subject}\t{s.time}\t{s.age}\t{s.sex}\t{s.bmi:.1f}" for s in cohort.samples]
    rows += ["S242\thealthy\tH131\t0\t52\tfemale\t23.4", "S243\tpatient\tP061\t0\t38\tmale\t27.9"]
    (folder / "metadata.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    text = json.dumps(truth_of(cohort), indent=1, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> None:
    """Write the cohort and print how well the planted slopes were met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args(arguments)
    cohort = simulate(options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    write(cohort, options.output)
    for taxon in truth_of(cohort)["taxa"]:
        if taxon["role"] == "planted":
            slopes = f"stated {taxon['slope']:+.2f}  realised {taxon['realised_slope']:+.4f}"
            print(f"{taxon['taxon']:32} {slopes}  prevalence {taxon['prevalence']:.3f}")


if __name__ == "__main__":
    main()
