# Immune-relevant taxa: which are there, and how they go along with diversity.


rule immune_match:
    input:
        COHORT,
        cohort="results/{cohort}/cohort/cohort.json",
        knowledge=given("knowledge"),
        references=given("references"),
        add_knowledge=given("add_knowledge"),
        add_references=given("add_references"),
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
        mem_mb=memory("immune_match"),
        runtime=minutes("immune_match"),
    params:
        version=VERSION,
        files=files,
    shell:
        "gutdiv immune match {params.files:q} --output {output.table:q} 2> {log:q}"


rule immune_link:
    input:
        COHORT,
        lambda wildcards: "results/{cohort}/dysbiosis/verdicts.json" if COHORTS[wildcards.cohort]["verdict"] else [],
        cohort="results/{cohort}/cohort/cohort.json",
        verdicts=lambda wildcards: "results/{cohort}/dysbiosis/verdicts.tsv" if COHORTS[wildcards.cohort]["verdict"] else [],
        knowledge=given("knowledge"),
        references=given("references"),
        add_knowledge=given("add_knowledge"),
        add_references=given("add_references"),
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
        mem_mb=memory("immune_link"),
        runtime=minutes("immune_link"),
    params:
        version=VERSION,
        files=files,
        options=options("load", "subject", covariate="covariates", marker="markers"),
    shell:
        "gutdiv immune link {params.files:q} {params.options:q} --output {output.table:q} 2> {log:q}"


rule immune_samples:
    input:
        COHORT,
        "results/{cohort}/diversity/taxa.json",
        "results/{cohort}/dysbiosis/verdicts.json",
        "results/{cohort}/dysbiosis/flags.json",
        cohort="results/{cohort}/cohort/cohort.json",
        taxa="results/{cohort}/diversity/taxa.tsv",
        verdicts="results/{cohort}/dysbiosis/verdicts.tsv",
        flags="results/{cohort}/dysbiosis/flags.tsv",
        knowledge=given("knowledge"),
        references=given("references"),
        add_knowledge=given("add_knowledge"),
        add_references=given("add_references"),
    output:
        table=report(
            "results/{cohort}/immune/samples.tsv",
            caption="../report/immune_samples.rst",
            category="{cohort}",
            labels={"result": "immune-relevant taxa of single samples"},
        ),
        record="results/{cohort}/immune/samples.json",
    log:
        "logs/{cohort}/immune/samples.log",
    benchmark:
        "logs/{cohort}/immune/samples.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("immune_samples"),
        runtime=minutes("immune_samples"),
    params:
        version=VERSION,
        files=files,
        options=options("controls", "subject"),
    shell:
        "gutdiv immune samples {params.files:q} {params.options:q} --output {output.table:q} 2> {log:q}"


rule immune_enrichment:
    input:
        COHORT,
        "results/{cohort}/immune/links.json",
        lambda wildcards: ("results/{cohort}/comparison/abundance.json" if COHORTS[wildcards.cohort]["group"] else []),
        cohort="results/{cohort}/cohort/cohort.json",
        links="results/{cohort}/immune/links.tsv",
        abundance=lambda wildcards: ("results/{cohort}/comparison/abundance.tsv" if COHORTS[wildcards.cohort]["group"] else []),
        knowledge=given("knowledge"),
        references=given("references"),
        add_knowledge=given("add_knowledge"),
        add_references=given("add_references"),
    output:
        table="results/{cohort}/immune/enrichment.tsv",
        record="results/{cohort}/immune/enrichment.json",
    log:
        "logs/{cohort}/immune/enrichment.log",
    benchmark:
        "logs/{cohort}/immune/enrichment.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("immune_enrichment"),
        runtime=minutes("immune_enrichment"),
    params:
        version=VERSION,
        files=files,
    shell:
        "gutdiv immune enrichment {params.files:q} --output {output.table:q} 2> {log:q}"
