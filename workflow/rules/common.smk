# Checks config and sheet, and says what holds for each cohort and what its report is made of.
import copy
import csv
import os
import re
from importlib.metadata import PackageNotFoundError, version

import yaml
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


def own_settings(row):
    """The config as it holds for a row of the sheet: cells in columns like `diversity.depth` go before it."""
    own = copy.deepcopy(config)
    for column, cell in row.items():
        section, dot, key = column.partition(".")
        if dot and cell:
            default = own[section].get(key)
            typed = yaml.safe_load if key == "depth" or not isinstance(default, str) else str
            own[section][key] = [c.strip() for c in cell.split(",")] if isinstance(default, list) else typed(cell)
    check(own, "config")
    return own


def read_cohort(row):
    """A row of the sheet, the config's values where its cells are empty, and what follows from both."""
    check(row, "cohorts")
    own = own_settings(row)
    cohort = own["diversity"] | own["comparison"] | own["reference"] | own["immune"] | {"seed": own["seed"]}
    cohort |= {"cohort": row["cohort"], **{key: row.get(key) or value for key, value in own["cohort"].items()}}
    cohort |= {k: beside_config(v) for k, v in cohort.items() if v and re.match("table|taxonomy|tree|metadata|.*knowledge|.*references", k)}
    treeless = not cohort["tree"] and cohort["carried_tree"] == "leave"  # then there are no phylogenetic metrics
    cohort |= {s: [m for m in cohort[s] if not (treeless and re.search("faith|phylo|unifrac", m))] for s in ("alpha", "beta")}
    cohort["formula"] = cohort["formula"] or (cohort["group"] and "~ `%s`" % cohort["group"].replace("`", "``"))
    cohort |= {"tested_prevalence": own["comparison"]["min_prevalence"], "followed": cohort["subject"] and cohort["time"]}
    return cohort


try:
    VERSION = version("gutdiv")  # another one makes the results anew
except PackageNotFoundError:  # the jobs have it in an environment of theirs, and a change of that is seen too
    VERSION = None
check(config, "config")
with open(beside_config(config["sheet"]), encoding="utf-8-sig", newline="") as handle:
    SHEET = list(csv.DictReader(handle, dialect="excel-tab", restval=""))
COHORTS = {cohort["cohort"]: cohort for cohort in map(read_cohort, SHEET)}
if not SHEET or len(set(map(str.lower, COHORTS))) < len(SHEET) or not all(cohort["table"] for cohort in COHORTS.values()):
    raise WorkflowError(f"{config['sheet']}: each row needs a table and a name of its own (A and a are one name), and there must be a row.")


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),
    metric="[a-z0-9_]+",


def results(wildcards):
    """What a cohort's report is made of: all that config and sheet ask for, and nothing left from earlier."""
    cohort = COHORTS[wildcards.cohort]
    stems = " ".join(stems for needed, stems in TABLES.items() if cohort[needed]).split()
    stems = [stem.replace("*", metric) for stem in stems for metric in (cohort["beta"] if "*" in stem else [""])]
    files = ["cohort/cohort.json", *(stem + end for stem in stems for end in (".tsv", ".json"))]
    return [f"results/{wildcards.cohort}/{f}" for f in files + ["reference/reference.json"] * bool(cohort["controls"])]
