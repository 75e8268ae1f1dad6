# Immune-relevant taxa: which are there, and how they go along with diversity.


rule immune_match:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table="results/{cohort}/immune/matches.tsv",
        record="results/{cohort}/immune/matches.json",
    log:
        "logs/{cohort}/immune/match.log",
    benchmark:
        "logs/{cohort}/immune/match.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    shell:
        "gutdiv immune match --cohort {input.cohort:q} --output {output.table:q} 2> {log:q}"


rule immune_link:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table=report(
            "results/{cohort}/immune/links.tsv",
            caption="../report/immune.rst",
            category="{cohort}",
            labels={"result": "links of taxa with diversity"},
        ),
        record="results/{cohort}/immune/links.json",
    log:
        "logs/{cohort}/immune/link.log",
    benchmark:
        "logs/{cohort}/immune/link.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("covariate", "marker", "subject"),
    shell:
        "gutdiv immune link --cohort {input.cohort:q} {params.options:q}" " --output {output.table:q} 2> {log:q}"
