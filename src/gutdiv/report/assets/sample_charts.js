// The charts of a sample's page: composition, place among all samples, and the person's course over time. Each is a figure like all others of the page.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const make = gutdiv.make;
  const escaped = gutdiv.escaped;
  const CLOUD = 2000; // samples behind the one that is shown, at most
  const ROW = 19; // pixels of a taxon
  const PRINTED_ROW = 13; // the same on paper
  const OTHERS = "all others"; // as the composition calls them
  const HALF = 330; // half of an A4 sheet, in CSS pixels
  const LABEL = 34; // characters of a taxon's name beside its bar
  const MINUS = "\u2212";

  // ---------------------------------------------------------------- words and numbers
  const number = (v) => (v === null || v === undefined ? "–" : String(Number(v.toPrecision(3))).replace("-", MINUS));
  const percent = (v) => (100 * v).toFixed(v < 0.01 ? 2 : 1) + "%";
  const known = (v) => typeof v === "number";
  const column = (label, kind) => ({ label: label, kind: kind, help: "", choose: false });
  const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

  function table(key, caption, columns, rows, source) {
    return { key: "sample-" + key.replace(/[^\w-]+/g, "-"), caption: caption, source: source, note: "", columns: columns, rows: rows, details: {}, shown: rows.length > 25 ? 15 : rows.length };
  }

  // ---------------------------------------------------------------- plotly's layout, in the page's style
  function axis(text, more) {
    return { title: { text: escaped(text), standoff: 12, font: { size: 13, color: "var(--ink-2)" } }, gridcolor: "var(--grid)", linecolor: "var(--line-2)", zerolinecolor: "var(--line-2)", tickfont: { color: "var(--ink-2)", size: 12 }, zeroline: false, automargin: true, ...more };
  }

  function layout(x, y, height, more) {
    return {
      height: height,
      margin: { l: 64, r: 16, t: 40, b: 52 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif", size: 13, color: "var(--ink)" },
      hoverlabel: { bgcolor: "var(--surface)", bordercolor: "var(--line-2)", font: { color: "var(--ink)", size: 13 }, align: "left" },
      hovermode: "closest",
      showlegend: true,
      legend: { orientation: "h", traceorder: "normal", x: 0, xanchor: "left", y: 1, yanchor: "bottom", font: { color: "var(--ink-2)", size: 12 } },
      xaxis: x,
      yaxis: y,
      ...more,
    };
  }

  // ---------------------------------------------------------------- the three
  function composition(data, own) {
    const { means_of: of } = data.shared;
    // Under all others stand those genera of them that are large in this sample: a part of that bar, without a mean of their own.
    const more = data.shared.taxa.includes(OTHERS) ? own.own : [];
    const taxa = [...data.shared.taxa, ...more.map((m) => m[0])];
    const shares = [...own.shares, ...more.map((m) => m[1])];
    const means = data.shared.means;
    const part = (i) => i >= data.shared.taxa.length;
    const told = (i, most) => (part(i) ? "– " : "") + cut(taxa[i], most - (part(i) ? 2 : 0));
    const order = taxa.map((_, i) => i);
    const names = order.map((i) => escaped(told(i, LABEL)));
    const bars = { type: "bar", orientation: "h", name: "this sample", y: order, x: shares, text: taxa.map(escaped), customdata: shares.map(percent), hovertemplate: "<b>%{text}</b><br>%{customdata}<extra></extra>", textposition: "none", marker: { color: "var(--s1)", opacity: order.map((i) => (part(i) ? 0.55 : 1)) } };
    const marks = { type: "scatter", mode: "markers", name: "mean of the " + of, y: order.slice(0, means.length), x: means, text: taxa.map(escaped), customdata: means.map(percent), hovertemplate: "<b>%{text}</b><br>mean %{customdata}<extra></extra>", marker: { symbol: "line-ns", size: 11, color: "var(--ink)", line: { width: 2, color: "var(--ink)" } } };
    const x = axis("Share of reads", { tickformat: ".0%", range: [0, 1.05 * Math.max(0.01, ...shares, ...means)] });
    const y = axis("", { tickvals: order, ticktext: names, range: [taxa.length - 0.5, -0.5], showgrid: false });
    const named = order.filter((i) => taxa[i] !== OTHERS);
    const known = named.filter((i) => !part(i)).length;
    const first = named.reduce((best, i) => (shares[i] > shares[best] ? i : best), named[0]);
    const beside = part(first) ? "; it is not among the " + known + " most abundant genera of the study" : means.length ? "; mean of the " + of + " " + percent(means[first]) : "";
    const rest = taxa.indexOf(OTHERS);
    const beyond = rest >= 0 && shares[rest] > shares[first] && !part(first) ? percent(shares[rest]) + " belong to genera that are not among the " + known + " most abundant of the study" : "";
    const title = "The largest genus is " + cut(taxa[first], 60) + ": " + percent(shares[first]) + " of the reads" + beside + (beyond ? "; " + beyond : "");
    const columns = [column("Genus", "taxon"), column("Share of reads", "number"), ...(means.length ? [column("Mean of the " + of, "number")] : [])];
    const mean = (i) => (part(i) ? ["–", null] : [percent(means[i]), means[i]]);
    const rows = taxa.map((taxon, i) => [(part(i) ? "of these " : "") + taxon, [percent(shares[i]), shares[i]], ...(means.length ? [mean(i)] : [])]);
    const numbers = table("composition", "Share of reads by genus", columns, rows, "diversity/composition.tsv (all samples)" + (more.length ? ", and the record beside it" : ""));
    const height = ROW * taxa.length + 110;
    const chart = layout(x, y, height, { bargap: 0.25 });
    return { key: "composition", label: "Composition", title: title, subtitle: "The most abundant genera of the study, and all others together" + (more.length ? "; after a dash those of them with 5% or more of this sample's reads." : "."), alt: title + ". Bars of " + taxa.length + " genera.", data: means.length ? [bars, marks] : [bars], layout: { ...chart, margin: { ...chart.margin, l: 40 } }, narrow: { yaxis: { ticktext: order.map((i) => escaped(told(i, 20))), tickfont: { size: 11 } } }, height: height, numbers: numbers, paper: { width: HALF, height: 100 + PRINTED_ROW * taxa.length, layout: { yaxis: { tickfont: { size: 9.5 } } } } };
  }

  function ordination(data, own, others) {
    const { axes, label, source } = data.shared.axes;
    const all = data.samples.filter((s) => s.at && known(s.at[0]) && known(s.at[1]));
    const step = Math.ceil(all.length / CLOUD);
    const cloud = all.filter((s, i) => s !== own && i % step === 0);
    const mine = others.filter((s) => s.at && known(s.at[1]));
    const points = (samples, more) => ({ type: "scatter", mode: "markers", x: samples.map((s) => s.at[0]), y: samples.map((s) => s.at[1]), text: samples.map((s) => escaped(cut(s.id, 60))), customdata: samples.map((s) => s.verdict), hovertemplate: "<b>%{text}</b>" + (own.verdict ? "<br>%{customdata}" : "") + "<extra></extra>", ...more });
    const traces = [points(cloud, { name: "all samples", marker: { color: "var(--ink-3)", size: 5, opacity: 0.45 } })];
    if (mine.length) traces.push(points(mine, { mode: data.shared.courses.time ? "lines+markers" : "markers", name: "the same person" + (data.shared.courses.time ? ", in order of time" : ""), line: { color: "var(--s1)", width: 1 }, marker: { color: "var(--s1)", size: 8, symbol: "circle-open", line: { width: 2, color: "var(--s1)" } } }));
    traces.push(points([own], { name: "this sample", marker: { color: "var(--outside)", size: 14, symbol: "diamond", line: { color: "var(--surface)", width: 1.5 } } }));
    const far = distance(all);
    const share = all.filter((s) => s !== own && far(s) < far(own)).length / Math.max(1, all.length - 1);
    const title = "Farther from the middle of all samples than " + Math.round(100 * share) + "% of the others, along the first two axes";
    const subtitle = label + ", principal coordinates" + (step > 1 ? "; " + cloud.length.toLocaleString("en") + " of " + all.length.toLocaleString("en") + " samples are drawn behind this one" : "") + ". The middle is the median of each axis.";
    const columns = [column("Sample", "name"), column("Shown as", "text"), column(axes[0], "number"), column(axes[1], "number")];
    const row = (word) => (s) => [s.id, word, [number(s.at[0]), s.at[0]], [number(s.at[1]), s.at[1]]];
    const rows = [row("this sample")(own), ...mine.filter((s) => s !== own).map(row("the same person")), ...cloud.filter((s) => !mine.includes(s)).map(row("all samples"))];
    const numbers = table("ordination", "Coordinates of the samples that are drawn", columns, rows, source + " (all samples, all axes)");
    return { key: "ordination", label: label, title: title, subtitle: subtitle, alt: title + ". Scatter of samples by " + label + ".", data: traces, layout: layout(axis(axes[0]), axis(axes[1]), 420), narrow: {}, height: 420, numbers: numbers, paper: { width: HALF, height: 290 } };
  }

  // How far a sample lies from the medians of both axes.
  function distance(samples) {
    const middle = [0, 1].map((k) => samples.map((s) => s.at[k]).sort((a, b) => a - b)[Math.floor(samples.length / 2)]);
    return (s) => Math.hypot(s.at[0] - middle[0], s.at[1] - middle[1]);
  }

  // One view a metric; those without two values of this person are left out.
  function courses(data, own, others) {
    const { metrics, time, source } = data.shared.courses;
    return metrics.map((metric, m) => course(metric, m, own, others, time, source)).filter(Boolean);
  }

  function course(metric, m, own, others, time, source) {
    const mine = others.filter((s) => known(s.time) && known(s.course[m]));
    if (mine.length < 2) return null;
    const [from, to] = [mine[0], mine.at(-1)];
    const told = (s) => number(s.course[m]) + " at " + time + " " + number(s.time);
    const away = (s) => Math.abs(s.course[m] - from.course[m]);
    const most = mine.reduce((best, s) => (away(s) > away(best) ? s : best), to);
    const title = metric.axis + ": " + told(from) + ", " + told(to) + (most === to ? "" : "; farthest from the first: " + told(most));
    const limits = [metric.lower, metric.upper];
    const band = limits.every(known) ? [{ type: "rect", xref: "paper", x0: 0, x1: 1, y0: limits[0], y1: limits[1], fillcolor: "var(--band)", line: { width: 0 }, layer: "below" }] : limits.some(known) ? limits.filter(known).map((v) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: v, y1: v, line: { color: "var(--line-2)", width: 1, dash: "dash" }, layer: "below" })) : [];
    const text = (s) => escaped(cut(s.id, 60));
    const line = { type: "scatter", mode: "lines+markers", name: "the same person", x: mine.map((s) => s.time), y: mine.map((s) => s.course[m]), text: mine.map(text), customdata: mine.map((s) => s.verdict), hovertemplate: "<b>%{text}</b><br>%{x}: %{y:.3g}" + (own.verdict ? "<br>%{customdata}" : "") + "<extra></extra>", line: { color: "var(--s1)", width: 2 }, marker: { color: "var(--s1)", size: 8 } };
    const here = mine.includes(own) ? [{ ...line, mode: "markers", name: "this sample", x: [own.time], y: [own.course[m]], text: [text(own)], customdata: [own.verdict], marker: { color: "var(--outside)", size: 14, symbol: "diamond", line: { color: "var(--surface)", width: 1.5 } } }] : [];
    const columns = [column("Sample", "name"), column(time, "number"), column(metric.axis, "number"), ...(own.verdict ? [column("Verdict", "status")] : [])];
    const rows = mine.map((s) => [s.id, [number(s.time), s.time], [number(s.course[m]), s.course[m]], ...(own.verdict ? [s.verdict] : [])]);
    const numbers = table("course-" + metric.key, metric.label + " of the same person over time", columns, rows, source + " (all samples)");
    const subtitle = mine.length + " samples of the same person" + (limits.some(known) ? "; the field is the reference interval of the controls" : "") + ".";
    return { key: "course-" + metric.key, label: metric.label, title: title, subtitle: subtitle, alt: title + ". Line over " + mine.length + " samples.", data: [line, ...here], layout: layout(axis(time), axis(metric.axis), 320, { shapes: band }), narrow: {}, height: 320, numbers: numbers, paper: { height: 165 } };
  }

  // ---------------------------------------------------------------- the figure around a chart, as parts.html makes it
  function figure(key, views, word) {
    const [first] = views;
    const button = (format) => make("button", { type: "button", class: "quiet", "data-save": format, text: format.toUpperCase() });
    const select = views.length > 1 ? make("select", {}, views.map((view, i) => make("option", { value: String(i), text: view.label }))) : null;
    const plot = make("div", { class: "plot", role: "img", "aria-label": first.alt.slice(0, 600) });
    plot.style.minHeight = first.height + "px";
    return make("figure", { class: "chart", id: "f-sample-" + key, "data-figure": "sample-" + key }, [
      make("figcaption", {}, [make("h3", { class: "finding clip", "data-title": true, text: first.title }), make("p", { class: "subtitle clip", "data-subtitle": true, text: first.subtitle })]),
      select ? make("p", { class: "switch" }, [make("label", { class: "field" }, [make("span", { text: word }), select])]) : null,
      plot,
      make("div", { class: "chart-foot" }, [
        make("details", { class: "numbers" }, [make("summary", { text: "Show the numbers" }), make("div", { "data-numbers": true })]),
        make("p", { class: "save", "aria-label": "Save the figure" }, [button("png"), button("svg")]),
      ]),
      make("p", { class: "source", text: first.numbers.source }),
    ]);
  }

  // Makes a figure and hands it to the page's charts, which draw it when it is seen.
  function drawn(key, views, word) {
    if (!views.length) return null;
    const element = figure(key, views, word);
    gutdiv.chart(element, views);
    return element;
  }

  gutdiv.sampleCharts = {
    composition: (data, own) => (own.shares.length ? drawn("composition", [composition(data, own)]) : null),
    ordination: (data, own, others) => (own.at && own.at.every(known) ? drawn("ordination", [ordination(data, own, others)]) : null),
    course: (data, own, others) => drawn("course", courses(data, own, others), "Metric"),
    number,
  };
})();
