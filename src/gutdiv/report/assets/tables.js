// Tables that can be searched, filtered, sorted, opened row by row and saved; rows are made only when they are shown.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const make = gutdiv.make;
  const FIRST = 15;
  const SPARE = 10; // so few more are shown at once rather than asked for
  const MORE = 100;
  const PRINTED = 40;
  const NONE = "–";
  const LONG = /\S{28}/; // a word that may have to be broken

  const textOf = (cell) => (Array.isArray(cell) ? cell[0] : cell);
  const valueOf = (cell) => (Array.isArray(cell) ? cell[1] : cell === NONE ? null : cell);

  function compare(a, b, sign) {
    const none = (v) => v === null || v === undefined || v === "";
    if (none(a) || none(b)) return none(a) - none(b);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  }

  class Table {
    constructor(root, data) {
      this.root = root;
      this.data = data;
      this.sorted = null;
      this.sign = 1;
      this.query = "";
      this.chosen = new Map();
      this.limit = FIRST;
      this.order = data.rows.map((_, i) => i);
      this.haystack = data.rows.map((row) => row.map(textOf).join("\u0001").toLowerCase());
      this.id = "t-" + data.key;
      this.lay();
      this.update(false);
    }

    // ---------------------------------------------------------------- frame
    lay() {
      const data = this.data;
      const caption = this.root.querySelector(".caption") || make("p", { class: "caption", id: this.id + "-caption", text: data.caption });
      this.count = make("p", { class: "count", role: "status" });
      this.body = make("tbody");
      this.heads = data.columns.map((column, i) => this.head(column, i));
      const table = make("table", { "aria-labelledby": caption.id }, [make("thead", {}, [make("tr", {}, this.heads)]), this.body]);
      this.scroll = make("div", { class: "scroll", role: "region", tabindex: "0", "aria-labelledby": caption.id }, [table]);
      this.foot = make("div", { class: "more" });
      const parts = [caption, this.toolbar(), this.scroll, this.foot, this.explained()];
      if (data.note) parts.push(make("p", { class: "table-note", text: data.note }));
      if (data.source) parts.push(make("p", { class: "source", text: data.source }));
      this.root.replaceChildren(...parts.filter(Boolean));
    }

    head(column, i) {
      const label = make("button", { type: "button", class: "sort" + (LONG.test(column.label) ? " long" : ""), onclick: () => this.sort(i) }, [column.label]);
      return make("th", { scope: "col", class: "c-" + column.kind, "aria-sort": "none" }, [label]);
    }

    toolbar() {
      const parts = [];
      const rows = this.data.rows;
      if (rows.length > FIRST) {
        const input = make("input", { type: "search", id: this.id + "-search", placeholder: "Search", autocomplete: "off", spellcheck: "false" });
        input.addEventListener("input", () => {
          this.query = input.value.trim().toLowerCase();
          this.limit = FIRST;
          this.update(true);
        });
        parts.push(make("label", { class: "field" }, [make("span", { class: "visually-hidden", text: "Search in: " + this.data.caption }), input]));
      }
      this.data.columns.forEach((column, i) => {
        if (!column.choose) return;
        const words = [...new Map(rows.map((row) => [textOf(row[i]), valueOf(row[i])]))].sort((a, b) => compare(a[1], b[1], 1)).map((w) => w[0]);
        if (words.length < 2 || words.length > 40) return;
        const options = [make("option", { value: "", text: "all" }), ...words.map((w) => make("option", { value: w, text: w.length > 48 ? w.slice(0, 47) + "…" : w }))];
        const select = make("select", {}, options);
        select.addEventListener("change", () => {
          if (select.value) this.chosen.set(i, select.value);
          else this.chosen.delete(i);
          this.limit = FIRST;
          this.update(true);
        });
        parts.push(make("label", { class: "field" }, [make("span", { text: column.label }), select]));
      });
      parts.push(this.count);
      parts.push(make("button", { type: "button", class: "quiet", onclick: () => this.save() }, ["Save as TSV"]));
      return make("div", { class: "toolbar" }, parts);
    }

    explained() {
      const told = this.data.columns.filter((c) => c.help);
      if (!told.length) return null;
      const list = told.map((c) => make("div", {}, [make("dt", { text: c.label }), make("dd", { text: c.help })]));
      return make("details", { class: "explained" }, [make("summary", { text: "What the columns mean" }), make("dl", {}, list)]);
    }

    // ---------------------------------------------------------------- what is shown
    sort(i) {
      if (this.sorted === i) this.sign = -this.sign;
      else [this.sorted, this.sign] = [i, 1];
      this.heads.forEach((head, k) => head.setAttribute("aria-sort", k !== i ? "none" : this.sign > 0 ? "ascending" : "descending"));
      this.update(true);
      gutdiv.say("Sorted by " + this.data.columns[i].label + (this.sign > 0 ? ", ascending" : ", descending"));
    }

    update() {
      const rows = this.data.rows;
      const wanted = [...this.chosen];
      let order = rows.map((_, i) => i);
      if (this.query) order = order.filter((i) => this.haystack[i].includes(this.query));
      if (wanted.length) order = order.filter((i) => wanted.every(([c, word]) => textOf(rows[i][c]) === word));
      if (this.sorted !== null) {
        const c = this.sorted;
        order.sort((a, b) => compare(valueOf(rows[a][c]), valueOf(rows[b][c]), this.sign) || a - b);
      }
      this.order = order;
      this.show();
    }

    show(limit) {
      const wanted = limit || this.limit;
      const shown = this.order.slice(0, this.order.length <= wanted + SPARE ? this.order.length : wanted);
      this.scroll.classList.toggle("tall", shown.length > FIRST + SPARE);
      this.body.replaceChildren(...shown.map((i) => this.row(i)));
      const all = this.data.rows.length;
      const found = this.order.length;
      this.count.textContent = (found === all ? "" : found.toLocaleString("en") + " of ") + all.toLocaleString("en") + (all === 1 ? " row" : " rows");
      if (!found) this.body.append(make("tr", {}, [make("td", { colspan: this.heads.length, class: "empty", text: "No row fits. Change the search or the filters." })]));
      this.foot.replaceChildren();
      const rest = found - shown.length;
      if (rest > 0) {
        this.foot.append(make("p", { text: "Showing " + shown.length.toLocaleString("en") + " of " + found.toLocaleString("en") + "." }));
        if (rest > MORE) this.foot.append(make("button", { type: "button", class: "quiet", onclick: () => this.grow(this.limit + MORE) }, ["Show " + MORE + " more"]));
        this.foot.append(make("button", { type: "button", class: "quiet", onclick: () => this.grow(found) }, ["Show all"]));
      }
    }

    grow(limit) {
      const from = Math.min(this.limit, this.order.length);
      this.limit = limit;
      this.show();
      const next = this.body.children[from];
      const target = next && (next.querySelector("button") || next);
      if (target) {
        if (target === next) next.tabIndex = -1;
        target.focus({ preventScroll: true });
      }
    }

    // ---------------------------------------------------------------- rows and cells
    row(i) {
      const cells = this.data.rows[i];
      const details = this.data.details[i];
      const row = make("tr");
      cells.forEach((cell, c) => {
        const column = this.data.columns[c];
        const content = c === 0 && details ? this.opener(row, i, textOf(cell)) : this.content(cell, column);
        row.append(make(c === 0 ? "th" : "td", { class: "c-" + column.kind, scope: c === 0 ? "row" : null }, [content]));
      });
      return row;
    }

    content(cell, column) {
      const text = textOf(cell);
      if (column.kind === "status" && text !== NONE) {
        return make("span", { class: "status " + text.replace(/ /g, "-") }, [gutdiv.icon(text), document.createTextNode(text)]);
      }
      if (column.kind === "span" && Array.isArray(cell) && cell[2]) return this.span(cell);
      const long = text.length > 60;
      return make("bdi", { class: "clip" + (text === NONE ? " none" : LONG.test(text) ? " long" : ""), title: long && text.length < 2000 ? text : null, text: text });
    }

    span(cell) {
      const [low, high, lower, upper] = cell[2];
      const place = (v) => (high > low ? (100 * (v - low)) / (high - low) : 50);
      const field = make("i", { class: "field" });
      const from = lower === null ? 0 : place(lower);
      field.style.left = from + "%";
      field.style.width = (upper === null ? 100 : place(upper)) - from + "%";
      const dot = make("i", { class: "dot" });
      dot.style.left = place(cell[1]) + "%";
      return make("span", { class: "range" }, [make("span", { class: "figure", text: cell[0] }), make("span", { class: "track", "aria-hidden": "true" }, lower === null && upper === null ? [dot] : [field, dot])]);
    }

    opener(row, i, text) {
      const button = make("button", { type: "button", class: "open", "aria-expanded": "false" }, [make("bdi", { class: "clip" + (LONG.test(text) ? " long" : ""), text: text })]);
      button.addEventListener("click", () => {
        const open = button.getAttribute("aria-expanded") === "true";
        button.setAttribute("aria-expanded", String(!open));
        if (open) row.nextElementSibling.remove();
        else row.after(this.opened(i));
      });
      return button;
    }

    opened(i) {
      const list = this.data.details[i].map((detail) => {
        const links = detail.links.map((link) => make("li", {}, [link.href.startsWith("https://doi.org/") ? make("a", { href: link.href, rel: "noopener noreferrer", target: "_blank", text: link.text }) : make("span", { text: link.text })]));
        return make("div", { class: detail.wide ? "wide" : null }, [make("dt", { text: detail.term }), make("dd", {}, [detail.text ? make("p", { class: "clip", text: detail.text }) : null, links.length ? make("ul", {}, links) : null])]);
      });
      return make("tr", { class: "opened" }, [make("td", { colspan: this.heads.length }, [make("dl", {}, list)])]);
    }

    save() {
      const clean = (text) => text.replace(/[\t\r\n]+/g, " ");
      const written = (cell, c) => {
        const exact = ["number", "span"].includes(this.data.columns[c].kind) && typeof valueOf(cell) === "number";
        const text = exact ? String(valueOf(cell)) : textOf(cell);
        return text === NONE ? "" : clean(text);
      };
      const lines = [this.data.columns.map((c) => clean(c.label)), ...this.order.map((i) => this.data.rows[i].map(written))];
      gutdiv.save(this.data.key + ".tsv", lines.map((l) => l.join("\t")).join("\n") + "\n");
      gutdiv.say("Saved " + this.order.length + " rows");
    }

    // On paper: more rows than on the screen, but no hundreds of pages; the result file holds all.
    print(before) {
      if (!before) return this.show();
      this.show(Math.max(this.limit, PRINTED));
    }
  }

  gutdiv.tables = new Set();
  gutdiv.table = function (root, data) {
    const table = new Table(root, data);
    gutdiv.tables.add(table);
    return table;
  };
  for (const root of document.querySelectorAll(".datatable[data-table]")) gutdiv.table(root, gutdiv.read(root));
})();
