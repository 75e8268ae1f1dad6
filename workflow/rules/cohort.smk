# A table with its taxonomy, tree and metadata becomes one aligned cohort; where the sheet asks for it, cohorts become one more table.


rule cohort_merge:
    input:
        lambda wildcards: expand(COHORT, cohort=COHORTS[wildcards.cohort]["members"]),
        cohorts=lambda wildcards: expand("results/{cohort}/cohort/cohort.json", cohort=COHORTS[wildcards.cohort]["members"]),
    output:
        table="results/{cohort}/merged/table.biom",
        taxonomy="results/{cohort}/merged/taxonomy.tsv",
        metadata="results/{cohort}/merged/metadata.tsv",
        record="results/{cohort}/merged/merged.json",
    log:
        "logs/{cohort}/cohort/merge.log",
    benchmark:
        "logs/{cohort}/cohort/merge.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("cohort_merge"),
        runtime=minutes("cohort_merge"),
    params:
        version=VERSION,
        cohorts=lambda wildcards, input: [f"--cohort={path}" for path in input.cohorts],
        options=options("subject", by="merged_by"),
        folder=subpath(output.table, parent=True),
    shell:
        "gutdiv cohort merge {params.cohorts:q} {params.options:q} --output {params.folder:q} 2> {log:q}"


checkpoint cohort_build:
    input:
        table=given("table"),
        taxonomy=given("taxonomy"),
        tree=given("tree"),
        metadata=given("metadata"),
    output:
        cohort="results/{cohort}/cohort/cohort.json",
        counts="results/{cohort}/cohort/counts.biom",
        metadata="results/{cohort}/cohort/metadata.tsv",
        metadata_record="results/{cohort}/cohort/metadata.json",
        taxonomy="results/{cohort}/cohort/taxonomy.tsv",  # empty where there are no lineages, as the tree where there is none
        tree="results/{cohort}/cohort/tree.nwk",
        alignment="results/{cohort}/cohort/alignment.tsv",
        alignment_record="results/{cohort}/cohort/alignment.json",
        audit="results/{cohort}/cohort/taxonomy_audit.tsv",
        audit_record="results/{cohort}/cohort/taxonomy_audit.json",
    log:
        "logs/{cohort}/cohort/build.log",
    benchmark:
        "logs/{cohort}/cohort/build.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("cohort_build"),
        runtime=minutes("cohort_build"),
    params:
        version=VERSION,
        files=files,
        options=options("subject", "group", "time", "specimen", "age_band", "format", "label", "samples_in", "values"),
        fits=options("carried_tree", "root", "missing_tips", "without_metadata", "blanks", "replicates", "exclude"),
        filters=options("min_feature_reads", "min_prevalence", "min_reads", "one_per_subject"),
        folder=subpath(output.cohort, parent=True),
    shell:
        "gutdiv cohort build --name {wildcards.cohort:q} {params.files:q} {params.options:q} {params.fits:q}"
        " {params.filters:q} --output {params.folder:q} 2> {log:q}"
