# Verdicts of every sample and how stable they are, flags, and published indices; without controls they say why there is none.


rule dysbiosis_verdict:
    input:
        COHORT,
        "results/{cohort}/diversity/alpha.json",
        cohort="results/{cohort}/cohort/cohort.json",
        alpha="results/{cohort}/diversity/alpha.tsv",
        reference=lambda wildcards: ("results/{cohort}/reference/reference.json" if COHORTS[wildcards.cohort]["controls"] else []),
    output:
        verdicts=report(
            "results/{cohort}/dysbiosis/verdicts.tsv",
            caption="../report/dysbiosis.rst",
            category="{cohort}",
            labels={"result": "verdicts"},
        ),
        verdicts_record="results/{cohort}/dysbiosis/verdicts.json",
        explanations="results/{cohort}/dysbiosis/explanations.tsv",
        explanations_record="results/{cohort}/dysbiosis/explanations.json",
        flags="results/{cohort}/dysbiosis/flags.tsv",
        flags_record="results/{cohort}/dysbiosis/flags.json",
    log:
        "logs/{cohort}/dysbiosis/verdict.log",
    benchmark:
        "logs/{cohort}/dysbiosis/verdict.benchmark.tsv"
    priority: 1  # the longest way to a report
    conda:
        "../envs/gutdiv.yaml"
    threads: processors(2)
    resources:
        mem_mb=memory("dysbiosis_verdict"),
        runtime=minutes("dysbiosis_verdict"),
    params:
        version=VERSION,
        files=files,
        options=options("controls", "subject", "seed"),
        folder=subpath(output.verdicts, parent=True),
    shell:
        "gutdiv dysbiosis verdict {params.files:q} {params.options:q} --threads {threads}" " --output {params.folder:q} 2> {log:q}"


rule dysbiosis_stability:
    input:
        COHORT,
        "results/{cohort}/dysbiosis/verdicts.json",
        "results/{cohort}/diversity/alpha.json",
        cohort="results/{cohort}/cohort/cohort.json",
        verdicts="results/{cohort}/dysbiosis/verdicts.tsv",
        alpha="results/{cohort}/diversity/alpha.tsv",
        reference=lambda wildcards: ("results/{cohort}/reference/reference.json" if COHORTS[wildcards.cohort]["controls"] else []),
    output:
        stability="results/{cohort}/dysbiosis/stability.tsv",
        stability_record="results/{cohort}/dysbiosis/stability.json",
    log:
        "logs/{cohort}/dysbiosis/stability.log",
    benchmark:
        "logs/{cohort}/dysbiosis/stability.benchmark.tsv"
    priority: 1  # the longest way to a report
    conda:
        "../envs/gutdiv.yaml"
    threads: processors(2)
    resources:
        mem_mb=memory("dysbiosis_stability"),
        runtime=minutes("dysbiosis_stability"),
    params:
        version=VERSION,
        files=files,
    shell:
        "gutdiv dysbiosis stability {params.files:q} --threads {threads} --output {output.stability:q} 2> {log:q}"


rule dysbiosis_flags:
    input:
        COHORT,
        "results/{cohort}/diversity/taxa.json",
        cohort="results/{cohort}/cohort/cohort.json",
        taxa="results/{cohort}/diversity/taxa.tsv",
    output:
        table="results/{cohort}/dysbiosis/taxa_flags.tsv",
        record="results/{cohort}/dysbiosis/taxa_flags.json",
    log:
        "logs/{cohort}/dysbiosis/flags.log",
    benchmark:
        "logs/{cohort}/dysbiosis/flags.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("dysbiosis_flags"),
        runtime=minutes("dysbiosis_flags"),
    params:
        version=VERSION,
        files=files,
        options=options("controls", "subject", "seed"),
    shell:
        "gutdiv dysbiosis flags {params.files:q} {params.options:q} --output {output.table:q} 2> {log:q}"


rule dysbiosis_indices:
    input:
        COHORT,
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table="results/{cohort}/dysbiosis/indices.tsv",
        record="results/{cohort}/dysbiosis/indices.json",
    log:
        "logs/{cohort}/dysbiosis/indices.log",
    benchmark:
        "logs/{cohort}/dysbiosis/indices.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("dysbiosis_indices"),
        runtime=minutes("dysbiosis_indices"),
    params:
        version=VERSION,
        options=options("controls", "subject", "depth", "seed"),
    shell:
        "gutdiv dysbiosis indices --cohort {input.cohort:q} {params.options:q} --threads {threads} --output {output.table:q} 2> {log:q}"
