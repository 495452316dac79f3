"""Reads the settings again while the server runs: models, prices and teams; by SIGHUP or `POST /admin/reload`."""

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from proxy.assembly import Rooms, stored_team
from proxy.house import House
from proxy.providers import found_providers, upstream_of
from proxy.settings import Settings, SettingsError
from proxy.specs import spec_of
from router.errors import MaestroError

logger = logging.getLogger("maestro.reload")


async def reload_prices(rooms: Rooms, settings: Settings) -> Mapping[str, Any]:
    """Models, prices and teams as these settings say; the rest needs a restart. What is wrong changes nothing.

    Charges keep the price they were made at. Raises SettingsError.
    """
    upstreams = settings.upstream or tuple(upstream_of(provider) for provider in found_providers())
    specs = await asyncio.to_thread(lambda: [spec_of(upstream, {}) for upstream in upstreams])
    teams = [stored_team(name, team) for name, team in settings.teams.items()]
    before = {name: model.price for name, model in rooms.upstreams.models.items()}
    rooms.upstreams.reprice(specs)
    for team in teams:
        await rooms.registry.declare_team(team)
    now = {name: model.price for name, model in rooms.upstreams.models.items()}
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    new = {spec.address.name for spec in specs} - rooms.upstreams.names
    logger.info("settings were read again; models that changed: %s", ", ".join(changed) or "none")
    return {"changed_models": changed, "teams": [team.id for team in teams], "needs_restart": sorted(new)}


async def reload_house(house: House) -> Mapping[str, Any]:
    """Reads the settings again and applies them in this process. Raises SettingsError, and keeps what is there."""
    if house.reread is None:
        raise SettingsError("this server was not started from a settings file")
    return await reload_prices(house.rooms, await asyncio.to_thread(house.reread))


def tell_other_workers() -> None:
    """Has every worker of this server read the settings again, by way of the process that started them."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getppid(), signal.SIGHUP)


@contextmanager
def reloading_on_signal(house: House) -> Iterator[None]:
    """SIGHUP reads the settings again, from start to stop; wrong ones are logged and change nothing."""
    if house.reread is None:
        yield
        return
    loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def begin() -> None:
        task = loop.create_task(_reload(house))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGHUP, begin)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        for task in tasks:
            task.cancel()


async def _reload(house: House) -> None:
    try:
        await reload_house(house)
    except (SettingsError, MaestroError) as error:
        logger.error("the settings were not read again: %s", error)
