"""Markdown tables and the numbers in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def bounds(pair: Sequence[float], digits: int = 3) -> str:
    """An interval."""
    return f"{pair[0]:.{digits}f} to {pair[1]:.{digits}f}"


def number(value: float | None, digits: int = 3) -> str:
    """A dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def ratio(ours: float, bare: float | None) -> str:
    """One over the other."""
    return f"{ours / bare:.2f}" if ours and bare else "-"


def cell(value: object) -> str:
    """Whatever it is, short."""
    if isinstance(value, bool) or value is None:
        return "-" if value is None else str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return " to ".join(cell(one) for one in value) if len(value) == 2 else ", ".join(map(cell, value))
    return str(value).replace("|", "\\|").replace("\n", " ")


def anything(result: Result) -> list[str]:
    """Tables of a result whose shape is not known: lists and mappings of rows as tables, single values as a list."""
    found, single = list[str](), list[str]()
    for name, value in result.items():
        if name in ("bench", "made"):
            continue
        rows = _rows(value)
        if rows:
            heads = list(dict.fromkeys(key for row in rows for key in row))
            found.append(f"### {name}\n\n" + table(heads, ([cell(row.get(key)) for key in heads] for row in rows)))
        elif isinstance(value, Mapping):
            found += [f"### {name}: {part}" for part in anything(value)]
        else:
            single.append(f"- {name}: {cell(value)}")
    return ["\n".join(single), *found] if single else found


def _rows(value: object) -> list[Mapping[str, Any]]:
    """Rows of plain values, if it is a list or a mapping of such."""
    rows: list[Any] = []
    if isinstance(value, list):
        rows = value
    elif isinstance(value, Mapping):
        rows = [{"": name, **row} for name, row in value.items() if isinstance(row, Mapping)]
        rows = rows if len(rows) == len(value) else []
    is_flat = all(isinstance(row, Mapping) and not any(isinstance(v, Mapping) for v in row.values()) for row in rows)
    return rows if rows and is_flat else []
