"""All upstreams behind their layers: find a model, send to it, open a stream at it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import msgspec

from action_model.prices import Usage
from router.errors import UnknownModel
from router.upstreams.http import Http, count_answer_tokens
from router.upstreams.layers import Breaker, Limit, Meter
from router.upstreams.retry import first_success
from router.upstreams.transport import Address, OpenStream, Request, Transport
from router.upstreams.upstream import Call, Model, Reply, ReplyStream


@dataclass(frozen=True, slots=True)
class UpstreamSpec:
    """One upstream as the operator set it up."""

    address: Address
    models: tuple[Model, ...]
    slots: int = 64
    retries: int = 2


class Pool:
    """The `Upstreams` of the router. Build with `build_pool` inside a running event loop."""

    def __init__(
        self, specs: Sequence[UpstreamSpec], breakers: Mapping[str, Breaker], session: aiohttp.ClientSession
    ) -> None:
        self._specs = {spec.address.name: spec for spec in specs}
        self._breakers = breakers
        self._layers: Mapping[str, Transport] = {
            name: Limit(breaker, name, self._specs[name].slots) for name, breaker in breakers.items()
        }
        self._session = session
        self._models = {model.id: model for spec in specs for model in spec.models if model.name != "*"}
        self._by_name = {model.name: model for model in reversed(self._models.values())}
        self._any = {spec.address.name: model for spec in specs for model in spec.models if model.name == "*"}

    @property
    def models(self) -> Mapping[str, Model]:
        """All named models by id, in the order of the settings."""
        return self._models

    def find(self, name: str) -> Model:
        """By id, by bare name, or through a "*" model. Raises UnknownModel."""
        found = self._models.get(name) or self._by_name.get(name)
        if found is not None:
            return found
        upstream, _, rest = name.partition("/")
        if rest and upstream in self._any:
            return replace(self._any[upstream], name=rest, served_as=rest)
        for wildcard in self._any.values():
            return replace(wildcard, name=name, served_as=name)
        raise UnknownModel(name)

    async def send(self, call: Call) -> Reply:
        """A whole answer with status 2xx; anything else is raised."""
        return await first_success(
            self._candidates(call.model),
            call.attempts,
            self._specs[call.model.upstream].retries,
            call.deadline,
            lambda model: self._send_to(call, model),
        )

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[ReplyStream]:
        """An open stream; leaving the context closes the connection and settles."""
        stream = await first_success(
            self._candidates(call.model),
            call.attempts,
            self._specs[call.model.upstream].retries,
            call.deadline,
            lambda model: self._open_at(call, model),
        )
        async with stream.exits:
            yield stream

    def is_resting(self, upstream: str) -> bool:
        """Does the breaker keep calls from this upstream now?"""
        return self._breakers[upstream].is_resting

    async def close(self) -> None:
        """Closes the session."""
        await self._session.close()

    def _candidates(self, model: Model) -> list[Model]:
        """The model and its fallbacks, each once."""
        names = dict.fromkeys((model.id, *model.fallbacks))
        return [model if name == model.id else self.find(name) for name in names]

    async def _send_to(self, call: Call, model: Model) -> Reply:
        reply = await self._layers[model.upstream].send(Request(call, model, _body_for(call.body, model)))
        if reply.usage_is_told:
            return reply
        counted = Usage(call.expected.input_tokens, count_answer_tokens(reply.body))
        return replace(reply, usage=counted)

    async def _open_at(self, call: Call, model: Model) -> OpenStream:
        asks = self._specs[model.upstream].address.asks_usage and call.path in ("/chat/completions", "/completions")
        body, hides = _asking_usage(_body_for(call.body, model)) if asks else (_body_for(call.body, model), False)
        return await self._layers[model.upstream].open(Request(call, model, body, hides))


def build_pool(specs: Sequence[UpstreamSpec]) -> Pool:
    """Call inside a running event loop. Order matters: a call that waits for a slot holds no money yet."""
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=60)
    session = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
    )
    clock = asyncio.get_running_loop().time
    breakers = {
        spec.address.name: Breaker(Meter(Http(session, spec.address), clock), spec.address.name, clock)
        for spec in specs
    }
    return Pool(specs, breakers, session)


def _fields(body: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(body, type=dict[str, msgspec.Raw])


def _body_for(body: bytes, model: Model) -> bytes:
    """The body with `model` as the upstream calls it; byte for byte as it came where it already is."""
    fields = _fields(body)
    name = msgspec.json.encode(model.served_as)
    if bytes(fields.get("model", b"")) == name:
        return body
    return msgspec.json.encode({**fields, "model": msgspec.Raw(name)})


def _asking_usage(body: bytes) -> tuple[bytes, bool]:
    """The body asking for usage, and whether that was our wish alone."""
    fields = _fields(body)
    options = msgspec.json.decode(fields["stream_options"]) if "stream_options" in fields else None
    if isinstance(options, dict) and options.get("include_usage"):
        return body, False
    wanted = {**options, "include_usage": True} if isinstance(options, dict) else {"include_usage": True}
    return msgspec.json.encode({**fields, "stream_options": wanted}), True
