"""Small pictures as SVG, drawn without any library so that the page needs none."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT, EDGE = 720, 420, 60
COLOURS = {"maestro": "#1f6feb", "cascade": "#d1242f", "parallel": "#8250df", "two": "#bf8700", "best": "#1a7f37"}
LINES = ("#1f6feb", "#d1242f", "#8250df", "#bf8700", "#1a7f37")


@dataclass(frozen=True)
class Mark:
    """One point with its name."""

    name: str
    across: float
    up: float


def cost_plot(name: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Accuracy (up) against the share of the best single model's cost (right, logarithmic) of every policy."""
    marks = [Mark(policy, float(row["cost_share"]), float(row["accuracy"])) for policy, row in rows.items()]
    return mark_plot(f"{name}: accuracy against cost (log)", marks, lambda value: f"{value:.0%}")


def mark_plot(title: str, marks: Sequence[Mark], shown: Callable[[float], str]) -> str:
    """Named points; right is logarithmic, with its ends written as `shown` says."""
    across, up = axes(marks)
    drawn = [_mark(mark.name, across(mark.across), up(mark.up)) for mark in marks]
    return picture(title, [*ticks(marks, across, up, shown), *drawn])


def line_plot(title: str, lines: Mapping[str, Sequence[Mark]], points: Sequence[Mark]) -> str:
    """A line a series, and single points beside them; right is logarithmic, in dollars."""
    every = [mark for marks in lines.values() for mark in marks] + list(points)
    across, up = axes(every)
    drawn = []
    for place, (name, marks) in enumerate(lines.items()):
        colour, where = LINES[place % len(LINES)], [(across(m.across), up(m.up)) for m in marks]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = where[-1]
        drawn.append(f'<text x="{x + 7:.1f}" y="{y + 4:.1f}" fill="{colour}">{escape(name)}</text>')
    drawn += [_mark(mark.name, across(mark.across), up(mark.up)) for mark in points]
    return picture(title, [*ticks(every, across, up, lambda value: f"${value:.2g}"), *drawn])


def axes(marks: Sequence[Mark]) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Maps of both values onto pixels."""
    wide = scale([_log(mark.across) for mark in marks], EDGE, WIDTH - 170)
    return lambda value: wide(_log(value)), scale([mark.up for mark in marks], HEIGHT - EDGE, 30)


def ticks(
    marks: Sequence[Mark],
    across: Callable[[float], float],
    up: Callable[[float], float],
    shown: Callable[[float], str],
) -> list[str]:
    """The ends of both axes."""
    ends = [min(mark.across for mark in marks), max(mark.across for mark in marks)]
    levels = [min(mark.up for mark in marks), max(mark.up for mark in marks)]
    below = [f'<text x="{across(end):.0f}" y="{HEIGHT - 25}">{escape(shown(end))}</text>' for end in ends]
    return below + [f'<text x="8" y="{up(level):.0f}">{level:.2f}</text>' for level in levels]


def picture(title: str, inside: Sequence[str]) -> str:
    """The whole SVG."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
    back = 'font-size="11" role="img"><rect width="100%" height="100%" fill="#fff"/>'
    return f'{head}{back}<text x="{EDGE}" y="18" font-weight="bold">{escape(title)}</text>{"".join(inside)}</svg>\n'


def scale(values: Sequence[float], first: float, last: float) -> Callable[[float], float]:
    """A linear map of the values' range onto pixels."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return lambda value: first + (value - low) / span * (last - first)


def _log(value: float) -> float:
    return math.log10(max(value, 1e-9))


def _mark(policy: str, x: float, y: float) -> str:
    colour = next((colour for word, colour in COLOURS.items() if policy.startswith(word)), "#57606a")
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"><title>{escape(policy)}</title></circle>'
    return dot + f'<text x="{x + 7:.1f}" y="{y + 4:.1f}" fill="{colour}">{escape(policy)}</text>'
