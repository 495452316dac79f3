"""Builds the rooms from the settings, once: upstreams, ledger, registry, estimator, verifier, dispatcher."""

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from action_model.checkpoint import CheckpointError
from action_model.estimator import Estimator
from action_model.learned import load_estimator
from action_model.prices import Price
from proxy.admin.acts import team_of
from proxy.providers import found_providers, upstream_of
from proxy.settings import ModelSettings, Settings, SettingsError, TeamSettings, UpstreamSettings, read_secret
from router.checks.check import Validator
from router.checks.validators import Effects, ValidatorError, load_validators
from router.dispatcher import Dispatcher, DispatcherOptions
from router.errors import BadRequest, UnknownModel
from router.judging.judge import Judge
from router.ledger.accounts import Team
from router.ledger.buckets import SharedShelf
from router.ledger.notices import Notices
from router.ledger.rates import Rates
from router.ledger.registry import Registry
from router.ledger.sqlite import SqliteLedger
from router.ledger.webhook import Webhook
from router.tools.guard import Allowance
from router.upstreams.embedded import EmbeddedError, EmbeddedServers, EmbeddedSpec
from router.upstreams.pool import Pool, UpstreamSpec, build_pool, check_fallbacks
from router.upstreams.prices import find_listing
from router.upstreams.transport import Address
from router.upstreams.upstream import Model
from router.upstreams.weights import WeightsError, fetch_builtin
from router.verify import Verifier

logger = logging.getLogger("maestro.assembly")
EMBEDDED_URLS = "MAESTRO_EMBEDDED_URLS"
"""Set by `maestro serve` for its workers, so that they share the embedded servers it started."""
RATES_FILE = "MAESTRO_RATES_FILE"
"""Set by `maestro serve` for its workers: where the buckets of their rate limits stand."""
EMBEDDED_SECONDS = 300.0
"""An embedded model on a busy machine is slow, but it is there: the least timeout of its calls."""


@dataclass(frozen=True)
class Rooms:
    """Everything a request may use. `close` ends it in the reverse order."""

    settings: Settings
    upstreams: Pool
    ledger: SqliteLedger
    registry: Registry
    estimator: Estimator
    verifier: Verifier
    dispatcher: Dispatcher
    rates: Rates
    notices: Notices
    closing: AsyncExitStack = field(repr=False)

    async def close(self) -> None:
        """Closes the sessions, settles what is queued, ends the embedded servers."""
        await self.closing.aclose()


async def build_router(settings: Settings) -> Rooms:
    """Call inside a running event loop. Raises SettingsError for settings that cannot work, Unavailable (ledger)."""
    upstream_settings = settings.upstream or tuple(upstream_of(provider) for provider in found_providers())
    if not upstream_settings:
        raise SettingsError("no [[upstream]] is configured and no provider's key is in the environment (maestro init)")
    shelf = SharedShelf(Path(os.environ[RATES_FILE])) if os.environ.get(RATES_FILE) else None
    rates = Rates(time.monotonic, shelf)
    notices = _notices(settings)
    ledger = SqliteLedger(
        ledger_path(settings.ledger.url),
        settings.ledger.durability,
        store_texts=settings.ledger.store_texts,
        on_charge=rates.spend,
        on_money=notices.watch,
    )
    async with AsyncExitStack() as exits:
        embedded, urls = await asyncio.to_thread(start_embedded, upstream_settings)
        if embedded is not None:
            exits.push_async_callback(asyncio.to_thread, embedded.close)
        if shelf is not None:
            exits.callback(shelf.close)
        await ledger.start()
        exits.push_async_callback(ledger.close)
        notices.open(ledger)
        exits.push_async_callback(notices.close)
        pool = build_pool([_spec(upstream, urls) for upstream in upstream_settings])
        exits.push_async_callback(pool.close)
        for problem in check_fallbacks(pool):
            raise SettingsError(problem)
        registry = Registry(ledger.accounts)
        for name, team in settings.teams.items():
            await registry.put_team(_team(name, team))
        estimator = await _estimator(settings)
        verifier = Verifier(Judge(pool), _judges(settings, pool))
        dispatcher = Dispatcher(pool, ledger, estimator, verifier, _options(settings, upstream_settings))
        return Rooms(
            settings, pool, ledger, registry, estimator, verifier, dispatcher, rates, notices, closing=exits.pop_all()
        )
    raise AssertionError("unreachable: the stack swallows nothing")


def _options(settings: Settings, upstreams: Sequence[UpstreamSettings]) -> DispatcherOptions:
    return DispatcherOptions(
        clock=asyncio.get_running_loop().time,
        validators=_validators(settings),
        max_parallel=min(settings.limits.parallel_attempts, sum(map(_slots, upstreams))),
        store_texts=settings.ledger.store_texts,
        slots={upstream.name: _slots(upstream) for upstream in upstreams},
        streamed=frozenset(upstream.name for upstream in upstreams if upstream.is_embedded),
    )


def _notices(settings: Settings) -> Notices:
    """Raises SettingsError for a webhook that could not be signed."""
    said, secret = settings.webhooks, read_secret(settings.webhooks.secret_env)
    if said.url is not None and not secret:
        raise SettingsError(f"webhooks.url is set, but no secret to sign with: set {said.secret_env}")
    return Notices(Webhook(secret, Allowance.of(said.hosts)), said.url)


def ledger_path(url: str) -> Path:
    """The file of a `sqlite:///` URL. Raises SettingsError for another scheme."""
    if not url.startswith("sqlite:///"):
        raise SettingsError(f"ledger.url must begin with sqlite:///, not {url.split(':', 1)[0]}:")
    return Path(url.removeprefix("sqlite:///"))


def start_embedded(upstreams: Sequence[UpstreamSettings]) -> tuple[EmbeddedServers | None, Mapping[str, str]]:
    """Starts the embedded models, unless `maestro serve` has done so for all workers; their URLs by name."""
    shared = os.environ.get(EMBEDDED_URLS)
    if shared:
        return None, msgspec.json.decode(shared, type=dict[str, str])
    specs = [_embedded_spec(upstream) for upstream in upstreams if upstream.is_embedded]
    if not specs:
        return None, {}
    servers = EmbeddedServers(specs)
    try:
        return servers, servers.start()
    except EmbeddedError as error:
        raise SettingsError(str(error)) from None


def _embedded_spec(upstream: UpstreamSettings) -> EmbeddedSpec:
    try:
        path = fetch_builtin(upstream.builtin) if upstream.builtin else Path(upstream.gguf or "")
    except WeightsError as error:
        raise SettingsError(f"upstream '{upstream.name}': {error}") from None
    return EmbeddedSpec(upstream.name, path, upstream.slots, upstream.context_tokens, upstream.threads)


def _spec(upstream: UpstreamSettings, urls: Mapping[str, str]) -> UpstreamSpec:
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
    star = next((settings for settings in listed if settings.name == "*"), None)
    return UpstreamSpec(
        address,
        tuple(models),
        slots=_slots(upstream),
        retries=upstream.retries,
        price_any=None if star is None else lambda name: _model(upstream, star, name),
    )


async def _estimator(settings: Settings) -> Estimator:
    """The configured checkpoint's, else the one in the package. Raises SettingsError for one that does not match."""
    try:
        return await asyncio.to_thread(load_estimator, Path(settings.checkpoint) if settings.checkpoint else None)
    except CheckpointError as error:
        raise SettingsError(f"checkpoint: {error}") from None


def _slots(upstream: UpstreamSettings) -> int:
    """Calls that an upstream serves at once; more would only wait."""
    return min(upstream.max_parallel, upstream.slots) if upstream.is_embedded else upstream.max_parallel


def _validators(settings: Settings) -> dict[str, Validator]:
    try:
        effects = Effects(Allowance.of(settings.checks.webhook_hosts), settings.checks.run_code)
        return load_validators(settings.validators, effects=effects)
    except ValidatorError as error:
        raise SettingsError(str(error)) from None


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
    )


def _price(upstream: UpstreamSettings, settings: ModelSettings, listed: Price | None) -> Price | None:
    """The operator's word, else the price table's; an embedded model without a word is the operator's own: free."""
    given, taken = settings.input_usd_per_mtok, settings.output_usd_per_mtok
    if given is None and taken is None and not settings.usd_per_second and not settings.usd_per_request:
        return Price(0.0, 0.0) if upstream.is_embedded else listed
    if listed is None and (given is None) != (taken is None):
        return None
    return Price(
        input_usd_per_mtok=_or(given, listed.input_usd_per_mtok if listed else 0.0),
        output_usd_per_mtok=_or(taken, listed.output_usd_per_mtok if listed else 0.0),
        cached_input_usd_per_mtok=settings.cached_input_usd_per_mtok,
        cache_write_usd_per_mtok=settings.cache_write_usd_per_mtok,
        reasoning_usd_per_mtok=settings.reasoning_usd_per_mtok,
        audio_input_usd_per_mtok=settings.audio_input_usd_per_mtok,
        audio_output_usd_per_mtok=settings.audio_output_usd_per_mtok,
        usd_per_request=settings.usd_per_request,
        usd_per_second=settings.usd_per_second,
    )


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _judges(settings: Settings, pool: Pool) -> list[Model]:
    """The configured judges, else every routable model, the dearest first: price is the best sign of ability."""
    try:
        named = [pool.find(name) for name in settings.judge.models]
    except UnknownModel as error:
        raise SettingsError(f"judge.models: {error.message}") from None
    routable = [model for model in pool.models.values() if model.routable]
    return named or sorted(routable, key=lambda model: -model.price.output_usd_per_mtok)


def _team(name: str, team: TeamSettings) -> Team:
    try:
        return team_of(name, team)
    except BadRequest as error:
        raise SettingsError(f"teams.{name}: {error.message}") from None
