"""One HTML page of a report: text, tables and plots, whole in one file, readable without a network."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "td,th{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}"
)


NO_REQUESTS = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline' "
    "'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:\">"
)
"""The page may ask nobody for anything, whatever the plots' script would like to."""


@dataclass(frozen=True)
class Line:
    """One curve or cloud: points with labels. `mode` as plotly has it: "lines", "markers", "lines+markers"."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    labels: Sequence[str] = ()
    mode: str = "markers"


@dataclass(frozen=True)
class Plot:
    """Curves over named axes."""

    title: str
    x_title: str
    y_title: str
    lines: Sequence[Line]
    is_log_x: bool = False


@dataclass
class Page:
    """A report in the making: paragraphs, tables and plots, in order."""

    title: str
    parts: list[str] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)

    def say(self, text: str) -> None:
        """One paragraph."""
        self.parts.append(f"<p>{html.escape(text)}</p>")

    def show(self, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """A table of rows with the same keys."""
        if not rows:
            return
        head = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell(v))}</td>" for v in row.values()) + "</tr>" for row in rows
        )
        self.parts.append(f"<h2>{html.escape(title)}</h2><table><tr>{head}</tr>{body}</table>")

    def write(self, path: Path) -> None:
        """The page. Plots need plotly (extra `build`); its script is put into the page."""
        from plotly import graph_objects as go
        from plotly.offline import get_plotlyjs

        drawn = []
        for plot in self.plots:
            figure = go.Figure()
            for line in plot.lines:
                figure.add_scatter(
                    name=line.name, x=list(line.x), y=list(line.y), mode=line.mode, text=list(line.labels) or None
                )
            figure.update_layout(
                title=plot.title, xaxis_title=plot.x_title, yaxis_title=plot.y_title, template="simple_white"
            )
            if plot.is_log_x:
                figure.update_xaxes(type="log")
            drawn.append(figure.to_html(full_html=False, include_plotlyjs=False))
        script = f"<script>{get_plotlyjs()}</script>" if drawn else ""
        head = (
            f'<meta charset="utf-8">{NO_REQUESTS}<title>{html.escape(self.title)}</title><style>{STYLE}</style>{script}'
        )
        body = f"<h1>{html.escape(self.title)}</h1>{''.join(self.parts)}{''.join(drawn)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>', "utf-8")


def cell(value: Any) -> str:
    """A figure as people read it."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6f}" if 0 < abs(value) < 0.001 else f"{value:.4f}"
    return str(value)
