# From the cohorts in the sheet to one report each. The rules know no settings and only call the command `gutdiv`.
from snakemake.utils import min_version

min_version("9.0")

if not workflow.overwrite_configfiles:  # a config given with --configfile stands alone

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/jobs.smk"
include: "workflow/rules/cohort.smk"
include: "workflow/rules/diversity.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/reference.smk"
include: "workflow/rules/dysbiosis.smk"
include: "workflow/rules/immune.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        expand("results/{cohort}/report.html", cohort=COHORTS),
        "results/index.html",
