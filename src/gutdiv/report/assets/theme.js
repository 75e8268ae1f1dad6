// The reader's choice of theme, before the first paint; without a choice the system's holds.
(function () {
  "use strict";
  try {
    var kept = window.localStorage.getItem("gutdiv-theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch (error) {
    // A browser may keep nothing for files on disk; then the system's theme holds.
  }
})();
