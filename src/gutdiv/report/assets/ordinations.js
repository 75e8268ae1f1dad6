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
