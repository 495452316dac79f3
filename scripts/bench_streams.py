"""What holds over time: `python -m scripts.bench_streams streams|steady`, with the proxy pinned to one core.

Load and upstream run on another core, as in `bench_proxy`; what they add to a lag is in the bare peer's lags too.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import click
import uvloop

from scripts.bench_growth import serving, show, show_heads, show_row
from scripts.bench_proxy import CASES, Load, Target, cpu_seconds, request_bytes, targets

LONGEST_MARK_BYTES = 64
SENT = re.compile(rb'"t(\d+\.\d+) "')


@click.group()
def command() -> None:
    """Many streams at once, and a steady load."""


@command.command()
@click.option("--streams", "counts", multiple=True, type=int, default=(50, 100, 200, 350, 500), show_default=True)
@click.option("--chunks", default=200, show_default=True, help="Of each stream, 20 a second.")
def streams(counts: Sequence[int], chunks: int) -> None:
    """Streams held at once on one core, by the bare pass-through and by us: how late a chunk comes, and errors."""
    rows = []
    with targets(()) as found:
        for count in counts:
            for target in (target for target in found if target.pid):
                lags, broken, cores = uvloop.run(hold_streams(target, count, chunks))
                at = (lags[len(lags) // 2] * 1e3, lags[int(len(lags) * 0.99)] * 1e3, lags[-1] * 1e3)
                rows.append((count, target.name, cores, *at, broken))
    show(("streams", "target", "cores used", "lag p50 ms", "p99 ms", "worst ms", "errors"), rows)


async def hold_streams(target: Target, count: int, chunks: int) -> tuple[list[float], int, float]:
    """The lags of all chunks in order of size, streams that did not end well, and the cores that the target used."""
    loop, request = (
        asyncio.get_running_loop(),
        request_bytes(target, {"model": "small", "stream": True, "user": f"paced-{chunks}"}),
    )
    host, port = target.url.removeprefix("http://").split("/")[0].split(":")
    readers = []
    before, started = cpu_seconds(target.pid), time.perf_counter()
    for _ in range(count):
        _, reader = await loop.create_connection(lambda: StreamReader(request), host, int(port))
        readers.append(reader)
        await asyncio.sleep(1.0 / count)
    await asyncio.wait([asyncio.ensure_future(reader.ended) for reader in readers], timeout=chunks * 0.05 * 3 + 10)
    cores = (cpu_seconds(target.pid) - before) / (time.perf_counter() - started)
    broken = sum(not reader.is_whole or len(reader.lags) != chunks for reader in readers)
    for reader in readers:
        reader.close()
    return sorted(lag for reader in readers for lag in reader.lags), broken, cores


class StreamReader(asyncio.Protocol):
    """Sends one request, and notes how late each chunk of the answer comes."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._rest = b""
        self.lags: list[float] = []
        self.is_whole = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Notes the chunks that are whole now; one may be cut anywhere."""
        now, data = time.monotonic(), self._rest + data
        found = list(SENT.finditer(data))
        self.lags += [now - float(sent[1]) for sent in found]
        self._rest = data[found[-1].end() if found else 0 :][-LONGEST_MARK_BYTES:]
        if b"[DONE]" in data:
            self.is_whole = True
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ended, well or not."""
        self.close()

    def close(self) -> None:
        """Nothing more is read."""
        self._transport.close()
        if not self.ended.done():
            self.ended.set_result(None)


@command.command()
@click.option("--minutes", default=3.0, show_default=True)
@click.option("--per-second", default=400, show_default=True)
def steady(minutes: float, per_second: int) -> None:
    """A steady stream of requests: memory, latency and open files over the time, a line as soon as it is there."""
    with serving() as worker:
        show_heads(("minute", "MiB", "p50 ms", "p99 ms", "open files", "errors"))
        steps = 6
        for step in range(steps):
            p50, p99, errors = asyncio.run(paced(worker.target, per_second, minutes * 60 / steps))
            files = sum(1 for _ in Path(f"/proc/{worker.pid}/fd").iterdir())
            show_row((f"{minutes * (step + 1) / steps:.1f}", worker.mib(), p50, p99, files, errors))


async def paced(target: Target, per_second: int, seconds: float) -> tuple[float, float, int]:
    """So many whole requests a second, every fifth by waves; the milliseconds at p50 and p99, and errors."""
    cases = ("requirements", "whole", "whole", "whole", "whole")
    loads = [Load(target, dict(CASES[case]), 4, 20 / per_second) for case in cases]
    await asyncio.gather(*(load.run(seconds) for load in loads))
    took = sorted(second for load in loads for second in load.seconds)
    return took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3, sum(load.errors for load in loads)


if __name__ == "__main__":
    command()
