"""What a profile says, and the acts on profiles: the same functions for `/admin/profiles` and the command line."""

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import asdict
from pydantic import BaseModel, ConfigDict, Field

from proxy.admin.acts import read
from proxy.control.requirements import Size, read_requirements
from proxy.terms import Effort, Usd
from router.checks.compiler import compile_requirement
from router.errors import BadRequest, NotFound
from router.ledger.registry import Registry
from router.profiles.store import Config, Configs
from router.task import Requirement

NAME = r"^[A-Za-z0-9_.-]{1,64}$"


class ProfileBudget(BaseModel):
    """Limits of one run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd: Usd | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    calls: Annotated[int, Field(ge=1)] | None = None
    effort: Effort | None = None


class ProfileBody(BaseModel):
    """A profile as its admin says it. Whatever a request says itself is stronger."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Annotated[str, Field(max_length=1000)] | None = None
    requirements: tuple[str | Mapping[str, Any], ...] = ()
    budget: Effort | ProfileBudget | None = None
    quality_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    models: tuple[str, ...] = ()
    response_language: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()


class ProfileName(BaseModel):
    """Whose it is and what it is called: both are part of a model name."""

    team: Annotated[str, Field(max_length=64)]
    name: Annotated[str, Field(pattern=NAME)]


def read_profile(data: bytes) -> dict[str, Any]:
    """A profile in a file, JSON or TOML. Raises BadRequest."""
    try:
        text = data.decode()
        said = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (UnicodeDecodeError, msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        raise BadRequest(f"The profile is neither JSON nor TOML: {error}.") from None
    return dict(said)


async def put_profile(
    registry: Registry, configs: Configs, where: tuple[str, str], said: Mapping[str, Any], actor: str
) -> Config:
    """Stores the next version of team's profile. Raises BadRequest naming what is wrong."""
    named, body = read(ProfileName, {"team": where[0], "name": where[1]}), read(ProfileBody, said)
    if named.team and await registry.find_team(named.team) is None:
        raise BadRequest(f"There is no team '{named.team}'.", "team")
    return await configs.put("profile", named.team, named.name, stored(body), actor)


async def find_profile(configs: Configs, team: str, name: str, version: int | None = None) -> Config:
    """A version of a profile. Raises NotFound."""
    found = await configs.find("profile", team, name, version)
    if found is None:
        raise no_profile(team, name)
    return found


async def delete_profile(configs: Configs, team: str, name: str, actor: str) -> None:
    """Ends a profile. Raises NotFound."""
    if not await configs.delete("profile", team, name, actor):
        raise no_profile(team, name)


def no_profile(team: str, name: str) -> NotFound:
    """There is none."""
    return NotFound(f"The team '{team}' has no profile '{name[:80]}'.", "name", "profile_not_found")


def stored(body: ProfileBody) -> dict[str, Any]:
    """As it is stored, with every requirement read and tried: a bad one is refused now, not at each request."""
    told = body.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if body.requirements:
        requirements = read_requirements(list(body.requirements), "requirements", Size())
        for requirement in requirements:
            compile_requirement(requirement)
        told["requirements"] = [_shortest(requirement) for requirement in requirements]
    return told


def shown(config: Config) -> dict[str, Any]:
    """As admins see it."""
    return {
        "object": "maestro.profile",
        "team": config.team,
        "name": config.name,
        "model": f"maestro/{config.name}",
        "version": config.version,
        "created_at": config.created_at,
        **config.said,
    }


def _shortest(requirement: Requirement) -> dict[str, Any]:
    plain = asdict(Requirement("", ""))
    return {name: value for name, value in asdict(requirement).items() if value != plain[name]}
