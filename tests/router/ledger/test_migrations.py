"""The schema goes forward from every version with what it held, also when several processes start at once."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from router.ledger.accounts import hash_key
from router.ledger.ledger import Account, Spend
from router.ledger.migrations import MIGRATIONS
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from router.ledger.writer import connect

pytestmark = pytest.mark.anyio
NAMES = [migration.name for migration in MIGRATIONS._migrations]
FIRST_WHOLE_VERSION = 4
"""Versions before the fourth were never released; they had no archive."""
LINE = {
    "attempt_id": "one",
    "reservation_id": "r",
    "run_id": "run",
    "team": "search",
    "key_id": "k1",
    "model": "a/small",
    "purpose": "generate",
    "technique": "sample",
    "state": "settled",
    "held": 900,
    "nanodollars": 700,
    "input_tokens": 10,
    "output_tokens": 5,
    "owner": "gone/1/1/n",
    "reserved_at": 1_700_000_000.0,
    "settled_at": 1_700_000_001.0,
    "team_window": 0,
    "key_window": 0,
}
OPEN = {**LINE, "attempt_id": "two", "state": "open", "nanodollars": None, "settled_at": None}


def made_at_version(path: Path, version: int) -> None:
    """A ledger as the first `version` migrations make it, with a team, a key, a charge and an open hold."""
    with contextlib.closing(connect(path)) as connection:
        MIGRATIONS.apply(Database(connection), stop_before=NAMES[version] if version < len(NAMES) else None)
        rows: dict[str, list[dict[str, Any]]] = {
            "lines": [LINE, OPEN],
            "counters": [
                {"scope": scope, "id": name, "window_start": 0, "spent": 700, "reserved": 900}
                for scope, name in (("team", "search"), ("key", "k1"))
            ],
            "budgets": [{"scope": "team", "id": "search", "window": "total", "nanodollars": 5000, "soft_limit": None}],
            "owners": [{"id": "gone/1/1/n", "alive_at": 1.0}],
            "teams": [{"id": "search", "created_at": 1.0, "defaults": "{}"}],
            "keys": [
                {
                    "id": "k1",
                    "hash": hash_key("mk-old"),
                    "team": "search",
                    "name": "",
                    "created_at": 1.0,
                    "scopes": "{}",
                }
            ],
        }
        for table, values in rows.items():
            for row in values:
                marks = ", ".join("?" * len(row))
                connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", tuple(row.values()))


@pytest.mark.parametrize("version", range(FIRST_WHOLE_VERSION, len(NAMES) + 1))
async def test_from_every_version_forward_money_and_keys_are_kept(tmp_path: Path, version: int) -> None:
    made_at_version(tmp_path / "ledger.db", version)
    ledger = SqliteLedger(tmp_path / "ledger.db")
    await ledger.start()
    caller = await Registry(ledger.accounts).authenticate("mk-old")
    standing = (await ledger.standings(Account("search", "k1")))[0]
    charges = await ledger.list_charges(Spend())
    wrong = await ledger.check()
    await ledger.close()
    assert (caller.team, caller.key_id) == ("search", "k1")
    assert (standing.limit, standing.spent, standing.reserved) == (5000, 700, 900)
    assert [row["usd"] for row in charges] == [700 / 1e9]
    assert not wrong


async def test_a_schema_is_the_same_whether_new_or_brought_forward(tmp_path: Path) -> None:
    made_at_version(tmp_path / "old.db", FIRST_WHOLE_VERSION)
    schemas = []
    for name in ("old.db", "new.db"):
        ledger = SqliteLedger(tmp_path / name)
        await ledger.start()
        await ledger.close()
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as connection:
            schemas.append(set(connection.execute("select name, sql from sqlite_master where sql is not null")))
    assert schemas[0] == schemas[1]


async def test_processes_that_start_at_once_do_not_stumble(tmp_path: Path) -> None:
    ledgers = [SqliteLedger(tmp_path / "ledger.db", "normal") for _ in range(6)]
    await asyncio.gather(*(ledger.start() for ledger in ledgers))
    for ledger in ledgers:
        assert await ledger.check() == []
        await ledger.close()


def test_a_start_does_not_load_what_only_a_part_of_a_library_needs() -> None:
    words = "import sys, router.ledger.sqlite; sys.exit('pandas' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0
