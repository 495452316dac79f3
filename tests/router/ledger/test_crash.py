"""A process that dies keeps nothing that is not its own: what it held is charged at worst case."""

import asyncio
import os
import signal
import sys
import uuid
from pathlib import Path

import pytest

from router.errors import Unavailable
from router.ledger.ledger import Account, Line
from router.ledger.sqlite import SqliteLedger
from router.ledger.writer import connect

pytestmark = pytest.mark.anyio
ACCOUNT = Account("search", "")

DYING = """
import asyncio, sys, time
from pathlib import Path
from router.ledger.ledger import Account, Line
from router.ledger.sqlite import SqliteLedger

async def main():
    ledger = SqliteLedger(Path(sys.argv[1]))
    await ledger.start()
    await ledger.reserve("run", Account("search", ""), [Line("attempt-1", "a/small", 700)])
    print("held", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_a_killed_process_held_is_charged_as_estimated(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, str(path), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    ledger = SqliteLedger(path)
    await ledger.start()
    totals = await ledger.totals()
    await ledger.close()
    assert (totals["calls"], totals["estimated_calls"], totals["usd"]) == (1, 1, 700 / 1e9)


async def test_the_lines_of_a_living_process_are_left_alone(tmp_path: Path) -> None:
    first, second = SqliteLedger(tmp_path / "ledger.db"), SqliteLedger(tmp_path / "ledger.db")
    await first.start()
    await first.reserve("run", ACCOUNT, [Line(uuid.uuid4().hex, "a/small", 700)])
    await second.start()
    standing = (await second.standings(ACCOUNT))[0]
    await second.close()
    await first.close()
    assert (standing.spent, standing.reserved) == (0, 700)


async def test_a_locked_file_refuses_new_work_and_keeps_charges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.ledger.writer.BUSY_SECONDS", 0.05)
    ledger = SqliteLedger(tmp_path / "ledger.db")
    await ledger.start()
    reservation = await ledger.reserve("run", ACCOUNT, [Line("attempt-1", "a/small", 700)])
    other = connect(tmp_path / "ledger.db")
    other.execute("begin exclusive")
    with pytest.raises(Unavailable):
        await ledger.reserve("run", ACCOUNT, [Line("attempt-2", "a/small", 700)])
    from action_model.prices import Usage
    from router.ledger.ledger import Charge

    await ledger.settle(reservation, Charge("attempt-1", 500, Usage(1, 1)))
    other.execute("rollback")
    other.close()
    await ledger.flush()
    standing = (await ledger.standings(ACCOUNT))[0]
    await ledger.close()
    assert (standing.spent, standing.reserved) == (500, 0)
