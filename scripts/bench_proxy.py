"""What the proxy costs beside a bare pass-through on the same stack: CPU per request, rate and latency.

One worker on one core; load and a fast fake upstream on another; rounds of the targets alternate, and the table shows
medians over the rounds. Key check, ledger rows, headers and metadata are on. Linux only (`/proc`).
"""

import asyncio
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from router.ledger.accounts import KeyScopes, Team
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from scripts.stamp import stamp

TICKS = os.sysconf("SC_CLK_TCK")
MARK = "No. 00000000: "
"""No two requests of a round are the same, so that nothing is remembered of an earlier one."""
FILLER = "Please consider the following text with care. " * 31
CASES: dict[str, dict[str, object]] = {
    "whole": {"model": "small"},
    "stream": {"model": "small", "stream": True},
    "paced": {"model": "small", "stream": True, "user": "paced"},
    "maestro": {"model": "maestro"},
    "requirements": {
        "model": "maestro",
        "requirements": ["At most 500 words", "Do not use commas", "Mention the word 'word'"],
    },
}


@dataclass(frozen=True)
class Result:
    """One round against one target."""

    requests: int
    errors: int
    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    first_ms: float


@dataclass(frozen=True)
class Target:
    """Something to measure: where it listens, its process (None: another machine's), and its key."""

    name: str
    url: str
    pid: int | None
    key: str = "none"


def request_bytes(target: Target, body: dict[str, object]) -> bytes:
    """One request, as it goes over the wire."""
    host, _, path = target.url.removeprefix("http://").partition("/")
    asked = [{"role": "user", "content": MARK + FILLER}]
    encoded = json.dumps({"messages": asked, "temperature": 0.5, **body}).encode()
    head = f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {target.key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(encoded)}\r\n\r\n".encode() + encoded


class Load:
    """Sends requests on `connections` at once until the time is over, with a pause after each."""

    def __init__(self, target: Target, body: dict[str, object], connections: int, pause_seconds: float = 0.0) -> None:
        self._target = target
        self._before, self._after = request_bytes(target, body).split(b"00000000")
        self._numbers = itertools.count(time.monotonic_ns() % 10**7)
        self._connections = connections
        self._pause_seconds = pause_seconds
        self.seconds: list[float] = []
        self.first_seconds: list[float] = []
        self.errors = 0

    async def run(self, seconds: float) -> None:
        """Until the time is over."""
        until = time.perf_counter() + seconds
        await asyncio.gather(*(self._client(until) for _ in range(self._connections)))

    async def _client(self, until: float) -> None:
        host, port = self._target.url.removeprefix("http://").split("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(b"%s%08d%s" % (self._before, next(self._numbers) % 10**8, self._after))
            head = await reader.readuntil(b"\r\n\r\n")
            self.first_seconds.append(time.perf_counter() - started)
            await self._rest(reader, head.lower())
            self.seconds.append(time.perf_counter() - started)
            self.errors += b" 200 " not in head[:20]
            if self._pause_seconds:
                await asyncio.sleep(self._pause_seconds)
        writer.close()

    async def _rest(self, reader: asyncio.StreamReader, head: bytes) -> None:
        if b"content-length:" in head:
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            return
        await reader.readuntil(b"\r\n0\r\n\r\n")


def cpu_seconds(pid: int | None) -> float:
    """User and system time of a process, its threads included."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(target: Target, body: dict[str, object], connections: int, seconds: float) -> Result:
    """One round."""
    import uvloop

    load = Load(target, body, connections)
    uvloop.run(load.run(0.3))
    load = Load(target, body, connections)
    before, started = cpu_seconds(target.pid), time.perf_counter()
    uvloop.run(load.run(seconds))
    took, used = time.perf_counter() - started, cpu_seconds(target.pid) - before
    count, ordered = len(load.seconds), sorted(load.seconds)
    return Result(
        requests=count,
        errors=load.errors,
        per_second=count / took,
        cpu_ms=used / count * 1e3,
        p50_ms=ordered[count // 2] * 1e3,
        p99_ms=ordered[int(count * 0.99)] * 1e3,
        first_ms=statistics.median(load.first_seconds) * 1e3,
    )


def median(results: list[Result]) -> Result:
    """Field by field."""
    names = asdict(results[0])
    return Result(**{name: statistics.median([getattr(result, name) for result in results]) for name in names})


@contextmanager
def process(*arguments: str, core: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process on one core, ended with the block."""
    started = subprocess.Popen([sys.executable, *arguments], stderr=subprocess.DEVNULL)
    os.sched_setaffinity(started.pid, {core})
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(15)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until something listens; raises TimeoutError after 60 s."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


async def make_key(path: Path) -> str:
    """A team with a budget and a key, in a fresh ledger."""
    ledger = SqliteLedger(path)
    await ledger.start()
    try:
        registry = Registry(ledger.accounts)
        await registry.put_team(Team("bench", nanodollars=10**15))
        return (await registry.create_key("bench", KeyScopes(), "bench")).secret
    finally:
        await ledger.close()


def write_config(folder: Path, port: int, upstream: str) -> Path:
    """Two models at one upstream."""
    models = "".join(
        f'[[upstream.model]]\nname = "{name}"\ninput_usd_per_mtok = {price}\noutput_usd_per_mtok = {price}\n'
        for name, price in (("small", 0.1), ("big", 1.0))
    )
    config = folder / "maestro.toml"
    config.write_text(
        f'[server]\nport = {port}\n[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n'
        f'[telemetry]\nlog_level = "warning"\n'
        f'[[upstream]]\nname = "a"\nbase_url = "{upstream}"\nmax_parallel = 1000\n{models}'
    )
    return config


@contextmanager
def targets(others: tuple[str, ...]) -> Iterator[list[Target]]:
    """The proxy, the bare peer, the upstream itself, and any other gateway by URL."""
    cores = sorted(os.sched_getaffinity(0))
    served, loaded = cores[0], cores[-1]
    ports = [free_port() for _ in range(3)]
    upstream = f"http://127.0.0.1:{ports[0]}/v1"
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        key = asyncio.run(make_key(folder / "maestro.db"))
        config = write_config(folder, ports[2], upstream)
        main = "from scripts.main import main; main()"
        exits.enter_context(process("-m", "scripts.bench_bare", "--port", str(ports[0]), core=loaded))
        peer = ("-m", "scripts.bench_bare", "--upstream", upstream, "--port", str(ports[1]))
        bare = exits.enter_context(process(*peer, core=served))
        ours = exits.enter_context(process("-c", main, "serve", "--config", str(config), core=served))
        for port in ports:
            wait_for(port)
        os.sched_setaffinity(0, {loaded})
        yield [
            Target("direct", upstream, None),
            Target("bare", f"http://127.0.0.1:{ports[1]}/v1", bare.pid),
            Target("maestro", f"http://127.0.0.1:{ports[2]}/v1", ours.pid, key),
            *(Target(url, url, None) for url in others),
        ]
        os.sched_setaffinity(0, set(cores))


@click.command()
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), help="Default: all.")
@click.option("--connections", multiple=True, type=int, default=(1, 64), show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Of each round.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--url", "others", multiple=True, help="Another gateway's base URL.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write all medians there.")
def command(
    cases: tuple[str, ...],
    connections: tuple[int, ...],
    seconds: float,
    rounds: int,
    others: tuple[str, ...],
    file: Path | None,
) -> None:
    """Measure the proxy beside a bare pass-through on the same stack."""
    rows = []
    with targets(others) as measured:
        for case in cases or tuple(CASES):
            plain = CASES[case] if "stream" in CASES[case] else CASES["whole"]
            for count in connections:
                results: dict[str, list[Result]] = {target.name: [] for target in measured}
                for _ in range(rounds):
                    for target in measured:
                        body = CASES[case] if target.name == "maestro" else plain
                        results[target.name].append(measure(target, body, count, seconds))
                rows += show(case, count, {name: median(found) for name, found in results.items()})
    if file is not None:
        file.write_text(json.dumps({"bench": "proxy", "made": stamp(), "rows": rows}, indent=1))


def show(case: str, connections: int, found: dict[str, Result]) -> list[dict[str, object]]:
    """Prints one block of the table; ratios are to the bare peer."""
    click.echo(f"\n{case}, {connections} at once")
    click.echo("| target | req/s | CPU ms/req | × bare | p50 ms | p99 ms | head ms | errors |")
    click.echo("|---|---|---|---|---|---|---|---|")
    bare = found["bare"].cpu_ms
    rows: list[dict[str, object]] = []
    for name, it in found.items():
        ratio = f"{it.cpu_ms / bare:.2f}" if it.cpu_ms and bare else "-"
        click.echo(
            f"| {name} | {it.per_second:.0f} | {it.cpu_ms:.3f} | {ratio} | {it.p50_ms:.2f} | {it.p99_ms:.2f} "
            f"| {it.first_ms:.2f} | {it.errors:.0f} |"
        )
        rows.append({"case": case, "connections": connections, "target": name, **asdict(it)})
    return rows


if __name__ == "__main__":
    command()
