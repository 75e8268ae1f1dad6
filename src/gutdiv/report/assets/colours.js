// Gives charts the colours of the theme: wherever a chart names a CSS variable as a colour, its value is put in.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const escaped = gutdiv.escaped;

  gutdiv.coloured = function (value, styles, key) {
    if (Array.isArray(value)) return value.map((v) => gutdiv.coloured(v, styles, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, gutdiv.coloured(v, styles, k)]));
    }
    if (typeof value === "string" && /color(scale)?$/.test(key || "")) {
      const variable = /^var\((--[a-z0-9-]+)\)$/.exec(value);
      if (variable) return styles.getPropertyValue(variable[1]).trim() || "#777777";
    }
    return value;
  };

  gutdiv.merged = function (base, over) {
    const out = { ...base };
    for (const [key, value] of Object.entries(over || {})) {
      const both = value && typeof value === "object" && !Array.isArray(value) && out[key] && typeof out[key] === "object";
      out[key] = both ? gutdiv.merged(out[key], value) : value;
    }
    return out;
  };

  // Points of samples anew, by a column of the metadata: numbers along a scale, words by colour and shape; all else stays as it is.
  const MOST = 11;
  const SCALE = [[0, "var(--heat-point)"], [1, "var(--heat-high)"]]; // every point stands out from the ground
  const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross", "x", "triangle-down", "star"];

  gutdiv.recoloured = function (traces, column) {
    const own = traces.filter((trace) => trace.ids);
    const points = own.flatMap((trace) => trace.ids.map((id, i) => ({ id: id, x: trace.x[i], y: trace.y[i], z: trace.meta && trace.meta.z && trace.meta.z[i], text: trace.text[i], value: column.values[Number(id)] || "" })));
    const words = points.map((p) => p.value).filter(Boolean);
    const distinct = new Map();
    for (const word of words) distinct.set(word, (distinct.get(word) || 0) + 1);
    const numeric = distinct.size > 6 && words.every((word) => Number.isFinite(Number(word)));
    const like = { ...own[0], legendgroup: undefined };
    const made = (name, members, marker, group) => ({ ...like, name: name, meta: { group: group, z: own[0].meta && own[0].meta.z && members.map((p) => p.z) }, x: members.map((p) => p.x), y: members.map((p) => p.y), text: members.map((p) => p.text), ids: members.map((p) => p.id), marker: { ...like.marker, ...marker } });
    const parts = [];
    const none = points.filter((p) => !p.value);
    if (numeric) {
      const bar = { title: { text: escaped(column.word), side: "right", font: { color: "var(--ink-2)", size: 12 } }, thickness: 12, outlinewidth: 0, tickfont: { color: "var(--ink-2)", size: 11 } };
      const known = points.filter((p) => p.value);
      parts.push({ ...made(escaped(column.word), known, { symbol: "circle", color: known.map((p) => Number(p.value)), colorscale: SCALE, showscale: true, colorbar: bar }), showlegend: false });
    } else {
      const order = [...distinct].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map((entry) => entry[0]);
      const shown = order.slice(0, order.length > MOST + 1 ? MOST : order.length);
      shown.forEach((word, i) => parts.push(made(escaped(word.slice(0, 40)), points.filter((p) => p.value === word), { color: "var(--s" + ((i % 8) + 1) + ")", symbol: SYMBOLS[(i + 3 * Math.floor(i / 8)) % 8] }, distinct.size <= SYMBOLS.length)));
      const rest = points.filter((p) => p.value && !shown.includes(p.value));
      if (rest.length) parts.push(made("all others", rest, { color: "var(--ink-3)", symbol: "circle" }));
    }
    if (none.length) parts.push(made("not known", none, { color: "var(--ink-3)", symbol: "circle-open" }));
    return [...parts, ...traces.filter((trace) => !trace.ids)];
  };
})();
