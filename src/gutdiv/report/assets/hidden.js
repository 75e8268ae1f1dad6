// Whether the reader had the names of samples hidden before a reload, or follows an address without names: then nothing is shown before they are hidden.
(function () {
  "use strict";
  var kept = null;
  try {
    kept = window.sessionStorage.getItem("gutdiv-names");
  } catch (error) {
    // A browser may keep nothing for files on disk; then only the address tells.
  }
  if (kept === location.pathname || location.hash.startsWith("#number=")) document.documentElement.dataset.names = "waiting";
})();
