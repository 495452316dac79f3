"""Lets the MCP SDK, which speaks through httpx2, go through our guarded httpx client."""

from collections.abc import AsyncIterator

import httpx
import httpx2

MOST_BYTES = 4_000_000


class Bridge(httpx2.AsyncBaseTransport):
    """Sends each request through the guarded client; redirects are not followed."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request. Raises httpx2.ConnectError for an address that may not be called, or does not answer."""
        body = await request.aread()
        sent = self._client.build_request(
            request.method, str(request.url), headers=list(request.headers.multi_items()), content=body
        )
        try:
            answer = await self._client.send(sent, stream=True, follow_redirects=False)
        except httpx.HTTPError as error:
            raise httpx2.ConnectError(type(error).__name__) from error
        headers = [(k, v) for k, v in answer.headers.multi_items() if k not in ("content-encoding", "content-length")]
        return httpx2.Response(answer.status_code, headers=headers, stream=_Body(answer), request=request)


class _Body(httpx2.AsyncByteStream):
    """The answer's bytes, as they come, at most so many."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in self._answer.aiter_bytes():
                size += len(piece)
                if size > MOST_BYTES:
                    raise httpx2.ReadError(f"more than {MOST_BYTES} bytes")
                yield piece
        except httpx.HTTPError as error:
            raise httpx2.ReadError(type(error).__name__) from error

    async def aclose(self) -> None:
        await self._answer.aclose()
