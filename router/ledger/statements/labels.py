"""The statements behind labelled verdicts of judges: counts by judge, version, kind, bin of the claim and truth."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = ("judge", "version", "kind", "place", "truth", "source", "labels")


def add_labels(db: sqlite3.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds counts to those that are there."""
    db.executemany(
        f"""insert into judge_labels ({", ".join(_NAMES)}) values (?, ?, ?, ?, ?, ?, ?)
            on conflict (judge, version, kind, place, truth, source)
            do update set labels = judge_labels.labels + excluded.labels""",
        [tuple(row[name] for name in _NAMES) for row in rows],
    )


def read_labels(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """All counts."""
    rows = db.execute(f"select {', '.join(_NAMES)} from judge_labels").fetchall()
    return [dict(zip(_NAMES, row, strict=True)) for row in rows]
