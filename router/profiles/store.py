"""Named configurations of a team (profiles, agents): every version is kept, the latest one holds."""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from router.ledger.reader import Reader
from router.ledger.writer import Writer

Kind = Literal["profile", "agent"]


@dataclass(frozen=True, slots=True)
class Config:
    """One version of a named configuration. Times in unix seconds; `created_at` is this version's."""

    kind: Kind
    team: str
    name: str
    version: int
    said: Mapping[str, Any]
    created_at: float
    first_at: float


class Configs(Protocol):
    """Where they are kept. All raise Unavailable where the store cannot be reached."""

    async def put(self, kind: Kind, team: str, name: str, said: Mapping[str, Any], actor: str) -> Config:
        """Stores the next version."""
        ...

    async def find(self, kind: Kind, team: str, name: str, version: int | None = None) -> Config | None:
        """The latest version, or a given one; None if there is none, or it was deleted."""
        ...

    async def list_all(self, kind: Kind, team: str | None = None) -> Sequence[Config]:
        """The latest versions of a team (None: of all), by team and name."""
        ...

    async def list_versions(self, kind: Kind, team: str, name: str) -> Sequence[Config]:
        """All versions, newest first."""
        ...

    async def delete(self, kind: Kind, team: str, name: str, actor: str) -> bool:
        """Ends it; its versions are forgotten. False if there is none."""
        ...


_COLUMNS = "kind, team, name, version, said, created_at"
_FIRST = """(select min(created_at) from configs first
             where first.kind = c.kind and first.team = c.team and first.name = c.name)"""
_SELECT = f"select {', '.join('c.' + name for name in _COLUMNS.split(', '))}, {_FIRST} from configs c"
_LATEST = """c.version = (select max(version) from configs last
             where last.kind = c.kind and last.team = c.team and last.name = c.name)"""


class SqliteConfigs:
    """The `Configs` of one SQLite file. Every change is in the audit log, in the same transaction."""

    def __init__(self, writer: Writer, reader: Reader, now: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._reader = reader
        self._now = now

    async def put(self, kind: Kind, team: str, name: str, said: Mapping[str, Any], actor: str) -> Config:
        """Stores the next version."""
        now = self._now()
        return await self._writer.do(lambda db: _put(db, (kind, team, name), json.dumps(said), actor, now))

    async def find(self, kind: Kind, team: str, name: str, version: int | None = None) -> Config | None:
        """The latest version, or a given one."""
        which, more = (_LATEST, ()) if version is None else ("c.version = ?", (version,))
        sql = f"{_SELECT} where c.kind = ? and c.team = ? and c.name = ? and {which}"
        row = await self._reader.do(lambda db: db.execute(sql, (kind, team, name, *more)).fetchone())
        return None if row is None else _config(row)

    async def list_all(self, kind: Kind, team: str | None = None) -> Sequence[Config]:
        """The latest versions, by team and name."""
        sql = f"{_SELECT} where c.kind = ? and (? is null or c.team = ?) and {_LATEST} order by c.team, c.name"
        rows = await self._reader.do(lambda db: db.execute(sql, (kind, team, team)).fetchall())
        return [_config(row) for row in rows]

    async def list_versions(self, kind: Kind, team: str, name: str) -> Sequence[Config]:
        """All versions, newest first."""
        sql = f"{_SELECT} where c.kind = ? and c.team = ? and c.name = ? order by c.version desc"
        rows = await self._reader.do(lambda db: db.execute(sql, (kind, team, name)).fetchall())
        return [_config(row) for row in rows]

    async def delete(self, kind: Kind, team: str, name: str, actor: str) -> bool:
        """Ends it."""
        now = self._now()
        return await self._writer.do(lambda db: _delete(db, (kind, team, name), actor, now))


def _put(db: sqlite3.Connection, key: tuple[Kind, str, str], said: str, actor: str, now: float) -> Config:
    last = db.execute("select max(version) from configs where kind = ? and team = ? and name = ?", key).fetchone()[0]
    version = (last or 0) + 1
    db.execute(
        f"insert into configs ({_COLUMNS}, actor) values (?, ?, ?, ?, ?, ?, ?)", (*key, version, said, now, actor)
    )
    _audit(db, (now, actor, f"put {key[0]}", f"{key[1]}/{key[2]}", json.dumps({"version": version})))
    row = db.execute(f"{_SELECT} where c.kind = ? and c.team = ? and c.name = ? and {_LATEST}", key).fetchone()
    return _config(row)


def _delete(db: sqlite3.Connection, key: tuple[Kind, str, str], actor: str, now: float) -> bool:
    gone = db.execute("delete from configs where kind = ? and team = ? and name = ?", key).rowcount
    if gone:
        _audit(db, (now, actor, f"delete {key[0]}", f"{key[1]}/{key[2]}", None))
    return bool(gone)


def _audit(db: sqlite3.Connection, row: tuple[object, ...]) -> None:
    db.execute("insert into audit (at, actor, act, subject, detail) values (?, ?, ?, ?, ?)", row)


def _config(row: Sequence[Any]) -> Config:
    kind, team, name, version, said, created_at, first_at = row
    return Config(kind, team, name, version, json.loads(said), created_at, first_at)
