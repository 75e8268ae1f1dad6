# Reference intervals from the study's own controls; runs only for cohorts whose controls are declared.


rule reference_build:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
        alpha="results/{cohort}/diversity/alpha.tsv",
    output:
        reference="results/{cohort}/reference/reference.json",
    log:
        "logs/{cohort}/reference/build.log",
    benchmark:
        "logs/{cohort}/reference/build.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("controls", "controls_are", "subject"),
    shell:
        "gutdiv reference build --cohort {input.cohort:q} --alpha {input.alpha:q} {params.options:q}"
        " --output {output.reference:q} 2> {log:q}"
