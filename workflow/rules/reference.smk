# Reference intervals from the study's own controls; runs only for cohorts whose controls are declared.


rule reference_build:
    input:
        COHORT,
        "results/{cohort}/diversity/alpha.json",
        "results/{cohort}/diversity/taxa.json",
        cohort="results/{cohort}/cohort/cohort.json",
        alpha="results/{cohort}/diversity/alpha.tsv",
        taxa="results/{cohort}/diversity/taxa.tsv",
    output:
        reference="results/{cohort}/reference/reference.json",
        outliers="results/{cohort}/reference/outliers.tsv",
        outliers_record="results/{cohort}/reference/outliers.json",
    log:
        "logs/{cohort}/reference/build.log",
    benchmark:
        "logs/{cohort}/reference/build.benchmark.tsv"
    priority: 1  # the longest way to a report
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("reference_build"),
        runtime=minutes("reference_build"),
    params:
        version=VERSION,
        files=files,
        options=options("controls", "controls_are", "subject", "partition", "seed"),
    shell:
        "gutdiv reference build {params.files:q} {params.options:q} --untestable record"
        " --outliers {output.outliers:q} --output {output.reference:q} 2> {log:q}"
