"""Runs an answer's Python against tests in a sealed process: see `jail.py` for what it gives up."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

JAIL = Path(__file__).with_name("jail.py")
LONGEST_RESULT = 65_536
START_SECONDS = 5.0
"""Wall time beyond the code's own that a start on a busy machine may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the tests went. `refused`: why nothing was run ("" if it was)."""

    passed: tuple[bool, ...] = ()
    trouble: str = ""
    refused: str = ""


async def run_tests(code: str, tests: tuple[str, ...], seconds: int = 5, memory_mb: int = 256) -> Outcome:
    """Runs the tests on the code. Never raises for what the code does; refuses where a limit cannot be given."""
    if sys.platform != "linux":
        return Outcome(refused=f"no sandbox on {sys.platform}")
    nonce = secrets.token_hex(16)
    limits = {"seconds": seconds, "memory_bytes": memory_mb * 1024 * 1024, "nonce": nonce}
    asked = json.dumps({"code": code, "tests": tests, **limits}).encode()
    with tempfile.TemporaryDirectory(prefix="maestro-") as empty:
        try:
            written, ending = await _run(asked, empty, seconds + START_SECONDS)
        except OSError as error:
            return Outcome(refused=f"no process: {type(error).__name__}")
    late = ending in (-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGALRM)
    return _read(written, nonce, len(tests), f"took longer than {seconds} s" if late else "ended without a result")


async def _run(asked: bytes, directory: str, wall_seconds: float) -> tuple[bytes, int]:
    """(what it wrote, its return code). The process and all it may have started are dead afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-B", str(JAIL),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        cwd=directory, env={}, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(wall_seconds):
            written = await _exchange(process, asked)
            return written, await process.wait() if len(written) < LONGEST_RESULT else 0
    except TimeoutError:
        return b"", -signal.SIGKILL
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _exchange(process: asyncio.subprocess.Process, asked: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(asked)
        await process.stdin.drain()
        process.stdin.close()
    written = b""
    while chunk := await process.stdout.read(LONGEST_RESULT):
        written += chunk
        if len(written) > LONGEST_RESULT:
            return written[:LONGEST_RESULT]
    return written


def _read(written: bytes, nonce: str, count: int, otherwise: str) -> Outcome:
    """Only a result with the nonce counts; everything else is a failure of the code."""
    failed = Outcome((False,) * count, otherwise)
    try:
        found = json.loads(written)
    except ValueError:
        return failed
    if not isinstance(found, dict):
        return failed
    if "refused" in found and "nonce" not in found:
        return Outcome(refused=str(found["refused"]))
    passed = found.get("passed")
    if found.get("nonce") != nonce or not isinstance(passed, list) or len(passed) != count:
        return failed
    return Outcome(tuple(item is True for item in passed), str(found.get("trouble", ""))[:300])
