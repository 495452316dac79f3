"""Curves with their intervals as a small SVG: one panel a table, one line a strategy."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

PANEL, HEIGHT, EDGE = 420, 300, 55
COLOURS = ("#1f6feb", "#d1242f", "#bf8700", "#1a7f37")
Rows = Mapping[str, Sequence[Any]]
"""By share of the cost: mean and half of the 95 % interval."""


def regret_curves(tables: Mapping[str, Mapping[str, Rows]]) -> str:
    """Regret (up) against the share of the whole grid's cost (right, logarithmic) of every strategy of every table."""
    width = PANEL * len(tables)
    panels = [
        f'<g transform="translate({PANEL * place},0)">{_panel(name, strategies)}</g>'
        for place, (name, strategies) in enumerate(tables.items())
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" '
    return f'{head}font-size="11" role="img"><rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n'


def _panel(name: str, strategies: Mapping[str, Rows]) -> str:
    shares = sorted({float(share) for rows in strategies.values() for share in rows})
    ends = [row[0] + side * row[1] for rows in strategies.values() for row in rows.values() for side in (-1, 1)]
    low, high = min(0.0, *ends), max(ends)
    span = math.log(shares[-1] / shares[0]) or 1.0

    def across(share: float) -> float:
        return EDGE + (PANEL - EDGE - 20) * math.log(share / shares[0]) / span

    def up(regret: float) -> float:
        return float(40 + (HEIGHT - 85) * (high - regret) / ((high - low) or 1.0))

    parts = [f'<text x="{EDGE}" y="18" font-weight="bold">{escape(name)}: regret by share of the grid\'s cost</text>']
    parts += [f'<text x="{across(share) - 12:.0f}" y="{HEIGHT - 12}">{share:.1%}</text>' for share in shares]
    parts += [f'<text x="6" y="{up(level) + 4:.0f}">{level:+.4f}</text>' for level in (low, 0.0, high)]
    parts.append(f'<path d="M{EDGE} {up(0.0):.1f}H{PANEL - 15}" stroke="#d0d7de"/>')
    for place, (strategy, rows) in enumerate(strategies.items()):
        parts.append(_line(strategy, place, [(across(float(s)), row, up) for s, row in rows.items()]))
    return "".join(parts)


def _line(strategy: str, place: int, points: Sequence[Any]) -> str:
    colour = COLOURS[place % len(COLOURS)]
    path = " ".join(f"{x + 3 * place:.1f},{up(row[0]):.1f}" for x, row, up in points)
    bars = "".join(
        f'<path d="M{x + 3 * place:.1f} {up(row[0] - row[1]):.1f}V{up(row[0] + row[1]):.1f}" stroke="{colour}"/>'
        for x, row, up in points
    )
    said = f'<text x="{PANEL - 130}" y="{48 + 15 * place}" fill="{colour}">{escape(strategy)}</text>'
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>{bars}{said}'
