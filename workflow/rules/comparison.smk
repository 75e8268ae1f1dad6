# Tests between groups; these rules run only for cohorts with a group (or a formula in the config).


rule comparison_alpha:
    input:
        COHORT,
        "results/{cohort}/diversity/alpha.json",
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
        mem_mb=memory("comparison_alpha"),
        runtime=minutes("comparison_alpha"),
    params:
        version=VERSION,
        options=options("subject", "baseline", "seed", variable="group"),
    shell:
        "gutdiv comparison alpha --alpha {input.alpha:q} --cohort {input.cohort:q} {params.options:q}"
        " --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_structure:
    input:
        COHORT,
        cohort="results/{cohort}/cohort/cohort.json",
        distances="results/{cohort}/diversity/distances/{metric}.h5",
        metadata="results/{cohort}/cohort/metadata.tsv",
    output:
        permanova="results/{cohort}/comparison/permanova/{metric}.tsv",
        permanova_record="results/{cohort}/comparison/permanova/{metric}.json",
        constrained="results/{cohort}/comparison/constrained/{metric}.tsv",
        constrained_record="results/{cohort}/comparison/constrained/{metric}.json",
        dispersion="results/{cohort}/comparison/dispersion/{metric}.tsv",
        dispersion_record="results/{cohort}/comparison/dispersion/{metric}.json",
        pairs="results/{cohort}/comparison/pairs/{metric}.tsv",
        pairs_record="results/{cohort}/comparison/pairs/{metric}.json",
    log:
        "logs/{cohort}/comparison/structure/{metric}.log",
    benchmark:
        "logs/{cohort}/comparison/structure/{metric}.benchmark.tsv"
    wildcard_constraints:
        cohort=those(lambda cohort: cohort["group"]),
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("comparison_structure"),
        runtime=minutes("comparison_structure"),
    params:
        version=VERSION,
        files=distances,
        options=options("formula", "subject", "strata", "permutations", "seed", variable="group"),
        folder=subpath(output.permanova, ancestor=2),
    shell:
        # What a formula explains of one kind of distances, test and picture; and what groups are to them: how far each spreads, how each pair differs.
        "gutdiv comparison structure {params.files:q} {params.options:q} --untestable record --threads {threads} --output {params.folder:q} 2> {log:q}"


use rule comparison_structure as comparison_structure_without_groups with:
    output:
        permanova="results/{cohort}/comparison/permanova/{metric}.tsv",
        permanova_record="results/{cohort}/comparison/permanova/{metric}.json",
        constrained="results/{cohort}/comparison/constrained/{metric}.tsv",
        constrained_record="results/{cohort}/comparison/constrained/{metric}.json",
    wildcard_constraints:
        cohort=those(lambda cohort: not cohort["group"]),


rule comparison_model:
    input:
        COHORT,
        "results/{cohort}/diversity/alpha.json",
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
        mem_mb=memory("comparison_model"),
        runtime=minutes("comparison_model"),
    params:
        version=VERSION,
        options=options("formula", "subject"),
    shell:
        "gutdiv comparison model --alpha {input.alpha:q} --cohort {input.cohort:q} {params.options:q}"
        " --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_abundance:
    input:
        COHORT,
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
        mem_mb=memory("comparison_abundance"),
        runtime=minutes("comparison_abundance"),
    params:
        version=VERSION,
        options=options("formula", "subject", "baseline", variable="group", rank="abundance_rank", min_prevalence="tested_prevalence"),
    shell:
        "gutdiv comparison abundance --cohort {input.cohort:q} {params.options:q} --untestable record --output {output.table:q} 2> {log:q}"


rule comparison_longitudinal:
    input:
        COHORT,
        "results/{cohort}/diversity/alpha.json",
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
        mem_mb=memory("comparison_longitudinal"),
        runtime=minutes("comparison_longitudinal"),
    params:
        version=VERSION,
        files=files,
        options=options("group", "subject", "time", "seed"),
        folder=subpath(output.tests, parent=True),
    shell:
        "gutdiv comparison longitudinal {params.files:q} {params.options:q} --untestable record --output {params.folder:q} 2> {log:q}"
