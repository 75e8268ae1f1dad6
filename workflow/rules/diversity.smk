# Depth of rarefaction and its curves, alpha diversity, scores of taxa and guilds, distances and principal coordinates.


rule diversity_depth:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table="results/{cohort}/diversity/depths.tsv",
        record="results/{cohort}/diversity/depths.json",
    log:
        "logs/{cohort}/diversity/depth.log",
    benchmark:
        "logs/{cohort}/diversity/depth.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("metric"),
        depth=config["diversity"]["depth"],
        seed=config["seed"],
    shell:
        "gutdiv diversity depth --cohort {input.cohort:q} {params.options:q} --depth {params.depth:q} --seed {params.seed}"
        " --output {output.table:q} 2> {log:q}"


rule diversity_composition:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table=report(
            "results/{cohort}/diversity/composition.tsv",
            caption="../report/composition.rst",
            category="{cohort}",
            labels={"result": "composition"},
        ),
        record="results/{cohort}/diversity/composition.json",
    log:
        "logs/{cohort}/diversity/composition.log",
    benchmark:
        "logs/{cohort}/diversity/composition.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("controls", "subject"),
    shell:
        "gutdiv diversity composition --cohort {input.cohort:q} {params.options:q} --output {output.table:q} 2> {log:q}"


rule diversity_curves:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table="results/{cohort}/diversity/curves.tsv",
        record="results/{cohort}/diversity/curves.json",
    log:
        "logs/{cohort}/diversity/curves.log",
    benchmark:
        "logs/{cohort}/diversity/curves.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        depth=config["diversity"]["depth"],
    shell:
        "gutdiv diversity curves --cohort {input.cohort:q} --depth {params.depth:q}"
        " --threads {threads} --output {output.table:q} 2> {log:q}"


rule diversity_standards:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table="results/{cohort}/diversity/standards.tsv",
        record="results/{cohort}/diversity/standards.json",
    log:
        "logs/{cohort}/diversity/standards.log",
    benchmark:
        "logs/{cohort}/diversity/standards.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        depth=config["diversity"]["depth"],
    shell:
        "gutdiv diversity standards --cohort {input.cohort:q} --depth {params.depth:q}"
        " --threads {threads} --output {output.table:q} 2> {log:q}"


rule diversity_alpha:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        table=report(
            "results/{cohort}/diversity/alpha.tsv",
            caption="../report/alpha.rst",
            category="{cohort}",
            labels={"result": "alpha diversity"},
        ),
        record="results/{cohort}/diversity/alpha.json",
    log:
        "logs/{cohort}/diversity/alpha.log",
    benchmark:
        "logs/{cohort}/diversity/alpha.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 4
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        metrics=options("metric", "level"),
        depth=config["diversity"]["depth"],
        draws=config["diversity"]["draws"],
        seed=config["seed"],
    shell:
        "gutdiv diversity alpha --cohort {input.cohort:q} {params.metrics:q} --depth {params.depth:q}"
        " --draws {params.draws} --seed {params.seed} --threads {threads} --output {output.table:q} 2> {log:q}"


rule diversity_taxa:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
        knowledge=given("knowledge"),
        references=given("references"),
        add_knowledge=given("add_knowledge"),
        add_references=given("add_references"),
    output:
        table="results/{cohort}/diversity/taxa.tsv",
        record="results/{cohort}/diversity/taxa.json",
    log:
        "logs/{cohort}/diversity/taxa.log",
    benchmark:
        "logs/{cohort}/diversity/taxa.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        options=options("knowledge", "references", "add_knowledge", "add_references"),
        depth=config["diversity"]["depth"],
        seed=config["seed"],
    shell:
        "gutdiv diversity taxa --cohort {input.cohort:q} --depth {params.depth:q} --seed {params.seed}"
        " {params.options:q} --output {output.table:q} 2> {log:q}"


rule diversity_beta:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        distances="results/{cohort}/diversity/distances/{metric}.h5",
    log:
        "logs/{cohort}/diversity/distances/{metric}.log",
    benchmark:
        "logs/{cohort}/diversity/distances/{metric}.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 4
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        depth=config["diversity"]["depth"],
        seed=config["seed"],
    shell:
        "gutdiv diversity beta --cohort {input.cohort:q} --metric {wildcards.metric} --depth {params.depth:q}"
        " --seed {params.seed} --threads {threads} --output {output.distances:q} 2> {log:q}"


rule diversity_ordination:
    input:
        cohort="results/{cohort}/cohort/cohort.json",
        distances="results/{cohort}/diversity/distances/{metric}.h5",
    output:
        table="results/{cohort}/diversity/ordination/{metric}.tsv",
        record="results/{cohort}/diversity/ordination/{metric}.json",
        arrows="results/{cohort}/diversity/ordination/{metric}_arrows.tsv",
        arrows_record="results/{cohort}/diversity/ordination/{metric}_arrows.json",
    log:
        "logs/{cohort}/diversity/ordination/{metric}.log",
    benchmark:
        "logs/{cohort}/diversity/ordination/{metric}.benchmark.tsv"
    wildcard_constraints:
        metric="[a-z0-9_]+(?<!_arrows)",
    conda:
        "../envs/gutdiv.yaml"
    threads: 2
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        axes=config["diversity"]["axes"],
    shell:
        "gutdiv diversity ordination --distances {input.distances:q} --cohort {input.cohort:q} --axes {params.axes}"
        " --threads {threads} --output {output.table:q} 2> {log:q}"
