"""All upstreams behind their layers: find a model, send to it, open a stream at it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import msgspec

from router.errors import UnknownModel
from router.upstreams.catalogue import Catalogue, PriceAny
from router.upstreams.http import Http
from router.upstreams.layers.breaker import Breaker
from router.upstreams.layers.deadline import within_deadline
from router.upstreams.layers.fallback import Fallback
from router.upstreams.layers.limit import Limit
from router.upstreams.layers.meter import Meter
from router.upstreams.layers.retry import Retry
from router.upstreams.transport import Address, Transport
from router.upstreams.upstream import Call, Model, Reply, ReplyStream

Around = Callable[[Transport], Transport]
"""A layer right around the network, inside the meter: what it answers by itself is paid like any other answer."""


@dataclass(frozen=True, slots=True)
class UpstreamSpec:
    """One upstream as the operator set it up.

    A model named "*" stands for every name not listed: at its own price, or as `price_any(name)` says (None: the
    price is unknown, so the name is refused). `unpriced` are listed, but refused because nobody knows their price.
    """

    address: Address
    models: tuple[Model, ...]
    slots: int = 64
    retries: int = 2
    price_any: PriceAny | None = None
    unpriced: tuple[str, ...] = ()


class Pool:
    """The `Upstreams` of the router. Build with `build_pool` inside a running event loop."""

    def __init__(self, specs: Sequence[UpstreamSpec], around: Around) -> None:
        self._wires = {spec.address.name: Http(spec.address) for spec in specs}
        self._catalogue = _catalogue(specs)
        self._breakers = {
            spec.address.name: Breaker(
                Limit(Meter(around(self._wires[spec.address.name])), spec.slots), spec.address.name
            )
            for spec in specs
        }
        # A retry waits outside the limit and the meter: it holds no slot and no money. The meter is innermost, so
        # that each attempt is paid by itself and a call that waits for a slot holds nothing.
        lines = {spec.address.name: Retry(self._breakers[spec.address.name], spec.retries) for spec in specs}
        asks_usage = {spec.address.name: spec.address.asks_usage for spec in specs}
        self._road = Fallback(lines, self.find, asks_usage)

    @property
    def models(self) -> Mapping[str, Model]:
        """All named models by id, in the order of the settings."""
        return self._catalogue.models

    @property
    def names(self) -> frozenset[str]:
        """The upstreams there are."""
        return frozenset(self._wires)

    def find(self, name: str) -> Model:
        """By id, by bare name, or through a "*" model. Raises UnknownModel."""
        return self._catalogue.find(name)

    def reprice(self, specs: Sequence[UpstreamSpec]) -> None:
        """From now on these models at these prices, at the same upstreams. Calls under way keep the price they had."""
        self._catalogue = _catalogue([spec for spec in specs if spec.address.name in self._wires])

    async def send(self, call: Call) -> Reply:
        """A whole answer with status 2xx; anything else is raised."""
        call = self._current(call)
        if call.deadline is None:
            return await self._road.send(call)
        async with within_deadline(call):
            return await self._road.send(call)

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[ReplyStream]:
        """An open stream; leaving the context closes the connection and settles."""
        call = self._current(call)
        if call.deadline is None:
            stream = await self._road.open(call)
        else:
            async with within_deadline(call):
                stream = await self._road.open(call)
        try:
            yield stream
        finally:
            await stream.exits.aclose()

    def _current(self, call: Call) -> Call:
        """The call at today's price: whoever holds a model for long (a judge, a pin) may hold an old one."""
        model = self._catalogue.models.get(call.model.id, call.model)
        return call if model is call.model else msgspec.structs.replace(call, model=model)

    def is_resting(self, upstream: str) -> bool:
        """Does the breaker keep calls from this upstream now?"""
        return self._breakers[upstream].is_resting

    async def close(self) -> None:
        """Closes the connections."""
        for wire in self._wires.values():
            wire.close()


def build_pool(specs: Sequence[UpstreamSpec], around: Around = lambda inner: inner) -> Pool:
    """Call inside a running event loop. `around` wraps each upstream's network layer."""
    return Pool(specs, around)


def _catalogue(specs: Sequence[UpstreamSpec]) -> Catalogue:
    return Catalogue(
        [model for spec in specs for model in spec.models if model.name != "*"],
        {spec.address.name: price_any for spec in specs if (price_any := _price_any(spec))},
        frozenset(
            name for spec in specs for model in spec.unpriced for name in (model, f"{spec.address.name}/{model}")
        ),
    )


def _price_any(spec: UpstreamSpec) -> PriceAny | None:
    star = next((model for model in spec.models if model.name == "*"), None)
    if star is None or spec.price_any is not None:
        return spec.price_any
    return lambda name: replace(star, name=name, served_as=name)


def check_fallbacks(pool: Pool) -> Sequence[str]:
    """One line for each fallback that names no model."""
    problems = []
    for model in pool.models.values():
        for name in model.fallbacks:
            try:
                pool.find(name)
            except UnknownModel:
                problems.append(f"the fallback '{name}' of '{model.id}' names no model")
    return problems
