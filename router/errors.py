"""Everything that can go wrong with a request, in one tree. `proxy/errors.py` maps it to HTTP in one table.

MaestroError
├── BadRequest              the request is malformed: names the parameter                          400
│   ├── TooLarge            body or requirement list over its limit                                413
│   ├── UnknownModel        no such model, or not for this key                                     404
│   ├── NotFound            no such run, batch, agent or profile, or another team's                404
│   ├── Conflict            it is not in a state for this                                          409
│   └── KeyReused           an idempotency key that came before with another request               422
├── Unauthenticated         no key, a wrong, expired or revoked one                                401
├── Forbidden               the key may not do this (team, route, named action)                    403
├── BudgetExceeded          team or key money is spent                                             429, not retryable
├── BudgetReserved          money is left but held by requests in flight                           429, retry soon
├── RateLimited             the team's or key's own request or token rate                          429
├── RunLimitReached         the run's own budget: alone it means that no call fits                400
├── Unavailable             draining, the ledger is locked or full                                 503
└── UpstreamError           no candidate at all because of an upstream
    ├── UpstreamRejected    the upstream's own 4xx about the request: status and body pass through
    ├── UpstreamUnauthorized  the upstream refuses *our* key                                       502
    ├── UpstreamBusy        429 of the upstream: Retry-After passes                                429
    ├── UpstreamFailed      5xx, malformed, truncated, empty                                       502
    ├── UpstreamLost        no connection, or cut                                                  502
    └── UpstreamTimeout     too slow: deadline or upstream timeout                                 504
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class MaestroError(Exception):
    """Root of the tree. `message` is fit for a client: it holds no secret and no content of others."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequest(MaestroError):
    """The request is malformed; `param` names where."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class TooLarge(BadRequest):
    """Over a stated limit."""


class UnknownModel(BadRequest):
    """No such model, or this key may not use it; `hint` says what the operator could set."""

    def __init__(self, model: str, hint: str = "") -> None:
        message = f"The model '{model}' does not exist or you do not have access to it."
        super().__init__(f"{message} {hint}".strip(), "model", "model_not_found")


class NotFound(BadRequest):
    """No such thing, or another team's."""


class Conflict(BadRequest):
    """What is asked does not fit the state that it is in."""


class KeyReused(BadRequest):
    """The same idempotency key with another request."""


class Unauthenticated(MaestroError):
    """No valid key."""


class Forbidden(MaestroError):
    """A valid key that may not do this."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Which limit was hit, for the error body: money in nanodollars, `resets_at` in unix seconds (None: never)."""

    scope: str
    id: str
    window: str
    limit: int
    spent: int
    reserved: int
    resets_at: float | None


class BudgetExceeded(MaestroError):
    """The money of a team or key is spent."""

    def __init__(self, message: str, limit: Limit) -> None:
        super().__init__(message)
        self.limit = limit


class BudgetReserved(MaestroError):
    """Money is left, but held by requests in flight."""

    def __init__(self, message: str, limit: Limit, retry_after_seconds: float = 2.0) -> None:
        super().__init__(message)
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


class RateLimited(MaestroError):
    """Too many requests or tokens per minute for this team or key; `told` are the headers that say of what limit."""

    def __init__(self, message: str, retry_after_seconds: float, told: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.told = dict(told or {})


class RunLimitReached(MaestroError):
    """The run's own budget is spent: never an error while there is a candidate."""


class Unavailable(MaestroError):
    """We cannot take paid work now: draining, or the ledger cannot be written."""


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """An upstream's own error answer, to be passed on: status, body as it came, and the headers worth keeping."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class UpstreamError(MaestroError):
    """An upstream did not give an answer. `upstream` is its configured name; `answer` its own words, if any.

    `may_be_billed`: it may have worked on the request and charge for it all the same.
    """

    def __init__(
        self, message: str, upstream: str, answer: PeerAnswer | None = None, may_be_billed: bool = False
    ) -> None:
        super().__init__(message)
        self.upstream = upstream
        self.answer = answer
        self.may_be_billed = may_be_billed


class UpstreamRejected(UpstreamError):
    """The upstream's own 4xx about the request."""


class UpstreamUnauthorized(UpstreamError):
    """The upstream refuses our key: never the client's 401."""


class UpstreamBusy(UpstreamError):
    """The upstream's 429."""


class UpstreamFailed(UpstreamError):
    """5xx, malformed, truncated or empty."""


class UpstreamLost(UpstreamError):
    """No connection, or cut."""


class UpstreamTimeout(UpstreamError):
    """Too slow."""


def describe(error: MaestroError) -> dict[str, Any]:
    """For traces: the kind and the message, nothing else."""
    return {"kind": type(error).__name__, "message": error.message}
