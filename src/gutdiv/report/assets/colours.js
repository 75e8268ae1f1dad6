// Gives charts the colours of the theme: wherever a chart names a CSS variable as a colour, its value is put in.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;

  gutdiv.coloured = function (value, styles, key) {
    if (Array.isArray(value)) return value.map((v) => gutdiv.coloured(v, styles, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, gutdiv.coloured(v, styles, k)]));
    }
    if (typeof value === "string" && /color$/.test(key || "")) {
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
})();
