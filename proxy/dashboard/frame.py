"""The frame of every page: templates, headers that forbid everything from outside, and the files beside them."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response

from proxy.dashboard.sampled import PredictedPlan
from proxy.dashboard.viewer import Viewer

HERE = Path(__file__).parent
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
PAGES = (
    ("tradeoffs", "Trade-offs"),
    ("runs", "Runs"),
    ("spend", "Spend"),
    ("models", "Models"),
    ("playground", "Playground"),
)


def make_templates() -> Environment:
    """The templates, with the words that all pages use. Everything put into a page is escaped."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(usd=usd, share=share, seconds=seconds, moment=moment, figure=json.dumps, plan_row=plan_row)
    templates.globals.update(pages=PAGES)
    return templates


class Frame:
    """Makes pages."""

    def __init__(self) -> None:
        self._templates = make_templates()

    def page(self, name: str, viewer: Viewer | None, status: int = 200, **said: Any) -> Response[bytes]:
        """One page as an answer."""
        text = self._templates.get_template(f"{name}.html").render(page=name, viewer=viewer, **said)
        return Response(text.encode(), status_code=status, media_type="text/html; charset=utf-8", headers=HEADERS)


def static_files() -> Mapping[str, Path]:
    """The files that pages may load, by name; Plotly's script comes with its package."""
    found = {path.name: path for path in (HERE / "static").iterdir() if path.suffix in (".css", ".js", ".svg")}
    plotly = importlib.util.find_spec("plotly")
    if plotly is not None and plotly.origin is not None:
        found["plotly.min.js"] = Path(plotly.origin).parent / "package_data" / "plotly.min.js"
    return found


def plan_row(plan: PredictedPlan) -> Mapping[str, float]:
    """A plan as the page's script reads it."""
    return asdict(plan)


def usd(value: float | None) -> str:
    """Dollars with as many digits as say something."""
    if value is None:
        return "–"
    return (
        f"${value:,.2f}"
        if abs(value) >= 1 or value == 0
        else f"${value:.3g}"
        if abs(value) >= 1e-4
        else f"${value:.2e}"
    )


def share(value: float | None) -> str:
    """0..1 as a percentage."""
    return "–" if value is None else f"{100 * value:.0f} %"


def seconds(value: float | None) -> str:
    """Seconds, or milliseconds below one."""
    if value is None:
        return "–"
    return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def moment(unix: float | None) -> str:
    """A time in UTC."""
    return "–" if unix is None else datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%S")
