# Tests between groups; these rules run only for cohorts with a group (or a formula in the config).


rule comparison_alpha:
    input:
        alpha="results/{cohort}/diversity/alpha.tsv",
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table=report(
            "results/{cohort}/comparison/alpha.tsv",
            caption="../report/comparison.rst",
            category="{cohort}",
            labels={"result": "alpha diversity between groups"},
        ),
        record="results/{cohort}/comparison/alpha.json",
    log:
        "logs/{cohort}/comparison/alpha.log",
    benchmark:
        "logs/{cohort}/comparison/alpha.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("variable", "subject"),
    shell:
        "gutdiv comparison alpha --alpha {input.alpha:q} --cohort {input.cohort:q} {params.options:q}"
        " --output {output.table:q} 2> {log:q}"


rule comparison_permanova:
    input:
        distances="results/{cohort}/diversity/distances/{metric}.h5",
        metadata="results/{cohort}/cohort/metadata.tsv",
    output:
        table="results/{cohort}/comparison/permanova/{metric}.tsv",
        record="results/{cohort}/comparison/permanova/{metric}.json",
    log:
        "logs/{cohort}/comparison/permanova/{metric}.log",
    benchmark:
        "logs/{cohort}/comparison/permanova/{metric}.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("formula", "subject"),
        permutations=config["comparison"]["permutations"],
        seed=config["seed"],
    shell:
        "gutdiv comparison permanova --distances {input.distances:q} --metadata {input.metadata:q}"
        " {params.options:q} --by margin --permutations {params.permutations}"
        " --seed {params.seed} --untestable record --output {output.table:q} 2> {log:q}"
