"""A request whose model is `maestro/NAME` gets what the team's profile NAME says, as if its key's defaults said so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from proxy.control.requirements import Size, read_requirements
from proxy.control.wishes import add_up
from router.errors import UnknownModel
from router.profiles.store import Config, Configs
from router.task import Budget, Caller, Defaults

PREFIX = "maestro/"
FIRST_MARK = b'"maestro'
MARKS = (FIRST_MARK + b"/", FIRST_MARK + b"\\/")


@dataclass(frozen=True, slots=True)
class Clothed:
    """A request after its profile: who asks, with the profile's word first among the defaults; what is asked of
    `maestro`; and which profile it was ("name@version")."""

    caller: Caller
    body: bytes
    profile: str | None = None


class _Model(msgspec.Struct):
    model: str = ""


def may_name_profile(body: bytes, aliases: Mapping[str, str]) -> bool:
    """A quick look: false for nearly every request that names none."""
    if FIRST_MARK in body and any(mark in body for mark in MARKS):
        return True
    return bool(aliases) and any(name.startswith(PREFIX) for name in aliases.values())


async def clothe(caller: Caller, body: bytes, configs: Configs, aliases: Mapping[str, str]) -> Clothed:
    """The request with its profile put on; as it came where it names none. Raises UnknownModel."""
    if not may_name_profile(body, aliases):
        return Clothed(caller, body)
    try:
        named = msgspec.json.decode(body, type=_Model).model
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Clothed(caller, body)  # whoever reads the whole body says what is wrong with it
    wanted = aliases.get(named, named)
    if not wanted.startswith(PREFIX):
        return Clothed(caller, body)
    config = await _find(configs, caller.team, wanted.removeprefix(PREFIX))
    if config is None:
        raise UnknownModel(named)
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    changed: dict[str, Any] = {**fields, "model": "maestro"}
    if config.said.get("tools") and "tools" not in fields:
        changed["tools"] = config.said["tools"]
    dressed = replace(caller, defaults=with_profile(caller.defaults, config.said))
    return Clothed(dressed, msgspec.json.encode(changed), f"{config.name}@{config.version}")


async def _find(configs: Configs, team: str, wanted: str) -> Config | None:
    """NAME, or NAME@VERSION."""
    name, at, version = wanted.partition("@")
    if at and not version.isdecimal():
        return None
    return await configs.find("profile", team, name, int(version) if at else None)


def with_profile(defaults: Defaults, said: Mapping[str, Any]) -> Defaults:
    """Defaults with a profile's word before them: scalars of the profile win, requirements add up."""
    requirements = read_requirements(said.get("requirements", []), "requirements", Size())
    budget, effort = _budget(said.get("budget"))
    before = defaults.budget or Budget()
    return replace(
        defaults,
        budget=Budget(
            usd=before.usd if budget.usd is None else budget.usd,
            seconds=before.seconds if budget.seconds is None else budget.seconds,
            calls=before.calls if budget.calls is None else budget.calls,
            effort=budget.effort if effort else before.effort,
        ),
        says_effort=effort or (defaults.budget is not None and defaults.says_effort),
        operating_point=None if effort else defaults.operating_point,
        quality_threshold=said.get("quality_threshold", defaults.quality_threshold),
        requirements=add_up(requirements, defaults.requirements),
        models=tuple(said.get("models", defaults.models)),
        response_language=said.get("response_language", defaults.response_language),
    )


def _budget(said: Any) -> tuple[Budget, bool]:
    """The limits, and whether an effort is said."""
    if isinstance(said, str):
        return Budget(effort=said), True  # type: ignore[arg-type]
    told = said or {}
    limits = (told.get("usd"), told.get("seconds"), told.get("calls"))
    return Budget(*limits, told.get("effort") or "low"), bool(told.get("effort"))
