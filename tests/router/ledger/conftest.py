from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.ledger.ledger import Ledger
from router.ledger.postgres.ledger import PostgresLedger
from router.ledger.sqlite import SqliteLedger


class Clock:
    """Unix seconds that a test sets."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(1_790_000_000.0)


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteLedger]:
    opened = SqliteLedger(tmp_path / "ledger.db", now=clock)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def any_ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    """Each backend in turn: what is promised of a ledger holds on both."""
    opened: Ledger
    if request.param == "sqlite":
        opened = SqliteLedger(tmp_path / "ledger.db", now=clock)
    else:
        opened = PostgresLedger(request.getfixturevalue("new_database")(), now=clock)
    await opened.start()
    yield opened
    await opened.close()
