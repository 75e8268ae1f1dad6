# Flags and verdicts of every sample, and how stable verdicts are; without controls they say why there is none.


rule dysbiosis_verdict:
    input:
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
    conda:
        "../envs/gutdiv.yaml"
    threads: 2
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        files=files,
        options=options("controls", "subject"),
        seed=config["seed"],
        folder=subpath(output.verdicts, parent=True),
    shell:
        "gutdiv dysbiosis verdict {params.files:q} {params.options:q} --seed {params.seed} --threads {threads}"
        " --output {params.folder:q} 2> {log:q}"


rule dysbiosis_stability:
    input:
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
    conda:
        "../envs/gutdiv.yaml"
    threads: 2
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        files=files,
    shell:
        "gutdiv dysbiosis stability {params.files:q} --threads {threads} --output {output.stability:q} 2> {log:q}"
