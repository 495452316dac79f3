"""Small pictures in rows of four as one SVG: reliability diagrams, and curves of label efficiency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

PANEL, TALL, EDGE, INSIDE = 260, 290, 42, 200
IN_A_ROW = 4
COLOURS = ("#1f6feb", "#d1242f", "#bf8700", "#1a7f37")
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One picture: named curves, each of (across, up), between `low` and `high` upwards, with the names of what is
    written across."""

    title: str
    curves: Mapping[str, Points]
    low: float
    high: float
    across: tuple[str, ...]
    is_diagonal: bool = False


def reliability(tables: Mapping[str, Mapping[str, Points]]) -> str:
    """Predicted success (right) against observed (up), both from 0 to 1; a right prediction lies on the diagonal."""
    panels = [Panel(name, curves, 0.0, 1.0, ("0", "predicted", "1"), True) for name, curves in tables.items()]
    return side_by_side(panels)


def by_labels(title: str, curves: Mapping[str, Sequence[float]], counts: Sequence[int]) -> Panel:
    """A figure after so many labels, evenly spaced."""
    values = [value for curve in curves.values() for value in curve]
    margin = 0.05 * (max(values) - min(values) or 1.0)
    last = max(len(counts) - 1, 1)
    placed = {name: [(i / last, value) for i, value in enumerate(curve)] for name, curve in curves.items()}
    ticks = tuple(str(count) for count in counts)
    return Panel(title, placed, min(values) - margin, max(values) + margin, ticks)


def side_by_side(panels: Sequence[Panel]) -> str:
    """One SVG of all of them, in rows of four."""
    places = [(PANEL * (i % IN_A_ROW), TALL * (i // IN_A_ROW)) for i in range(len(panels))]
    drawn = [
        f'<g transform="translate({x},{y})">{_drawn(panel)}</g>' for (x, y), panel in zip(places, panels, strict=True)
    ]
    width, height = PANEL * min(len(panels), IN_A_ROW), TALL * -(-len(panels) // IN_A_ROW)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
    return f'{head}font-size="10" role="img"><rect width="100%" height="100%" fill="#fff"/>{"".join(drawn)}</svg>\n'


def _drawn(panel: Panel) -> str:
    bottom = 30 + INSIDE
    parts = [
        f'<text x="{EDGE}" y="16" font-weight="bold">{escape(panel.title)}</text>',
        f'<rect x="{EDGE}" y="30" width="{INSIDE}" height="{INSIDE}" fill="none" stroke="#d0d7de"/>',
        *(f'<text x="4" y="{y}">{level:.3g}</text>' for y, level in ((bottom, panel.low), (38, panel.high))),
    ]
    last = max(len(panel.across) - 1, 1)
    for i, word in enumerate(panel.across):
        parts.append(
            f'<text x="{EDGE + INSIDE * i / last:.0f}" y="{bottom + 14}" text-anchor="middle">{escape(word)}</text>'
        )
    if panel.is_diagonal:
        parts.append(f'<path d="M{EDGE} {bottom}L{EDGE + INSIDE} 30" stroke="#d0d7de"/>')
    for place, (name, points) in enumerate(panel.curves.items()):
        parts.append(_curve(panel, place, name, points))
    return "".join(parts)


def _curve(panel: Panel, place: int, name: str, points: Points) -> str:
    colour, span = COLOURS[place % len(COLOURS)], (panel.high - panel.low) or 1.0
    at = [(EDGE + INSIDE * x, 30 + INSIDE * (panel.high - y) / span) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in at)
    left, under = EDGE + 90 * (place % 2), PANEL + 2 + 11 * (place // 2)
    said = f'<text x="{left}" y="{under}" fill="{colour}">{escape(name)}</text>'
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>{dots}{said}'
