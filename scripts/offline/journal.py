"""The journal of a collection: what is to be asked, what was asked, and what came of it; in a file or on PostgreSQL.

A cell (task, action, sample) is written as *asked* before its first byte leaves, and as *answered* with its text and
cost after. Whoever asks holds a lease; the cells of a collector that died are *lost*: paid at their worst case, and
never asked again unless the operator says so. Several collectors may share a journal: claims are transactions.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scripts.offline.journal_database import JournalDatabase, JournalError, Shared, Statements, open_database

__all__ = ["Cell", "Finding", "Journal", "JournalError", "Key", "Row", "Spell", "State"]
State = Literal["open", "asked", "answered", "failed", "lost"]


@dataclass(frozen=True, slots=True)
class Key:
    """Which sample of which action on which task."""

    task_id: str
    action: str
    sample_index: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer to be had. `held`: the most it may cost, in nanodollars; dearer `value` first."""

    key: Key
    upstream: str
    held: int
    value: float = 0.0
    phase: str = "grid"
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Spell:
    """One answer within a cell: the first, or a repair of the one before."""

    text: str
    nanodollars: int
    input_tokens: int
    output_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What checking said of one answer of a cell; `success` None: it could not be told."""

    depth: int
    success: float | None
    score: float | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One answer with its verdict, for tables and for sampling."""

    key: Key
    depth: int
    spell: Spell
    success: float | None
    score: float | None


class Journal:
    """Open with `Journal.open`. Methods are short transactions, safe from any thread; every one is durable on
    return."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database
        self._owners = database.lease
        self._transaction = database.transaction

    @classmethod
    def open(cls, place: Path | Shared, clock: Callable[[], float] = time.time) -> "Journal":
        """Makes the file or the schema if there is none. Raises JournalError."""
        return cls(open_database(place, clock))

    def close(self) -> None:
        """Gives up the lease."""
        with suppress(JournalError), self._transaction():
            self._owners.leave()
        self._database.close()

    def bind(self, digests: Mapping[str, str]) -> None:
        """Notes the tasks. Raises JournalError if a task of the same id had another body, here or in another
        collector."""
        with self._transaction() as db:
            known = dict(db.execute("select task_id, digest from tasks").fetchall())
            changed = sorted(name for name, digest in digests.items() if known.get(name, digest) != digest)
            if changed:
                raise JournalError(f"task '{changed[0]}' is not what it was in this journal; use another --journal")
            db.executemany("insert into tasks values (?, ?) on conflict do nothing", digests.items())

    def add(self, cells: Sequence[Cell]) -> int:
        """Plans cells; one that is known already stays as it is. How many are new."""
        with self._transaction() as db:
            return db.executemany(
                """insert into cells (task_id, action, sample_index, upstream, phase, value, held)
                   values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing""",
                [(*_key(c.key), c.upstream, c.phase, c.value, c.held) for c in cells],
            )

    def claim(self, free: Mapping[str, int], cap: int | None) -> list[Cell]:
        """Up to so many open cells of each upstream, dearest value first, as long as all money fits under the cap.

        They are asked from now on: the caller must ask them and tell what came of it.
        """
        with self._transaction() as db:
            self._owners.beat()
            left = None
            if cap is not None:
                spent, held = db.execute(f"select spent, held from money{self._database.locking}").fetchone()
                left = cap - spent - held
            chosen: list[Cell] = []
            for upstream, count in free.items():
                for row in self._open(db, upstream, count, left):
                    if left is None or row[5] <= left:
                        left = None if left is None else left - row[5]
                        chosen.append(Cell(Key(*row[:3]), row[3], row[5], row[4], row[6], row[7]))
            now = self._owners.clock()
            db.executemany(
                """update cells set state = 'asked', owner = ?, asked_at = ?, tries = tries + 1
                   where task_id = ? and action = ? and sample_index = ?""",
                [(self._owners.own, now, *_key(cell.key)) for cell in chosen],
            )
            db.execute("update money set held = held + ?", (sum(cell.held for cell in chosen),))
            return chosen

    def answered(self, cell: Cell, chain: Sequence[Spell], nanodollars: int) -> None:
        """What was asked is there, for so much in all (failed attempts of this cell included)."""
        said = json.dumps([[s.text, s.nanodollars, s.input_tokens, s.output_tokens, s.seconds] for s in chain])
        last = chain[-1]
        with self._transaction() as db:
            if not self._end(db, cell, "answered", nanodollars):
                return
            db.execute(
                """update cells set chain = ?, input_tokens = ?, output_tokens = ?, seconds = ?
                   where task_id = ? and action = ? and sample_index = ?""",
                (said, last.input_tokens, last.output_tokens, last.seconds, *_key(cell.key)),
            )

    def unanswered(self, cell: Cell, error: str, nanodollars: int, again: bool) -> None:
        """Nothing came of it: it is open again, or failed for good."""
        with self._transaction() as db:
            self._end(db, cell, "open" if again else "failed", nanodollars, error)

    def charge(self, nanodollars: int) -> None:
        """Money spent beside answers: the judge's."""
        if nanodollars:
            with self._transaction() as db:
                db.execute("update money set spent = spent + ?", (nanodollars,))

    def checked(self, key: Key, findings: Sequence[Finding], digest: str) -> None:
        """What checking said, in place of what it said before; `digest` names the checks."""
        with self._transaction() as db:
            db.execute("delete from verdicts where task_id = ? and action = ? and sample_index = ?", _key(key))
            db.executemany(
                "insert into verdicts values (?, ?, ?, ?, ?, ?, ?)",
                [(*_key(key), f.depth, f.success, f.score, json.dumps(dict(f.detail))) for f in findings],
            )
            db.execute(
                """insert into checked values (?, ?, ?, ?) on conflict (task_id, action, sample_index)
                   do update set digest = excluded.digest""",
                (*_key(key), digest),
            )

    def recover(self) -> int:
        """Takes in the cells of collectors that died: they are lost. How many."""
        with self._transaction() as db:
            self._owners.beat()
            dead = self._owners.bury()
            if not dead:
                return 0
            marks = ", ".join("?" * len(dead))
            rows = db.execute(f"select held from cells where state = 'asked' and owner in ({marks})", dead).fetchall()
            db.execute(
                f"update cells set state = 'lost', nanodollars = nanodollars + held where state = 'asked' "
                f"and owner in ({marks})",
                dead,
            )
            total = sum(row[0] for row in rows)
            db.execute("update money set spent = spent + ?, held = held - ?", (total, total))
            return len(rows)

    def reopen(self, states: Sequence[State]) -> int:
        """Lets cells of these states be asked again; what was paid for them stays paid. How many."""
        with self._transaction() as db:
            marks = ", ".join("?" * len(states))
            changed = db.execute(
                f"update cells set state = 'open', owner = null, tries = 0 where state in ({marks})", list(states)
            )
            return int(changed.rowcount)

    def unchecked(self, digest: Callable[[str], str]) -> list[tuple[Key, list[Spell]]]:
        """Answered cells that were not checked by these checks; `digest` of a task's id names them."""
        with self._database.reading() as db:
            rows = db.execute(
                """select c.task_id, c.action, c.sample_index, chain, digest from cells c left join checked k
                   on k.task_id = c.task_id and k.action = c.action and k.sample_index = c.sample_index
                   where state = 'answered'"""
            ).fetchall()
        return [(Key(*row[:3]), _chain(row[3])) for row in rows if row[4] != digest(row[0])]

    def rows(self) -> list[Row]:
        """Every answer that was checked, repairs one by one."""
        with self._database.reading() as db:
            found = db.execute(
                """select c.task_id, c.action, c.sample_index, chain, depth, success, score
                   from cells c join verdicts v on v.task_id = c.task_id and v.action = c.action
                   and v.sample_index = c.sample_index where state = 'answered'
                   order by c.task_id, c.action, c.sample_index, depth"""
            ).fetchall()
        return [Row(Key(*row[:3]), row[4], _chain(row[3])[row[4]], row[5], row[6]) for row in found]

    def keys(self) -> dict[Key, State]:
        """Every cell that was ever planned."""
        with self._database.reading() as db:
            rows = db.execute("select task_id, action, sample_index, state from cells").fetchall()
        return {Key(*row[:3]): row[3] for row in rows}

    def counts(self) -> Mapping[str, int]:
        """Cells by state."""
        with self._database.reading() as db:
            return dict(db.execute("select state, count(*) from cells group by state").fetchall())

    def money(self) -> tuple[int, int]:
        """Nanodollars spent, and held for what is being asked."""
        with self._database.reading() as db:
            spent, held = db.execute("select spent, held from money").fetchone()
            return spent, held

    def errors(self, most: int = 5) -> list[tuple[str, int]]:
        """What failed most often, with its count."""
        with self._database.reading() as db:
            found: list[tuple[str, int]] = db.execute(
                "select error, count(*) from cells where state = 'failed' group by error order by 2 desc limit ?",
                (most,),
            ).fetchall()
        return found

    def _open(self, db: Statements, upstream: str, count: int, left: int | None) -> list[Any]:
        found: list[Any] = db.execute(
            f"""select task_id, action, sample_index, upstream, value, held, phase, tries from cells
               where state = 'open' and upstream = ? and held <= ? order by value desc, task_id, action, sample_index
               limit ?{self._database.claiming}""",
            (upstream, 2**62 if left is None else max(left, -1), count),
        ).fetchall()
        return found

    def _end(self, db: Statements, cell: Cell, state: State, nanodollars: int, error: str | None = None) -> bool:
        """Ends a cell of ours; False if it is not ours any more. One that was thought lost was paid at worst case."""
        found = db.execute(
            f"""select state from cells where task_id = ? and action = ? and sample_index = ? and owner = ?
                and state in ('asked', 'lost'){self._database.locking}""",
            (*_key(cell.key), self._owners.own),
        ).fetchone()
        if found is None:
            return False
        presumed = cell.held if found[0] == "lost" else 0
        db.execute(
            """update cells set state = ?, owner = null, error = ?, answered_at = ?, nanodollars = nanodollars + ?
               where task_id = ? and action = ? and sample_index = ?""",
            (state, error, self._owners.clock(), nanodollars - presumed, *_key(cell.key)),
        )
        moved = (nanodollars - presumed, cell.held - presumed)
        db.execute("update money set spent = spent + ?, held = held - ?", moved)
        return True


def _key(key: Key) -> tuple[str, str, int]:
    return key.task_id, key.action, key.sample_index


def _chain(said: str) -> list[Spell]:
    return [Spell(*spell) for spell in json.loads(said)]
