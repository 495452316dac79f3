"""Undoes the compression of a body; we ask for none, and some servers compress all the same."""

import zlib
from collections.abc import Callable

from router.upstreams.wire.connection import NotHttp, TooLong

ANY_HEADER = zlib.MAX_WBITS | 32
"""gzip or zlib, as the data itself says."""


def decoder_of(encoding: str, longest: int) -> Callable[[bytes], bytes]:
    """What undoes a `Content-Encoding`, piece by piece. Raises NotHttp for one that we do not know."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return bytes
    if name not in ("gzip", "x-gzip", "deflate"):
        raise NotHttp(f"an answer in the encoding '{name}', which was not asked for")
    inflater = zlib.decompressobj(ANY_HEADER)

    def inflate(data: bytes) -> bytes:
        try:
            plain = inflater.decompress(data, longest)
        except zlib.error as error:
            raise NotHttp(str(error)) from None
        if inflater.unconsumed_tail:
            raise TooLong("an answer without end")
        return plain

    return inflate
