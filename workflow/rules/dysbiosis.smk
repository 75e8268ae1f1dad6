# Flags and verdicts of every sample; without controls they say why there is none.


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
        flags="results/{cohort}/dysbiosis/flags.tsv",
        flags_record="results/{cohort}/dysbiosis/flags.json",
    log:
        "logs/{cohort}/dysbiosis/verdict.log",
    benchmark:
        "logs/{cohort}/dysbiosis/verdict.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        files=files,
        options=options("controls", "subject"),
        seed=config["seed"],
        folder=subpath(output.verdicts, parent=True),
    shell:
        "gutdiv dysbiosis verdict {params.files:q} {params.options:q} --seed {params.seed}" " --output {params.folder:q} 2> {log:q}"
