"""What one place of a request says about requirements and budget, and how several places are put together."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from router.errors import BadRequest
from router.task import Budget, Effort, Requirement

MAX_USD = 1_000_000.0
MAX_SECONDS = 86_400.0
MAX_CALLS = 10_000
SCALARS = ("usd", "seconds", "calls", "effort", "quality")
EFFORTS: tuple[Effort, ...] = ("low", "medium", "high")


class Wishes(msgspec.Struct, frozen=True):
    """One place's say. None = this place says nothing of it."""

    usd: float | None = None
    seconds: float | None = None
    calls: int | None = None
    effort: Effort | None = None
    quality: float | None = None
    requirements: tuple[Requirement, ...] = ()


NOTHING = Wishes()


def strongest(places: Sequence[Wishes]) -> Wishes:
    """One say from several places, strongest first: each scalar of the strongest that says it; requirements add up."""
    telling = [place for place in places if place != NOTHING]
    if len(telling) <= 1:
        return telling[0] if telling else NOTHING
    merged: dict[str, Any] = {}
    for name in SCALARS:
        said = (getattr(place, name) for place in telling)
        merged[name] = next((value for value in said if value is not None), None)
    return Wishes(**merged, requirements=add_up(*(place.requirements for place in telling)))


def add_up(*lists: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """All requirements, strongest list first; of two with one name the stronger place's stays."""
    kept: dict[str, Requirement] = {}
    for requirements in lists:
        for requirement in requirements:
            kept.setdefault(requirement.name, requirement)
    return tuple(kept.values())


def bounded(wishes: Wishes, max_usd: float | None) -> Budget:
    """The budget of the run; what the key allows bounds every place's dollars."""
    allowed = [usd for usd in (wishes.usd, max_usd) if usd is not None]
    return Budget(min(allowed, default=None), wishes.seconds, wishes.calls, wishes.effort or "low")


def read_usd(value: Any, param: str) -> float:
    """Dollars, 0 or more. Raises BadRequest naming `param`."""
    return _number(value, param, 0.0, MAX_USD, "a number of US dollars, 0 or more")


def read_seconds(value: Any, param: str) -> float:
    """Seconds above 0. Raises BadRequest naming `param`."""
    seconds = _number(value, param, 0.0, MAX_SECONDS, "a number of seconds above 0")
    if seconds <= 0.0:
        raise BadRequest(f"'{param}' must be a number of seconds above 0.", param)
    return seconds


def read_calls(value: Any, param: str) -> int:
    """A whole number of calls, 1 or more. Raises BadRequest naming `param`."""
    calls = _number(value, param, 1, MAX_CALLS, "a whole number of calls, 1 or more")
    if calls != int(calls):
        raise BadRequest(f"'{param}' must be a whole number of calls, 1 or more.", param)
    return int(calls)


def read_quality(value: Any, param: str) -> float:
    """A score between 0 and 1. Raises BadRequest naming `param`."""
    return _number(value, param, 0.0, 1.0, "a number between 0 and 1")


def read_effort(value: Any, param: str) -> Effort:
    """low, medium or high. Raises BadRequest naming `param`."""
    for effort in EFFORTS:
        if value == effort:
            return effort
    raise BadRequest(f"'{param}' must be one of low, medium, high.", param)


def number_in(text: str, param: str) -> float:
    """A number written in a header or an attribute. Raises BadRequest naming `param`."""
    try:
        return float(text.strip())
    except ValueError:
        raise BadRequest(f"'{param}' must be a number.", param) from None


def _number(value: Any, param: str, least: float, most: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        too_much = isinstance(value, int | float) and not isinstance(value, bool) and value > most
        raise BadRequest(f"'{param}' must be {what}{f', at most {most:g}' if too_much else ''}.", param)
    return float(value)


def renamed(requirement: Requirement, name: str) -> Requirement:
    """The same under another name."""
    return replace(requirement, name=name)
