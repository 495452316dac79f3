"""One request of a batch, served by the same handlers as one that came over a socket."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.assembly import Rooms
from proxy.chat import chat
from proxy.errors import error_answer
from proxy.exchange import Answer, Exchange
from proxy.passthrough import completions, embeddings
from proxy.profiles.clothe import clothe
from proxy.responses.route import responses
from router.errors import BudgetReserved, MaestroError, RateLimited, Unavailable, UpstreamBusy
from router.ids import new_id
from router.ledger.ledger import Account
from router.ledger.rates import RateLimits
from router.profiles.store import Configs
from router.task import Caller

HANDLERS: Mapping[str, Callable[[Exchange, Rooms], Awaitable[Answer | None]]] = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/embeddings": embeddings,
    "/v1/responses": responses,
}
PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0, 60.0)
"""Before a request that met a passing shortage is tried again."""
PASSING = (BudgetReserved, RateLimited, Unavailable, UpstreamBusy)


@dataclass(frozen=True, slots=True)
class Inside:
    """How a request was answered."""

    status: int
    body: bytes
    request_id: str


async def answer_inside(rooms: Rooms, configs: Configs, caller: Caller, path: str, body: bytes) -> Inside:
    """The answer, or the error as its client would have got it; a passing shortage is waited for."""
    request_id = f"req_{new_id()}"
    for pause in (*PAUSES_SECONDS, None):
        try:
            answer = await _serve(rooms, configs, caller, path, body, request_id)
        except MaestroError as error:
            if isinstance(error, PASSING) and pause is not None:
                await asyncio.sleep(pause)
                continue
            told = error_answer(error, time.time(), rooms.settings.server.budget_error_status)
            return Inside(told.status, told.body, request_id)
        return Inside(answer.status, answer.body, request_id)
    raise AssertionError("unreachable: the last round returns")


async def _serve(rooms: Rooms, configs: Configs, caller: Caller, path: str, body: bytes, request_id: str) -> Answer:
    limits = RateLimits(*caller.rate), RateLimits(*caller.key_rate)
    rooms.rates.admit(Account(caller.team, caller.key_id), *limits)
    dressed = await clothe(caller, body, configs, rooms.settings.aliases)
    exchange = Exchange({"headers": (), "method": "POST", "path": path}, _never, _nowhere, request_id)
    exchange.caller, exchange.body = dressed.caller, dressed.body
    answer = await HANDLERS[path](exchange, rooms)
    if answer is None:
        raise AssertionError("a request of a batch is never streamed")
    return answer


async def _never() -> Any:
    """Nobody is there to leave."""
    await asyncio.Event().wait()


async def _nowhere(_: Any) -> None:
    """Nothing is sent."""
