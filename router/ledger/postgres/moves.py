"""Moves of money as `maestro_apply` reads them: a batch of jobs becomes one JSON value, its answer one for each job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from router.errors import BudgetExceeded, BudgetReserved, Limit, MaestroError
from router.ledger.known import Change
from router.ledger.ledger import Account, Charge, Line, Reservation, Standing, Window
from router.ledger.windows import window_end

MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold these lines. `is_forced`: they were held before, where the database could not be asked."""

    reservation: Reservation
    is_forced: bool = False

    @property
    def account(self) -> Account:
        """Who pays."""
        return self.reservation.account


@dataclass(frozen=True, slots=True)
class Settle:
    """Replace a hold by its charge."""

    account: Account
    charge: Charge
    change: Change


@dataclass(frozen=True, slots=True)
class Release:
    """Give back holds."""

    account: Account
    attempt_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Only tell how the account stands."""

    account: Account


Move = Reserve | Settle | Release | Look
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Applied:
    """The database's answer: its time, the money of every scope of the batch, and the refusal of each job, if any."""

    now: float
    standings: Mapping[Place, Standing]
    refusals: Mapping[int, MaestroError]

    def of(self, account: Account) -> tuple[Standing, ...]:
        """How an account stands after the batch."""
        places = (("team", account.team), ("key", account.key_id))
        return tuple(self.standings[place] for place in places if place in self.standings)


class Batch:
    """Some moves, ready to be sent."""

    def __init__(self, moves: Sequence[Move]) -> None:
        self._moves = moves
        self._scopes: dict[Place, int] = {}
        for move in moves:
            for scope, name in (("team", move.account.team), ("key", move.account.key_id)):
                if name:
                    self._scopes.setdefault((scope, name), len(self._scopes) + 1)

    def encode(self) -> str:
        """The JSON. Raises ValueError for money beyond 64 bits, or text that no database holds."""
        asked = [(i, move) for i, move in enumerate(self._moves) if isinstance(move, Reserve)]
        plain = [(i, move.reservation) for i, move in asked if not move.is_forced]
        order = {i: n for n, (i, _) in enumerate(plain)}
        charges = {move.charge.attempt_id: move.charge for move in reversed(self._moves) if isinstance(move, Settle)}
        value = {
            "scopes": [{"x": x, "s": scope, "n": _clean(name)} for (scope, name), x in self._scopes.items()],
            "adopt": [row for _, move in asked if move.is_forced for row in self._lines(0, move.reservation)],
            "settle": [_settled(charge) for charge in charges.values()],
            "release": self._released(),
            "reserve": [
                {"i": order[i], "need": _needed(held.lines), **self._numbers(held.account)} for i, held in plain
            ],
            "lines": [row for i, held in plain for row in self._lines(order[i], held)],
        }
        return msgspec.json.encode(value).decode()

    def read(self, answer: Mapping[str, Any]) -> Applied:
        """What `maestro_apply` said of this batch."""
        now = float(answer["now"])
        standings = {place: _standing(place, row) for place, row in zip(self._scopes, answer["scopes"], strict=True)}
        plain = [i for i, move in enumerate(self._moves) if isinstance(move, Reserve) and not move.is_forced]
        places = list(self._scopes)
        refusals = {
            plain[i]: _refusal(self._moves[plain[i]], standings[places[x - 1]], spent, reserved)
            for i, x, spent, reserved in answer["refused"]
        }
        return Applied(now, standings, refusals)

    def _released(self) -> list[str]:
        """A hold that is brought in after it was given back is held: the database brings in first."""
        names: dict[str, None] = {}
        for move in self._moves:
            if isinstance(move, Release):
                names |= dict.fromkeys(move.attempt_ids)
            elif isinstance(move, Reserve) and move.is_forced:
                for line in move.reservation.lines:
                    names.pop(line.attempt_id, None)
        return list(names)

    def _numbers(self, account: Account) -> dict[str, int]:
        return {"t": self._scopes.get(("team", account.team), 0), "k": self._scopes.get(("key", account.key_id), 0)}

    def _lines(self, i: int, held: Reservation) -> list[dict[str, Any]]:
        account = held.account
        shared = {
            "i": i,
            "r": held.id,
            "run": _clean(held.run_id),
            "team": _clean(account.team),
            "key": _clean(account.key_id),
            **self._numbers(account),
        }
        return [
            {
                **shared,
                "a": line.attempt_id,
                "m": _clean(line.model),
                "p": line.purpose,
                "q": line.technique,
                "h": line.nanodollars,
            }
            for line in held.lines
        ]


def _needed(lines: Sequence[Line]) -> int:
    needed = sum(line.nanodollars for line in lines)
    if needed > MOST // 4:
        raise OverflowError("more money than the ledger can count")
    return needed


def _settled(charge: Charge) -> dict[str, Any]:
    return {
        "a": charge.attempt_id,
        "n": charge.nanodollars,
        "u": [_counted(tokens) for tokens in msgspec.structs.astuple(charge.usage)],
        "e": int(charge.is_estimated),
        "s": charge.seconds,
        "p": msgspec.json.encode(dict(charge.price)).decode() if charge.price else None,
    }


def _counted(tokens: int) -> int:
    if tokens > MOST:
        raise OverflowError("more tokens than the ledger can count")
    return tokens


def _clean(text: str) -> str:
    """Text that the database can hold."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if not text.isprintable() else text


def _standing(place: Place, row: Sequence[Any]) -> Standing:
    window, limit, soft, spent, reserved, start = row
    scope = cast(Any, place[0])
    said = cast(Window, window)
    return Standing(scope, place[1], said, limit, spent, reserved, window_end(said, start), soft)


def _refusal(move: Move, standing: Standing, spent: int, reserved: int) -> MaestroError:
    assert isinstance(move, Reserve)
    assert standing.limit is not None
    limit = Limit(standing.scope, standing.id, standing.window, standing.limit, spent, reserved, standing.resets_at)
    if spent + _needed(move.reservation.lines) <= standing.limit:
        return BudgetReserved(
            f"The budget of {standing.scope} '{standing.id}' is held by requests in flight; try again soon.", limit
        )
    return BudgetExceeded(f"The budget of {standing.scope} '{standing.id}' is spent.", limit)
