# One page a cohort, made of the result files only.
from types import SimpleNamespace


report: "../report/workflow.rst"


# The tables of a report by what a cohort must have for them; * stands for each of its distances.
TABLES = {
    "table": "cohort/metadata cohort/alignment cohort/taxonomy_audit diversity/depths diversity/curves diversity/standards diversity/alpha diversity/composition"
    " diversity/ordination/* diversity/ordination/*_arrows dysbiosis/verdicts dysbiosis/explanations dysbiosis/stability"
    " dysbiosis/flags immune/matches immune/links immune/samples immune/enrichment",
    "controls": "reference/outliers dysbiosis/taxa_flags dysbiosis/indices",
    "formula": "comparison/model comparison/permanova/* comparison/constrained/*",
    "simple": "comparison/alpha",
    "group": "comparison/dispersion/* comparison/pairs/* comparison/abundance",
    "followed": "comparison/longitudinal/trajectories comparison/longitudinal/tests",
}
# What the page over all cohorts reads of each.
INDEXED = "results/[^/]+/(cohort|diversity/alpha|dysbiosis/verdicts|comparison/(alpha|model|permanova|dispersion|abundance)|immune/links)"


rule report_write:
    input:
        files=results,
        knowledge=given("knowledge"),
        references=given("references"),
        add_knowledge=given("add_knowledge"),
        add_references=given("add_references"),
    output:
        page=report(
            "results/{cohort}/report.html",
            caption="../report/report.rst",
            category="{cohort}",
            labels={"result": "report"},
        ),
        data=directory("results/{cohort}/report/data"),
        multiqc="results/{cohort}/report/gutdiv_mqc.json",
    log:
        "logs/{cohort}/report/report.log",
    benchmark:
        "logs/{cohort}/report/report.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("report_write"),
        runtime=minutes("report_write"),
    params:
        version=VERSION,
        folder=subpath(output.page, parent=True),
        options=options("knowledge", "references", "add_knowledge", "add_references"),
    shell:
        # A copy of the files named above, so that nothing left from earlier settings slips into the page.
        'copy=$(mktemp -d .snakemake/gutdiv-XXXXXX) && trap \'rm -rf "$copy"\' EXIT && tar -cf - {input.files:q} | tar -xf - -C "$copy"'
        ' && gutdiv report --results "$copy"/{params.folder:q} --output {output.page:q} --data {output.data:q}'
        " --multiqc {output.multiqc:q} {params.options:q} 2> {log:q}"


rule report_index:
    input:
        pages=expand("results/{cohort}/report.html", cohort=COHORTS),
        files=lambda wildcards: [f for c in COHORTS for f in results(SimpleNamespace(cohort=c)) if re.match(INDEXED, f)],
    output:
        page=report("results/index.html", caption="../report/index.rst", labels={"result": "all cohorts"}),
    log:
        "logs/index.log",
    benchmark:
        "logs/index.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory("report_index"),
        runtime=minutes("report_index"),
    params:
        version=VERSION,
        folders=lambda wildcards, input: [f"./{os.path.dirname(page)}" for page in input.pages],
    shell:
        # A copy, as for one cohort's page; made inside it, so that the ways to the reports are those from results/.
        'copy=$(mktemp -d .snakemake/gutdiv-XXXXXX) && trap \'rm -rf "$copy"\' EXIT && tar -cf - {input.files:q} | tar -xf - -C "$copy"'
        ' && (cd "$copy" && gutdiv report --index {params.folders:q} --output ./{output.page:q}) 2> {log:q}'
        ' && mv "$copy"/{output.page:q} {output.page:q}'
