// What stands in the cells of a table, as elements: text is set as text, a status has its icon, a value its place in an interval.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const make = gutdiv.make;
  const NONE = "–";
  const LONG = /\S{32}/; // a word that may have to be broken
  const collator = new Intl.Collator("en", { numeric: true });

  const textOf = (cell) => (Array.isArray(cell) ? cell[0] : cell);
  const valueOf = (cell) => (Array.isArray(cell) ? cell[1] : cell === NONE ? null : cell);

  // What is undefined stands last in either direction.
  function compare(a, b, sign) {
    const none = (v) => v === null || v === undefined || v === "";
    if (none(a) || none(b)) return none(a) - none(b);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * collator.compare(a, b);
  }

  function content(cell, column) {
    const text = textOf(cell);
    if (column.kind === "status" && text !== NONE) {
      return make("span", { class: "status " + text.replace(/ /g, "-") }, [gutdiv.icon(text), document.createTextNode(text)]);
    }
    if (column.kind === "sample") return link(cell, text);
    if (column.kind === "span" && Array.isArray(cell) && cell[2]) return track(cell);
    const long = text.length > 60;
    return make("bdi", { class: "clip" + (text === NONE ? " none" : LONG.test(text) ? " long" : ""), "data-column": named(column), title: long && text.length < 2000 ? text : null, text: text });
  }

  const named = (column) => (column.kind === "name" ? column.label : null); // by which a name is found where names are hidden

  function link(cell, text) {
    const id = valueOf(cell);
    return make("a", { href: "#sample=" + encodeURIComponent(id), "data-who": id.slice(0, 200), "aria-label": text + ": " + id.slice(0, 200), text: text });
  }

  // The interval from and how wide, and where the value lies, in hundredths of the bar.
  function track(cell) {
    const [from, width, at] = cell[2];
    const marks = [];
    if (width !== null) {
      const field = make("i", { class: "field" });
      field.style.left = from + "%";
      field.style.width = width + "%";
      marks.push(field);
    }
    const dot = make("i", { class: "dot" });
    dot.style.left = at + "%";
    return make("span", { class: "range" }, [make("span", { class: "figure", text: cell[0] }), make("span", { class: "track", "aria-hidden": "true" }, [...marks, dot])]);
  }

  function opener(text, column) {
    return make("button", { type: "button", class: "open", "aria-expanded": "false" }, [make("bdi", { "data-column": named(column), class: "clip" + (LONG.test(text) ? " long" : ""), text: text })]);
  }

  function opened(details, width, more) {
    const list = details.map((detail) => {
      const links = detail.links.map((link) => make("li", {}, [link.href.startsWith("https://doi.org/") ? make("a", { href: link.href, rel: "noopener noreferrer", target: "_blank", text: link.text }) : make("span", { text: link.text })]));
      return make("div", { class: detail.wide ? "wide" : null }, [make("dt", { text: detail.term }), make("dd", {}, [detail.text ? make("p", { class: "clip", text: detail.text }) : null, links.length ? make("ul", {}, links) : null])]);
    });
    return make("tr", { class: "opened" }, [make("td", { colspan: width }, [make("dl", {}, list), more])]);
  }

  // As it is saved: numbers to their last digit, nothing for what is undefined, one line for each row.
  function written(cell, column) {
    const exact = ["number", "span"].includes(column.kind) && typeof valueOf(cell) === "number";
    const text = exact ? String(valueOf(cell)) : gutdiv.names.cell(textOf(cell), column);
    return text === NONE ? "" : gutdiv.cells.clean(text);
  }
  const clean = (text) => text.replace(/[\t\r\n]+/g, " ");

  gutdiv.cells = { textOf, valueOf, compare, content, link, opener, opened, written, clean, LONG };
})();
