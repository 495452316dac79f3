"""Which process holds a line, and whether it is still there."""

import os
import socket
import time
import uuid
from pathlib import Path

LEASE_SECONDS = 60.0


def own_name() -> str:
    """host/pid/start/nonce: tells this process from any other, also from a later one with the same pid."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}/{uuid.uuid4().hex[:8]}"


def is_gone(owner: str, alive_at: float) -> bool:
    """A process of this machine that has ended, or one elsewhere that has not been heard of for the lease."""
    host, pid, started, *_ = [*owner.split("/"), "", "", ""]
    if host == socket.gethostname() and pid.isdigit() and started:
        return _started(int(pid)) != started
    return time.time() - alive_at > LEASE_SECONDS


def _started(pid: int) -> str:
    """The kernel's start time of a process; "" where it is gone, or where the platform does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
