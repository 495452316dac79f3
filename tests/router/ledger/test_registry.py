import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from cachetools import TTLCache

from router.errors import BadRequest, Forbidden, Unauthenticated
from router.ledger.accounts import KeyScopes, StoredKey, Team
from router.ledger.registry import SERVER, Registry
from router.ledger.sqlite import SqliteLedger
from router.task import OperatingPoint
from tests.router.ledger.conftest import Clock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def registry(ledger: SqliteLedger, clock: Clock) -> AsyncIterator[Registry]:
    made = Registry(ledger.accounts, clock)
    await made.put_team(Team("search", 1000, "day", defaults={"effort": "high", "models": ["a/small"]}))
    await made.put_team(Team("ads"))
    yield made


async def test_a_key_is_its_team(registry: Registry) -> None:
    new = await registry.create_key("search", KeyScopes(), "test")
    caller = await registry.authenticate(new.secret)
    assert (caller.team, caller.key_id, caller.models) == ("search", new.id, ("a/small",))
    assert caller.defaults.budget is not None
    assert caller.defaults.budget.effort == "high"


async def test_a_secret_is_stored_nowhere(registry: Registry, ledger: SqliteLedger) -> None:
    new = await registry.create_key("search", KeyScopes(), "test")
    await ledger.flush()
    stored = ledger.path.read_bytes() + ledger.path.with_name("ledger.db-wal").read_bytes()
    assert new.secret.encode() not in stored
    assert new.secret not in repr(new)


async def test_a_wrong_revoked_or_expired_key_is_refused(registry: Registry, clock: Clock) -> None:
    with pytest.raises(Unauthenticated):
        await registry.authenticate("mk-wrong")
    new = await registry.create_key("search", KeyScopes(expires_at=clock.now + 10), "test")
    await registry.authenticate(new.secret)
    clock.now += 11
    with pytest.raises(Unauthenticated, match="expired"):
        await registry.authenticate(new.secret)
    other = await registry.create_key("search", KeyScopes(), "test")
    await registry.revoke_key(other.id, "test")
    with pytest.raises(Unauthenticated):
        await registry.authenticate(other.secret)


async def test_keys_are_looked_up_without_the_writer_and_unknown_ones_only_once(
    registry: Registry, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await registry.create_key("search", KeyScopes(), "test")
    reads = 0
    find = ledger.accounts.find_key

    async def counted(hashed: str) -> StoredKey | None:
        nonlocal reads
        reads += 1
        return await find(hashed)

    monkeypatch.setattr(ledger.accounts, "find_key", counted)
    monkeypatch.setattr(ledger.writer, "do", None)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await registry.authenticate("mk-guessed")
        assert (await registry.authenticate(new.secret)).key_id == new.id
    assert reads == 2


async def test_many_who_ask_at_once_are_told_by_one_read_and_one_that_a_change_overtook_is_not_believed(
    registry: Registry, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await registry.create_key("search", KeyScopes(), "test")
    reads, began, may_end = 0, asyncio.Event(), asyncio.Event()
    find = ledger.accounts.find_key

    async def slow(hashed: str) -> StoredKey | None:
        nonlocal reads
        reads += 1
        found = await find(hashed)
        began.set()
        await may_end.wait()
        return found

    monkeypatch.setattr(ledger.accounts, "find_key", slow)
    asking = [asyncio.create_task(registry.authenticate(new.secret)) for _ in range(20)]
    await asyncio.wait_for(began.wait(), 5)
    asking.pop().cancel()
    await registry.revoke_key(new.id, "test")
    may_end.set()
    assert {caller.key_id for caller in await asyncio.gather(*asking)} == {new.id}
    assert reads == 1
    with pytest.raises(Unauthenticated):
        await registry.authenticate(new.secret)


async def test_a_revoked_key_ends_in_every_process_within_a_second(registry: Registry, ledger: SqliteLedger) -> None:
    other = Registry(ledger.accounts)
    new = await registry.create_key("search", KeyScopes(), "test")
    await other.authenticate(new.secret)
    await registry.revoke_key(new.id, "test")
    async with asyncio.timeout(1.0):
        with pytest.raises(Unauthenticated):
            while True:
                await other.authenticate(new.secret)
                await asyncio.sleep(0.01)


async def test_a_key_of_its_own_models_keeps_within_those_of_the_team_it_names(registry: Registry) -> None:
    await registry.put_team(Team("strict", defaults={"models": ["a/cheap"], "max_run_usd": 0.5}))
    scopes = KeyScopes(teams=("strict",), models=("a/small",), max_usd=2.0)
    new = await registry.create_key("search", scopes, "test")
    caller = await registry.authenticate(new.secret, "strict")
    assert (caller.models, caller.team_models, caller.max_usd) == (("a/small",), ("a/cheap",), 0.5)


async def test_only_a_key_that_may_can_name_another_team(registry: Registry) -> None:
    plain = await registry.create_key("search", KeyScopes(), "test")
    wide = await registry.create_key("search", KeyScopes(teams=("ads",)), "test")
    with pytest.raises(Forbidden):
        await registry.authenticate(plain.secret, "ads")
    assert (await registry.authenticate(wide.secret, "ads")).team == "ads"


async def test_a_key_needs_a_team_that_is_there(registry: Registry) -> None:
    with pytest.raises(BadRequest):
        await registry.create_key("nobody", KeyScopes(), "test")


async def test_changing_only_a_budget_keeps_the_defaults_and_the_soft_limit(registry: Registry) -> None:
    await registry.put_team(Team("search", 1000, "day", 0.5, {"effort": "high"}))
    await registry.put_team(Team("search", 2000, "day", defaults=None))
    shown = {row["team"]: row for row in await registry.list_teams()}
    assert (shown["search"]["limit_usd"], shown["search"]["defaults"]) == (2000 / 1e9, {"effort": "high"})


async def test_changing_a_window_counts_what_was_spent_in_it(registry: Registry) -> None:
    await registry.put_team(Team("search", 5000, "month"))
    shown = {row["team"]: row for row in await registry.list_teams()}
    assert shown["search"]["window"] == "month"
    assert shown["search"]["spent_usd"] == 0


async def test_a_point_that_an_admin_set_outlives_the_settings_file(ledger: SqliteLedger) -> None:
    registry = Registry(ledger.accounts)
    await registry.put_team(Team("search", defaults={"operating_point": {"usd": 3.0, "seconds": 0.1}}), "admin")
    await registry.declare_team(Team("search", defaults={"quality_threshold": 0.9}))
    kept = await registry.find_team("search")
    assert kept == {"operating_point": {"usd": 3.0, "seconds": 0.1}, "quality_threshold": 0.9}


async def test_the_servers_point_holds_where_neither_a_point_nor_an_effort_is_said(ledger: SqliteLedger) -> None:
    registry = Registry(ledger.accounts)
    for name, said in (("plain", {}), ("own", {"effort": "high"})):
        await registry.put_team(Team(name, defaults=said))
    await registry.put_team(Team(SERVER, defaults={"operating_point": {"usd": 1.0, "seconds": 0.2}}), "admin")
    points = {}
    for name in ("plain", "own"):
        key = await registry.create_key(name, KeyScopes(), "test")
        points[name] = (await registry.authenticate(key.secret)).defaults.operating_point
    assert points == {"plain": OperatingPoint(1.0, 0.2), "own": None}
    assert await registry.point_of("plain") == OperatingPoint(1.0, 0.2)


async def test_a_point_that_ages_between_two_looks_is_still_told(ledger: SqliteLedger) -> None:
    registry = Registry(ledger.accounts)
    registry._points = TTLCache(10, 0.5, timer=itertools.count().__next__)  # whatever is put has aged at the next look
    await registry.put_team(Team("plain", defaults={"operating_point": {"usd": 1.0, "seconds": 0.2}}), "admin")
    assert [await registry.point_of(name) for name in ("plain", "none")] == [OperatingPoint(1.0, 0.2), None]
