// What can be placed only when a chart is drawn and its pixels are known: names of arrows, so that none covers another, and colour bars.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const UNDER = 56; // from a plot to what stands under its axis
  const LINE = 15; // height of a name
  const AIR = 10;
  const HEAD = 5; // half of an arrow's head
  const NEAR = 120; // so far a name goes to stand clear of all arrows; beyond, it may cross one
  const FAR = 15; // from here on a thin line leads from the head to its name

  const NARROW = 560;
  gutdiv.NAMED = 5; // arrows that are named on a phone, the longest

  gutdiv.settled = async function (plot) {
    await named(plot);
    await barred(plot);
  };

  // ---------------------------------------------------------------- names of arrows
  async function named(plot) {
    const [at, leading, arrows] = ["names", "leads", "arrows"].map((part) => plot.data.findIndex((trace) => trace.meta && trace.meta[part]));
    if (at < 0 || !plot._fullLayout._has("cartesian")) return;
    const { xaxis, yaxis } = plot._fullLayout;
    const trace = plot.data[at];
    const size = trace.textfont.size;
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = size + "px " + plot._fullLayout.font.family;
    const tips = trace.text.map((_, i) => [plot.data[arrows].x[3 * i + 1], plot.data[arrows].y[3 * i + 1]]); // three places an arrow: middle, tip, gap
    const heads = tips.map(([x, y]) => [xaxis.d2p(x), yaxis.d2p(y)]);
    const widths = trace.text.map((text) => pen.measureText(plain(text)).width);
    const origin = [xaxis.d2p(0), yaxis.d2p(0)];
    const long = (i) => Math.hypot(heads[i][0] - origin[0], heads[i][1] - origin[1]);
    const order = heads.map((_, i) => i).sort((a, b) => long(b) - long(a) || a - b);
    const shown = plot._fullLayout.width < NARROW ? order.slice(0, gutdiv.NAMED) : heads.map((_, i) => i);
    const found = gutdiv.apart(shown.map((i) => heads[i]), shown.map((i) => widths[i]), { width: xaxis._length, height: yaxis._length, origin: origin });
    const boxes = heads.map((_, i) => found[shown.indexOf(i)]); // none for a name that has no room on a phone
    const leads = { x: [], y: [] };
    boxes.forEach((box, i) => {
      if (!box) return;
      const [x, y] = heads[i];
      const end = [Math.min(Math.max(x, box.x - box.w / 2), box.x + box.w / 2), Math.min(Math.max(y, box.y - box.h / 2), box.y + box.h / 2)];
      if (Math.hypot(end[0] - x, end[1] - y) < FAR) return;
      leads.x.push(tips[i][0], xaxis.p2d(end[0]), null);
      leads.y.push(tips[i][1], yaxis.p2d(end[1]), null);
    });
    const xs = boxes.map((box) => (box ? xaxis.p2d(box.x) : null));
    const ys = boxes.map((box) => (box ? yaxis.p2d(box.y) : null));
    await window.Plotly.restyle(plot, { x: [xs, leads.x], y: [ys, leads.y], textposition: "middle center" }, [at, leading]);
  }

  // ---------------------------------------------------------------- names of blocks of samples
  const GLYPH = 7.4; // pixels of a letter, on average
  const DEEP = 3; // lines of a name
  const FEW = 3; // blocks that have room for their names on a phone; of more the names stand upright
  const UPRIGHT = 18; // letters of such a name
  const MARGIN = 30; // pixels beside the plot where nothing stands

  // On a narrow screen a name is broken into lines as wide as its block; without that plotly leaves out or tilts what does not fit.
  gutdiv.blocks = function (layout, width) {
    const { tickvals: at, ticktext: texts, range, tickmode } = layout.xaxis;
    if (tickmode !== "array" || !texts) return layout;
    if (texts.length > FEW) return upright(layout, texts);
    const words = layout.yaxis.ticktext || [];
    const field = width - layout.margin.r - Math.max(layout.margin.l, 14 + 6 * Math.max(0, ...words.map((word) => plain(word).length)));
    let start = -0.5;
    const halves = at.map((middle) => {
      const half = middle - start;
      start += 2 * half;
      return half;
    });
    const pixels = field / (range ? range[1] - range[0] : start + 0.5);
    const lines = texts.map((text, i) => broken(plain(text), Math.max(5, Math.floor((2 * halves[i] * pixels) / GLYPH))));
    const wide = (told) => GLYPH * Math.max(...told.map((line) => line.length));
    texts.forEach((text, i) => {
      // a word may stand out of its block where nothing else stands
      const words = Math.max(...plain(text).split(/[\s_-]/u).map((word) => word.length));
      const free = [i - 1, i + 1].filter((k) => k in at).map((k) => 2 * Math.abs(at[k] - at[i]) * pixels - wide(lines[k]) - GLYPH);
      const room = Math.min(2 * (at[i] + 0.5) * pixels + 2 * MARGIN, ...free);
      if (words * GLYPH <= room && words * GLYPH > wide(lines[i])) lines[i] = broken(plain(text), words);
    });
    const close = (i) => (wide(lines[i]) + wide(lines[i - 1])) / 2 > (at[i] - at[i - 1]) * pixels;
    if (texts.some((_, i) => i > 0 && close(i))) return upright(layout, texts);
    const more = LINE * (Math.max(...lines.map((l) => l.length)) - 1);
    const axis = { ticktext: lines.map((l) => l.map(gutdiv.escaped).join("<br>")), tickangle: 0, ticklabeloverflow: "allow" };
    const bar = layout.coloraxis && layout.coloraxis.colorbar;
    const inner = layout.height - layout.margin.t - layout.margin.b;
    const shifted = bar ? { coloraxis: { colorbar: { y: bar.y - more / inner } } } : {};
    return gutdiv.merged(layout, { xaxis: axis, height: layout.height + more, margin: { b: layout.margin.b + more }, ...shifted });
  };

  function upright(layout, texts) {
    const names = texts.map((text) => cut(plain(text)));
    const deep = Math.max(0, Math.max(...names.map((t) => t.length)) * GLYPH - LINE);
    const shown = { ticktext: names.map(gutdiv.escaped), tickangle: -90, ticklabeloverflow: "allow" };
    const colours = layout.coloraxis && layout.coloraxis.colorbar;
    const lower = colours ? { coloraxis: { colorbar: { y: colours.y - deep / (layout.height - layout.margin.t - layout.margin.b) } } } : {};
    return gutdiv.merged(layout, { xaxis: shown, height: layout.height + deep, margin: { b: layout.margin.b + deep }, ...lower });
  }

  const cut = (text) => (text.length > UPRIGHT ? text.slice(0, UPRIGHT - 1) + "…" : text);

  function broken(text, width) {
    const lines = [""];
    for (const word of (text.match(/[^\s_-]*[\s_-]?/gu) || []).flatMap((w) => w.match(new RegExp(".{1," + width + "}", "gu")) || [])) {
      if (lines.at(-1) && (lines.at(-1) + word).trim().length > width) lines.push("");
      lines[lines.length - 1] += word;
    }
    const told = lines.map((line) => line.trim());
    return told.length > DEEP ? [...told.slice(0, DEEP - 1), told[DEEP - 1].slice(0, width - 1) + "…"] : told;
  }

  const plain = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

  // Boxes for names, in pixels of the plot: each as near to its head as there is room, outwards first; earlier ones keep their place.
  gutdiv.apart = function (heads, widths, field) {
    const taken = heads.map(([x, y]) => ({ x: x, y: y, w: 2 * HEAD, h: 2 * HEAD }));
    const shafts = heads.flatMap((head) => shaft(field.origin, head));
    const names = [];
    heads.forEach(([x, y], i) => {
      const w = widths[i] + AIR;
      const out = Math.atan2(y - field.origin[1], x - field.origin[0]);
      const others = [...taken.filter((_, k) => k !== i), ...names];
      names.push(nearest(x, y, w, out, [...others, ...shafts], field, NEAR) || nearest(x, y, w, out, others, field, field.width + field.height) || inside({ x: x, y: y, w: w, h: LINE }, field));
    });
    return names;
  };

  // The line of an arrow as small boxes.
  function shaft(from, to) {
    const steps = Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 8);
    return Array.from({ length: steps }, (_, i) => ({ x: from[0] + ((to[0] - from[0]) * i) / steps, y: from[1] + ((to[1] - from[1]) * i) / steps, w: 1, h: 1 }));
  }

  function nearest(x, y, w, out, others, field, most) {
    for (let far = HEAD + 2; far < most; far += 6) {
      for (const turn of [0, 0.35, -0.35, 0.7, -0.7, 1.1, -1.1, 1.6, -1.6, 2.2, -2.2, Math.PI]) {
        const [dx, dy] = [Math.cos(out + turn), Math.sin(out + turn)];
        const box = inside({ x: x + dx * far + (dx * w) / 2, y: y + dy * far + (dy * LINE) / 2, w: w, h: LINE }, field);
        if (Math.abs(box.x - x) < w / 2 + HEAD && Math.abs(box.y - y) < LINE / 2 + HEAD) continue; // would cover its own head
        if (!others.some((other) => meets(box, other))) return box;
      }
    }
    return null;
  }

  // Kept off the edges, for a name beyond the outermost points would change the range of the axes.
  function inside(box, field) {
    const edge = Math.max(box.w / 2, 0.07 * field.width);
    const rim = Math.max(box.h / 2, 0.07 * field.height);
    return { ...box, x: Math.min(Math.max(box.x, edge), Math.max(edge, field.width - edge)), y: Math.min(Math.max(box.y, rim), Math.max(rim, field.height - rim)) };
  }

  function meets(one, two) {
    return Math.abs(one.x - two.x) < (one.w + two.w) / 2 + 1 && Math.abs(one.y - two.y) < (one.h + two.h) / 2 + 1;
  }

  // ---------------------------------------------------------------- colour bars
  // A plot with equal scales is smaller than its room: its colour bar stands beside it, or under its axis where the screen is narrow.
  async function barred(plot) {
    const at = plot.data.findIndex((trace) => trace.ids && trace.marker.colorbar);
    if (at < 0 || !plot._fullLayout._has("cartesian")) return;
    const { xaxis, yaxis, width, _size } = plot._fullLayout;
    const flat = plot.data[at].marker.colorbar.orientation === "h";
    const under = yaxis._offset + yaxis._length + UNDER;
    const place = flat ? { "marker.colorbar.y": (_size.t + _size.h - under) / _size.h } : { "marker.colorbar.x": (xaxis._offset + xaxis._length + 10) / width };
    await window.Plotly.restyle(plot, place, [at]);
  }

  // How a colour bar is laid out before it is placed, and the room that it needs.
  gutdiv.bar = function (flat) {
    if (!flat) return { bar: { xref: "container", x: 0.9, xanchor: "left", len: 0.9 }, margin: { r: 96 }, height: 0 };
    const bar = { orientation: "h", x: 0, xanchor: "left", y: 0.3, yanchor: "top", ypad: 0, lenmode: "pixels", len: 240, title: { side: "top" } };
    return { bar: bar, margin: { b: UNDER + 64 }, height: 64 };
  };
})();
