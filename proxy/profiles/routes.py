"""`/admin/profiles`: named profiles of teams, and the models that a key sees with its team's profiles among them."""

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from proxy.admin.reports import answer_rows
from proxy.assembly import Rooms
from proxy.exchange import Answer, Exchange
from proxy.house import House
from proxy.models import find_model, model_objects, virtual_object
from proxy.profiles.clothe import PREFIX
from proxy.profiles.profile import delete_profile, find_profile, put_profile, shown
from router.errors import UnknownModel
from router.profiles.store import Config

ACTOR = "admin"


def profile_routes(house: House) -> list[Any]:
    """The admin routes."""

    @get("/profiles")
    async def list_profiles(request: Request[Any, Any, Any], team: FromQuery[str | None] = None) -> Response[Any]:
        """The latest versions, of a team or of all."""
        return answer_rows(request, [shown(config) for config in await house.desk.configs.list_all("profile", team)])

    @get("/profiles/{team:str}/{name:str}")
    async def one_profile(team: FromPath[str], name: FromPath[str]) -> dict[str, Any]:
        """The latest version, and all there were."""
        latest = await find_profile(house.desk.configs, team, name)
        versions = await house.desk.configs.list_versions("profile", team, name)
        return {**shown(latest), "versions": [shown(config) for config in versions]}

    @put("/profiles/{team:str}/{name:str}")
    async def set_profile(team: FromPath[str], name: FromPath[str], data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
        """Store the next version; requests use it at once."""
        return shown(await put_profile(house.rooms.registry, house.desk.configs, (team, name), data, ACTOR))

    @delete("/profiles/{team:str}/{name:str}", status_code=HTTP_200_OK)
    async def end_profile(team: FromPath[str], name: FromPath[str]) -> dict[str, Any]:
        """Delete a profile with its versions."""
        await delete_profile(house.desk.configs, team, name, ACTOR)
        return {"team": team, "name": name, "deleted": True}

    return [list_profiles, one_profile, set_profile, end_profile]


class ModelRoutes:
    """`/v1/models` with the caller's profiles."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def list_all(self, exchange: Exchange, rooms: Rooms) -> Answer:
        """All models, virtual ones first, then the team's profiles."""
        models = model_objects(rooms.dispatcher.models_for(exchange.caller))
        profiles = await self._house.desk.configs.list_all("profile", exchange.caller.team)
        virtual = [model for model in models.values() if model["owned_by"] == "maestro"]
        concrete = [model for model in models.values() if model["owned_by"] != "maestro"]
        listed = [*virtual, *(self._profile(config, exchange, rooms) for config in profiles), *concrete]
        return Answer(msgspec.json.encode({"object": "list", "data": listed}))

    async def find(self, exchange: Exchange, rooms: Rooms) -> Answer:
        """One model or profile. Raises UnknownModel."""
        name = exchange.path.partition("/models/")[2].strip("/")
        wanted = rooms.settings.aliases.get(name, name)
        if not wanted.startswith(PREFIX):
            return await find_model(exchange, rooms)
        config = await self._house.desk.configs.find("profile", exchange.caller.team, wanted.removeprefix(PREFIX))
        if config is None:
            raise UnknownModel(name)
        return Answer(msgspec.json.encode(self._profile(config, exchange, rooms) | {"id": name}))

    @staticmethod
    def _profile(config: Config, exchange: Exchange, rooms: Rooms) -> dict[str, Any]:
        wanted = set(config.said.get("models", ()))
        models = [
            model
            for model in rooms.dispatcher.models_for(exchange.caller)
            if not wanted or model.id in wanted or model.name in wanted
        ]
        told = virtual_object(f"{PREFIX}{config.name}", models)
        return {**told, "created": int(config.created_at), "profile": {"version": config.version, **config.said}}
