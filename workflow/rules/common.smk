# Checks config and sheet, and says of each cohort what its commands get and what its report is made of.
import csv
import json
import os
import re

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate


def check(data, schema):
    """Validate and fill in defaults; an error says what was found where, without the schema that Snakemake prints."""
    try:
        validate(data, f"../schemas/{schema}.schema.yaml")
    except WorkflowError as error:
        pattern = r".*?ValidationError: (.*?)\n\nFailed validating.*\n\nOn instance(.*?):\s*"
        raise WorkflowError(re.sub(pattern, rf"{schema}\2: \1. Found: ", str(error), flags=re.DOTALL)) from None


def beside_config(path):
    """Paths in config and sheet start from the folder of the (first) config file."""
    return os.path.normpath(os.path.join(os.path.dirname(next(iter(workflow.configfiles), "")), path))


def read_cohort(row):
    """A row of the sheet, the config's values where its cells are empty, and what follows from both."""
    check(row, "cohorts")
    cohort = row | {key: row.get(key) or value for key, value in config["cohort"].items()} | config["reference"] | config["immune"]
    cohort |= {k: beside_config(v) for k, v in cohort.items() if v and re.match("table|taxonomy|tree|metadata|.*knowledge|.*references", k)}
    treeless = not cohort["tree"] and cohort["carried_tree"] == "leave"  # then there are no phylogenetic metrics
    cohort |= {s: [m for m in config["diversity"][s] if not (treeless and re.search("faith|phylo|unifrac", m))] for s in ("alpha", "beta")}
    cohort |= {key: config["comparison"][key] for key in ("formula", "baseline", "strata")}
    cohort["formula"] = cohort["formula"] or (cohort["group"] and "~ `%s`" % cohort["group"].replace("`", "``"))
    cohort |= {"covariate": cohort["covariates"], "marker": cohort["markers"], "variable": cohort["group"]}
    return cohort | {"metric": cohort["alpha"], "level": config["diversity"]["levels"], "followed": cohort["subject"] and cohort["time"]}


check(config, "config")
with open(beside_config(config["sheet"]), encoding="utf-8-sig", newline="") as handle:
    SHEET = list(csv.DictReader(handle, dialect="excel-tab", restval=""))
COHORTS = {cohort["cohort"]: cohort for cohort in map(read_cohort, SHEET)}
if not SHEET or len(set(map(str.lower, COHORTS))) < len(SHEET) or not all(cohort["table"] for cohort in COHORTS.values()):
    raise WorkflowError(f"{config['sheet']}: each row needs a table and a name of its own (A and a are one name), and there must be a row.")


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),
    metric="[a-z0-9_]+",


def given(key):
    """An input function: the cohort's file of this kind, if it has one."""
    return lambda wildcards: COHORTS[wildcards.cohort][key] or []


def files(wildcards, input):
    """A params function: `--name=path` for each named input that is there."""
    return [f"--{name.replace('_', '-')}={path}" for name, path in input.items() if path]


def options(*keys):
    """A params function: `--key=value` for each value that the cohort has; `:q` in the command keeps it mere text."""
    listed = lambda value: value if isinstance(value, list) else [value] if value else []
    return lambda wildcards: [f"--{key.replace('_', '-')}={v}" for key in keys for v in listed(COHORTS[wildcards.cohort][key])]


def results(wildcards):
    """What a cohort's report is made of: all that config and sheet ask for, and nothing left from earlier."""
    cohort = COHORTS[wildcards.cohort]
    stems = " ".join(stems for needed, stems in TABLES.items() if cohort[needed]).split()
    stems = [stem.replace("*", metric) for stem in stems for metric in (cohort["beta"] if "*" in stem else [""])]
    files = ["cohort/cohort.json", *(stem + end for stem in stems for end in (".tsv", ".json"))]
    return [f"results/{wildcards.cohort}/{f}" for f in files + ["reference/reference.json"] * bool(cohort["controls"])]


def memory(wildcards, input, attempt):
    """Megabytes: Python and its libraries, the inputs unpacked, and distances between all pairs of samples."""
    n = json.loads(open(input.cohort).read())["n_samples"] if "cohort" in input.keys() else 0
    return int(1000 + 10 * input.size_mb + 25e-6 * n**2) * attempt
