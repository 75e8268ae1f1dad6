// Numbers in place of the names of samples and subjects while the reader hides them: in all that is shown, said, searched, printed and saved.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const root = document.documentElement;
  const WORD = /[\p{L}\p{N}]+/gu;
  const FIRST = /[\p{L}\p{N}]+/u;
  const SHORT = { digits: 5, letters: 3 }; // a number or a word of fewer characters is a name within a sentence only where it is quoted, listed or introduced
  const LIST = /([^.:(]*)(: |\()([\p{L}\p{N}]+(?:(?:, | and )[\p{L}\p{N}]+)*?)(?= and [\d,]+ more|[.;)]|$)/gu;
  const OF = /(?:samples?|subjects?|person|people)\b/;
  const CUT = 24; // characters of a long name that a sentence which cuts it still shows
  const SAID = ["title", "aria-label", "alt", "placeholder"];
  const OWN = "#sample=";
  const NUMBER = "#number=";
  const NONE = "–";
  const HIDDEN = "hidden";
  const NAMING = ["Sample", "Column", "Bar"]; // columns of tables that name samples

  const names = (gutdiv.names = { hidden: false, person: "", telling: new Set(), number: new Map(), whole: (text) => text, within: (text) => text, cell: (text) => text });
  let shown = new Map(); // a name, and what stands in its place
  const starts = new Map(); // the first word of names, and by it where in them it stands and how long they are, longest first
  let long = [];
  const kept = new Map(); // nodes that were changed, and what they held

  // ---------------------------------------------------------------- what stands in place of a name; pseudonyms.py does the same for a file
  async function learn() {
    if (shown.size) return;
    const data = await gutdiv.samples();
    const wide = (n, all) => String(n).padStart(String(all).length, "0");
    const { people, fallen, person, telling } = data.shared.names;
    people.forEach((own, i) => shown.set(own, "person " + wide(i + 1, people.length)));
    const all = data.samples.length + fallen.length;
    for (const [own, n] of [...data.samples.map((s) => [s.id, s.n]), ...fallen]) shown.set(own, "sample " + wide(n, all));
    names.number = new Map(data.samples.map((s) => [s.id, s.n]));
    names.person = person;
    names.telling = new Set(telling);
    long = [...shown.keys()].filter((own) => own.length > CUT);
    const shapes = new Map();
    for (const own of shown.keys()) {
      const word = own.match(FIRST);
      if (word) shapes.set(word[0], (shapes.get(word[0]) || new Set()).add(word.index + ":" + own.length));
    }
    for (const [word, found] of shapes) starts.set(word, [...found].map((shape) => shape.split(":").map(Number)).sort((a, b) => b[1] - a[1]));
  }

  function whole(text) {
    const own = shown.get(text);
    if (own !== undefined || text.length < CUT) return own ?? text;
    const cut = text.replace(/…$/, "");
    const found = long.find((name) => name.startsWith(cut));
    return found === undefined ? within(text) : shown.get(found);
  }

  function within(text) {
    if (shown.has(text)) return weak(text) ? text : shown.get(text);
    const parts = [];
    let done = 0;
    for (const found of text.matchAll(LIST)) {
      const told = listed(...found);
      if (told === undefined) continue;
      parts.push(single(text.slice(done, found.index)), told);
      done = found.index + found[0].length;
    }
    return parts.join("") + single(text.slice(done));
  }

  // Short names in a list, as in "2 samples have no value: 12, 31 and 7 more".
  function listed(said, before, sign, list) {
    const items = list.split(/(, | and )/);
    const every = items.filter((_, i) => i % 2 === 0).every((item) => shown.has(item));
    return every && (items.length > 1 || OF.test(before)) ? single(before) + sign + items.map((item, i) => (i % 2 ? item : shown.get(item))).join("") : undefined;
  }

  function single(text) {
    const parts = [];
    let done = 0;
    for (const word of text.matchAll(WORD)) {
      if (word.index < done) continue;
      for (const [lead, length] of starts.get(word[0]) || []) {
        const start = word.index - lead;
        if (start < done) continue;
        const own = shown.has(text.slice(start, start + length)) ? text.slice(start, start + length) : shortened(text, start, length);
        const end = own && ending(text, start, own);
        if (!end) continue;
        parts.push(text.slice(done, start), shown.get(own));
        done = end;
        break;
      }
    }
    return done ? parts.join("") + text.slice(done) : text;
  }

  const weak = (own) => (/^\d+$/.test(own) ? own.length < SHORT.digits : /^\p{L}+$/u.test(own) && own.length < SHORT.letters);

  // The name of this length that a text gives the beginning of.
  function shortened(text, start, length) {
    const cut = text.indexOf("…", start);
    if (cut < start + CUT || cut > start + length) return undefined;
    return long.find((own) => own.length === length && own.startsWith(text.slice(start, cut)));
  }

  function ending(text, start, own) {
    const end = start + own.length;
    if (!text.startsWith(own, start)) return text.indexOf("…", start) + 1;
    const before = text.slice(Math.max(0, start - 1), start);
    const after = text.slice(end, end + 1);
    if (/[\p{L}\p{N}]/u.test(before + after)) return 0;
    if (/["']/.test(before) && before === after) return end;
    if (/\b(?:sample|subject|person) $/i.test(text.slice(Math.max(0, start - 8), start))) return end;
    if (weak(own)) return 0;
    if (/^\d+$/.test(own) && (/^[.,]\d/.test(text.slice(end, end + 2)) || /\d[.,]$/.test(text.slice(0, start)))) return 0;
    return end;
  }

  // Columns that name samples or people, and those whose words may tell who is who.
  names.kind = (column) => ([...NAMING, names.person].includes(column.label) && column.kind !== "sample" ? "who" : names.telling.has(column.label) ? "telling" : "");

  function cell(text, column) {
    const kind = names.kind(column);
    return kind === "who" ? whole(text) : kind === "telling" ? (text === NONE ? text : HIDDEN) : ["number", "span"].includes(column.kind) ? text : within(text);
  }

  // ---------------------------------------------------------------- what plotly is given: its texts are escaped, and hold tags of its own
  const PLAIN = [["&lt;", "<"], ["&gt;", ">"], ["&amp;", "&"]];
  const PARTS = { text: whole, customdata: whole, name: within, ticktext: within, hovertemplate: within };

  names.drawn = function (value, key) {
    if (!names.hidden) return value;
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map((v) => names.drawn(v, key));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, names.drawn(v, k)]));
    return typeof value === "string" && PARTS[key] ? marked(value, PARTS[key]) : value;
  };

  function marked(text, change) {
    const plain = (part) => PLAIN.reduce((said, [escape, char]) => said.replaceAll(escape, char), part);
    const renamed = (part) => {
      const [before, after] = [plain(part), change(plain(part))];
      const inside = after === before ? within(before) : after;
      return inside === before ? part : gutdiv.escaped(inside);
    };
    return text.split(/(<[^>]*>)/).map((part) => (part.startsWith("<") ? part : renamed(part))).join("");
  }

  // ---------------------------------------------------------------- what stands on the page
  function keep(node, key, text, old) {
    kept.set(node, { ...kept.get(node), [key]: { old: kept.get(node)?.[key]?.now === old ? kept.get(node)[key].old : old, now: text } });
    if (key === "") node.data = text;
    else node.setAttribute(key, text);
  }

  // What was put in a name's place is no name, whatever it looks like.
  const done = (node, key, said) => kept.get(node)?.[key]?.now === said;

  function text(node) {
    const parent = node.parentElement;
    if (!parent || parent.closest("script, style, .js-plotly-plot") || done(node, "", node.data)) return; // charts are drawn anew
    const of = parent.closest("[data-column]");
    const changed = of ? cell(node.data, { label: of.dataset.column }) : within(node.data);
    if (changed !== node.data) keep(node, "", changed, node.data);
  }

  function attributes(element) {
    for (const key of SAID) {
      const said = element.getAttribute(key);
      if (!said || done(element, key, said)) continue;
      const { who, column } = element.dataset || {};
      const changed = who && said.endsWith(who) ? said.slice(0, -who.length) + whole(who) : column ? cell(said, { label: column }) : within(said);
      if (changed !== said) keep(element, key, changed, said);
    }
    const href = element.getAttribute("href");
    if (href && href.startsWith(OWN)) keep(element, "href", names.address(decoded(href)), href);
  }

  function decoded(hash) {
    try {
      return decodeURIComponent(hash.slice(OWN.length));
    } catch (error) {
      return hash.slice(OWN.length); // not an address that this page wrote
    }
  }

  function walk(from) {
    if (from.nodeType === Node.TEXT_NODE) return text(from);
    if (from.nodeType !== Node.ELEMENT_NODE) return undefined;
    attributes(from);
    for (const element of from.querySelectorAll("[title], [aria-label], [alt], [placeholder], a[href^='#sample=']")) attributes(element);
    const nodes = document.createTreeWalker(from, NodeFilter.SHOW_TEXT);
    while (nodes.nextNode()) text(nodes.currentNode);
    return undefined;
  }

  const watcher = new MutationObserver((records) => {
    for (const record of records) {
      if (record.type === "characterData") text(record.target);
      else if (record.type === "attributes") attributes(record.target);
      else for (const node of record.addedNodes) walk(node);
    }
    watcher.takeRecords(); // what was just written is no name
  });

  // ---------------------------------------------------------------- addresses of samples
  names.address = (id) => (names.hidden && names.number.has(id) ? NUMBER + names.number.get(id) : OWN + encodeURIComponent(id));

  // The sample that an address leads to; null for any other address.
  names.addressed = function (hash, samples) {
    if (hash.startsWith(OWN)) return decoded(hash);
    if (!hash.startsWith(NUMBER)) return null;
    const found = samples.find((sample) => String(sample.n) === hash.slice(NUMBER.length));
    return found ? found.id : hash.slice(NUMBER.length);
  };

  names.leads = (hash) => hash.startsWith(OWN) || hash.startsWith(NUMBER);

  // ---------------------------------------------------------------- the switch
  async function turn(button) {
    await learn();
    names.hidden = !names.hidden;
    if (names.hidden) {
      root.dataset.names = "hidden";
      Object.assign(names, { whole, within, cell });
      walk(document.body);
      watcher.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: [...SAID, "href"] });
    } else {
      delete root.dataset.names;
      watcher.disconnect();
      Object.assign(names, { whole: (said) => said, within: (said) => said, cell: (said) => said });
      for (const [node, held] of kept) {
        for (const [key, { old }] of Object.entries(held)) {
          if (key === "") node.data = old;
          else node.setAttribute(key, old);
        }
      }
      kept.clear();
    }
    keepChoice();
    button.setAttribute("aria-pressed", String(names.hidden));
    document.dispatchEvent(new Event("gutdiv-names"));
    gutdiv.say(names.hidden ? "Names of samples and subjects are hidden; the file still holds them" : "Sample names are shown");
  }

  // The choice outlives a reload of this page, not the tab.
  function keepChoice() {
    try {
      if (names.hidden) window.sessionStorage.setItem("gutdiv-names", location.pathname);
      else window.sessionStorage.removeItem("gutdiv-names");
    } catch (error) {
      // Nothing is kept for this file; then names start hidden only where the address is a sample's number.
    }
  }

  // Names start hidden where hidden.js says so; others wait for it before they say a name.
  async function begin(button) {
    try {
      if (root.dataset.names === "waiting" && button) await turn(button);
    } catch (error) {
      gutdiv.say("Sample names could not be hidden"); // a browser too old to unpack them, as the page says
    }
    if (root.dataset.names === "waiting") delete root.dataset.names;
  }

  const button = document.querySelector("[data-action='names']");
  names.ready = Promise.resolve().then(() => begin(button)); // after the scripts below, which know how to unpack the samples
  if (button) button.addEventListener("click", () => names.ready.then(() => turn(button)));
})();
