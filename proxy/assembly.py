"""Builds the rooms from the settings, once: upstreams, ledger, registry, estimator, verifier, dispatcher."""

import asyncio
import logging
import os
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from action_model.checkpoint import CheckpointError
from action_model.device import DeviceError
from action_model.estimator import Estimator
from action_model.learned import load_estimator
from action_model.swapping import SwappingEstimator
from proxy.admin.acts import team_of
from proxy.ledgers import make_ledger
from proxy.providers import found_providers, upstream_of
from proxy.settings import Settings, SettingsError, UpstreamSettings, read_secret
from proxy.specs import slots_of, spec_of
from proxy.terms import TeamSettings
from proxy.toolroom import open_library, open_tools
from proxy.variants import VariantError, variants_of
from router.checks.check import Validator
from router.checks.validators import Effects, ValidatorError, load_validators
from router.dispatcher import Dispatcher, DispatcherOptions
from router.efforts import efforts_with
from router.errors import BadRequest, UnknownModel
from router.exploration import Exploration
from router.judging.calibration import JudgeRates
from router.judging.judge import Judge
from router.ledger.accounts import Team
from router.ledger.buckets import SharedShelf
from router.ledger.notices import Notices
from router.ledger.rates import Rates
from router.ledger.registry import Registry
from router.ledger.webhook import Webhook
from router.planning.situation import Tradeoff
from router.recounting import recount
from router.steering import Steering
from router.tools.bench import Toolroom
from router.tools.documents.library import Library
from router.tools.guard import Allowance
from router.upstreams.embedded import EmbeddedError, EmbeddedServers, EmbeddedSpec
from router.upstreams.pool import Around, Pool, build_pool, check_fallbacks
from router.upstreams.upstream import Model
from router.upstreams.weights import WeightsError, fetch_builtin
from router.verify import Verifier

if TYPE_CHECKING:
    from proxy.ledgers import StoredLedger

logger = logging.getLogger("maestro.assembly")
EMBEDDED_URLS = "MAESTRO_EMBEDDED_URLS"
"""Set by `maestro serve` for its workers, so that they share the embedded servers it started."""
RATES_FILE = "MAESTRO_RATES_FILE"
"""Set by `maestro serve` for its workers: where the buckets of their rate limits stand."""


@dataclass(frozen=True)
class Rooms:
    """Everything a request may use. `close` ends it in the reverse order."""

    settings: Settings
    upstreams: Pool
    ledger: "StoredLedger"
    registry: Registry
    estimator: Estimator
    verifier: Verifier
    dispatcher: Dispatcher
    rates: Rates
    notices: Notices
    library: Library
    closing: AsyncExitStack = field(repr=False)

    async def close(self) -> None:
        """Closes the sessions, settles what is queued, ends the embedded servers."""
        await self.closing.aclose()


async def build_router(settings: Settings, around: Around = lambda inner: inner) -> Rooms:
    """Call inside a running event loop; `around` wraps each upstream's network layer. Raises SettingsError for
    settings that cannot work, Unavailable (ledger)."""
    upstream_settings = settings.upstream or tuple(upstream_of(provider) for provider in found_providers())
    if not upstream_settings:
        raise SettingsError("no [[upstream]] is configured and no provider's key is in the environment (maestro init)")
    shelf = SharedShelf(Path(os.environ[RATES_FILE])) if os.environ.get(RATES_FILE) else None
    rates = Rates(time.monotonic, shelf)
    notices = _notices(settings)
    ledger = make_ledger(settings.ledger, rates.spend, notices.watch)
    async with AsyncExitStack() as exits:
        loading = asyncio.create_task(_estimator(settings))  # a third of the start: beside the rest of it
        exits.push_async_callback(_cancelled, loading)
        embedded, urls = await asyncio.to_thread(start_embedded, upstream_settings)
        if embedded is not None:
            exits.push_async_callback(asyncio.to_thread, embedded.close)
        if shelf is not None:
            exits.callback(shelf.close)
        await ledger.start()
        exits.push_async_callback(ledger.close)
        notices.open(ledger)
        exits.push_async_callback(notices.close)
        pool = build_pool([spec_of(upstream, urls) for upstream in upstream_settings], around)
        exits.push_async_callback(pool.close)
        for problem in check_fallbacks(pool):
            raise SettingsError(problem)
        registry = Registry(ledger.accounts, outlives_outage=settings.ledger.outage_usd > 0)
        for name, team in settings.teams.items():
            await registry.declare_team(stored_team(name, team))
        library = open_library(settings, ledger.owner)
        exits.push_async_callback(library.close)
        await library.start()
        toolroom = open_tools(settings, library, exits)
        estimator = await loading
        await recount(ledger, estimator)
        if isinstance(estimator, SwappingEstimator):
            exits.push_async_callback(_cancelled, asyncio.create_task(estimator.watch()))
        verifier = Verifier(Judge(pool), _judges(settings, pool), JudgeRates(ledger), settings.judge.audit_share)
        options = _options(settings, upstream_settings, toolroom)
        await options.steering.recall(ledger)
        dispatcher = Dispatcher(pool, ledger, estimator, verifier, options)
        return Rooms(
            settings,
            pool,
            ledger,
            registry,
            estimator,
            verifier,
            dispatcher,
            rates,
            notices,
            library,
            closing=exits.pop_all(),
        )
    raise AssertionError("unreachable: the stack swallows nothing")


def _options(settings: Settings, upstreams: Sequence[UpstreamSettings], toolroom: Toolroom) -> DispatcherOptions:
    try:
        variants = variants_of(settings.variants)
    except VariantError as error:
        raise SettingsError(str(error)) from None
    return DispatcherOptions(
        variants=variants,
        clock=asyncio.get_running_loop().time,
        validators=_validators(settings),
        max_parallel=min(settings.limits.parallel_attempts, sum(map(slots_of, upstreams))),
        store_texts=settings.ledger.store_texts,
        slots={upstream.name: slots_of(upstream) for upstream in upstreams},
        streamed=frozenset(upstream.name for upstream in upstreams if upstream.is_embedded),
        tools=toolroom,
        efforts=efforts_with({name: Tradeoff(said.usd, said.seconds) for name, said in settings.efforts.items()}),
        hedging=settings.limits.hedging,
        exploration=Exploration(settings.exploration_share, random.random),
        steering=Steering(stated_means(settings)),
    )


def stated_means(settings: Settings) -> dict[Tradeoff, float]:
    """The mean dollars of a run that efforts state, by what they say a dollar and a second are worth. Raises
    SettingsError where two efforts are worth the same and cost differently."""
    goals: dict[Tradeoff, float] = {}
    for name, said in settings.efforts.items():
        if said.mean_usd is not None:
            tradeoff = Tradeoff(said.usd, said.seconds)
            if goals.setdefault(tradeoff, said.mean_usd) != said.mean_usd:
                raise SettingsError(f"efforts.{name}: another effort with the same worths states another mean_usd")
    return goals


def _notices(settings: Settings) -> Notices:
    """Raises SettingsError for a webhook that could not be signed."""
    said, secret = settings.webhooks, read_secret(settings.webhooks.secret_env)
    if said.url is not None and not secret:
        raise SettingsError(f"webhooks.url is set, but no secret to sign with: set {said.secret_env}")
    return Notices(Webhook(secret, Allowance.of(said.hosts)), said.url)


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


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _estimator(settings: Settings) -> Estimator:
    """The configured checkpoint's, swapped when its file is, else the one in the package. Raises SettingsError."""
    try:
        if settings.checkpoint:
            return await asyncio.to_thread(SwappingEstimator, Path(settings.checkpoint), settings.device)
        return await asyncio.to_thread(load_estimator, None, settings.device)
    except CheckpointError as error:
        raise SettingsError(f"checkpoint: {error}") from None
    except DeviceError as error:
        raise SettingsError(str(error)) from None


def _validators(settings: Settings) -> dict[str, Validator]:
    try:
        effects = Effects(Allowance.of(settings.checks.webhook_hosts), settings.checks.run_code)
        return load_validators(settings.validators, effects=effects)
    except ValidatorError as error:
        raise SettingsError(str(error)) from None


def _judges(settings: Settings, pool: Pool) -> list[Model]:
    """The configured judges, else every routable model, the dearest first: price is the best sign of ability."""
    try:
        named = [pool.find(name) for name in settings.judge.models]
    except UnknownModel as error:
        raise SettingsError(f"judge.models: {error.message}") from None
    routable = [model for model in pool.models.values() if model.routable]
    return named or sorted(routable, key=lambda model: -model.price.output_usd_per_mtok)


def stored_team(name: str, team: TeamSettings) -> Team:
    """A team of the settings. Raises SettingsError."""
    try:
        return team_of(name, team)
    except BadRequest as error:
        raise SettingsError(f"teams.{name}: {error.message}") from None
