# Depth of rarefaction and its curves, alpha diversity, scores of taxa and guilds, distances and principal coordinates.


rule diversity_depth:
    input:
        COHORT,
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
        mem_mb=memory("diversity_depth"),
        runtime=minutes("diversity_depth"),
    params:
        version=VERSION,
        options=options("depth", "seed", metric="alpha"),
    shell:
        "gutdiv diversity depth --cohort {input.cohort:q} {params.options:q} --output {output.table:q} 2> {log:q}"


rule diversity_composition:
    input:
        COHORT,
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
        mem_mb=memory("diversity_composition"),
        runtime=minutes("diversity_composition"),
    params:
        version=VERSION,
        options=options("controls", "subject"),
    shell:
        "gutdiv diversity composition --cohort {input.cohort:q} {params.options:q} --output {output.table:q} 2> {log:q}"


rule diversity_curves:
    input:
        COHORT,
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
        mem_mb=memory("diversity_curves"),
        runtime=minutes("diversity_curves"),
    params:
        version=VERSION,
        options=options("depth"),
    shell:
        "gutdiv diversity curves --cohort {input.cohort:q} {params.options:q} --threads {threads} --output {output.table:q} 2> {log:q}"


rule diversity_standards:
    input:
        COHORT,
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
        mem_mb=memory("diversity_standards"),
        runtime=minutes("diversity_standards"),
    params:
        version=VERSION,
        options=options("depth"),
    shell:
        "gutdiv diversity standards --cohort {input.cohort:q} {params.options:q} --threads {threads} --output {output.table:q} 2> {log:q}"


rule diversity_alpha:
    input:
        COHORT,
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
    priority: 1  # the longest way to a report
    conda:
        "../envs/gutdiv.yaml"
    threads: processors(4)
    resources:
        mem_mb=memory("diversity_alpha"),
        runtime=minutes("diversity_alpha"),
    params:
        version=VERSION,
        options=options("depth", "draws", "seed", metric="alpha", level="levels"),
    shell:
        "gutdiv diversity alpha --cohort {input.cohort:q} {params.options:q} --threads {threads} --output {output.table:q} 2> {log:q}"


rule diversity_taxa:
    input:
        COHORT,
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
    priority: 1  # the longest way to a report
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("diversity_taxa"),
        runtime=minutes("diversity_taxa"),
    params:
        version=VERSION,
        files=files,
        options=options("depth", "seed"),
    shell:
        "gutdiv diversity taxa {params.files:q} {params.options:q} --output {output.table:q} 2> {log:q}"


rule diversity_rows:
    input:
        COHORT,
        cohort="results/{cohort}/cohort/cohort.json",
    output:
        part=temp("results/{cohort}/diversity/distances/{metric}.rows/{k}_of_{blocks}.h5"),
    log:
        "logs/{cohort}/diversity/distances/{metric}.rows/{k}_of_{blocks}.log",
    benchmark:
        "logs/{cohort}/diversity/distances/{metric}.rows/{k}_of_{blocks}.benchmark.tsv"
    wildcard_constraints:
        k="[0-9]+",
        blocks="[0-9]+",
    conda:
        "../envs/gutdiv.yaml"
    threads: processors(4)
    resources:
        mem_mb=memory("diversity_rows"),
        runtime=minutes("diversity_rows"),
    params:
        version=VERSION,
        options=options("depth", "seed"),
    shell:
        "gutdiv diversity beta --cohort {input.cohort:q} --metric {wildcards.metric} --rows {wildcards.k}/{wildcards.blocks}"
        " {params.options:q} --threads {threads} --output {output.part:q} 2> {log:q}"


rule diversity_beta:
    input:
        COHORT,
        cohort="results/{cohort}/cohort/cohort.json",
        parts=blocks,
    output:
        distances="results/{cohort}/diversity/distances/{metric}.h5",
    log:
        "logs/{cohort}/diversity/distances/{metric}.log",
    benchmark:
        "logs/{cohort}/diversity/distances/{metric}.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: lambda wildcards, input: processors(4)(wildcards, input) if "unifrac" in wildcards.metric else 1  # others mostly write
    resources:
        mem_mb=memory("diversity_beta"),
        runtime=minutes("diversity_beta"),
    params:
        version=VERSION,
        options=options("depth", "seed"),
        subsample=past_a_matrix("subsample"),
        blocks=lambda wildcards, input: len(input.parts),
    shell:
        # Blocks of rows, where there are any, are only put together.
        "if [ {params.blocks} != 0 ]; then gutdiv diversity gather {input.parts:q} --output {output.distances:q};"
        " else gutdiv diversity beta --cohort {input.cohort:q} --metric {wildcards.metric} {params.options:q} {params.subsample:q}"
        " --threads {threads} --output {output.distances:q}; fi 2> {log:q}"


rule diversity_ordination:
    input:
        COHORT,
        cohort="results/{cohort}/cohort/cohort.json",
        distances=matrix,
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
    threads: 1
    resources:
        mem_mb=memory("diversity_ordination"),
        runtime=minutes("diversity_ordination"),
    params:
        version=VERSION,
        options=options("axes"),
        landmarks=past_a_matrix("landmarks", "depth", "seed"),
        whole=lambda wildcards, input: "yes" if input.distances else "no",
    shell:
        # Of more samples than a matrix can hold, by their distances to some of them.
        "if [ {params.whole} = yes ]; then gutdiv diversity ordination --distances {input.distances:q} --cohort {input.cohort:q}"
        " {params.options:q} --threads {threads} --output {output.table:q};"
        " else gutdiv diversity landmarks --cohort {input.cohort:q} --metric {wildcards.metric} {params.landmarks:q}"
        " {params.options:q} --threads {threads} --output {output.table:q}; fi 2> {log:q}"
