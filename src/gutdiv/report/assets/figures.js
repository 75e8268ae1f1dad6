// Charts: drawn when they come near the screen, drawn again when theme, view or width change, all of them before printing.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const escaped = gutdiv.escaped;
  const NARROW = 560;
  const PAPER = 670; // width of a chart on A4 in CSS pixels
  const PAPER_HEIGHT = 700; // the tallest chart that leaves room for its title on the same sheet
  const TURN = Math.PI / 8; // by which a button turns a figure in space
  const MARGIN = 400; // pixels beyond the screen within which figures are drawn already
  const root = document.documentElement;
  let printing = false;

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.plot = figure.querySelector(".plot");
      this.text = null; // what the block holds, unpacked; read when it is wanted
      this.views = null;
      this.room = 90; // what labels and margins take from the width; known once it is drawn
      this.at = 0;
      this.drawn = false;
      this.times = 0;
      for (const input of figure.querySelectorAll(".switch input, .switch select")) {
        input.addEventListener("change", () => this.choose(Number(input.value)));
      }
      const numbers = figure.querySelector(".numbers");
      numbers.addEventListener("toggle", () => this.numbers());
      for (const button of figure.querySelectorAll("[data-save]")) button.addEventListener("click", () => this.save(button.dataset.save));
    }

    load() {
      if (!this.loading) this.loading = gutdiv.text(this.figure).then((text) => (this.text = text));
      return this.loading;
    }

    view() {
      if (!this.views) this.views = JSON.parse(this.text);
      return this.views[this.at];
    }

    async choose(at) {
      this.at = at;
      await this.load();
      if (this.at !== at) return; // another choice came meanwhile
      const view = this.view();
      this.figure.querySelector("[data-title]").textContent = view.title;
      this.plot.setAttribute("aria-label", view.alt.slice(0, 600));
      this.draw();
      this.numbers();
      gutdiv.say(view.title);
    }

    // What plotly draws; `whole`: with every point, however many.
    parts(width, styles, whole) {
      const view = this.view();
      let layout = gutdiv.merged(view.layout, { width: width, autosize: false });
      this.narrow = width < NARROW;
      if (this.narrow) layout = gutdiv.blocks(gutdiv.merged(layout, view.narrow), width);
      if (printing) layout = gutdiv.merged(layout, (view.paper || {}).layout || {});
      if (printing) layout.height = Math.min(layout.height, (view.paper || {}).height || PAPER_HEIGHT);
      this.axis = layout.xaxis;
      for (const [key, length] of [["xaxis", width - this.room], ["yaxis", layout.height - 90]]) {
        if (layout[key].title) layout = gutdiv.merged(layout, { [key]: { title: titled(layout[key], length) } });
      }
      let data = view.data;
      if (this.by) {
        const column = { label: this.by.word, kind: "name" };
        data = gutdiv.recoloured(data, { ...this.by, values: this.by.values.map((v) => v && gutdiv.names.cell(v, column)) });
        layout = gutdiv.merged(layout, { showlegend: true });
        if (data[0].marker.showscale) {
          const { bar, margin, height } = gutdiv.bar(this.narrow);
          data = [gutdiv.merged(data[0], { marker: { colorbar: bar } }), ...data.slice(1)];
          layout = gutdiv.merged(layout, { margin: margin, height: layout.height + height });
        }
      }
      this.space = this.deep && !printing && gutdiv.hasSpace(data);
      if (this.space) ({ data, layout } = gutdiv.inSpace(data, layout, this.plot.layout && this.plot.layout.scene && this.plot.layout.scene.camera));
      else {
        const thin = whole ? { traces: data, drawn: 0, total: 0 } : gutdiv.thinned(data);
        this.thin = thin.drawn < thin.total ? { ...thin, of: data.some((trace) => trace.type === "box") ? "boxes, " : gutdiv.ellipses(data).length ? "ellipses, " : "" } : null;
        data = [...thin.traces.filter((trace) => trace.ids), ...gutdiv.ellipses(data), ...thin.traces.filter((trace) => !trace.ids)];
      }
      return { data: gutdiv.coloured(gutdiv.names.drawn(data), styles), layout: gutdiv.coloured(gutdiv.names.drawn(layout), styles) };
    }

    // Offers the third axis, where there is one, and the columns of the metadata, where the page holds them.
    async offer() {
      const fields = ["spatial" in this.figure.dataset ? this.axes() : null, await this.colours()].filter(Boolean);
      if (fields.length) this.plot.before(gutdiv.make("p", { class: "toolbar looks" }, fields));
    }

    axes() {
      const options = [gutdiv.make("option", { value: "", text: "2D: axes 1 and 2" }), gutdiv.make("option", { value: "3", text: "3D: axes 1 to 3" })];
      const select = gutdiv.make("select", { class: "axes" }, options);
      const turn = (word, angle) => gutdiv.make("button", { type: "button", class: "quiet", text: word, onclick: () => this.turn(angle) });
      const turns = gutdiv.make("span", { class: "turns", hidden: true }, [turn("Turn left", -TURN), turn("Turn right", TURN)]);
      select.addEventListener("change", async () => {
        this.deep = select.value === "3";
        await this.load();
        this.draw();
        turns.hidden = !this.space;
        gutdiv.say(this.space ? "Three axes, without arrows and ellipses" : this.deep ? "This ordination has two axes" : "Two axes");
      });
      return gutdiv.make("span", {}, [gutdiv.make("label", { class: "field" }, [gutdiv.make("span", { text: "View" }), select]), turns]);
    }

    turn(angle) {
      const { eye } = this.plot._fullLayout.scene.camera;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      window.Plotly.relayout(this.plot, { "scene.camera.eye": { x: c * eye.x - s * eye.y, y: s * eye.x + c * eye.y, z: eye.z } });
    }

    async colours() {
      const samples = gutdiv.samples && (await gutdiv.samples());
      if (!samples) return null;
      const columns = samples.shared.columns.map((word, i) => ({ word: word, values: samples.samples.map((s) => s.told[i]) })).filter((c) => new Set(c.values.filter(Boolean)).size > 1);
      if (!columns.length) return null;
      const options = [gutdiv.make("option", { value: "", text: "as drawn" }), ...columns.map((c, i) => gutdiv.make("option", { value: String(i), text: c.word }))];
      const select = gutdiv.make("select", { class: "recolour" }, options);
      select.addEventListener("change", () => {
        this.by = select.value === "" ? null : columns[Number(select.value)];
        this.draw();
        gutdiv.say("Coloured by " + (this.by ? this.by.word : "the groups as drawn"));
      });
      return gutdiv.make("label", { class: "field" }, [gutdiv.make("span", { text: "Colour and shape by" }), select]);
    }

    draw(width) {
      let w = width || this.plot.clientWidth;
      if (!w) return;
      if (this.text === null) {
        this.load().then(() => this.draw());
        return;
      }
      if (printing) w = (this.view().paper || {}).width || w;
      this.width = w;
      const { data, layout } = this.parts(this.sideways(w), getComputedStyle(root));
      this.subtitle(this.view());
      delete this.figure.dataset.settled;
      const time = ++this.times;
      const kind = [this.narrow, this.space, data.some((trace) => trace.marker && trace.marker.showscale)].join();
      const fresh = this.kind !== kind;
      if (this.kind !== undefined && fresh) window.Plotly.purge(this.plot); // margins of the former colour bar would stay
      this.kind = kind;
      this.plot.style.minHeight = layout.height + "px";
      this.busy = window.Plotly.react(this.plot, data, layout, { displaylogo: false, displayModeBar: false, responsive: false, doubleClick: "reset+autosize", scrollZoom: false }).then(() => this.fit(layout, time));
      if (fresh) this.plot.on("plotly_restyle", () => gutdiv.follow(this.plot));
      this.drawn = true;
      this.figure.dataset.drawn = "yes";
    }

    // A figure that is out of sight while a sample's page is open is drawn anew when it is seen again.
    async forget() {
      this.kind = undefined;
      this.drawn = false;
      this.times += 1;
      delete this.figure.dataset.drawn;
      await this.busy; // plotly is still at work on it
      if (!this.drawn) window.Plotly.purge(this.plot);
    }

    // A figure that needs more than a phone's width is moved sideways in its frame; paper has the width that it has.
    sideways(width) {
      const least = printing ? 0 : (this.view().layout.meta || {}).least || 0;
      this.plot.classList.toggle("wider", least > width);
      if (least > width) this.plot.tabIndex = 0;
      else this.plot.removeAttribute("tabindex");
      return Math.max(width, least);
    }

    subtitle(view) {
      const subtitle = this.figure.querySelector("[data-subtitle]");
      const said = (this.space && view.deep) || view.subtitle;
      const { drawn, total, of } = (!this.space && this.thin) || {};
      const few = drawn ? drawn.toLocaleString("en") + " of " + total.toLocaleString("en") + " points are drawn, and one wherever there is any; " + of + "saved pictures and the numbers are of all." : "";
      const names = !this.space && this.narrow && view.data.find((trace) => trace.meta && trace.meta.names);
      const longest = names && names.text.length > gutdiv.NAMED ? "Only the " + gutdiv.NAMED + " longest arrows are named on a narrow screen." : "";
      subtitle.textContent = [few && /[^.!?]$/.test(said) ? said + "." : said, few, longest].filter(Boolean).join(" ");
      subtitle.hidden = !subtitle.textContent;
    }

    // Long names of rows take room that is known only now: the axis title is broken anew for what is left, and names of arrows find their places.
    async fit(layout, time) {
      if (layout.xaxis) await this.flat(layout);
      if (time === this.times) this.figure.dataset.settled = "yes"; // it was not drawn anew meanwhile
    }

    async flat(layout) {
      const size = this.plot._fullLayout._size;
      this.room = this.width - size.w;
      const { text } = titled(this.axis, size.w);
      if (text !== layout.xaxis.title.text) await window.Plotly.relayout(this.plot, { "xaxis.title.text": text });
      await gutdiv.settled(this.plot);
    }

    numbers() {
      if (!gutdiv.table || this.text === null || !this.figure.querySelector(".numbers").open) return;
      const place = this.figure.querySelector("[data-numbers]");
      if (this.table) this.table.remove();
      const box = gutdiv.make("div", { class: "datatable" });
      place.replaceChildren(box);
      this.table = gutdiv.table(box, this.view().numbers);
    }

    // A saved picture stands alone: light colours on white, and the finding as its title.
    async save(format) {
      const kept = root.dataset.theme;
      root.dataset.theme = "light";
      const styles = getComputedStyle(root);
      const { data, layout } = this.parts(1000, styles, true);
      const title = escaped(wrapped(gutdiv.names.within(this.view().title), 90).slice(0, 4).join("\n")).replace(/\n/g, "<br>");
      const room = 34 + 22 * title.split("<br>").length;
      const alone = gutdiv.merged(layout, {
        title: { text: title, x: 0.02, xanchor: "left", y: 1, yanchor: "top", yref: "container", pad: { t: 16 }, font: { size: 17 } },
        margin: { t: (layout.margin.t || 0) + room },
        height: layout.height + room,
        paper_bgcolor: "#ffffff",
        plot_bgcolor: "#ffffff",
      });
      if (kept) root.dataset.theme = kept;
      else delete root.dataset.theme;
      const stage = gutdiv.make("div", { class: "stage", "aria-hidden": "true" });
      document.body.append(stage);
      await window.Plotly.react(stage, data, alone, { staticPlot: true });
      await gutdiv.settled(stage);
      await window.Plotly.downloadImage(stage, { format: format, width: 1000, height: alone.height, scale: format === "png" ? 2 : 1, filename: "gutdiv-" + this.figure.dataset.figure + "-" + this.view().key });
      window.Plotly.purge(stage);
      stage.remove();
      gutdiv.say("Figure saved");
    }
  }

  // A long axis title is broken into lines; the text is plotly's, escaped already.
  function titled(axis, length) {
    return { text: wrapped(axis.title.text, Math.max(16, Math.floor(length / 7))).join("<br>") };
  }

  function wrapped(text, width) {
    const lines = [""];
    for (const word of text.split(/\s+/)) {
      const cut = word.slice(0, width);
      if (lines.at(-1) && lines.at(-1).length + cut.length >= width) lines.push("");
      lines[lines.length - 1] += (lines.at(-1) ? " " : "") + cut;
    }
    return lines;
  }

  // ---------------------------------------------------------------- when to draw
  const charts = [...document.querySelectorAll("figure[data-figure]")].map((figure) => new Chart(figure));
  const of = new Map(charts.map((chart) => [chart.plot, chart]));

  // A figure that is made as the page is read, of views that need no unpacking.
  gutdiv.chart = function (figure, views) {
    const chart = new Chart(figure);
    Object.assign(chart, { views: views, text: "", loading: Promise.resolve() });
    charts.push(chart);
    of.set(chart.plot, chart);
    near.observe(chart.plot);
    size.observe(chart.plot);
    return chart;
  };

  // It goes with what held it.
  gutdiv.dismiss = function (place) {
    for (const chart of charts.filter((one) => place.contains(one.figure))) {
      near.unobserve(chart.plot);
      size.unobserve(chart.plot);
      of.delete(chart.plot);
      charts.splice(charts.indexOf(chart), 1);
      if (chart.table) chart.table.remove();
      if (chart.drawn) chart.forget();
    }
  };

  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const chart = of.get(entry.target);
        if (entry.isIntersecting && !chart.drawn) chart.draw();
      }
    },
    { rootMargin: MARGIN + "px 0px" },
  );
  const size = new ResizeObserver((entries) => {
    if (printing) return;
    for (const entry of entries) {
      const chart = of.get(entry.target);
      if (chart.drawn && Math.abs(chart.plot.clientWidth - chart.width) > 1) requestAnimationFrame(() => chart.draw());
    }
  });
  window.addEventListener("load", () => charts.filter((chart) => "recolour" in chart.figure.dataset).forEach((chart) => chart.offer()));
  gutdiv.names.ready.then(() => {
    for (const chart of charts) {
      near.observe(chart.plot);
      size.observe(chart.plot);
    }
  });
  function again() {
    for (const chart of charts.filter((one) => one.drawn)) {
      if (onScreen(chart.plot)) chart.draw();
      else chart.forget();
    }
  }

  function onScreen(plot) {
    const { top, bottom, height } = plot.getBoundingClientRect();
    return height > 0 && bottom > -MARGIN && top < window.innerHeight + MARGIN;
  }
  for (const change of ["gutdiv-theme", "gutdiv-names"]) document.addEventListener(change, again);

  let kept;
  window.addEventListener("beforeprint", () => {
    printing = true;
    kept = root.dataset.theme;
    root.dataset.theme = "light";
    for (const chart of charts.filter((one) => one.figure.checkVisibility())) {
      if (chart.text === null) chart.plot.before(gutdiv.make("p", { class: "printed late", text: "This figure was still being unpacked when the page was printed: print it once more." }));
      chart.draw(PAPER);
    }
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    for (const late of document.querySelectorAll(".printed.late")) late.remove();
    if (kept) root.dataset.theme = kept;
    else delete root.dataset.theme;
    again();
  });
  gutdiv.charts = charts;
})();
