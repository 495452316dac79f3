"""The one table from our errors to HTTP, always in OpenAI's shape: `{"error": {message, type, param, code}}`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from action_model.prices import to_usd
from router.errors import (
    BadRequest,
    BudgetExceeded,
    BudgetReserved,
    Conflict,
    Forbidden,
    KeyReused,
    Limit,
    MaestroError,
    NotFound,
    PeerAnswer,
    RateLimited,
    RunLimitReached,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnknownModel,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamLost,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
)

SOON_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of error looks: HTTP status, OpenAI's `type`, and the `code` where the error brings none."""

    status: int
    type: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error, ready to be sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


TABLE: Mapping[type[BaseException], Row] = {
    BadRequest: Row(400, "invalid_request_error"),
    TooLarge: Row(413, "invalid_request_error", "request_too_large"),
    UnknownModel: Row(404, "invalid_request_error", "model_not_found"),
    NotFound: Row(404, "invalid_request_error", "not_found"),
    Conflict: Row(409, "invalid_request_error", "conflict"),
    KeyReused: Row(422, "invalid_request_error", "idempotency_key_reused"),
    Unauthenticated: Row(401, "invalid_request_error", "invalid_api_key"),
    Forbidden: Row(403, "permission_error", "forbidden"),
    BudgetExceeded: Row(429, "insufficient_quota"),
    BudgetReserved: Row(429, "rate_limit_error", "budget_reserved"),
    RateLimited: Row(429, "rate_limit_error", "rate_limit_exceeded"),
    RunLimitReached: Row(400, "invalid_request_error", "budget_too_small"),
    Unavailable: Row(503, "server_error", "unavailable"),
    UpstreamRejected: Row(400, "invalid_request_error", "upstream_rejected"),
    UpstreamUnauthorized: Row(502, "server_error", "upstream_unauthorized"),
    UpstreamBusy: Row(429, "rate_limit_error", "upstream_rate_limited"),
    UpstreamFailed: Row(502, "server_error", "upstream_failed"),
    UpstreamLost: Row(502, "server_error", "upstream_lost"),
    UpstreamTimeout: Row(504, "server_error", "upstream_timeout"),
    UpstreamError: Row(502, "server_error", "upstream_failed"),
    MaestroError: Row(500, "server_error", "internal_error"),
}
INTERNAL = Row(500, "server_error", "internal_error")


def row_of(error: BaseException) -> Row:
    """The row of the nearest kind in the tree; what is not in the tree is an internal error."""
    return next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), INTERNAL)


def error_answer(error: BaseException, now: float, budget_error_status: int = 429) -> ErrorAnswer:
    """An error as HTTP. `now` is unix seconds, for Retry-After. Never tells of anything but the error's own words."""
    if isinstance(error, UpstreamRejected | UpstreamBusy) and error.answer is not None:
        passed = _passed_on(error, error.answer)
        if passed is not None:
            return passed
    row = row_of(error)
    status = budget_error_status if isinstance(error, BudgetExceeded) else row.status
    if isinstance(error, UpstreamRejected) and error.answer is not None:
        status = error.answer.status
    return ErrorAnswer(status, encode_error(error_object(error, row)), _headers(error, now))


def error_object(error: BaseException, row: Row | None = None) -> dict[str, Any]:
    """The value of `error` in the body, also for an error inside a stream."""
    row = row or row_of(error)
    message = error.message if isinstance(error, MaestroError) else "The server had an error. It is in our log."
    told: dict[str, Any] = {"message": message, "type": row.type, "param": None, "code": row.code}
    if isinstance(error, BadRequest):
        told |= {"param": error.param, "code": error.code or row.code}
    if isinstance(error, RunLimitReached):
        told["param"] = "budget"
    if isinstance(error, BudgetExceeded):
        told["code"] = f"{error.limit.scope}_budget_exceeded"
    if isinstance(error, BudgetExceeded | BudgetReserved):
        told["maestro"] = _limit(error.limit)
    return told


def encode_error(error: Mapping[str, Any]) -> bytes:
    """The body."""
    return msgspec.json.encode({"error": error})


def simple_error(status: int, message: str, code: str | None, param: str | None = None) -> ErrorAnswer:
    """An error of HTTP itself: unknown path, wrong method, a body that never came."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return ErrorAnswer(status, encode_error({"message": message, "type": kind, "param": param, "code": code}))


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "scope": limit.scope,
        "id": limit.id,
        "window": limit.window,
        "limit_usd": to_usd(limit.limit),
        "spent_usd": to_usd(limit.spent),
        "reserved_usd": to_usd(limit.reserved),
        "resets_at": limit.resets_at,
    }


def _headers(error: BaseException, now: float) -> dict[str, str]:
    if isinstance(error, BudgetExceeded):
        headers = {"x-should-retry": "false"}
        resets_at = error.limit.resets_at
        if resets_at is not None and resets_at - now <= SOON_SECONDS:
            headers["retry-after"] = _seconds(resets_at - now)
        return headers
    if isinstance(error, RateLimited):
        return {**error.told, "retry-after": _seconds(error.retry_after_seconds)}
    if isinstance(error, BudgetReserved):
        return {"retry-after": _seconds(error.retry_after_seconds)}
    if isinstance(error, UpstreamError) and error.answer is not None:
        return dict(error.answer.headers)
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    return {"retry-after": "1"} if isinstance(error, Unavailable) else {}


def _seconds(seconds: float) -> str:
    return str(max(1, math.ceil(seconds)))


def _passed_on(error: UpstreamError, answer: PeerAnswer) -> ErrorAnswer | None:
    """The upstream's own answer where it has OpenAI's shape; its words in our shape where it says some; else None."""
    try:
        said = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(said, dict):
        return None
    if isinstance(said.get("error"), dict):
        return ErrorAnswer(answer.status, answer.body, answer.headers)
    words = next((said[name] for name in ("error", "message", "detail") if isinstance(said.get(name), str)), None)
    if words is None:
        return None
    row = row_of(error)
    told = {"message": words[:2000], "type": row.type, "param": None, "code": row.code}
    return ErrorAnswer(answer.status, encode_error(told), answer.headers)
