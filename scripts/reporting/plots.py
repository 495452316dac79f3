"""Accuracy against cost as a small SVG: one mark a policy, drawn without any library so that the page needs none."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, EDGE = 720, 420, 60
COLOURS = {"maestro": "#1f6feb", "cascade": "#d1242f", "parallel": "#8250df", "two": "#bf8700", "best": "#1a7f37"}


def cost_plot(name: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Accuracy (up) against the share of the best single model's cost (right, logarithmic) of every policy."""
    marks = [(policy, max(float(row["cost_share"]), 1e-4), float(row["accuracy"])) for policy, row in rows.items()]
    across = scale([math.log10(cost) for _, cost, _ in marks], EDGE, WIDTH - 150)
    up = scale([accuracy for _, _, accuracy in marks], HEIGHT - EDGE, 30)
    drawn = [_mark(policy, across(math.log10(cost)), up(accuracy)) for policy, cost, accuracy in marks]
    title = f'<text x="{EDGE}" y="18" font-weight="bold">{escape(name)}: accuracy against cost (log)</text>'
    ends = [min(marks, key=lambda m: m[1]), max(marks, key=lambda m: m[1])]
    ticks = [f'<text x="{across(math.log10(m[1])):.0f}" y="{HEIGHT - 25}">{m[1]:.0%}</text>' for m in ends]
    levels = [min(m[2] for m in marks), max(m[2] for m in marks)]
    ticks += [f'<text x="8" y="{up(level):.0f}">{level:.2f}</text>' for level in levels]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
    return (
        head
        + 'font-size="11" role="img"><rect width="100%" height="100%" fill="#fff"/>'
        + "".join([title, *ticks, *drawn, "</svg>\n"])
    )


def scale(values: Sequence[float], first: float, last: float) -> Any:
    """A linear map of the values' range onto pixels."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return lambda value: first + (value - low) / span * (last - first)


def _mark(policy: str, x: float, y: float) -> str:
    colour = next((colour for word, colour in COLOURS.items() if policy.startswith(word)), "#57606a")
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"><title>{escape(policy)}</title></circle>'
    return dot + f'<text x="{x + 7:.1f}" y="{y + 4:.1f}" fill="{colour}">{escape(policy)}</text>'
