// Makes elements from data: text is always set as text, never as markup.
(function () {
  "use strict";
  const gutdiv = (window.gutdiv = window.gutdiv || {});
  const SVG = "http://www.w3.org/2000/svg";

  gutdiv.tables = new Set(); // those of the page, which tables.js makes

  gutdiv.make = function (tag, options, children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(options || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "text") element.textContent = value;
      else if (key === "class") element.className = value;
      else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : value);
    }
    for (const child of children || []) if (child) element.append(child);
    return element;
  };

  gutdiv.icon = function (name) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", "#i-" + name.replace(/ /g, "-"));
    svg.append(use);
    return svg;
  };

  // A block of data is JSON; a large one is a JSON string that holds the JSON packed (zlib, base64).
  gutdiv.text = async function (root) {
    const block = root.querySelector(":scope > script[type='application/json']");
    if (!block) return "null";
    const text = block.textContent;
    return text.startsWith('"') ? unpacked(JSON.parse(text)) : text;
  };

  async function unpacked(packed) {
    const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(packed) : decoded(packed);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  }

  // For browsers that are older than Uint8Array.fromBase64.
  function decoded(packed) {
    const chars = atob(packed);
    const bytes = new Uint8Array(chars.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = chars.charCodeAt(i);
    return bytes;
  }

  // A text for plotly, which reads a small subset of HTML in all its labels.
  gutdiv.escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // A table that goes on beyond its right edge has a shadow there.
  const edge = (scroll) => scroll.classList.toggle("beyond", scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 2);
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => edge(entry.target)));
  gutdiv.edged = function (scroll) {
    sizes.observe(scroll);
    requestAnimationFrame(() => edge(scroll));
  };
  const moved = (event) => event.target.classList && event.target.classList.contains("scroll") && edge(event.target);
  document.addEventListener("scroll", moved, { capture: true, passive: true });

  gutdiv.say = function (text) {
    const place = document.getElementById("announce");
    if (place) place.textContent = text;
  };

  gutdiv.save = function (name, text) {
    const address = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values;charset=utf-8" }));
    const anchor = gutdiv.make("a", { href: address, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
})();
