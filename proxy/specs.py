"""Settings of an upstream → what the pool is built of: its address, its models and their prices."""

import logging
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from action_model.prices import Price
from action_model.sizes import parameters_of
from proxy.settings import ModelSettings, UpstreamSettings, read_secret
from router.upstreams.pool import UpstreamSpec
from router.upstreams.prices import find_listing
from router.upstreams.transport import Address
from router.upstreams.upstream import Model
from router.upstreams.weights import BUILTIN

PLAIN = frozenset({"input_usd_per_mtok", "output_usd_per_mtok"})
OTHER = frozenset({"usd_per_request", "usd_per_second"})
PRICES = tuple(name for name in ModelSettings.model_fields if name in {field.name for field in fields(Price)})
logger = logging.getLogger("maestro.specs")
EMBEDDED_SECONDS = 300.0
"""An embedded model on a busy machine is slow, but it is there: the least timeout of its calls."""


def spec_of(upstream: UpstreamSettings, urls: Mapping[str, str]) -> UpstreamSpec:
    """One upstream; `urls` say where the embedded ones listen."""
    address = Address(
        name=upstream.name,
        base_url=urls.get(upstream.name) or upstream.base_url or "",
        api_key=_key(upstream),
        headers=upstream.headers,
        timeout_seconds=max(upstream.timeout_seconds, EMBEDDED_SECONDS)
        if upstream.is_embedded
        else upstream.timeout_seconds,
        asks_usage=upstream.asks_usage,
        forward_traceparent=upstream.forward_traceparent,
    )
    listed = upstream.model or _default_models(upstream)
    models = [model for settings in listed if (model := _model(upstream, settings, settings.name)) is not None]
    priced = {model.name for model in models}
    star = next((settings for settings in listed if settings.name == "*"), None)
    return UpstreamSpec(
        address,
        tuple(models),
        slots=slots_of(upstream),
        retries=upstream.retries,
        price_any=None if star is None else lambda name: _model(upstream, star, name),
        unpriced=tuple(settings.name for settings in listed if settings.name not in priced and settings.name != "*"),
    )


def slots_of(upstream: UpstreamSettings) -> int:
    """Calls that an upstream serves at once; more would only wait."""
    return min(upstream.max_parallel, upstream.slots) if upstream.is_embedded else upstream.max_parallel


def _key(upstream: UpstreamSettings) -> str | None:
    key = read_secret(upstream.api_key_env)
    if upstream.api_key_env and not key:
        logger.warning("upstream '%s': %s is not set", upstream.name, upstream.api_key_env)
    return key


def _default_models(upstream: UpstreamSettings) -> tuple[ModelSettings, ...]:
    name = upstream.builtin or (Path(upstream.gguf).stem if upstream.gguf else "*")
    return (ModelSettings(name=name),)


def _model(upstream: UpstreamSettings, settings: ModelSettings, name: str) -> Model | None:
    """A model with its price; None, with a word in the log, where no price is known: it is refused, never $0."""
    listing = find_listing(settings.family or settings.served_as or name, upstream.base_url) if name != "*" else None
    price = _price(upstream, settings, None if listing is None else listing.price)
    if price is None and name != "*":
        logger.warning(
            "model '%s/%s' is refused: its price is unknown; set input_usd_per_mtok and output_usd_per_mtok",
            upstream.name,
            name,
        )
        return None
    served_as = settings.served_as if settings.served_as and settings.name == name else name
    slots = max(1, upstream.slots)
    context = settings.context_tokens or (listing.context_tokens if listing else None)
    if upstream.is_embedded and context is None:
        context = upstream.context_tokens // slots
    return Model(
        upstream=upstream.name,
        name=name,
        served_as=served_as,
        price=price or Price(0, 0),
        context_tokens=context,
        max_output_tokens=settings.max_output_tokens,
        supports=frozenset(settings.supports) - ({"images"} if upstream.is_embedded else set()),
        fallbacks=settings.fallbacks,
        routable=settings.routable,
        family=settings.family or (listing.family if listing else name),
        parameters_billions=settings.parameters_billions or _parameters(upstream, served_as, settings.family, name),
    )


def _parameters(upstream: UpstreamSettings, *names: str | None) -> float | None:
    """What the model's names, or an embedded model's file, say of its size."""
    files = (BUILTIN[upstream.builtin].file if upstream.builtin else None, upstream.gguf and Path(upstream.gguf).stem)
    said = (parameters_of(name) for name in (*names, *files) if name)
    return next((size for size in said if size is not None), None)


def _price(upstream: UpstreamSettings, settings: ModelSettings, listed: Price | None) -> Price | None:
    """The operator's word over the price table's; an embedded model without a word is the operator's own: free.

    None: unknown. A model with neither input nor output price is only known if it is paid by the request or second.
    """
    said = {name: value for name in PRICES if (value := getattr(settings, name)) is not None}
    if not said:
        return Price(0.0, 0.0) if upstream.is_embedded else listed
    plain = said.keys() & PLAIN
    if listed is None:
        is_known = plain == PLAIN or (not plain and said.keys() & OTHER)
        return Price(**{**dict.fromkeys(PLAIN, 0.0), **said}) if is_known else None
    if plain == PLAIN:
        return Price(**said)
    if plain:
        return Price(**{**{name: getattr(listed, name) for name in PLAIN | OTHER}, **said})
    return replace(listed, **said, tiers=tuple((tokens, replace(price, **said)) for tokens, price in listed.tiers))
