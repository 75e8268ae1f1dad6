# What the jobs of a cohort get and need: files, options, blocks of rows, memory and minutes; and what its report is made of.
import json
import math
from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("gutdiv")  # another one makes the results anew
except PackageNotFoundError:  # the jobs have it in an environment of theirs, and a change of that is seen too
    VERSION = None

# What a step takes at its peak: MB in any case, MB for each 1,000 samples, each million counts that are not zero, and each million pairs of samples.
# Measured by benchmarks/workflow.py on 1,000 to 20,000 samples.
PEAKS = {
    "cohort_merge": (300, 0, 0, 25),
    "cohort_build": (300, 0, 0, 25),
    "comparison_alpha": (300, 0, 0, 25),
    "comparison_permanova": (300, 0, 0, 25),
    "comparison_model": (300, 0, 0, 25),
    "comparison_pairs": (300, 0, 0, 25),
    "comparison_abundance": (300, 0, 0, 25),
    "comparison_longitudinal": (300, 0, 0, 25),
    "diversity_depth": (300, 0, 0, 25),
    "diversity_composition": (300, 0, 0, 25),
    "diversity_curves": (300, 0, 0, 25),
    "diversity_standards": (300, 0, 0, 25),
    "diversity_alpha": (300, 0, 0, 25),
    "diversity_taxa": (300, 0, 0, 25),
    "diversity_rows": (300, 0, 0, 25),
    "diversity_beta": (300, 0, 0, 25),
    "diversity_ordination": (300, 0, 0, 25),
    "dysbiosis_verdict": (300, 0, 0, 25),
    "dysbiosis_stability": (300, 0, 0, 25),
    "dysbiosis_flags": (300, 0, 0, 25),
    "dysbiosis_indices": (300, 0, 0, 25),
    "immune_match": (300, 0, 0, 25),
    "immune_link": (300, 0, 0, 25),
    "immune_samples": (300, 0, 0, 25),
    "immune_enrichment": (300, 0, 0, 25),
    "reference_build": (300, 0, 0, 25),
    "report_write": (300, 0, 0, 25),
    "report_index": (300, 0, 0, 25),
}
FLOOR, SNAKEMAKE, SPARE = 500, 250, 1.25  # MB in any case; MB for the two Snakemakes that start a job on a cluster; times the peak


def given(key):
    """An input function: the cohort's file of this kind, if it has one."""
    return lambda wildcards: COHORTS[wildcards.cohort][key] or []


def files(wildcards, input):
    """A params function: `--name=path` for each named input that is there."""
    return [f"--{name.replace('_', '-')}={path}" for name, path in input.items() if path]


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


def blocks(wildcards):
    """An input function: the blocks of rows in which distances are measured where there are many samples, else none."""
    with open(checkpoints.cohort_build.get(cohort=wildcards.cohort).output.cohort) as handle:
        n, most = json.load(handle)["n_samples"], COHORTS[wildcards.cohort]["split_above"]
    count = math.ceil((n / most) ** 2) if n > most else 0
    return [f"results/{{cohort}}/diversity/distances/{{metric}}.rows/{k}_of_{count}.h5" for k in range(1, count + 1)]


def work(files):
    """A one, thousands of samples, millions of counts, and millions of pairs, by the records of cohorts among a job's inputs."""
    records = [json.loads(open(f).read()) for f in files if f.endswith("cohort.json")]
    samples = sum(record["n_samples"] for record in records)
    counts = sum(record.get("n_entries", 0) for record in records)  # an earlier version did not write it; then the cohort is built anew
    return 1, samples / 1e3, counts / 1e6, (samples / 1e3) ** 2


def memory(step):
    """A resources function: megabytes, more at each attempt."""

    def needed(wildcards, input, attempt):
        peak = sum(a * b for a, b in zip(PEAKS[step], work(input)))
        return attempt * math.ceil(max(FLOOR, SNAKEMAKE + SPARE * peak))

    return needed


def minutes(step):
    """A resources function: minutes, more at each attempt; as generous as a queue for short jobs allows."""
    return lambda wildcards, input, attempt: attempt * math.ceil(20 + 2 * work(input)[3])


def processors(most):
    """Threads: one for a small cohort, which is done before more would have begun."""
    return lambda wildcards, input: most if work(input)[1] > 1 else 1
