"""Connections that open a new file at the same moment all get into its write-ahead log."""

import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from router.write_ahead import enter_wal

TOGETHER = 8


def test_all_who_open_a_file_at_once_come_in(tmp_path: Path) -> None:
    gate = threading.Barrier(TOGETHER)

    def open_and_write(number: int) -> str:
        path = tmp_path / f"{number}.db"
        with contextlib.closing(sqlite3.connect(path, timeout=10.0, isolation_level=None)) as connection:
            gate.wait(timeout=30)
            enter_wal(connection, 10.0)
            connection.execute("create table if not exists t (x)")
            connection.execute("insert into t values (1)")
            return str(connection.execute("pragma journal_mode").fetchone()[0])

    with ThreadPoolExecutor(TOGETHER) as pool:
        modes = list(pool.map(open_and_write, [number for number in range(20) for _ in range(TOGETHER)]))
    assert set(modes) == {"wal"}
    with contextlib.closing(sqlite3.connect(tmp_path / "19.db")) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (TOGETHER,)


def test_patience_ends(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("begin exclusive")
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as late:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                enter_wal(late, 0.05)
            holder.execute("rollback")
            enter_wal(late, 5.0)
