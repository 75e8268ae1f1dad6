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
        options=options("variable", "subject", "baseline"),
        seed=config["seed"],
    shell:
        "gutdiv comparison alpha --alpha {input.alpha:q} --cohort {input.cohort:q} {params.options:q}"
        " --seed {params.seed} --untestable record --output {output.table:q} 2> {log:q}"


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
        options=options("formula", "subject", "strata"),
        permutations=config["comparison"]["permutations"],
        seed=config["seed"],
    shell:
        "gutdiv comparison permanova --distances {input.distances:q} --metadata {input.metadata:q}"
        " {params.options:q} --by margin --permutations {params.permutations}"
        " --seed {params.seed} --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_model:
    input:
        alpha="results/{cohort}/diversity/alpha.tsv",
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table=report(
            "results/{cohort}/comparison/model.tsv",
            caption="../report/comparison.rst",
            category="{cohort}",
            labels={"result": "models of alpha diversity"},
        ),
        record="results/{cohort}/comparison/model.json",
    log:
        "logs/{cohort}/comparison/model.log",
    benchmark:
        "logs/{cohort}/comparison/model.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("formula", "subject"),
    shell:
        "gutdiv comparison model --alpha {input.alpha:q} --cohort {input.cohort:q} {params.options:q}"
        " --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_dispersion:
    input:
        distances="results/{cohort}/diversity/distances/{metric}.h5",
        metadata="results/{cohort}/cohort/metadata.tsv",
    output:
        table="results/{cohort}/comparison/dispersion/{metric}.tsv",
        record="results/{cohort}/comparison/dispersion/{metric}.json",
    log:
        "logs/{cohort}/comparison/dispersion/{metric}.log",
    benchmark:
        "logs/{cohort}/comparison/dispersion/{metric}.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("variable", "subject"),
        permutations=config["comparison"]["permutations"],
        seed=config["seed"],
    shell:
        "gutdiv comparison dispersion --distances {input.distances:q} --metadata {input.metadata:q} {params.options:q}"
        " --permutations {params.permutations} --seed {params.seed} --output {output.table:q} 2> {log:q}"


rule comparison_pairs:
    input:
        distances="results/{cohort}/diversity/distances/{metric}.h5",
        metadata="results/{cohort}/cohort/metadata.tsv",
    output:
        table="results/{cohort}/comparison/pairs/{metric}.tsv",
        record="results/{cohort}/comparison/pairs/{metric}.json",
    log:
        "logs/{cohort}/comparison/pairs/{metric}.log",
    benchmark:
        "logs/{cohort}/comparison/pairs/{metric}.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("variable", "formula", "subject", "strata"),
        permutations=config["comparison"]["permutations"],
        seed=config["seed"],
    shell:
        "gutdiv comparison pairs --distances {input.distances:q} --metadata {input.metadata:q} {params.options:q}"
        " --permutations {params.permutations} --seed {params.seed} --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_constrained:
    input:
        distances="results/{cohort}/diversity/distances/{metric}.h5",
        metadata="results/{cohort}/cohort/metadata.tsv",
    output:
        table="results/{cohort}/comparison/constrained/{metric}.tsv",
        record="results/{cohort}/comparison/constrained/{metric}.json",
    log:
        "logs/{cohort}/comparison/constrained/{metric}.log",
    benchmark:
        "logs/{cohort}/comparison/constrained/{metric}.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("formula"),
    shell:
        "gutdiv comparison constrained --distances {input.distances:q} --metadata {input.metadata:q} {params.options:q}"
        " --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_abundance:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table=report(
            "results/{cohort}/comparison/abundance.tsv",
            caption="../report/comparison.rst",
            category="{cohort}",
            labels={"result": "abundance of taxa between groups"},
        ),
        record="results/{cohort}/comparison/abundance.json",
    log:
        "logs/{cohort}/comparison/abundance.log",
    benchmark:
        "logs/{cohort}/comparison/abundance.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("variable", "formula", "subject", "baseline"),
        rank=config["comparison"]["abundance_rank"],
        prevalence=config["comparison"]["min_prevalence"],
    shell:
        "gutdiv comparison abundance --cohort {input.cohort:q} {params.options:q} --rank {params.rank}"
        " --min-prevalence {params.prevalence} --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_longitudinal:
    input:
        alpha="results/{cohort}/diversity/alpha.tsv",
        cohort="results/{cohort}/cohort/cohort.json",
        distances=lambda wildcards: (
            "results/{cohort}/diversity/distances/braycurtis.h5" if "braycurtis" in COHORTS[wildcards.cohort]["beta"] else []
        ),
    output:
        trajectories="results/{cohort}/comparison/longitudinal/trajectories.tsv",
        trajectories_record="results/{cohort}/comparison/longitudinal/trajectories.json",
        tests="results/{cohort}/comparison/longitudinal/tests.tsv",
        tests_record="results/{cohort}/comparison/longitudinal/tests.json",
    log:
        "logs/{cohort}/comparison/longitudinal.log",
    benchmark:
        "logs/{cohort}/comparison/longitudinal.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        files=files,
        options=options("group", "subject", "time"),
        seed=config["seed"],
        folder=subpath(output.tests, parent=True),
    shell:
        "gutdiv comparison longitudinal {params.files:q} {params.options:q} --untestable record" " --output {params.folder:q} 2> {log:q}"
