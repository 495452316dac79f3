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

PASSED_HEADERS = frozenset(
    {"retry-after", "retry-after-ms", "x-should-retry", "openai-processing-ms", "openai-version"}
)
LIST_OF = {"/chat/completions": "choices", "/completions": "choices", "/embeddings": "data"}

NULL = msgspec.Raw(b"null")
"""What a raw field is when it is absent: msgspec has no `Raw | None`."""


class Delta(msgspec.Struct):
    """What of a message, or of a piece of one, counts as output: text, reasoning, refusals, tool arguments."""

    content: msgspec.Raw = NULL
    reasoning_content: msgspec.Raw = NULL
    reasoning: msgspec.Raw = NULL
    refusal: msgspec.Raw = NULL
    tool_calls: msgspec.Raw = NULL


class Choice(msgspec.Struct):
    """One choice of a whole answer."""

    message: Delta | None = None
    text: str | None = None


class Whole(msgspec.Struct):
    """The fields of a whole answer that we read."""

    choices: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None
    output: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


class Choices(msgspec.Struct):
    """All choices of a whole answer."""

    choices: list[Choice] = []


_decode_whole = msgspec.json.Decoder(Whole).decode
_decode_choices = msgspec.json.Decoder(Choices).decode


def passed_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The upstream's headers (names in lower case) that mean something to a client."""
    return {name: value for name, value in headers.items() if name in PASSED_HEADERS or name.startswith("x-ratelimit-")}


def read_whole(upstream: str, path: str, body: bytes) -> Usage | None:
    """Its usage, if it says. Raises UpstreamFailed for a 200 that is malformed, empty, an error, or something else."""
    try:
        answer = _decode_whole(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _unusable(upstream, "an answer that is not what it should be") from None
    if not is_null(answer.error):
        raise _unusable(upstream, "an error in place of an answer")
    wanted = LIST_OF.get(path, "output" if path.startswith("/responses") else "")
    if wanted and not getattr(answer, wanted):
        raise _unusable(upstream, f"an answer without {wanted}")
    return None if is_null(answer.usage) else read_usage(decode_or_none(bytes(answer.usage)))


def _unusable(upstream: str, what: str) -> UpstreamFailed:
    return UpstreamFailed(f"upstream '{upstream}' sent {what}", upstream, may_be_billed=True)


def decode_or_none(raw: bytes) -> object:
    """JSON, or None."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def error_of(upstream: str, status: int, headers: dict[str, str], body: bytes) -> UpstreamError:
    """What an upstream's status means for us."""
    answer = PeerAnswer(status, body, headers)
    if status in (401, 402, 403):
        return UpstreamUnauthorized(f"upstream '{upstream}' refuses the key it is configured with", upstream)
    if status == 429:
        return UpstreamBusy(f"upstream '{upstream}' is rate limited", upstream, answer)
    if status in (408, 504):
        return UpstreamTimeout(f"upstream '{upstream}' timed out", upstream, answer)
    if 400 <= status < 500:
        return UpstreamRejected(f"upstream '{upstream}' rejected the request ({status})", upstream, answer)
    return UpstreamFailed(f"upstream '{upstream}' failed ({status})", upstream, answer)


def delta_bytes(delta: Delta) -> int:
    """Bytes of JSON in which a delta or message says something; quotes do not count. Nearly all fields are absent."""
    said = 0 if delta.content is NULL else _said(delta.content)
    if delta.reasoning_content is not NULL or delta.reasoning is not NULL:
        said += _said(delta.reasoning if is_null(delta.reasoning_content) else delta.reasoning_content)
    if delta.refusal is not NULL:
        said += _said(delta.refusal)
    return said if delta.tool_calls is NULL else said + _said(delta.tool_calls)


def _said(raw: msgspec.Raw) -> int:
    return 0 if is_null(raw) else len(bytes(raw)) - 2


def is_null(raw: msgspec.Raw) -> bool:
    """Is a raw field null or absent?"""
    return raw is NULL or bytes(raw) == b"null"


def count_output_tokens(body: bytes) -> int:
    """Output tokens of a whole answer that tells no usage: one for four bytes of what its choices say, at least one."""
    try:
        choices = _decode_choices(body).choices
    except (msgspec.DecodeError, UnicodeDecodeError):
        return max(1, len(body) // 4)
    said = sum(len((choice.text or "").encode()) + delta_bytes(choice.message or Delta()) for choice in choices)
    return max(1, -(-said // 4))
