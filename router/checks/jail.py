"""Runs untrusted Python in a process of its own that has given up network, processes, files and signals.

Started by `sandbox.py` as a script with an empty environment; imports nothing but the standard library. Limits:
resource limits (CPU, memory, file size, open files), a Landlock ruleset (reads the standard library, writes nothing)
and a seccomp filter. Each is tried out before the first foreign line runs; what cannot be given makes it refuse.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import struct
import sys
import sysconfig
from collections.abc import Callable

REFUSED = 97
_DENIED = {
    "x86_64": (
        0xC000003E,
        56,
        "29 30 31 41 42 43 44 45 46 47 49 50 53 57 58 59 62 64 68 101 129 133 155 160 161 165 166 169 170 171 "
        "175 176 200 234 240 248 249 250 259 272 288 297 298 299 302 307 308 310 311 313 321 322 323 424 425 "
        "426 427 428 429 430 431 432 433 434 438",
    ),
    "aarch64": (
        0xC00000B7,
        220,
        "33 39 40 41 51 97 105 106 117 129 130 131 138 142 161 162 164 180 186 190 194 195 196 198 199 200 "
        "201 202 203 206 207 211 212 217 218 219 221 240 241 242 243 261 268 269 270 271 273 280 281 282 424 "
        "425 426 427 428 429 430 431 432 433 434 438",
    ),
}
"""By machine: audit architecture, the number of `clone`, and the refused system calls."""
_CLONE3, _CLONE_THREAD = 435, 0x00010000
_EPERM, _ENOSYS = 1, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ = 1 << 0 | 1 << 2 | 1 << 3
"""Execute (to map libraries), read files, list directories."""


class Refused(Exception):
    """The platform cannot give a limit."""


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def limit_resources(seconds: int, memory_bytes: int) -> None:
    """Seconds (of CPU and by the clock), address space, no files written, few open ones, no core."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 64,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for which, value in limits.items():
        resource.setrlimit(which, (value, value))


def give_up_privileges(libc: ctypes.CDLL) -> None:
    """Dies with its parent, gains nothing by exec, cannot be inspected."""
    for option, value in ((1, 9), (38, 1), (4, 0)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise Refused(f"prctl {option}")


def forbid_files(libc: ctypes.CDLL, readable: list[str]) -> None:
    """Landlock: reads below `readable`, nothing else; no TCP, and no signals to outside where the kernel knows how."""
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        raise Refused("no Landlock")
    count = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    fields = [(1 << count) - 1] + ([3] if version >= 4 else []) + ([3] if version >= 6 else [])
    rules = struct.pack(f"={len(fields)}Q", *fields)
    handle = libc.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint32(0))
    if handle < 0:
        raise Refused("no Landlock ruleset")
    for path in readable:
        _allow(libc, handle, path)
    if libc.syscall(_LANDLOCK_RESTRICT, ctypes.c_int(handle), ctypes.c_uint32(0)) != 0:
        raise Refused("Landlock does not hold")
    os.close(handle)


def _allow(libc: ctypes.CDLL, handle: int, path: str) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    access = _READ if os.path.isdir(path) else _READ & ~(1 << 3)  # noqa: PTH112  (pathlib is not needed here)
    rule = struct.pack("=Qi", access, parent)
    libc.syscall(_LANDLOCK_ADD, ctypes.c_int(handle), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    os.close(parent)


def forbid_calls(libc: ctypes.CDLL) -> None:
    """seccomp: no sockets, no processes, no signals, nothing of the system's."""
    machine = platform.machine()
    if machine not in _DENIED:
        raise Refused(f"no filter for {machine}")
    architecture, clone, denied = _DENIED[machine]
    program = _program(architecture, clone, tuple(map(int, denied.split())))
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    descriptor = struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(buffer))
    if libc.prctl(22, 2, descriptor, 0, 0) != 0:
        raise Refused("no seccomp filter")


def _program(architecture: int, clone: int, denied: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Classic BPF: kill for a foreign architecture, an error number for what is refused, else allow."""
    load, equal, greater, bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000
    steps = [
        (load, 0, 0, 4),
        (equal, 1, 0, architecture),
        (give, 0, 0, kill),
        (load, 0, 0, 0),
        (greater, 0, 1, 0x40000000),
        (give, 0, 0, kill),
        (equal, 0, 1, _CLONE3),
        (give, 0, 0, refuse | _ENOSYS),
    ]
    for number in denied:
        steps += [(equal, 0, 1, number), (give, 0, 0, refuse | _EPERM)]
    steps += [(equal, 0, 3, clone), (load, 0, 0, 16), (bits, 1, 0, _CLONE_THREAD), (give, 0, 0, refuse | _EPERM)]
    return [*steps, (give, 0, 0, allow)]


def prove_limits() -> None:
    """Tries what must not work. Raises Refused if anything does."""
    import socket

    attempts: dict[str, Callable[[], int | None]] = {
        "network": lambda: socket.socket().close(),
        "processes": os.fork,
        "files": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
        "environment": lambda: os.close(os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY)),
        "writing": lambda: os.close(os.open("proof", os.O_CREAT | os.O_WRONLY)),
    }
    for name, attempt in attempts.items():
        try:
            result = attempt()
        except OSError:
            continue
        if result == 0:
            os._exit(REFUSED)
        raise Refused(f"{name} not limited")


def run(code: str, tests: list[str]) -> dict[str, object]:
    """The code, then each test in its namespace: which passed, and the first trouble."""
    namespace: dict[str, object] = {"__name__": "answer"}
    trouble, passed = "", []
    try:
        exec(compile(code, "answer", "exec"), namespace)
    except BaseException as error:  # noqa: BLE001  (foreign code)
        return {"passed": [False] * len(tests), "trouble": f"{type(error).__name__}: {error}"[:300]}
    for test in tests:
        try:
            exec(compile(test, "test", "exec"), namespace)
            passed.append(True)
        except BaseException as error:  # noqa: BLE001
            passed.append(False)
            trouble = trouble or f"{type(error).__name__}: {error}"[:300]
    return {"passed": passed, "trouble": trouble}


def main() -> None:
    """Reads `{code, tests, seconds, memory_bytes, nonce}`, seals itself, and writes one line of JSON."""
    asked = json.loads(sys.stdin.buffer.read())
    output = os.dup(1)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    os.close(silence)
    os.environ.clear()
    try:
        libc = _libc()
        limit_resources(asked["seconds"], asked["memory_bytes"])
        give_up_privileges(libc)
        paths = sysconfig.get_paths()
        forbid_files(
            libc, [paths["stdlib"], paths["platstdlib"], "/usr/lib", "/lib", "/lib64", "/dev/null", "/dev/urandom"]
        )
        forbid_calls(libc)
        prove_limits()
    except (Refused, OSError, ValueError) as error:
        os.write(output, json.dumps({"refused": str(error)}).encode())
        os._exit(REFUSED)
    found = run(asked["code"], asked["tests"])
    os.write(output, json.dumps({"nonce": asked["nonce"], **found}).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
