"""The operating point: what holds now for the server and each team, and setting another, audited."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.admin.acts import change_team, read
from proxy.terms import PointSettings
from router.errors import BadRequest
from router.ledger.accounts import Team
from router.ledger.registry import SERVER, Registry
from router.planning.situation import Tradeoff
from router.task import Effort

ACTOR = "admin (dashboard)"


@dataclass(frozen=True, slots=True)
class Held:
    """What holds for a team or the server, and where it comes from: "dashboard", "effort low", …"""

    whose: str
    tradeoff: Tradeoff
    source: str


async def points_held(
    registry: Registry, teams: tuple[str, ...], effort: Effort, efforts: Mapping[Effort, Tradeoff]
) -> list[Held]:
    """The server's first, then each team's."""
    server = _own("", await registry.find_team(SERVER) or {}, efforts)
    whole = server or Held("", efforts[effort], f"effort {effort} (settings)")
    held = [whole]
    for team in teams:
        said = _own(team, await registry.find_team(team) or {}, efforts)
        held.append(said or Held(team, whole.tradeoff, "the server's"))
    return held


def _own(whose: str, said: Mapping[str, Any], efforts: Mapping[Effort, Tradeoff]) -> Held | None:
    point, effort = said.get("operating_point"), said.get("effort")
    if point:
        return Held(whose, Tradeoff(point["usd"], point["seconds"]), "operating point")
    return Held(whose, efforts[effort], f"effort {effort}") if effort else None


async def set_point(registry: Registry, whose: str, usd: str, seconds: str) -> Tradeoff:
    """Sets the point of a team, or of the server (""), in the audit log. Raises BadRequest."""
    point = read(PointSettings, {"usd": _number("usd", usd), "seconds": _number("seconds", seconds)})
    await _put(registry, whose, point.model_dump())
    return Tradeoff(point.usd, point.seconds)


async def clear_point(registry: Registry, whose: str) -> None:
    """Takes it away: what is weaker holds again."""
    await _put(registry, whose, None)


async def _put(registry: Registry, whose: str, point: Mapping[str, float] | None) -> None:
    if whose == "":
        said = {} if point is None else {"operating_point": dict(point)}
        await registry.put_team(Team(SERVER, window="total", defaults=said), ACTOR)
        return
    if await registry.find_team(whose) is None:
        raise BadRequest(f"There is no team '{whose}'.", "team")
    await change_team(registry, whose, {"operating_point": point}, ACTOR)


def _number(name: str, said: str) -> float:
    try:
        return float(said)
    except ValueError:
        raise BadRequest(f"'{name}' is not a number.", name) from None
