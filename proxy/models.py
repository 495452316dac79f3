"""`GET /v1/models` and `/v1/models/{id}`: what this key may use, with prices, and the virtual models."""

from collections.abc import Sequence
from typing import Any

import msgspec

from action_model.prices import Price
from proxy.assembly import Rooms
from proxy.control.task import VIRTUAL_MODELS
from proxy.exchange import Answer, Exchange
from router.errors import UnknownModel
from router.upstreams.upstream import Model

ANY_NAME = "*"


async def list_models(exchange: Exchange, rooms: Rooms) -> Answer:
    """All models, virtual ones first."""
    shown = model_objects(rooms.dispatcher.models_for(exchange.caller))
    return Answer(msgspec.json.encode({"object": "list", "data": list(shown.values())}))


async def find_model(exchange: Exchange, rooms: Rooms) -> Answer:
    """One model, by the name it is listed under, by "upstream/name", or by an alias. Raises UnknownModel."""
    name = exchange.path.partition("/models/")[2].strip("/")
    models = rooms.dispatcher.models_for(exchange.caller)
    shown = model_objects(models)
    wanted = rooms.settings.aliases.get(name, name)
    found = shown.get(wanted) or next((model_object(m, m.id) for m in models if m.id == wanted), None)
    if found is None:
        raise UnknownModel(name)
    return Answer(msgspec.json.encode(found | {"id": name}))


def model_objects(models: Sequence[Model]) -> dict[str, dict[str, Any]]:
    """By the name a client uses: the bare name for the first upstream that has it, "upstream/name" for the others."""
    shown = {name: virtual_object(name, models) for name in VIRTUAL_MODELS}
    for model in models:
        if model.name != ANY_NAME:
            name = model.id if model.name in shown else model.name
            shown[name] = model_object(model, name)
    return shown


def model_object(model: Model, name: str) -> dict[str, Any]:
    """OpenAI's shape, with price (USD per million tokens), context length and abilities."""
    return {
        "id": name,
        "object": "model",
        "created": model.created,
        "owned_by": model.upstream,
        "context_length": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "supports": sorted(model.supports),
        "pricing": _pricing(model.price),
    }


def _pricing(price: Price) -> dict[str, float | None]:
    return {
        "input_usd_per_mtok": price.input_usd_per_mtok,
        "output_usd_per_mtok": price.output_usd_per_mtok,
        "cached_input_usd_per_mtok": price.cached_input_usd_per_mtok,
        "usd_per_request": price.usd_per_request,
    }


def virtual_object(name: str, models: Sequence[Model]) -> dict[str, Any]:
    """A virtual model can do what some routable model can; its price lies between the cheapest and the dearest."""
    routable = [model for model in models if model.routable]
    contexts = [model.context_tokens for model in routable if model.context_tokens]
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "maestro",
        "context_length": max(contexts, default=None),
        "max_output_tokens": None,
        "supports": sorted(frozenset().union(*(model.supports for model in routable))),
        "pricing": {
            "input_usd_per_mtok": _range([model.price.input_usd_per_mtok for model in routable]),
            "output_usd_per_mtok": _range([model.price.output_usd_per_mtok for model in routable]),
        },
    }


def _range(prices: Sequence[float]) -> dict[str, float] | None:
    return {"min": min(prices), "max": max(prices)} if prices else None
