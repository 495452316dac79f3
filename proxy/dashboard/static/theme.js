"use strict";
// Light or dark as the system says, until the button says otherwise.
(() => {
  const root = document.documentElement;
  const kept = localStorage.getItem("maestro-theme");
  if (kept) root.dataset.theme = kept;
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const isDark = getComputedStyle(root).colorScheme === "dark";
      root.dataset.theme = isDark ? "light" : "dark";
      localStorage.setItem("maestro-theme", root.dataset.theme);
      document.dispatchEvent(new Event("maestro-theme"));
    });
  });
})();
