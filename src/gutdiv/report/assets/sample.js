// One sample's own page: opened by its address (#sample=ID), made of the block of data that holds all samples.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const make = gutdiv.make;
  const escaped = gutdiv.escaped;
  const root = document.documentElement;
  const place = document.getElementById("sample-page");
  if (!place) return;
  const FROM = "#sample=";
  const CLOUD = 2000; // samples behind the one that is shown, at most
  const HEIGHT = 300;
  const PAPER = { width: 430, height: 150 }; // of a chart on A4, in CSS pixels
  const title = document.title;
  let data = null;
  let at = new Map();
  let shown = null;
  let printing = false;

  let reading = null;

  function loaded() {
    if (!reading) {
      reading = gutdiv.text(place).then((text) => {
        data = JSON.parse(text);
        at = new Map(data.samples.map((sample, i) => [sample.id, i]));
      });
    }
    return reading;
  }

  gutdiv.samples = () => loaded().then(() => data);
  gutdiv.sampleAddress = (id) => FROM + encodeURIComponent(id);

  function named(hash) {
    try {
      return decodeURIComponent(hash.slice(FROM.length));
    } catch (error) {
      return hash.slice(FROM.length); // not an address that this page wrote
    }
  }

  // ---------------------------------------------------------------- which page is shown
  async function route() {
    if (location.hash === "#content") return; // the skip link: it leads into whatever is shown
    if (!location.hash.startsWith(FROM)) {
      if (shown === null) return;
      shown = null;
      delete root.dataset.sample;
      place.hidden = true;
      document.title = title;
      const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
      if (target) target.scrollIntoView();
      return;
    }
    const id = named(location.hash);
    await loaded();
    shown = id;
    root.dataset.sample = "yes";
    place.hidden = false;
    const index = at.get(id);
    fill(index === undefined ? absent(id) : page(index));
    document.title = id.slice(0, 80) + " - " + title;
    window.scrollTo(0, 0);
    place.querySelector("h1").focus({ preventScroll: true });
    if (index !== undefined) requestAnimationFrame(() => setTimeout(draw)); // what can be read is painted first
  }

  function fill(parts) {
    for (const old of [...place.children]) if (old.tagName !== "SCRIPT") old.remove();
    place.append(...parts.filter(Boolean));
  }

  const heading = (text) => make("h1", { id: "sample-title", tabindex: "-1", class: "clip" }, [make("bdi", { text: text })]);
  const back = () => make("a", { class: "back", href: "#dysbiosis", text: "All samples" });
  const block = (name, parts, lead) =>
    parts.filter(Boolean).length ? make("section", { class: "block " + name.toLowerCase().replace(/[^a-z]+/g, "-") }, [make("h2", { text: name }), lead ? make("p", { class: "section-lead", text: lead }) : null, ...parts]) : null;

  function absent(id) {
    return [make("nav", { class: "sample-nav", "aria-label": "Samples" }, [back()]), heading(id), make("p", { class: "lead", text: "These results hold no sample of this name." })];
  }

  // ---------------------------------------------------------------- the page
  function page(index) {
    const own = data.samples[index];
    const shared = data.shared;
    const leaf = (to, word) => (data.samples[to] ? make("a", { href: gutdiv.sampleAddress(data.samples[to].id), text: word }) : null);
    const status = make("p", { class: "sample-verdict" }, [make("span", { class: "status " + own.verdict.replace(/ /g, "-") }, [gutdiv.icon(own.verdict), document.createTextNode(own.verdict)])]);
    const facts = own.told.map((text, i) => (text ? make("div", {}, [make("dt", { text: shared.columns[i] }), make("dd", { class: "clip", text: text })]) : null));
    return [
      make("nav", { class: "sample-nav", "aria-label": "Samples" }, [back(), leaf(index - 1, "Previous"), leaf(index + 1, "Next")]),
      heading(own.id),
      status,
      ...own.said.map((line) => make("p", { class: "said clip", text: line })),
      block("Place in the reference intervals", [metrics(own)], shared.limits ? "The field is the interval of the controls, its darker edges the uncertainty of the limits, the line their median. With several metrics some lie outside in anyone." : "There is no reference interval: only the values are shown."),
      block("What the verdict is made of", [parts(own), near(own)]),
      block("Taxa farthest from the controls", [drivers(own)], "Robust z of centred log-ratios: they describe the sample and explain nothing."),
      block("Immune-relevant taxa", immune(own), shared.immune.told),
      block("Composition", [composition(own)], own.shares.length ? "Share of reads, the most abundant genera of the study. The line marks the mean of the " + shared.means_of + "." : ""),
      block("Among all samples", [own.at ? make("div", { class: "plot", "data-plot": "place", role: "img", "aria-label": "The sample's point in the ordination of all samples by " + shared.axes.label }) : null], own.at ? shared.axes.label + (step() > 1 ? "; one of " + step() + " samples is drawn behind this one" : "") : ""),
      block(shared.time ? "Over time" : "Samples of the same person", course(index)),
      block("What is known of the sample", [facts.some(Boolean) ? make("dl", { class: "known" }, facts) : null]),
      block("What cannot be said", [make("ul", {}, shared.cannot.map((line) => make("li", { text: line })))]),
    ];
  }

  // ---------------------------------------------------------------- metrics in their intervals
  function metrics(own) {
    const rows = data.shared.metrics.map((metric, i) => {
      const [value, text, flag, reason] = own.metrics[i];
      if (flag === undefined) return null;
      const bar = value === null || !metric.ends ? make("span", { class: "why clip", text: reason }) : range(metric, value);
      const word = make("span", { class: "status " + flag.replace(/ /g, "-") }, [gutdiv.icon(flag), document.createTextNode(flag)]);
      return make("tr", {}, [make("th", { scope: "row", text: metric.label }), make("td", { class: "c-number", text: text }), make("td", { class: "wide" }, [bar]), make("td", { class: "c-text", text: metric.interval || "–" }), make("td", {}, [word])]);
    });
    if (!rows.some(Boolean)) return null;
    const head = ["Metric", "Value", "Place", "Interval", "Flag"].map((word) => make("th", { scope: "col", text: word }));
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Metrics" }, [make("table", { class: "metrics" }, [make("thead", {}, [make("tr", {}, head)]), make("tbody", {}, rows.filter(Boolean))])]);
  }

  function range(metric, value) {
    const [low, high] = metric.ends;
    const wide = high - low || 1;
    const left = (v) => Math.max(0, Math.min(100, (100 * (v - low)) / wide));
    const mark = (name, from, to) => {
      const element = make("i", { class: name });
      element.style.left = left(from) + "%";
      if (to !== undefined) element.style.width = left(to) - left(from) + "%";
      return element;
    };
    const known = (v) => v !== null && v !== undefined;
    const marks = [];
    if (known(metric.lower) || known(metric.upper)) marks.push(mark("field", known(metric.lower) ? metric.lower : low, known(metric.upper) ? metric.upper : high));
    for (const ends of [metric.lower_ci, metric.upper_ci]) if (ends) marks.push(mark("edge", ends[0], ends[1]));
    if (known(metric.median)) marks.push(mark("median", metric.median));
    return make("span", { class: "place", "aria-hidden": "true" }, [...marks, mark("dot", value)]);
  }

  // ---------------------------------------------------------------- bars
  function bars(rows, most) {
    return make("ul", { class: "bars" }, rows.map(([word, size, text, sign]) => {
      const fill = make("i", { class: "fill " + (sign || "") });
      fill.style.width = most > 0 && size !== null ? (100 * Math.abs(size)) / most + "%" : "0";
      return make("li", {}, [make("span", { class: "word clip" }, [make("bdi", { text: word })]), make("span", { class: "rail", "aria-hidden": "true" }, [fill]), make("span", { class: "size", text: text })]);
    }));
  }

  function parts(own) {
    if (!own.parts.length) return null;
    if (own.parts[0][1] !== null) return bars(own.parts, 1);
    return make("p", {}, ["Share of controls at least as unusual: " + own.parts.map((p) => p[0] + " " + p[2]).join(", ") + "."]);
  }

  const near = (own) =>
    own.near.length ? make("p", { class: "near" }, ["Nearest controls: ", ...own.near.flatMap((id, i) => [i ? ", " : "", at.has(id) ? make("a", { href: gutdiv.sampleAddress(id) }, [make("bdi", { text: id })]) : make("bdi", { text: id })])]) : null;

  function drivers(own) {
    if (!own.drivers.length) return null;
    const most = Math.max(...own.drivers.map((d) => Math.abs(d[1])));
    return bars(own.drivers.map(([taxon, z, text]) => [taxon, z, text, z < 0 ? "down" : "up"]), most);
  }

  function composition(own) {
    if (!own.shares.length) return null;
    const { taxa, means } = data.shared;
    const most = Math.max(0.01, ...own.shares, ...means);
    const percent = (v) => (100 * v).toFixed(v < 0.01 ? 2 : 1) + "%";
    const rows = taxa.map((taxon, i) => {
      const fill = make("i", { class: "fill" });
      fill.style.width = (100 * own.shares[i]) / most + "%";
      const mean = means.length ? make("i", { class: "mean" }) : null;
      if (mean) mean.style.left = (100 * means[i]) / most + "%";
      return make("li", {}, [make("span", { class: "word clip" }, [make("bdi", { text: taxon })]), make("span", { class: "rail", "aria-hidden": "true" }, [fill, mean]), make("span", { class: "size", text: percent(own.shares[i]) + (means.length ? " (" + percent(means[i]) + ")" : "") })]);
    });
    return make("ul", { class: "bars" }, rows);
  }

  // ---------------------------------------------------------------- immune-relevant taxa
  const ORDER = ["depleted", "enriched", "present"];

  function immune(own) {
    const words = data.shared.immune;
    if (!own.immune.length) return words.absent ? [make("p", { class: "clip", text: words.absent })] : words.made ? [make("p", { text: own.verdict === "within" ? "Looked at only where a sample is low, borderline or outside." : "Nothing stands out against the controls, or the sample was not looked at." })] : [];
    const sorted = [...own.immune].sort((a, b) => ORDER.indexOf(a[2]) - ORDER.indexOf(b[2]) || (a[1] === b[1] ? 0 : a[1] === "guild" ? -1 : 1));
    return [...sorted.map(card), make("p", { class: "table-note", text: "What is told of prebiotics and probiotics is no advice. A direction in the literature is an association, not a cause." })];
  }

  function card([taxon, level, state, seen, rows, agreement]) {
    const summary = make("summary", {}, [make("b", { class: "clip" }, [make("bdi", { text: taxon })]), make("span", { class: "state " + state, text: (level === "guild" ? "guild, " : "") + state }), make("span", { class: "seen", text: seen })]);
    const known = rows.map((row) => data.shared.evidence[row]).filter(Boolean);
    const told = known.flatMap((row) => row.details);
    const short = [...new Set(known.map((row) => row.short).filter(Boolean))].join("; ");
    if (short) summary.append(make("span", { class: "short", text: short }));
    if (!told.length) return make("div", { class: "taxon" }, [...summary.childNodes]);
    const list = told.map((detail) => make("div", { class: detail.wide ? "wide" : null }, [make("dt", { text: detail.term }), make("dd", {}, [detail.text ? make("p", { class: "clip", text: detail.text }) : null, detail.links.length ? make("ul", {}, detail.links.map(reference)) : null])]));
    return make("details", { class: "taxon" }, [summary, agreement ? make("p", { class: "agreement", text: "With what is reported of inflamed or low-diversity guts: " + agreement }) : null, make("dl", {}, list)]);
  }

  const reference = (link) => make("li", {}, [link.href.startsWith("https://doi.org/") ? make("a", { href: link.href, rel: "noopener noreferrer", target: "_blank", text: link.text }) : make("span", { text: link.text })]);

  // ---------------------------------------------------------------- the person's other samples
  function others(index) {
    const own = data.samples[index];
    if (!own.person) return [];
    const all = data.samples.map((sample, i) => [sample, i]).filter(([sample]) => sample.person === own.person);
    return all.length > 1 ? all.sort((a, b) => (a[0].time === null) - (b[0].time === null) || a[0].time - b[0].time) : [];
  }

  function course(index) {
    const all = others(index);
    if (!all.length) return [];
    const metric = data.shared.metrics[0];
    const rows = all.map(([sample, i]) => {
      const id = i === index ? make("b", {}, [make("bdi", { text: sample.id })]) : make("a", { href: gutdiv.sampleAddress(sample.id) }, [make("bdi", { text: sample.id })]);
      return make("tr", {}, [make("th", { scope: "row" }, [id]), data.shared.time ? make("td", { class: "c-number", text: sample.time === null ? "–" : String(sample.time) }) : null, metric ? make("td", { class: "c-number", text: (sample.metrics[0] || [])[1] || "–" }) : null, make("td", { text: sample.verdict })]);
    });
    const head = ["Sample", data.shared.time || null, metric ? metric.label : null, "Verdict"].filter((w) => w !== null).map((word) => make("th", { scope: "col", text: word }));
    const table = make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Samples of the same person" }, [make("table", {}, [make("thead", {}, [make("tr", {}, head)]), make("tbody", {}, rows)])]);
    const timed = all.filter(([s]) => s.time !== null && s.metrics[0] && s.metrics[0][0] !== null && s.metrics[0][0] !== undefined);
    const plot = timed.length > 1 ? make("div", { class: "plot", "data-plot": "course", role: "img", "aria-label": metric.label + " of the same person over time" }) : null;
    return [plot, table];
  }

  // ---------------------------------------------------------------- small charts
  const step = () => Math.ceil(data.samples.length / CLOUD);

  function axis(text) {
    return { title: { text: text, font: { size: 12, color: "var(--ink-2)" } }, gridcolor: "var(--grid)", zeroline: false, linecolor: "var(--line-2)", tickfont: { color: "var(--ink-2)", size: 11 }, automargin: true };
  }

  function draw() {
    const index = at.get(shown);
    if (index === undefined || !window.Plotly) return;
    const own = data.samples[index];
    const layout = (x, y, more) => ({ height: HEIGHT, margin: { l: 56, r: 12, t: 8, b: 48 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: "var(--ink)", size: 12 }, xaxis: axis(escaped(x)), yaxis: axis(escaped(y)), showlegend: false, hovermode: "closest", ...more });
    const spot = place.querySelector("[data-plot='place']");
    if (spot) {
      const known = data.samples.filter((s) => s.at).filter((s, i) => i % step() === 0);
      const cloud = { type: "scatter", mode: "markers", x: known.map((s) => s.at[0]), y: known.map((s) => s.at[1]), text: known.map((s) => escaped(s.id).slice(0, 80)), hovertemplate: "%{text}<extra></extra>", marker: { color: "var(--line-2)", size: 5, opacity: 0.6 } };
      const mine = others(index).map(([s]) => s).filter((s) => s.at);
      const path = { type: "scatter", mode: "lines+markers", x: mine.map((s) => s.at[0]), y: mine.map((s) => s.at[1]), text: mine.map((s) => escaped(s.id).slice(0, 80)), hovertemplate: "%{text}<extra></extra>", line: { color: "var(--s1)", width: 1 }, marker: { color: "var(--s1)", size: 6, symbol: "circle-open" } };
      const here = { type: "scatter", mode: "markers", x: [own.at[0]], y: [own.at[1]], hoverinfo: "skip", marker: { color: "var(--outside)", size: 13, symbol: "diamond", line: { color: "var(--surface)", width: 1.5 } } };
      show(spot, mine.length ? [cloud, path, here] : [cloud, here], layout(data.shared.axes.axes[0], data.shared.axes.axes[1] || ""));
    }
    const line = place.querySelector("[data-plot='course']");
    if (line) {
      const metric = data.shared.metrics[0];
      const mine = others(index).map(([s]) => s).filter((s) => s.time !== null && typeof (s.metrics[0] || [])[0] === "number");
      const band = typeof metric.lower === "number" && typeof metric.upper === "number" ? [{ type: "rect", xref: "paper", x0: 0, x1: 1, y0: metric.lower, y1: metric.upper, fillcolor: "var(--band)", line: { width: 0 }, layer: "below" }] : [];
      const curve = { type: "scatter", mode: "lines+markers", x: mine.map((s) => s.time), y: mine.map((s) => s.metrics[0][0]), line: { color: "var(--s1)" }, marker: { color: mine.map((s) => (s === own ? "var(--outside)" : "var(--s1)")), size: mine.map((s) => (s === own ? 12 : 7)), symbol: mine.map((s) => (s === own ? "diamond" : "circle")) }, text: mine.map((s) => escaped(s.id).slice(0, 80)), hovertemplate: "%{text}: %{y:.3f}<extra></extra>" };
      show(line, [curve], layout(data.shared.time, metric.label, { shapes: band }));
    }
  }

  function show(element, traces, layout) {
    const styles = getComputedStyle(root);
    const marked = traces.map((trace) => (Array.isArray(trace.marker.color) ? { ...trace, marker: { ...trace.marker, color: trace.marker.color.map((c) => gutdiv.coloured(c, styles, "color")) } } : trace));
    window.Plotly.react(element, gutdiv.coloured(marked, styles), gutdiv.coloured({ ...layout, width: element.clientWidth || 640, autosize: false, ...(printing ? PAPER : {}) }, styles), { displayModeBar: false, displaylogo: false });
  }

  // Unpacked when there is time, so that the first page opens at once.
  window.addEventListener("load", () => (window.requestIdleCallback || setTimeout)(() => loaded()));
  window.addEventListener("hashchange", route);
  document.addEventListener("gutdiv-theme", () => shown !== null && draw());
  for (const [word, paper] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(word, () => {
      printing = paper;
      if (shown !== null) draw();
    });
  }
  window.addEventListener("resize", () => !printing && shown !== null && draw());
  route();
})();
