"""Workers without whoever started them."""

import asyncio
from pathlib import Path

import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import two_workers

pytestmark = pytest.mark.anyio


async def test_workers_end_and_free_the_port_when_the_command_is_killed(tmp_path: Path) -> None:
    async with FakeUpstream(Scripted()) as fake, two_workers(fake, tmp_path) as pair:
        host, port = pair.origin.removeprefix("http://").split(":")
        pair.process.kill()
        with pytest.raises(ConnectionRefusedError):
            async with asyncio.timeout(20):
                while True:
                    _, writer = await asyncio.open_connection(host, int(port))
                    writer.close()
