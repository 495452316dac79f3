"""Calls of `http` and `mcp` tools: behind the guard, bounded in time and size, through the official MCP SDK."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx

from router.tools.guard import Allowance, Blocked, check_url, guarded_client
from router.tools.specs import HttpTool, McpServer

MOST_RESPONSE_BYTES = 1_000_000
MOST_SHOWN = 20_000
MOST_MCP_TOOLS = 128


class ToolFailed(Exception):
    """A tool gave nothing; the message is for the model."""


@dataclass(frozen=True)
class Caller:
    """Calls tools at addresses that clients named."""

    allowance: Allowance = field(default_factory=Allowance)
    seconds: float = 20.0
    client: Callable[[Allowance, float], httpx.AsyncClient] = guarded_client

    async def call(self, tool: HttpTool | McpServer, name: str, arguments: Mapping[str, Any]) -> str:
        """The tool's answer as text. Raises ToolFailed."""
        with translated(self.seconds):
            with anyio.fail_after(self.seconds):
                if isinstance(tool, HttpTool):
                    return await self._post(tool, arguments)
                async with self._session(tool) as session:
                    return shown_result(await session.call_tool(name, dict(arguments)))
        raise AssertionError("unreachable")

    async def list_tools(self, server: McpServer) -> list[tuple[str, str, Mapping[str, Any]]]:
        """Name, description and schema of each tool that is allowed. Raises ToolFailed."""
        with translated(self.seconds):
            with anyio.fail_after(self.seconds):
                async with self._session(server) as session:
                    listed = (await session.list_tools()).tools
            return [
                (tool.name, tool.description or "", tool.input_schema)
                for tool in listed[:MOST_MCP_TOOLS]
                if server.allowed is None or tool.name in server.allowed
            ]
        raise AssertionError("unreachable")

    async def _post(self, tool: HttpTool, arguments: Mapping[str, Any]) -> str:
        url = check_url(tool.url)
        async with (
            self.client(self.allowance, self.seconds) as client,
            client.stream("POST", url, json=dict(arguments), headers=dict(tool.headers)) as response,
        ):
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_RESPONSE_BYTES:
                    raise ToolFailed(f"the answer is larger than {MOST_RESPONSE_BYTES} bytes")
        text = body.decode("utf-8", "replace")[:MOST_SHOWN]
        if response.status_code >= 300:
            raise ToolFailed(f"the endpoint answered {response.status_code}: {text[:500]}")
        return text

    @asynccontextmanager
    async def _session(self, server: McpServer) -> AsyncIterator[Any]:
        """An initialised session of the SDK over our guarded client."""
        import httpx2
        from mcp.client.session import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        from router.tools.bridge import Bridge

        check_url(server.url)
        async with AsyncExitStack() as exits:
            guarded = await exits.enter_async_context(self.client(self.allowance, self.seconds))
            over = httpx2.AsyncClient(
                transport=Bridge(guarded), headers=dict(server.headers), timeout=self.seconds, trust_env=False
            )
            await exits.enter_async_context(over)
            streams = await exits.enter_async_context(streamable_http_client(server.url, http_client=over))
            session = await exits.enter_async_context(ClientSession(streams[0], streams[1]))
            await session.initialize()
            yield session


class translated:  # noqa: N801 - reads as a word of the with statement
    """Turns what can go wrong with a call into ToolFailed, without what was found at the address."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Raises ToolFailed in place of a library's error."""
        if error is None or isinstance(error, ToolFailed) or not isinstance(error, Exception):
            return
        inner = error
        while isinstance(inner, ExceptionGroup):
            inner = inner.exceptions[0]
        if isinstance(inner, ToolFailed):
            raise inner
        if isinstance(inner, TimeoutError):
            raise ToolFailed(f"no answer within {self._seconds:g} s") from None
        said = str(inner) if isinstance(inner, Blocked) else f"{type(inner).__name__}"
        raise ToolFailed(said) from None


def shown_result(result: Any) -> str:
    """An MCP result as text: its texts, else its structured content. Raises ToolFailed for one that is an error."""
    texts = [part.text for part in result.content if getattr(part, "type", "") == "text"]
    text = "\n".join(texts) or json.dumps(result.structured_content or {}, ensure_ascii=False)
    if result.is_error:
        raise ToolFailed(text[:500])
    return text[:MOST_SHOWN]
