# A table with its taxonomy, tree and metadata becomes one aligned cohort.


rule cohort_build:
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
        alignment="results/{cohort}/cohort/alignment.tsv",
        alignment_record="results/{cohort}/cohort/alignment.json",
    log:
        "logs/{cohort}/cohort/build.log",
    benchmark:
        "logs/{cohort}/cohort/build.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        files=files,
        options=options("subject", "group", "time", "specimen", "age_band", "missing_tips"),
        folder=subpath(output.cohort, parent=True),
    shell:
        "gutdiv cohort build --name {wildcards.cohort:q} {params.files:q} {params.options:q}" " --output {params.folder:q} 2> {log:q}"
