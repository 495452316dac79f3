"""Arms compared on the same answers: the k-th identical call of any arm is answered by the same text.

Common random numbers (Glasserman and Yao 1992): a paired difference is then of the policies, not of their luck, and
what several arms ask is made once. Each arm pays for every answer that it takes, at the tokens and seconds it took to
make; one that it would read as a stream comes in pieces, a token each, so that giving it up saves what it would save.
"""

import asyncio
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from action_model.prices import Usage
from router.upstreams.transport import OpenStream, Request, Transport
from router.upstreams.upstream import Reply
from scripts.ifeval.retold import RetoldStream

_asked: ContextVar[Counter[str] | None] = ContextVar("asked", default=None)
STREAMED = ("stream", "stream_options")


@contextmanager
def one_run() -> Iterator[None]:
    """What is asked inside counts as one run's: the same call asked twice in it gets two answers."""
    token = _asked.set(Counter())
    try:
        yield
    finally:
        _asked.reset(token)


class AnswerBook:
    """Answers by call and place, on disk as they come. A line cut off by a crash is dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
        whole = [line for line in lines if line.endswith("\n")]
        if len(whole) != len(lines):
            path.write_text("".join(whole), "utf-8")
        for row in map(json.loads, whole):
            self._known[row["key"]] = row

    def around(self, inner: Transport) -> Transport:
        """The layer that looks here first."""
        return Shared(inner, self)

    async def answer(self, request: Request, inner: Transport) -> Reply:
        """The answer that stands here, else one that is asked for now and kept. A failure is kept nowhere."""
        key = place_of(request)
        async with self._locks[key]:
            if key not in self._known:
                self._keep(key, await inner.send(unstreamed(request)))
            return _reply(self._known[key], request)

    def _keep(self, key: str, reply: Reply) -> None:
        row = {
            "key": key,
            "status": reply.status,
            "body": reply.body.decode(),
            "usage": msgspec.to_builtins(reply.usage),
            "seconds": reply.seconds,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self._known[key] = row


class Shared:
    """The layer: every answer comes from the book."""

    def __init__(self, inner: Transport, book: AnswerBook) -> None:
        self._inner, self._book = inner, book

    async def send(self, request: Request) -> Reply:
        """As the inner one, or what it said to another arm."""
        return await self._book.answer(request, self._inner)

    async def open(self, request: Request) -> OpenStream:
        """The same answer, in pieces."""
        return RetoldStream(await self._book.answer(request, self._inner), request)


def unstreamed(request: Request) -> Request:
    """The same call for a whole answer."""
    said = json.loads(request.body)
    return replace(request, body=json.dumps({k: v for k, v in said.items() if k not in STREAMED}).encode())


def place_of(request: Request) -> str:
    """The call (model and body, whatever the order of its fields) and how often this run has asked it before."""
    said = {name: value for name, value in json.loads(request.body).items() if value is not None}
    kept = {name: value for name, value in said.items() if name not in (*STREAMED, "model")}
    text = json.dumps([request.model.id, request.call.path, kept], sort_keys=True)
    call = hashlib.sha256(text.encode()).hexdigest()[:24]
    asked = _asked.get()
    if asked is None:
        raise RuntimeError("an answer is shared only inside one_run()")
    asked[call] += 1
    return f"{call}.{asked[call]}"


def _reply(row: dict[str, Any], request: Request) -> Reply:
    usage = msgspec.convert(row["usage"], Usage)
    return Reply(row["status"], {}, row["body"].encode(), request.model, usage, row["seconds"])
