// One sample's own page: opened by its address (#sample=ID), made of the block of data that holds all samples.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const make = gutdiv.make;
  const names = gutdiv.names;
  const root = document.documentElement;
  const place = document.getElementById("sample-page");
  if (!place) return;
  const LIST = "#dysbiosis-samples"; // where all samples are listed
  const title = document.title;
  let data = null;
  let at = new Map();
  let shown = null;
  let left = null; // what the reader came from: address, scroll position and link

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

  // ---------------------------------------------------------------- which page is shown
  async function route() {
    await names.ready; // no name is said before it is known whether names are hidden
    if (names.leads(location.hash)) await loaded();
    if (location.hash === "#content") return; // the skip link: it leads into whatever is shown
    if (!names.leads(location.hash)) {
      if (shown !== null) leave();
      return;
    }
    const id = names.addressed(location.hash, data.samples); // as it is now: it may have changed while samples were unpacked
    if (names.address(id) !== location.hash && at.has(id)) history.replaceState(history.state, "", names.address(id));
    if (shown === null && !left) left = { hash: "", top: window.scrollY, link: null };
    shown = id;
    root.dataset.sample = "yes";
    place.hidden = false;
    const index = at.get(id);
    fill(index === undefined ? absent(id) : page(index));
    document.title = names.whole(id).slice(0, 80) + " - " + title;
    window.scrollTo(0, 0);
    place.querySelector("h1").focus({ preventScroll: true });
  }

  // Back to the row one came from: same place, same focus.
  function leave() {
    const was = shown;
    shown = null;
    delete root.dataset.sample;
    place.hidden = true;
    fill([]);
    document.title = title;
    const from = left;
    left = null;
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    const link = from && from.link && from.link.isConnected ? from.link : row(was);
    if (from && link && (location.hash === from.hash || location.hash === LIST)) {
      window.scrollTo({ top: from.link ? from.top : link.getBoundingClientRect().top + window.scrollY - window.innerHeight / 2, behavior: "instant" });
      link.focus({ preventScroll: true });
    } else if (target) {
      target.scrollIntoView();
      target.setAttribute("tabindex", "-1");
      target.focus({ preventScroll: true });
    }
  }

  const row = (id) => [...document.querySelectorAll("[data-table='samples'] a[data-who]")].find((link) => link.dataset.who === id.slice(0, 200));

  // The page of a sample is closed by Back, Escape and the link above it.
  function close() {
    history.pushState(null, "", (left && left.hash) || LIST);
    route();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link || !names.leads(link.getAttribute("href")) || place.contains(link)) return;
    left = { hash: names.leads(location.hash) ? "" : location.hash, top: window.scrollY, link: link };
  });

  document.addEventListener("keydown", (event) => {
    if (shown === null || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape" && !event.target.closest("input, select")) {
      const open = place.querySelector("details.terms[open]");
      if (!open) return close();
      open.open = false;
      return open.querySelector("summary").focus();
    }
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.target.closest("input, select, textarea, [role='region'], .plot")) return undefined; // they have a use of their own for arrows
    const here = names.leads(location.hash) ? names.addressed(location.hash, data.samples) : shown; // a second key may come before the first one's page
    const to = data.samples[at.get(here) + step];
    if (to) location.hash = names.address(to.id);
    return undefined;
  });

  function fill(parts) {
    gutdiv.dismiss(place);
    for (const old of [...place.children]) if (old.tagName !== "SCRIPT") old.remove();
    place.append(...parts.filter(Boolean));
    place.querySelectorAll(".scroll").forEach(gutdiv.edged);
  }

  const heading = (text) => make("h1", { id: "sample-title", tabindex: "-1", class: "clip" }, [make("bdi", { "data-column": "Sample", text: text })]);
  const back = () => make("a", { class: "back", href: LIST, text: "All samples", onclick: (event) => (event.preventDefault(), close()) });
  const link = (sample, word) => make("a", { href: names.address(sample.id), "data-who": sample.id.slice(0, 200), ...(word ? { text: word } : {}) }, word ? [] : [make("bdi", { "data-column": "Sample", text: sample.id })]);

  // A part of the page under its title, with its terms at the "?"; nothing where it has nothing to show.
  function block(key, parts) {
    const shownParts = parts.flat().filter(Boolean);
    if (!shownParts.length) return null;
    const { title: word, lead, terms } = data.shared.blocks[key];
    const list = terms.length ? make("details", { class: "terms" }, [make("summary", { title: "What the words here mean" }, [make("span", { "aria-hidden": "true", text: "?" }), make("span", { class: "visually-hidden", text: 'What the words in "' + word + '" mean' })]), make("dl", {}, terms.map((t) => make("div", {}, [make("dt", { text: t.term }), make("dd", { text: t.text })])))]) : null;
    return make("section", { class: "block b-" + key }, [make("div", { class: "section-head" }, [make("h2", { class: "section-title", text: word }), list]), lead ? make("p", { class: "section-lead", text: lead }) : null, ...shownParts]);
  }

  function absent(id) {
    return [make("nav", { class: "sample-nav", "aria-label": "Samples" }, [back()]), heading(id), make("p", { class: "lead", text: "These results hold no sample of this name." })];
  }

  const status = (word) => make("span", { class: "status " + word.replace(/ /g, "-") }, [gutdiv.icon(word), document.createTextNode(word)]);

  // ---------------------------------------------------------------- the page
  function page(index) {
    const own = data.samples[index];
    const shared = data.shared;
    const charts = gutdiv.sampleCharts;
    const leaf = (to, word) => (data.samples[to] ? link(data.samples[to], word) : null);
    const person = others(own);
    const facts = own.told.map((text, i) => (text ? make("div", {}, [make("dt", { text: shared.columns[i] }), make("dd", { class: "clip", "data-column": shared.columns[i], text: text })]) : null));
    return [
      make("nav", { class: "sample-nav", "aria-label": "Samples" }, [back(), leaf(index - 1, "Previous"), leaf(index + 1, "Next"), make("span", { class: "keys", text: "Keys: left and right arrow, Escape" })]),
      heading(own.id),
      own.verdict ? make("p", { class: "sample-verdict" }, [status(own.verdict)]) : null,
      ...own.said.map((line) => make("p", { class: "said clip", text: line })),
      block("intervals", [metrics(own)]),
      block("parts", [...parts(own), near(own)]),
      block("drivers", [drivers(own)]),
      block("immune", immune(own)),
      block("composition", [charts.composition(data, own)]),
      block("ordination", [charts.ordination(data, own, person)]),
      block("course", [charts.course(data, own, person), persons(own, person)]),
      block("known", [facts.some(Boolean) ? make("dl", { class: "known" }, facts) : null]),
      block("cannot", [make("ul", {}, shared.cannot.map((line) => make("li", { text: line })))]),
    ];
  }

  // ---------------------------------------------------------------- metrics in their intervals
  function metrics(own) {
    const flagged = own.metrics.some((metric) => metric[2]);
    const rows = data.shared.metrics.map((metric, i) => {
      const [value, text, flag, reason] = own.metrics[i];
      if (flag === undefined) return null;
      const bar = value === null || !metric.ends ? make("span", { class: "why clip", text: reason }) : range(metric, value);
      const word = flagged ? [make("td", {}, [flag ? status(flag) : document.createTextNode("–")])] : [];
      const judged = flagged ? [make("td", { class: "c-text", text: metric.interval || "–" })] : [];
      return make("tr", {}, [make("th", { scope: "row", text: metric.label }), ...word, make("td", { class: "c-number", text: text }), make("td", { class: "wide" }, [bar]), ...judged]);
    });
    if (!rows.some(Boolean)) return null;
    const head = ["Metric", ...(flagged ? ["Flag"] : []), "Value", ...(flagged ? ["Place", "Interval"] : ["Place among all samples, from least to most"])].map((word) => make("th", { scope: "col", text: word }));
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
    return [own.parts.length ? bars(own.parts, 1) : null, own.ranks ? make("p", { class: "near", text: own.ranks }) : null];
  }

  const near = (own) =>
    own.near.length ? make("p", { class: "near" }, ["Nearest controls: ", ...own.near.flatMap((id, i) => [i ? ", " : "", at.has(id) ? link(data.samples[at.get(id)]) : make("bdi", { "data-column": "Sample", text: id })])]) : null;

  function drivers(own) {
    if (!own.drivers.length) return null;
    const most = Math.max(...own.drivers.map((d) => Math.abs(d[1])));
    return bars(own.drivers.map(([taxon, z, text]) => [taxon, z, text, z < 0 ? "down" : "up"]), most);
  }

  // ---------------------------------------------------------------- immune-relevant taxa
  const ORDER = ["depleted", "enriched", "present"];

  function immune(own) {
    const words = data.shared.immune;
    if (!own.immune.length) return words.absent ? [make("p", { class: "clip", text: words.absent })] : words.made && own.verdict ? [make("p", { text: own.verdict === "within" ? "Looked at only where a sample is low, borderline or outside." : own.verdict === "not assessable" ? "Not looked at: the sample was not assessable." : "Nothing stands out against the controls." })] : [];
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

  // ---------------------------------------------------------------- the person's samples
  function others(own) {
    if (!own.person) return [];
    const all = byPerson().get(own.person);
    return all.length > 1 ? all : [];
  }

  let people = null;

  function byPerson() {
    if (people) return people;
    people = Map.groupBy ? Map.groupBy(data.samples, (sample) => sample.person) : data.samples.reduce((all, sample) => all.set(sample.person, [...(all.get(sample.person) || []), sample]), new Map());
    for (const all of people.values()) all.sort((a, b) => (a.time === null) - (b.time === null) || a.time - b.time);
    return people;
  }

  function persons(own, all) {
    if (!all.length) return null;
    const { metrics, time } = data.shared.courses;
    const number = gutdiv.sampleCharts.number;
    const rows = all.map((sample) => {
      const id = sample === own ? make("b", {}, [make("bdi", { "data-column": "Sample", text: sample.id })]) : link(sample);
      const values = metrics.map((_, m) => make("td", { class: "c-number", text: number(sample.course[m]) }));
      return make("tr", {}, [make("th", { scope: "row" }, [id]), time ? make("td", { class: "c-number", text: number(sample.time) }) : null, ...values, sample.verdict ? make("td", {}, [status(sample.verdict)]) : null]);
    });
    const head = ["Sample", time, ...metrics.map((metric) => metric.axis), own.verdict ? "Verdict" : ""].filter(Boolean).map((word) => make("th", { scope: "col", text: word }));
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Samples of the same person" }, [make("table", {}, [make("thead", {}, [make("tr", {}, head)]), make("tbody", {}, rows)])]);
  }

  // Unpacked when there is time, so that the first page opens at once.
  window.addEventListener("load", () => (window.requestIdleCallback || setTimeout)(() => loaded()));
  window.addEventListener("hashchange", route);
  document.addEventListener("gutdiv-names", () => shown !== null && route());
  names.ready.then(route);
})();
