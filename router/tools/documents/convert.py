"""A file's bytes → its text in Markdown, by `worker.py` in a sealed process: bounded time and memory."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")
JAIL = Path(__file__).parents[2] / "checks" / "jail.py"
START_SECONDS = 15.0
"""Wall time beyond the conversion's own that a start with its libraries may take on a busy machine."""
MOST_OUTPUT = 130_000_000


@dataclass(frozen=True, slots=True)
class Unreadable(Exception):
    """The file gives no text. `code` in OpenAI's words: invalid_file, unsupported_file, server_error."""

    message: str
    code: str = "invalid_file"


@dataclass(frozen=True, slots=True)
class ConvertLimits:
    """What one conversion may take."""

    seconds: int = 60
    memory_mb: int = 1024


async def convert(name: str, data: bytes, limits: ConvertLimits | None = None) -> str:
    """The text. Raises Unreadable."""
    limits = limits or ConvertLimits()
    asked = {"name": name, "seconds": limits.seconds, "memory_bytes": limits.memory_mb * 2**20}
    with tempfile.TemporaryDirectory(prefix="maestro-") as empty:
        try:
            written = await _run(json.dumps(asked).encode() + b"\n" + data, empty, limits.seconds + START_SECONDS)
        except OSError as error:
            raise Unreadable(f"No process to read it in: {type(error).__name__}.", "server_error") from None
    try:
        told = json.loads(written)
    except ValueError:
        said = f"Reading the file took more than {limits.seconds} s or {limits.memory_mb} MB, or ended its process."
        raise Unreadable(said) from None
    if "text" not in told:
        raise Unreadable(str(told.get("error")), str(told.get("code")))
    return str(told["text"])


async def _run(asked: bytes, directory: str, wall_seconds: float) -> bytes:
    """What the worker wrote; nothing where it was too slow. It is dead afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-B", str(WORKER), str(JAIL),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        cwd=directory, env={}, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(wall_seconds):
            written, _ = await process.communicate(asked)
            return written[:MOST_OUTPUT]
    except TimeoutError:
        return b""
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
