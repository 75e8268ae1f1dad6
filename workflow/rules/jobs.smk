# What the jobs of a cohort get and need: files, options, blocks of rows, memory and minutes; and what its report is made of.
import json
import math
from importlib.metadata import PackageNotFoundError, version

from snakemake.logging import logger

try:
    VERSION = version("gutdiv")  # another one makes the results anew
except PackageNotFoundError:  # the jobs have it in an environment of theirs, and a change of that is seen too
    VERSION = None

# What a step takes at its peak: MB in any case, MB for each 1,000 samples, each million counts that are not zero, and each million pairs of samples.
# From benchmarks/workflow.py at 1,000, 5,000 and 10,000 samples, of reading and distances also at 20,000 (docs/scaling.md).
PEAKS = {
    "cohort_merge": (60, 1, 62, 0),
    "cohort_build": (97, 0, 5.7, 0),  # for each MB of the files given, packed ones counted tenfold
    "comparison_alpha": (140, 20, 0, 0),
    "comparison_model": (185, 15, 0, 0),
    "comparison_abundance": (214, 27, 0, 0),
    "comparison_longitudinal": (200, 20, 0, 10),
    "comparison_structure": (150, 0, 0, 7),
    "diversity_depth": (245, 16, 0, 0),
    "diversity_composition": (110, 17, 0, 0),
    "diversity_curves": (190, 22, 0, 0),
    "diversity_standards": (240, 17, 0, 0),
    "diversity_alpha": (195, 21, 0, 0),
    "diversity_taxa": (200, 50, 0, 0),
    "diversity_rows": (93, 0, 122, 8),
    "diversity_rows unifrac": (120, 0, 320, 8),
    "diversity_beta": (120, 0, 360, 2.8),
    "diversity_ordination": (110, 25, 0, 8),
    "reference_build": (157, 27, 0, 0),
    "dysbiosis_verdict": (230, 50, 0, 6.3),
    "dysbiosis_stability": (235, 35, 0, 2),
    "dysbiosis_flags": (160, 30, 0, 0),
    "dysbiosis_indices": (210, 25, 0, 7.5),
    "immune_match": (60, 24, 0, 0),
    "immune_link": (140, 22, 0, 0),
    "immune_samples": (107, 33, 0, 0),
    "immune_enrichment": (145, 19, 0, 0),
    "report_write": (155, 50, 0, 0),
    "report_index": (85, 5, 0, 0),
}
# MB of steps that take more than that while they compile their kernels, which the first one of a cache does.
COMPILING = {"diversity_depth": 400, "diversity_beta": 330, "diversity_rows": 330, "dysbiosis_verdict": 520, "dysbiosis_indices": 430}
TOLD = set()  # cohorts of which it was said what a matrix of all samples would cost
FLOOR, SNAKEMAKE, SPARE = 500, 250, 1.25  # MB in any case; MB for the two Snakemakes that start a job on a cluster; times the peak

# What is read with a cohort's record: an input of every step that reads a cohort, so that it is there too where steps share no folder.
COHORT = expand("results/{{cohort}}/cohort/{f}", f="counts.biom metadata.tsv metadata.json taxonomy.tsv tree.nwk alignment.tsv".split())


def given(key):
    """An input function: the cohort's file of this kind, if it has one."""
    return lambda wildcards: COHORTS[wildcards.cohort][key] or []


def files(wildcards, input):
    """A params function: `--name=path` for each named input that is there."""
    return [f"--{name.replace('_', '-')}={path}" for name, path in input.items() if path]


def those(have):
    """A wildcard constraint: the cohorts for which this is true."""
    return "|".join(re.escape(name) for name, cohort in COHORTS.items() if have(cohort)) or "(?!)"


def distances(wildcards, input):
    """A params function: what tests on distances read."""
    return [f"--distances={input.distances}", f"--metadata={input.metadata}"]


def options(*keys, **renamed):
    """A params function: `--key=value` for each value that the cohort has; `:q` in the command keeps it mere text."""
    listed = lambda value: value if isinstance(value, list) else [] if value == "" else [value]
    pairs = [*((key, key) for key in keys), *renamed.items()]
    return lambda wildcards: [f"--{name.replace('_', '-')}={v}" for name, key in pairs for v in listed(COHORTS[wildcards.cohort][key])]


def results(wildcards):
    """What a cohort's report is made of: all that config and sheet ask for, and nothing left from earlier."""
    cohort = COHORTS[wildcards.cohort]
    stems = " ".join(stems for needed, stems in TABLES.items() if cohort[needed]).split()
    stems = [stem.replace("*", metric) for stem in stems for metric in (cohort["beta"] if "*" in stem else [""])]
    files = ["cohort/cohort.json", *(stem + end for stem in stems for end in (".tsv", ".json"))]
    return [f"results/{wildcards.cohort}/{f}" for f in files + ["reference/reference.json"] * bool(cohort["controls"])]


def read(path):
    """The record of a cohort."""
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)


def built(wildcards):
    """The record of the cohort of a job; before there is one Snakemake comes back later."""
    with checkpoints.cohort_build.get(cohort=wildcards.cohort).output.cohort.open(encoding="utf-8") as handle:  # out of a storage too
        return json.load(handle)


def too_many(record, wildcards):
    """Whether a cohort has more samples than one matrix is to hold: then a subsample is measured, and landmarks give the coordinates."""
    n, cohort = record["n_samples"], COHORTS[wildcards.cohort]
    if n > cohort["largest_matrix"] and wildcards.cohort not in TOLD and workflow.is_main_process:
        TOLD.add(wildcards.cohort)
        logger.warning(
            f"{wildcards.cohort}: a matrix of its {n:,} samples would hold {n * (n - 1) // 2:,} distances for each metric, {n * (n - 1) * 4 / 1e9:,.1f} GB on disk"
            f" and twice that in memory. From diversity.largest_matrix on ({cohort['largest_matrix']:,}) samples are placed by {cohort['landmarks']:,} landmarks,"
            f" and tests on distances rest on {cohort['subsample']:,} samples."
        )
    return n > cohort["largest_matrix"]


def blocks(wildcards):
    """An input function: the blocks of rows in which distances are measured where there are many samples, else none."""
    record, most = built(wildcards), COHORTS[wildcards.cohort]["split_above"]
    n = 0 if too_many(record, wildcards) else record["n_samples"]
    count = math.ceil((n / most) ** 2) if n > most else 0
    return [f"results/{{cohort}}/diversity/distances/{{metric}}.rows/{k}_of_{count}.h5" for k in range(1, count + 1)]


def matrix(wildcards):
    """An input function: the distances, unless a matrix of them would be too large."""
    return [] if too_many(built(wildcards), wildcards) else "results/{cohort}/diversity/distances/{metric}.h5"


def past_a_matrix(*keys):
    """A params function: options for cohorts of more samples than a matrix holds; it takes no input, so that a change of what it gives is seen."""
    return lambda wildcards: options(*keys)(wildcards) if too_many(built(wildcards), wildcards) else []


def megabytes(path, stored=0):
    """What an input file holds, packed ones some ten times their size, `stored` where it is not here; of a folder of results the largest of its tables."""
    if os.path.isdir(path):
        return max(
            (
                megabytes(os.path.join(at, name))
                for at, _, names in os.walk(path)
                for name in names
                if name.endswith((".tsv", ".biom", ".qza"))
            ),
            default=0,
        )
    packed = 10 if path.endswith((".gz", ".zip", ".qza", ".xlsx", ".rds", ".RData")) else 1
    return packed * (os.path.getsize(path) / 1e6 if os.path.exists(path) else stored)


def work(files, wildcards):
    """A one, thousands of samples, millions of counts and millions of pairs, by the records of cohorts among a job's inputs; before there is one, MB in files."""
    records = [read(f) for f in files if f.endswith("cohort.json")]
    if not records:
        stored = files.size_files_mb if any(f.is_storage for f in files) else [0] * len(files)
        return 1, 0, sum(map(megabytes, files, stored)), 0
    samples = sum(record["n_samples"] for record in records) / 1e3
    counts = sum(record.get("n_entries", 0) for record in records) / 1e6  # earlier versions did not write it; then the cohort is built anew
    part = hasattr(wildcards, "cohort") and too_many(records[0], wildcards)
    measured = min(samples, COHORTS[wildcards.cohort]["subsample"] / 1e3) if part else samples
    return 1, samples, counts, measured**2 / int(getattr(wildcards, "blocks", 1))


def memory(step):
    """A resources function: megabytes, more at each attempt."""

    def needed(wildcards, input, attempt):
        own = f"{step} unifrac" if "unifrac" in getattr(wildcards, "metric", "") else step
        peak = sum(a * b for a, b in zip(PEAKS.get(own, PEAKS[step]), work(input, wildcards)))
        return attempt * math.ceil(max(FLOOR, SNAKEMAKE + max(SPARE * peak, COMPILING.get(step, 0))))

    return needed


def minutes(step):
    """A resources function: minutes, more at each attempt; as generous as a queue for short jobs allows."""
    return lambda wildcards, input, attempt: attempt * math.ceil(20 + sum(work(input, wildcards)[k] for k in (1, 3)) / 5)


def processors(most):
    """Threads: one for a small cohort, which is done before more would have begun; on one machine half of what the run may take, so that two jobs keep it busy."""
    here = workflow.is_main_process and workflow.resource_settings.nodes is None  # a job on a cluster has what it asked for
    cores = workflow.resource_settings.cores if here else None

    def wanted(wildcards, input):
        known = all(os.path.exists(f) for f in input if f.endswith("cohort.json"))
        return min(most, max(1, cores // 2) if cores else most) if not known or work(input, wildcards)[1] > 1 else 1

    return wanted
