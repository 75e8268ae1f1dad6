# One page a cohort, made of the result files only.


report: "../report/workflow.rst"


rule report_write:
    input:
        files=results,
    output:
        page=report(
            "results/{cohort}/report.html",
            caption="../report/report.rst",
            category="{cohort}",
            labels={"result": "report"},
        ),
    log:
        "logs/{cohort}/report/report.log",
    benchmark:
        "logs/{cohort}/report/report.benchmark.tsv"
    conda:
        "../envs/gutdiv.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        folder=subpath(output.page, parent=True),
    shell:
        # A copy of the files named above, so that nothing left from earlier settings slips into the page.
        'copy=$(mktemp -d) && trap \'rm -rf "$copy"\' EXIT && tar -cf - {input.files:q} | tar -xf - -C "$copy"'
        ' && gutdiv report --results "$copy"/{params.folder:q} --output {output.page:q} 2> {log:q}'
