"""Moves an embedded ledger into an empty PostgreSQL database: every table both have, in one transaction."""

import sqlite3
from collections.abc import Mapping

from psycopg import AsyncConnection, sql

from router.errors import BadRequest
from router.ledger.postgres.session import connect, database_errors

LEFT = ("owners", "maestro_migrations")
"""What belongs to the processes and the schema of the other side."""
NUMBERED = ("audit", "outcomes")


async def move(source: sqlite3.Connection, url: str) -> Mapping[str, int]:
    """Copies all rows; how many of each table. The schema is there. Raises BadRequest if any row is; Unavailable."""
    with database_errors():
        async with await connect(url) as target, target.transaction():
            columns = await _columns(target)
            await _require_empty(target, list(columns))
            return {
                table: await _copy(source, target, table, names)
                for table, names in columns.items()
                if table not in LEFT and _has(source, table)
            }


async def _columns(target: AsyncConnection) -> dict[str, list[str]]:
    cursor = await target.execute(
        """select table_name::text, column_name::text from information_schema.columns
           where table_schema = current_schema() and is_identity = 'NO' order by table_name, ordinal_position"""
    )
    columns: dict[str, list[str]] = {}
    for table, name in await cursor.fetchall():
        columns.setdefault(table, []).append(name)
    return columns


async def _require_empty(target: AsyncConnection, tables: list[str]) -> None:
    for table in tables:
        found = await target.execute(sql.SQL("select 1 from {} limit 1").format(sql.Identifier(table)))
        if table not in LEFT and await found.fetchone() is not None:
            raise BadRequest(f"The database is not empty: '{table}' has rows. Nothing was moved.", "to")


def _has(source: sqlite3.Connection, table: str) -> bool:
    said = "select 1 from sqlite_master where type = 'table' and name = ?"
    return source.execute(said, (table,)).fetchone() is not None


async def _copy(source: sqlite3.Connection, target: AsyncConnection, table: str, names: list[str]) -> int:
    there = {row[1] for row in source.execute(f'pragma table_info("{table}")')}
    shared = [name for name in names if name in there]
    quoted = ", ".join(f'"{name}"' for name in shared)
    order = " order by rowid" if table in NUMBERED else ""
    into = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, shared))
    )
    count = 0
    async with target.cursor() as cursor, cursor.copy(into) as copy:
        for row in source.execute(f'select {quoted} from "{table}"{order}'):
            await copy.write_row([value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row])
            count += 1
    return count
