"""What our own server offers a route besides ASGI: heads and pieces written whole, and a body that is there already."""

from collections.abc import Mapping
from typing import Protocol

WIRE = "maestro.wire"
"""Where in the scope our server keeps the request's `Wire`."""
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code != 0x09)
_SPACES = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))


class Wire(Protocol):
    """One request's answer. `lines` are header lines as `header_lines` makes them."""

    def take_body(self) -> bytes | None:
        """The whole body, where it has come already; else it must be waited for."""
        ...

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """A whole answer; one of the lines tells its length."""
        ...

    async def begin(self, status: int, lines: bytes) -> None:
        """The head of an answer whose pieces follow."""
        ...

    async def write(self, piece: bytes) -> None:
        """One piece."""
        ...

    async def end(self) -> None:
        """No more pieces."""
        ...


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they go over the wire. Control characters in a value, which could end its line, become spaces."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("latin-1", "replace")
    if len(lines) - len(lines.translate(None, _CONTROLS)) == 2 * len(headers):
        return lines
    return b"".join([b"%b: %b\r\n" % pair for pair in header_pairs(headers)])


def header_pairs(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The same as ASGI takes them."""
    return [
        (name.encode("latin-1"), value.encode("latin-1", "replace").translate(_SPACES))
        for name, value in headers.items()
    ]
