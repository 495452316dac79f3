"""Is an upstream's answer what it should be? Pure reading of status and bytes."""

from collections.abc import Mapping

import msgspec

from action_model.prices import Usage
from router.errors import (
    PeerAnswer,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)
from router.ledger.usage import read_usage

PASSED_HEADERS = ("retry-after", "retry-after-ms", "x-should-retry", "openai-processing-ms", "openai-version")
LIST_OF = {"/chat/completions": "choices", "/completions": "choices", "/embeddings": "data"}


class Whole(msgspec.Struct):
    """The fields of a whole answer that we read."""

    choices: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None
    output: list[msgspec.Raw] | None = None
    usage: msgspec.Raw | None = None
    error: msgspec.Raw | None = None


def passed_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The upstream's headers that mean something to a client."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lowered.items() if name in PASSED_HEADERS or name.startswith("x-ratelimit-")}


def read_whole(upstream: str, path: str, body: bytes) -> Usage | None:
    """Its usage, if it says. Raises UpstreamFailed for a 200 that is malformed, empty, an error, or something else."""
    try:
        answer = msgspec.json.decode(body, type=Whole)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamFailed(f"upstream '{upstream}' sent an answer that is not what it should be", upstream) from None
    if answer.error is not None and bytes(answer.error) != b"null":
        raise UpstreamFailed(f"upstream '{upstream}' sent an error in place of an answer", upstream)
    wanted = LIST_OF.get(path, "output" if path.startswith("/responses") else "")
    if wanted and not getattr(answer, wanted):
        raise UpstreamFailed(f"upstream '{upstream}' sent an answer without {wanted}", upstream)
    return None if answer.usage is None else read_usage(decode_or_none(bytes(answer.usage)))


def decode_or_none(raw: bytes) -> object:
    """JSON, or None."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def error_of(upstream: str, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """What an upstream's status means for us."""
    answer = PeerAnswer(status, body, passed_headers(headers))
    if status in (401, 402, 403):
        return UpstreamUnauthorized(f"upstream '{upstream}' refuses the key it is configured with", upstream)
    if status == 429:
        return UpstreamBusy(f"upstream '{upstream}' is rate limited", upstream, answer)
    if status in (408, 504):
        return UpstreamTimeout(f"upstream '{upstream}' timed out", upstream)
    if 400 <= status < 500:
        return UpstreamRejected(f"upstream '{upstream}' rejected the request ({status})", upstream, answer)
    return UpstreamFailed(f"upstream '{upstream}' failed ({status})", upstream, answer)
