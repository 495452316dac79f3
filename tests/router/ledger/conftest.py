from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
