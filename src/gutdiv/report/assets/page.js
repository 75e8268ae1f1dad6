// The page's own behaviour: theme, copy, print, and where in the contents the reader stands.
(function () {
  "use strict";
  const gutdiv = window.gutdiv;
  const root = document.documentElement;
  const THEMES = { "": "as the system", light: "light", dark: "dark" };

  // ---------------------------------------------------------------- theme
  const button = document.querySelector("[data-action='theme']");
  function told() {
    button.querySelector("[data-theme-word]").textContent = "Theme: " + THEMES[root.dataset.theme || ""];
  }
  button.addEventListener("click", () => {
    const order = Object.keys(THEMES);
    const next = order[(order.indexOf(root.dataset.theme || "") + 1) % order.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    try {
      window.localStorage.setItem("gutdiv-theme", next);
    } catch (error) {
      // Nothing is kept for this file; the choice holds until the page is closed.
    }
    told();
    document.dispatchEvent(new Event("gutdiv-theme"));
  });
  told();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("gutdiv-theme")));

  if (!("DecompressionStream" in window)) document.querySelector("[data-old]").hidden = false;

  // ---------------------------------------------------------------- copy and print
  for (const copy of document.querySelectorAll("[data-action='copy']")) {
    copy.addEventListener("click", async () => {
      const place = copy.parentElement.querySelector("[data-text]");
      const text = [...place.querySelectorAll("p")].map((p) => p.textContent.trim()).join("\n\n");
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
        gutdiv.say("Text copied");
      } catch (error) {
        window.getSelection().selectAllChildren(place); // the browser keeps its clipboard to itself: the text is selected, ready for Ctrl+C
        copy.textContent = "Selected: press Ctrl+C";
        gutdiv.say("Text selected, press Control C");
      }
      setTimeout(() => (copy.textContent = "Copy the text"), 3000);
    });
  }
  // All figures are on paper: they are unpacked first.
  document.querySelector("[data-action='print']").addEventListener("click", async () => {
    for (const chart of gutdiv.charts || []) await chart.load();
    window.print();
  });

  // On paper a link is a number, and what it leads to stands in a note at the end.
  function footnotes() {
    const numbers = new Map();
    for (const link of document.querySelectorAll('main a[href^="https://"]')) {
      if (!link.checkVisibility()) continue;
      const number = numbers.get(link.href) ?? numbers.size + 1;
      numbers.set(link.href, number);
      link.after(Object.assign(document.createElement("sup"), { className: "footmark", textContent: number }));
    }
    if (!numbers.size) return;
    const list = Object.assign(document.createElement("ol"), { className: "footnotes" });
    for (const address of numbers.keys()) list.append(Object.assign(document.createElement("li"), { textContent: address }));
    document.querySelector("main").append(list);
  }

  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open]):not(.numbers):not(.taxon):not(.terms)")];
    for (const details of closed) details.open = true;
    for (const table of gutdiv.tables) table.print(true);
    footnotes();
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
    for (const table of gutdiv.tables) table.print(false);
    for (const mark of document.querySelectorAll(".footmark, .footnotes")) mark.remove();
  });

  document.querySelectorAll(".scroll").forEach(gutdiv.edged);

  // ---------------------------------------------------------------- contents
  const places = new Map();
  for (const link of document.querySelectorAll(".contents a")) {
    const place = document.getElementById(link.getAttribute("href").slice(1));
    if (place) places.set(place, link);
  }
  function stand() {
    let here = null;
    for (const place of places.keys()) if (place.getBoundingClientRect().top < 140) here = place;
    const panel = here && here.closest(".panel");
    for (const [place, link] of places) {
      if (place === here) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
      link.parentElement.classList.toggle("here", place === panel);
    }
  }
  let waiting = false;
  window.addEventListener(
    "scroll",
    () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        stand();
      });
    },
    { passive: true },
  );
  stand();
})();
