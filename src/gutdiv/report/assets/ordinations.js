// What is drawn of an ordination's points besides themselves: ellipses of groups, and the same points along three axes.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const HELD = 0.68; // share of a normally distributed group that its ellipse holds
  const FEWEST = 5; // samples of a group that has an ellipse
  const MOST = 8; // groups whose ellipses can still be told apart
  const STEPS = 72;
  const DASHES = ["solid", "dash", "dot", "dashdot"];

  // The ellipse of normal data: around the mean, by the covariance (n - 1), as far out as the square root of the chi-squared quantile with 2 degrees of freedom.
  gutdiv.ellipse = function (xs, ys) {
    const points = xs.map((x, i) => [x, ys[i]]).filter((p) => p.every((v) => typeof v === "number"));
    const n = points.length;
    if (n < FEWEST) return null;
    const mean = [0, 1].map((k) => points.reduce((sum, p) => sum + p[k], 0) / n);
    const spread = (j, k) => points.reduce((sum, p) => sum + (p[j] - mean[j]) * (p[k] - mean[k]), 0) / (n - 1);
    const a = Math.sqrt(spread(0, 0));
    if (!a) return null;
    const b = spread(0, 1) / a;
    const c = Math.sqrt(Math.max(0, spread(1, 1) - b * b)); // (a 0; b c) is the Cholesky factor of the covariance
    const far = Math.sqrt(-2 * Math.log(1 - HELD));
    const turns = Array.from({ length: STEPS + 1 }, (_, i) => (2 * Math.PI * i) / STEPS);
    return { x: turns.map((t) => mean[0] + far * a * Math.cos(t)), y: turns.map((t) => mean[1] + far * (b * Math.cos(t) + c * Math.sin(t))) };
  };

  // Ellipses of the traces that are groups; one entry of the legend switches all of them off.
  gutdiv.ellipses = function (traces) {
    const groups = traces.filter((trace) => trace.ids && trace.meta && trace.meta.group);
    if (groups.length > MOST) return [];
    const made = groups.map((trace, i) => [trace, gutdiv.ellipse(trace.x, trace.y), DASHES[i % DASHES.length]]).filter((entry) => entry[1]);
    if (!made.length) return [];
    const name = "ellipses (" + Math.round(100 * HELD) + "% of a group)";
    const like = { type: "scatter", mode: "lines", name: name, legendgroup: name, hoverinfo: "skip" };
    const lines = made.map(([trace, line, dash]) => ({ ...like, ...line, meta: { of: trace.name }, showlegend: false, line: { color: trace.marker.color, width: 1.75, dash: dash } }));
    return [...lines, { ...like, x: [null], y: [null], showlegend: true, line: { color: "var(--ink-2)", width: 1.75 } }];
  };

  // Drawing thousands of points one by one takes seconds: of a large cloud every k-th is drawn, and one of a group wherever none of it would be.
  const DRAWN = 2500;
  const CELLS = 48; // along each axis

  gutdiv.thinned = function (traces) {
    const clouds = traces.filter((trace) => trace.type === "box" || (trace.type === "scatter" && trace.mode === "markers" && Array.isArray(trace.text)));
    const total = clouds.reduce((sum, trace) => sum + trace.x.length, 0);
    if (total <= DRAWN) return { traces: traces, drawn: total, total: total };
    const step = Math.ceil(total / DRAWN);
    const ends = ["x", "y"].map((axis) => clouds.reduce(([low, high], trace) => trace[axis].reduce(([l, h], v) => [Math.min(l, v ?? l), Math.max(h, v ?? h)], [low, high]), [Infinity, -Infinity]));
    const cell = (v, [low, high]) => Math.floor((CELLS * (v - low)) / (high - low || 1));
    let drawn = 0;
    const thin = (trace) => {
      const at = trace.x.map((x, i) => CELLS * 2 * cell(x, ends[0]) + cell(trace.y[i], ends[1]));
      const kept = new Set();
      const held = new Set();
      const keep = (i) => kept.add(i) && held.add(at[i]);
      for (let i = 0; i < at.length; i += step) keep(i);
      at.forEach((where, i) => held.has(where) || keep(i));
      drawn += kept.size;
      return taken(trace, [...kept].sort((a, b) => a - b));
    };
    const made = traces.flatMap((trace) => (!clouds.includes(trace) ? trace : trace.type === "box" ? boxed(trace, thin(trace)) : thin(trace)));
    return { traces: made, drawn: drawn, total: total };
  };

  // A box of all values, and over it some of its points.
  function boxed(trace, few) {
    const off = (i) => ((i * 0.618034) % 1) - 0.5;
    const points = { type: "scatter", mode: "markers", name: trace.name, x: few.x, y: few.y.map((y, i) => y + trace.width * trace.jitter * off(i)), text: few.text, marker: trace.marker, hovertemplate: trace.hovertemplate };
    return [points, { ...trace, boxpoints: false, hoverinfo: "skip", hovertemplate: undefined }];
  }

  // A trace with some of its points.
  function taken(trace, places) {
    const some = (list) => (Array.isArray(list) && list.length === trace.x.length ? places.map((i) => list[i]) : list);
    const lists = Object.fromEntries(["x", "y", "ids", "text", "customdata"].filter((key) => key in trace).map((key) => [key, some(trace[key])]));
    const marker = Object.fromEntries(Object.entries(trace.marker || {}).map(([key, value]) => [key, some(value)]));
    return { ...trace, ...lists, marker: marker };
  }

  // A group that was switched off in the legend takes its ellipse with it.
  gutdiv.follow = function (plot) {
    const traces = plot.data;
    const whole = traces.find((trace) => trace.x.length === 1 && trace.x[0] === null && trace.legendgroup);
    const shown = traces.map((trace) => {
      if (!trace.meta || !trace.meta.of) return null;
      const group = traces.find((other) => other.ids && other.name === trace.meta.of);
      return (whole && whole.visible === "legendonly") || (group && group.visible === "legendonly") ? "legendonly" : true;
    });
    const wrong = shown.map((to, i) => i).filter((i) => shown[i] !== null && shown[i] !== (traces[i].visible ?? true));
    if (wrong.length) window.Plotly.restyle(plot, { visible: wrong.map((i) => shown[i]) }, wrong);
  };

  // plotly has eight shapes in space.
  const SOLID = { "triangle-up": "diamond-open", "triangle-down": "square-open", star: "circle-open" };

  const solid = (symbol) => ({ symbol: SOLID[symbol] || symbol, size: symbol.startsWith("circle") ? 3.6 : 4.8 }); // it draws circles larger

  const barred = (bar) => (bar && bar.orientation === "h" ? { colorbar: { ...bar, y: -0.02 } } : {});

  gutdiv.hasSpace = (traces) => traces.some((trace) => trace.ids && trace.meta && trace.meta.z);

  gutdiv.inSpace = function (traces, layout, camera) {
    const points = traces.filter((trace) => trace.ids && trace.meta && trace.meta.z);
    const data = points.map((trace) => ({
      type: "scatter3d",
      mode: "markers",
      name: trace.name,
      showlegend: trace.showlegend,
      x: trace.x,
      y: trace.y,
      z: trace.meta.z,
      ids: trace.ids,
      text: trace.text,
      marker: { ...trace.marker, ...solid(trace.marker.symbol), line: { width: 0 }, ...barred(trace.marker.colorbar) },
      hovertemplate: "<b>%{text}</b><br>%{x:.3g}, %{y:.3g}, %{z:.3g}<extra></extra>",
    }));
    const { xaxis, yaxis, ...rest } = layout;
    const bar = data.some((trace) => trace.marker.showscale);
    const margin = { ...layout.margin, l: 0, r: bar ? layout.margin.r : 0, b: bar ? layout.margin.b : 0 };
    return { data: data, layout: { ...rest, margin: margin, legend: { ...layout.legend, itemsizing: "constant" }, scene: camera ? { ...layout.scene, camera: camera } : layout.scene } };
  };
})();
