// Tables that can be searched, filtered, sorted, paged, opened row by row, picked from and saved: DataTables does the work, in this page's dress.
// A module, so that it runs after the module that brings DataTables.
const gutdiv = window.gutdiv;
const { make, cells, DataTable } = gutdiv;
const CHOICES = 40; // more words than that are searched for, not chosen from
const FEW = 10; // numbers that are still chosen from, as 0 and 1
const LENGTHS = [15, 50, 200];
const ALL = 1000; // so many rows can be shown at once; more are paged
const PRINTED = 40;

// Values that are undefined stand last whichever way; DataTables' own order would turn them round.
DataTable.ext.type.order["gutdiv-asc"] = (a, b) => cells.compare(a, b, 1);
DataTable.ext.type.order["gutdiv-desc"] = (a, b) => cells.compare(a, b, -1);
DataTable.ext.errMode = "throw"; // never an alert box

class Table {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.words = [];
    this.wanted = new Map(); // by column: whether a cell is what was chosen
    this.chosen = new Set(); // rows
    this.id = "t-" + data.key;
    this.long = data.rows.length > data.shown; // long enough to be paged, searched and picked from
    this.lay();
  }

  // ---------------------------------------------------------------- frame
  lay() {
    const data = this.data;
    const caption = this.root.querySelector(".caption") || make("p", { class: "caption", id: this.id + "-caption", text: data.caption });
    this.heads = data.columns.map((column, i) => this.head(column, i));
    const pick = this.long ? [make("th", { class: "pick", scope: "col" }, [this.pickAll()])] : [];
    const table = make("table", { id: this.id, "aria-labelledby": caption.id }, [make("thead", {}, [make("tr", {}, [...pick, ...this.heads])])]);
    const place = make("div", {}, [table]);
    const parts = [caption, place, this.explained()];
    if (data.hint || data.note) parts.push(make("p", { class: "table-note" }, [data.hint ? make("span", { class: "on-screen", text: data.hint + " " }) : null, data.note]));
    if (data.source) parts.push(make("p", { class: "source", text: data.source }));
    const block = this.root.querySelector(":scope > script");
    this.root.replaceChildren(...parts.filter(Boolean), ...(block ? [block] : []));
    this.api = new DataTable(table, this.options());
    this.scroll = table.parentElement;
    this.scroll.classList.add("scroll");
    for (const [key, value] of Object.entries({ role: "region", tabindex: "0", "aria-labelledby": caption.id })) this.scroll.setAttribute(key, value);
    this.api.search.fixed("page", (_, row) => this.fits(row[0]));
    this.api.on("draw", () => this.drawn());
    this.api.on("page", () => (this.scroll.scrollTop = 0));
    this.drawn();
  }

  options() {
    const { data, long } = this;
    const columns = data.columns.map((column, c) => ({
      data: 0,
      type: "gutdiv",
      searchable: false,
      visible: !column.aside,
      className: "c-" + column.kind,
      cellType: c === 0 ? "th" : "td",
      createdCell: c === 0 ? (cell) => (cell.scope = "row") : undefined,
      render: (i, type) => (type === "display" ? this.cell(i, c) : cells.valueOf(data.rows[i][c])),
    }));
    if (long) columns.unshift({ data: 0, type: "gutdiv", searchable: false, className: "pick", render: (i, type) => (type === "display" ? this.pick(i) : i) });
    const lengths = [...LENGTHS.filter((n) => n < data.rows.length), data.rows.length <= ALL ? -1 : ALL];
    return {
      data: data.rows.map((_, i) => [i]),
      columns: columns,
      autoWidth: false,
      order: [],
      ordering: { handler: false, indicators: false },
      orderClasses: false,
      paging: long,
      pageLength: data.shown,
      lengthMenu: lengths,
      infoCallback: (_, start, end, max, total) => counted(start, end, max, total),
      language: {
        lengthMenu: "Rows per page _MENU_",
        lengthLabels: { "-1": "all" },
        emptyTable: "No rows.",
        zeroRecords: "No row fits. Change the search or the filters.",
        paginate: { previous: "Previous", next: "Next" },
        aria: { paginate: { previous: "Previous page", next: "Next page", number: "Page " } },
      },
      layout: {
        topStart: null,
        topEnd: null,
        top: { rowClass: "toolbar", features: [() => this.finders(), "info", () => this.savers()] },
        bottomStart: null,
        bottomEnd: null,
        bottom: long ? { rowClass: "more", features: [{ paging: { type: "simple_numbers", buttons: 5 } }, "pageLength"] } : null,
      },
    };
  }

  head(column, i) {
    if (column.kind === "sample") return make("th", { scope: "col", class: "c-sample", text: column.label }); // links are in no order
    const label = make("button", { type: "button", class: "sort" + (cells.LONG.test(column.label) ? " long" : ""), onclick: (event) => this.sort(i, event.shiftKey), text: column.label });
    return make("th", { scope: "col", class: "c-" + column.kind }, [label]);
  }

  finders() {
    const rows = this.data.rows;
    const parts = [];
    if (this.long) {
      this.search();
      const input = this.input = make("input", { type: "search", id: this.id + "-search", placeholder: "Search", autocomplete: "off", spellcheck: "false" });
      input.addEventListener("input", () => {
        this.words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        this.api.draw();
      });
      parts.push(make("label", { class: "field" }, [make("span", { class: "visually-hidden", text: "Search in: " + this.data.caption + " (rows with all words)" }), input]));
    }
    this.data.columns.forEach((column, c) => column.aside || parts.push(this.finder(c)));
    parts.push(this.more());
    return make("div", { class: "finders" }, parts.filter(Boolean));
  }

  // What rows are filtered by in a column: one of its words, or numbers from one to another.
  finder(c) {
    const { columns, rows } = this.data;
    const column = columns[c];
    if (!column.choose) return null;
    const found = new Map(rows.map((row) => [cells.textOf(row[c]), cells.valueOf(row[c])]));
    const counts = this.counts(c);
    if (found.size < 2) return null;
    if (found.size > (counts ? FEW : CHOICES)) return counts ? this.between(c) : null;
    const words = [...found].sort((a, b) => cells.compare(a[1], b[1], 1)).map((w) => w[0]);
    const options = [make("option", { value: "", text: "all" }), ...words.map((w) => make("option", { value: w, "data-column": column.kind === "name" ? column.label : null, text: w.length > 48 ? w.slice(0, 47) + "…" : w }))];
    const select = make("select", {}, options);
    select.addEventListener("change", () => this.want(c, select.value ? (cell) => cells.textOf(cell) === select.value : null));
    return make("label", { class: "field" }, [make("span", { text: column.label }), select]);
  }

  // Whether a column holds numbers, some of which may be missing.
  counts(c) {
    const values = this.data.rows.map((row) => cells.valueOf(row[c])).filter((value) => value !== null && value !== "");
    return values.length > 0 && values.every((value) => typeof value === "number");
  }

  between(c) {
    const label = this.data.columns[c].label;
    const [from, to] = ["from", "to"].map((word) => make("input", { type: "number", step: "any", placeholder: word, "aria-label": label + ", " + word }));
    const change = () => {
      const low = from.value === "" ? -Infinity : Number(from.value);
      const high = to.value === "" ? Infinity : Number(to.value);
      const all = from.value === "" && to.value === "";
      this.want(c, all ? null : (cell) => typeof cells.valueOf(cell) === "number" && cells.valueOf(cell) >= low && cells.valueOf(cell) <= high);
    };
    for (const input of [from, to]) input.addEventListener("input", change);
    return make("span", { class: "field", role: "group", "aria-label": label }, [make("span", { "aria-hidden": "true", text: label }), from, to]);
  }

  want(c, fits) {
    if (fits) this.wanted.set(c, fits);
    else this.wanted.delete(c);
    this.api.draw();
  }

  // Columns that stand aside until they are asked for, each with what it is filtered by.
  more() {
    const aside = [...this.data.columns.keys()].filter((c) => this.data.columns[c].aside);
    if (!aside.length) return null;
    const select = make("select", {}, [make("option", { value: "", text: "choose one" }), ...aside.map((c) => make("option", { value: c, text: this.data.columns[c].label }))]);
    const field = make("label", { class: "field" }, [make("span", { text: "Add a column" }), select]);
    select.addEventListener("change", () => {
      const c = Number(select.value);
      select.selectedOptions[0].remove();
      select.value = "";
      this.data.columns[c].aside = false;
      this.api.column(c + (this.long ? 1 : 0)).visible(true);
      const finder = this.finder(c);
      if (finder) field.before(finder);
      if (this.long) this.search();
      this.drawn();
      gutdiv.say("Column " + this.data.columns[c].label + " is shown");
      if (select.options.length > 1) return;
      field.remove();
      (finder ? finder.querySelector("select, input") : this.scroll).focus();
    });
    return field;
  }

  savers() {
    this.picked = make("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.save(this.inOrder({ search: "none" }).filter((i) => this.chosen.has(i)), "selected") });
    this.cleared = make("button", { type: "button", class: "quiet", hidden: true, text: "Clear selection", onclick: () => this.select([...this.chosen], false) });
    const all = make("button", { type: "button", class: "quiet", text: "Save as TSV", onclick: () => this.save(this.inOrder({ search: "applied" }), "") });
    return make("div", { class: "savers" }, [this.cleared, this.picked, all]);
  }

  explained() {
    const told = this.data.columns.filter((c) => c.help);
    if (!told.length) return null;
    const list = told.map((c) => make("div", {}, [make("dt", { text: c.label }), make("dd", { text: c.help })]));
    return make("details", { class: "explained" }, [make("summary", { text: "What the columns mean" }), make("dl", {}, list)]);
  }

  // ---------------------------------------------------------------- cells
  cell(i, c) {
    const cell = this.data.rows[i][c];
    if (c > 0 || !this.data.details[i]) return cells.content(cell, this.data.columns[c]);
    const button = cells.opener(cells.textOf(cell), this.data.columns[c]);
    button.addEventListener("click", () => {
      const row = this.api.row(i);
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) row.child.remove();
      else row.child(cells.opened(this.data.details[i], this.data.columns.filter((column) => !column.aside).length + (this.long ? 1 : 0), this.link(i))).show();
    });
    return button;
  }

  // On a phone the row's own link lies beyond the edge.
  link(i) {
    const c = this.data.columns.findIndex((column) => column.kind === "sample");
    return c < 0 ? null : make("p", { class: "to-sample" }, [cells.link(this.data.rows[i][c], "Open the page of this sample")]);
  }

  // What is searched is what is shown.
  search() {
    const { columns, rows } = this.data;
    const text = (cell, c) => (gutdiv.names.hidden ? gutdiv.names.cell(cells.textOf(cell), columns[c]) : cells.textOf(cell));
    this.haystack = rows.map((row) => row.map((cell, c) => (columns[c].aside ? "" : text(cell, c))).join("\u0001").toLowerCase());
  }

  named() {
    if (!this.long) return;
    this.search();
    if (!this.input.value) return;
    this.input.value = "";
    this.words = [];
    this.api.draw();
  }

  // ---------------------------------------------------------------- what is shown
  fits(i) {
    if (this.words.length && !this.words.every((word) => this.haystack[i].includes(word))) return false;
    for (const [c, fits] of this.wanted) if (!fits(this.data.rows[i][c])) return false;
    return true;
  }

  // Once: ascending, again: descending; with shift, after the columns chosen before.
  sort(i, after) {
    const at = i + (this.long ? 1 : 0);
    const order = this.api.order();
    const before = order.find(([c]) => c === at);
    const dir = before && before[1] === "asc" ? "desc" : "asc";
    const kept = after ? order.filter(([c]) => c !== at) : [];
    this.api.order([...kept, [at, dir]]).draw();
    gutdiv.say("Sorted by " + this.data.columns[i].label + (dir === "asc" ? ", ascending" : ", descending"));
  }

  drawn() {
    const found = this.api.page.info();
    this.scroll.classList.toggle("tall", found.end - found.start > LENGTHS[0] + 10);
    this.root.querySelector(".more")?.classList.toggle("one", found.pages < 2);
    if (this.all) this.ticked();
    gutdiv.edged(this.scroll);
  }

  // ---------------------------------------------------------------- rows picked
  // Not by the extension Select: with it, choosing 10,000 rows at once takes seconds.
  pickAll() {
    this.all = make("input", { type: "checkbox", "aria-label": "Select all rows that are found" });
    this.all.addEventListener("change", () => this.select(this.inOrder({ search: "applied" }), this.all.checked));
    return this.all;
  }

  pick(i) {
    const word = cells.textOf(this.data.rows[i][0]).slice(0, 200);
    const box = make("input", { type: "checkbox", value: i, "data-who": word, "aria-label": "Select " + word });
    box.addEventListener("change", () => this.select([i], box.checked));
    return box;
  }

  select(rows, chosen) {
    for (const i of rows) {
      if (chosen) this.chosen.add(i);
      else this.chosen.delete(i);
    }
    this.ticked();
    gutdiv.say(rowCount(this.chosen.size) + " selected");
    this.root.dispatchEvent(new CustomEvent("gutdiv-selected", { bubbles: true, detail: { key: this.data.key, rows: [...this.chosen] } }));
  }

  inOrder(which) {
    return this.api.rows({ order: "current", ...which }).indexes().toArray();
  }

  ticked() {
    const found = this.inOrder({ search: "applied" });
    const n = this.chosen.size && found.filter((i) => this.chosen.has(i)).length;
    this.all.checked = found.length > 0 && n === found.length;
    this.all.indeterminate = n > 0 && n < found.length;
    this.picked.hidden = this.cleared.hidden = !this.chosen.size;
    this.picked.textContent = "Save selected (" + this.chosen.size.toLocaleString("en") + ")";
    for (const box of this.root.querySelectorAll("tbody .pick input")) {
      box.checked = this.chosen.has(Number(box.value));
      box.closest("tr").classList.toggle("selected", box.checked);
    }
  }

  // ---------------------------------------------------------------- taken along
  save(rows, which) {
    const { columns } = this.data;
    const kept = [...columns.keys()].filter((c) => columns[c].kind !== "sample"); // a link is no datum
    const lines = [kept.map((c) => cells.clean(columns[c].label)), ...rows.map((i) => kept.map((c) => cells.written(this.data.rows[i][c], columns[c])))];
    gutdiv.save(this.data.key + (which ? "-" + which : "") + ".tsv", lines.map((line) => line.join("\t")).join("\n") + "\n");
    gutdiv.say("Saved " + rowCount(rows.length));
  }

  // On paper: more rows than on the screen, but no hundreds of pages; the result file holds all.
  print(before) {
    if (!this.long) return;
    if (before) {
      this.kept = [this.api.page.len(), this.api.page()];
      const length = this.kept[0] < 0 ? -1 : Math.max(this.kept[0], PRINTED);
      this.api.page.len(length).page(0).draw(false);
      const found = this.api.page.info();
      const rest = found.recordsDisplay > found.end;
      this.note = make("p", { class: "printed", text: rest ? "The first " + found.end.toLocaleString("en") + " of " + rowCount(found.recordsDisplay) + "." : "" });
      this.root.querySelector(".more").after(this.note);
    } else if (this.kept) {
      this.note.remove();
      this.api.page.len(this.kept[0]).page(this.kept[1]).draw(false);
      this.kept = null;
    }
  }

  remove() {
    gutdiv.tables.delete(this);
    this.api.destroy();
  }
}

const rowCount = (n) => n.toLocaleString("en") + (n === 1 ? " row" : " rows");

function counted(start, end, max, total) {
  const range = end - start + 1 < total ? start.toLocaleString("en") + "–" + end.toLocaleString("en") + " of " : "";
  if (total === max) return range + rowCount(max);
  return range + total.toLocaleString("en") + (range ? " found, of " : " of ") + rowCount(max);
}

gutdiv.table = function (root, data) {
  const table = new Table(root, data);
  gutdiv.tables.add(table);
  return table;
};

document.addEventListener("gutdiv-names", () => gutdiv.tables.forEach((table) => table.named()));

// One after another, so that the page answers in between; then what the figures hold is unpacked, for a look or for paper.
for (const root of document.querySelectorAll(".datatable[data-table]")) {
  gutdiv.table(root, JSON.parse(await gutdiv.text(root)));
  await new Promise((next) => setTimeout(next));
}
for (const chart of gutdiv.charts) {
  await chart.load();
  chart.numbers(); // where they were opened before this script had come
}
document.documentElement.dataset.ready = "yes";
