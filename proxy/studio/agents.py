"""AI21's agents: stored run configurations of a team. Their SDK turns one into the body of a run itself."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from proxy.assembly import Rooms
from proxy.exchange import Answer, Exchange
from proxy.house import House
from proxy.runs.desk import not_found
from proxy.studio.body import decode_object
from router.errors import BadRequest
from router.profiles.store import Config
from router.task import Caller

SAID = frozenset(
    {"name", "description", "models", "tools", "tool_resources", "requirements", "budget", "visibility"}
    | {"assistant_type", "response_language", "optimization", "avatar", "system_prompt", "quality_threshold"}
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "budget": ("low", "medium", "high"),
    "visibility": ("public", "private"),
    "assistant_type": ("default", "chat", "maestro", "rag"),
    "response_language": (
        *("arabic", "dutch", "english", "french", "german", "hebrew", "italian", "portuguese", "spanish", "unset"),
    ),
}
LISTS = ("models", "tools", "requirements")
TEXTS = ("name", "description", "optimization", "avatar", "system_prompt")
LONGEST_TEXT = 10_000


class AgentRoutes:
    """The handlers of `…/assistants`."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def create(self, exchange: Exchange, _: Rooms) -> Answer:
        """Stores an agent. Raises BadRequest naming the field."""
        said = read_agent(decode_object(exchange.body))
        if "name" not in said:
            raise BadRequest("'name' is needed.", "name", "missing_required_parameter")
        filled = {"assistant_type": "maestro", "visibility": "private", **said}
        return await self._put(exchange.caller, str(uuid.uuid4()), filled)

    async def find(self, exchange: Exchange, _: Rooms) -> Answer:
        """One agent. Raises NotFound."""
        return Answer(msgspec.json.encode(shown(await self._find(exchange))))

    async def list_all(self, exchange: Exchange, _: Rooms) -> Answer:
        """The team's agents, oldest first."""
        found = await self._house.desk.configs.list_all("agent", exchange.caller.team)
        results = [shown(config) for config in sorted(found, key=lambda config: config.first_at)]
        return Answer(msgspec.json.encode({"results": results}))

    async def modify(self, exchange: Exchange, _: Rooms) -> Answer:
        """Changes what is said and keeps the rest; null takes a value away. Raises NotFound, BadRequest."""
        before = await self._find(exchange)
        said = {**before.said, **read_agent(decode_object(exchange.body))}
        return await self._put(exchange.caller, before.name, said)

    async def delete(self, exchange: Exchange, _: Rooms) -> Answer:
        """Forgets an agent. Raises NotFound."""
        agent_id = _agent_id(exchange)
        if not await self._house.desk.configs.delete("agent", exchange.caller.team, agent_id, _actor(exchange.caller)):
            raise not_found("agent", agent_id)
        return Answer(msgspec.json.encode({"object": "agent", "deleted": True, "id": agent_id}))

    async def _find(self, exchange: Exchange) -> Config:
        agent_id = _agent_id(exchange)
        found = await self._house.desk.configs.find("agent", exchange.caller.team, agent_id)
        if found is None:
            raise not_found("agent", agent_id)
        return found

    async def _put(self, caller: Caller, agent_id: str, said: Mapping[str, Any]) -> Answer:
        kept = {"user_id": caller.key_id, **{name: value for name, value in said.items() if value is not None}}
        config = await self._house.desk.configs.put("agent", caller.team, agent_id, kept, _actor(caller))
        return Answer(msgspec.json.encode(shown(config)))


def read_agent(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body says of an agent; fields we do not know are left out. Raises BadRequest naming the field."""
    said = {name: value for name, value in body.items() if name in SAID}
    for name, value in said.items():
        if value is None:
            continue
        if name in CHOICES and value not in CHOICES[name]:
            raise BadRequest(f"'{name}' must be one of {', '.join(CHOICES[name])}.", name)
        if name in LISTS and not isinstance(value, list):
            raise BadRequest(f"'{name}' must be an array.", name)
        if name in TEXTS and (not isinstance(value, str) or len(value) > LONGEST_TEXT):
            raise BadRequest(f"'{name}' must be a string of at most {LONGEST_TEXT} characters.", name)
    if "name" in said and not said["name"]:
        raise BadRequest("'name' must not be empty.", "name")
    if said.get("requirements") is not None:
        said["requirements"] = [_requirement(item, i) for i, item in enumerate(said["requirements"])]
    return said


def shown(config: Config) -> dict[str, Any]:
    """AI21's shape, times in ISO 8601."""
    optional = dict.fromkeys(sorted(SAID - {"optimization", "avatar", "system_prompt", "quality_threshold"}))
    return {
        "id": config.name,
        **optional,
        **config.said,
        "organization_id": config.team,
        "version": config.version,
        "created_at": _iso(config.first_at),
        "updated_at": _iso(config.created_at),
    }


def _requirement(item: Any, index: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise BadRequest("A requirement is an object {title, description, type}.", f"requirements[{index}]")
    return {**item, "id": item.get("id") or str(uuid.uuid4())}


def _agent_id(exchange: Exchange) -> str:
    return exchange.path.partition("/assistants/")[2].strip("/")


def _actor(caller: Caller) -> str:
    return f"key {caller.key_id}" if caller.key_id else "operator"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
