"use strict";
// Draws each element with `data-figure`, in the colours of the page.
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const isNarrow = () => window.matchMedia("(max-width: 600px)").matches;

  function dressed(figure) {
    const ink = colour("--ink"), line = colour("--line");
    const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true };
    const said = figure.layout || {};
    return {
      ...said,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, size: 12 },
      colorway: [1, 2, 3, 4, 5, 6].map((i) => colour("--c" + i)),
      margin: { l: 50, r: 12, t: 12, b: isNarrow() && figure.data.length > 1 ? 50 + 18 * figure.data.length : 40 },
      legend: { orientation: "h", y: isNarrow() ? -0.4 : -0.22, ...(said.legend || {}) },
      showlegend: figure.data.length > 1,
      xaxis: { ...axis, nticks: isNarrow() ? 5 : 10, ...(said.xaxis || {}) },
      yaxis: { ...axis, ...(said.yaxis || {}) },
    };
  }

  function draw() {
    for (const place of document.querySelectorAll("[data-figure]")) {
      const figure = JSON.parse(place.dataset.figure);
      Plotly.react(place, figure.data, dressed(figure), { responsive: true, displaylogo: false, displayModeBar: false });
    }
  }

  draw();
  document.addEventListener("maestro-theme", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
