# Checks config and sheet, and says what holds for each cohort.
import copy
import csv
import os
import re

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

ROLES = "group", "subject", "time", "specimen", "age_band"


def check(data, schema, where=""):
    """Validate and fill in defaults; an error says what was found where, in one line, without the schema that Snakemake prints."""
    try:
        validate(data, f"../schemas/{schema}.schema.yaml")
    except WorkflowError as error:
        pattern = r".*?ValidationError: (.*?)\n\nFailed validating.*\n\nOn instance(.*?):\s*"
        said = re.sub(pattern, rf"{schema}\2: \1. Found: ", str(error), flags=re.DOTALL)
        raise WorkflowError(f"{where}{' '.join(said.split())[:200]}") from None


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
            typed = yaml.safe_load if (key == "depth" or not isinstance(default, str)) and re.fullmatch(r"[\w.]+", cell) else str
            own[section][key] = [c.strip() for c in cell.split(",")] if isinstance(default, list) else typed(cell)
    check(own, "config", f"{config['sheet']}, cohort {row['cohort']}: ")
    return own


def read_cohort(row, members=()):
    """A row of the sheet, the config's values where its cells are empty, and what follows from both; the rows `members` are merged into it."""
    own = own_settings(row)
    alike = {k: v for k, v in (members or [{}])[0].items() if k in ROLES and all(m.get(k) == v for m in members)}
    row = alike | {k: v for k, v in row.items() if v}
    cohort = own["diversity"] | own["comparison"] | own["reference"] | own["immune"] | {"seed": own["seed"]}
    cohort |= {"cohort": row["cohort"], **{key: row.get(key) or value for key, value in own["cohort"].items()}}
    cohort |= {k: beside_config(v) for k, v in cohort.items() if v and re.match("table|taxonomy|tree|metadata|.*knowledge|.*references", k)}
    if members:  # each study's own controls judge its samples, in its own report, unless the sheet names some for all
        made = {f.split(".")[0]: f"results/{row['cohort']}/merged/{f}" for f in ("table.biom", "taxonomy.tsv", "metadata.tsv")}
        made |= {k: row.get(k, "") for k in "format label samples_in values blanks replicates".split()}  # config means the studies
        cohort |= made | {"tree": "", "carried_tree": "leave", "controls": row.get("controls", ""), "merged_into": ""}
    treeless = not cohort["tree"] and cohort["carried_tree"] == "leave"  # then there are no phylogenetic metrics
    cohort |= {s: [m for m in cohort[s] if not (treeless and re.search("faith|phylo|unifrac", m))] for s in ("alpha", "beta")}
    terms = cohort["formula"].lstrip("~ ") or (cohort["group"] and "`%s`" % cohort["group"].replace("`", "``"))
    if members:  # the study is held constant in every design that can hold something constant
        terms, more = f"study + {terms}" if terms else "study", ["study", *cohort["covariates"]]
        cohort |= {"strata": cohort["strata"] or "study", "covariates": more, "members": [m["cohort"] for m in members]}
    cohort |= {"formula": terms and f"~ {terms}", "simple": cohort["group"] and not members}
    return cohort | {"tested_prevalence": own["comparison"]["min_prevalence"], "followed": cohort["subject"] and cohort["time"]}


check(config, "config")
with open(beside_config(config["sheet"]), encoding="utf-8-sig", newline="") as handle:
    SHEET = list(csv.DictReader(handle, dialect="excel-tab", restkey="(none)", restval=""))
MERGED = {}
for row in SHEET:
    check(row, "cohorts", f"{config['sheet']}: ")
    if row.get("table") and (into := row.get("merged_into") or config["cohort"]["merged_into"]):
        MERGED.setdefault(into, []).append(row)
SHEET += [{"cohort": name} for name in MERGED if name not in [row["cohort"] for row in SHEET]]
COHORTS = {row["cohort"]: read_cohort(row, MERGED.get(row["cohort"], ())) for row in SHEET}
if any(r.get("table") or r.get("merged_into") for r in SHEET if r["cohort"] in MERGED) or any(len(m) < 2 for m in MERGED.values()):
    says = f"{', '.join(MERGED)}: a cohort that others are merged into has no table of its own, and is named by two rows or more."
    raise WorkflowError(f"{config['sheet']}: {says}")
if not SHEET or len(set(map(str.lower, COHORTS))) < len(SHEET) or not all(cohort["table"] for cohort in COHORTS.values()):
    raise WorkflowError(f"{config['sheet']}: each row needs a table and a name of its own (A and a are one name), and there must be a row.")


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),
    metric="[a-z0-9_]+",
