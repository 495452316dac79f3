"""A scripted OpenAI-compatible upstream on a real socket: answers, faults, and a count of what it billed.

In a test: `async with FakeUpstream([Scripted(text="hi")]) as fake: … fake.base_url`. As a process:
`python -m scripts.fake_upstream --port 9000 --behaviour slow`.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import click
from aiohttp import web

from scripts.fake_answers import Behaviour, Scripted, asked, choice_of, chunks_of, decode, fault_of, usage_of

__all__ = ["Behaviour", "FakeUpstream", "Scripted", "Seen"]


@dataclass(slots=True)
class Seen:
    """One request as it came, and how it ended."""

    path: str
    headers: dict[str, str]
    raw: bytes
    body: Any
    ended: Literal["open", "answered", "disconnected"] = "open"


Script = Callable[[Any], Scripted] | Sequence[Scripted] | Scripted


class FakeUpstream:
    """Serves on loopback. A sequence is answered in order, its last item for ever; a function sees each body.

    `requests` are all that came; `live` counts calls in progress; `billed_*` is what a provider would have charged:
    whole answers when sent, streams by the pieces sent.
    """

    def __init__(self, script: Script = Scripted(), port: int = 0) -> None:
        self._script = script
        self._port = port
        self._taken = 0
        self.requests: list[Seen] = []
        self.live = 0
        self.billed_calls = 0
        self.billed_input_tokens = 0
        self.billed_output_tokens = 0
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What an upstream's `base_url` setting wants."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> "FakeUpstream":
        app = web.Application(client_max_size=2**27)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/{path:.*}", self._post)
        app.router.add_get("/billed", self._billed)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def wait_until(self, holds: Callable[["FakeUpstream"], bool], seconds: float = 5.0) -> None:
        """Waits until `holds(self)`; raises TimeoutError."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: holds(self))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _next(self, body: Any) -> Scripted:
        if isinstance(self._script, Scripted):
            return self._script
        if callable(self._script):
            return self._script(body)
        self._taken += 1
        return self._script[min(self._taken, len(self._script)) - 1]

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "fake", "object": "model"}]})

    async def _billed(self, _: web.Request) -> web.Response:
        names = ("billed_calls", "billed_input_tokens", "billed_output_tokens", "live")
        return web.json_response({name: getattr(self, name) for name in names} | {"requests": len(self.requests)})

    async def _post(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        seen = Seen(request.path, dict(request.headers), raw, decode(raw))
        self.requests.append(seen)
        self.live += 1
        await self._tell()
        try:
            answer = await self._answer(request, seen, self._next(seen.body))
        except (asyncio.CancelledError, ConnectionError):
            seen.ended = "disconnected"
            raise
        else:
            seen.ended = "answered"
            return answer
        finally:
            self.live -= 1
            await asyncio.shield(self._tell())

    async def _answer(self, request: web.Request, seen: Seen, scripted: Scripted) -> web.StreamResponse:
        if scripted.gate is not None:
            await scripted.gate.wait()
        if scripted.behaviour == "hang":
            await asyncio.Event().wait()
        if scripted.seconds:
            await asyncio.sleep(scripted.seconds)
        fault = fault_of(scripted)
        if fault is not None:
            return fault
        path = request.path.rsplit("/v1/", 1)[-1]
        if path == "embeddings":
            return self._embeddings(seen.body, scripted)
        if isinstance(seen.body, dict) and seen.body.get("stream") and scripted.behaviour != "json_to_stream":
            return await self._stream(request, seen.body, scripted)
        if path == "completions":
            return self._completion(seen.body, scripted)
        return self._whole(seen.body, scripted)

    def _bill(self, usage: dict[str, int]) -> None:
        self.billed_calls += 1
        self.billed_input_tokens += usage["prompt_tokens"]
        self.billed_output_tokens += usage["completion_tokens"]

    def _whole(self, body: Any, scripted: Scripted) -> web.Response:
        usage = usage_of(body, scripted)
        choices = [choice_of(scripted, index) for index in range(asked(body))]
        completion = {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model", "fake"),
            "choices": choices,
        }
        if scripted.behaviour != "no_usage":
            completion["usage"] = usage
        self._bill(usage)
        encoded = json.dumps(completion | scripted.extra).encode()
        if scripted.behaviour == "truncated":
            encoded = encoded[: len(encoded) // 2]
        return web.Response(body=encoded, content_type="application/json", headers={"x-request-id": "req-fake"})

    async def _stream(self, request: web.Request, body: Any, scripted: Scripted) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "x-request-id": "req-fake"})
        await response.prepare(request)
        usage = usage_of(body, scripted)
        self.billed_calls += 1
        self.billed_input_tokens += usage["prompt_tokens"]
        sent = 0
        async for chunk in chunks_of(body, scripted, usage, f"chatcmpl-{len(self.requests)}"):
            if sent and scripted.chunk_seconds:
                await asyncio.sleep(scripted.chunk_seconds)
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            sent += 1
            if any(c.get("text") or c.get("delta", {}).get("content") for c in chunk.get("choices", ())):
                self.billed_output_tokens += 1
            if scripted.behaviour in ("cut", "error_in_stream") and sent == 3:
                return await self._break_off(request, response, scripted)
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _break_off(
        self, request: web.Request, response: web.StreamResponse, scripted: Scripted
    ) -> web.StreamResponse:
        if scripted.behaviour == "error_in_stream":
            await response.write(
                b'data: {"error": {"message": "overloaded", "type": "server_error", "code": null}}\n\n'
            )
        elif request.transport is not None:
            request.transport.abort()
        return response

    def _embeddings(self, body: Any, scripted: Scripted) -> web.Response:
        texts = body.get("input")
        count = len(texts) if isinstance(texts, list) else 1
        usage = {"prompt_tokens": scripted.input_tokens or 8 * count, "completion_tokens": 0, "total_tokens": 8 * count}
        self._bill(usage)
        data = [{"object": "embedding", "index": i, "embedding": [0.1, 0.2]} for i in range(count)]
        return web.json_response({"object": "list", "data": data, "model": body.get("model"), "usage": usage})

    def _completion(self, body: Any, scripted: Scripted) -> web.Response:
        usage = usage_of(body, scripted)
        self._bill(usage)
        choice = {"index": 0, "text": scripted.text, "finish_reason": "stop", "logprobs": None}
        answer = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body.get("model"), "usage": usage}
        return web.json_response(answer | {"choices": [choice]})


async def _serve(port: int, scripted: Scripted) -> None:
    async with FakeUpstream(scripted, port) as fake:
        click.echo(fake.base_url)
        await asyncio.Event().wait()


@click.command()
@click.option("--port", default=0, show_default=True)
@click.option("--behaviour", default="normal", show_default=True)
@click.option("--text", default="Hello there.", show_default=True)
@click.option("--seconds", default=0.0, show_default=True, help="Wait before each answer.")
@click.option("--chunk-seconds", default=0.0, show_default=True, help="Wait between the pieces of a stream.")
@click.option("--output-tokens", default=None, type=int)
def command(
    port: int, behaviour: Behaviour, text: str, seconds: float, chunk_seconds: float, output_tokens: int | None
) -> None:
    """A scripted OpenAI-compatible upstream; `GET /billed` tells what it charged."""
    scripted = Scripted(text, behaviour, seconds=seconds, chunk_seconds=chunk_seconds, output_tokens=output_tokens)
    asyncio.run(_serve(port, scripted))


if __name__ == "__main__":
    command()
