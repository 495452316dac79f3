"""What every backend promises of work that outlives its request, of profiles and of feedback."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from router.errors import KeyReused
from router.ledger.ledger import Account
from router.profiles.store import SqliteConfigs
from router.runs.feedback import Feedback, SqliteWords
from router.runs.sqlite import SqliteTickets
from router.runs.ticket import End, Hook, Once, Page, Ticket
from tests.router.ledger.conftest import Clock

pytestmark = pytest.mark.anyio
ACCOUNT = Account("search", "key-1")


@dataclass
class Stores:
    """The three stores of one ledger, and its owner's name."""

    tickets: SqliteTickets
    configs: SqliteConfigs
    words: SqliteWords

    def ticket(self, name: str, **more: Any) -> Ticket:
        said: dict[str, Any] = {"owner": self.tickets.owner, "request": "{}", "shown": {"id": name}, **more}
        return Ticket(name, "run", ACCOUNT, said.pop("created_at", 1.0), 2.0, **said)


@pytest.fixture
async def stores(any_ledger: Any, clock: Clock) -> AsyncIterator[Stores]:
    reader = any_ledger.new_reader()
    writer = any_ledger.writer
    tickets = SqliteTickets(writer, reader, any_ledger.owner, clock)
    yield Stores(tickets, SqliteConfigs(writer, reader, clock), SqliteWords(writer, reader, clock))
    await reader.close()


async def test_a_key_makes_one_ticket(stores: Stores) -> None:
    first = await stores.tickets.put(stores.ticket("a"), Once("key", "words"))
    again = await stores.tickets.put(stores.ticket("b"), Once("key", "words"))
    assert (first.id, again.id) == ("a", "a")
    with pytest.raises(KeyReused):
        await stores.tickets.put(stores.ticket("c"), Once("key", "other words"))


async def test_tickets_are_listed_after_one_another(stores: Stores) -> None:
    for number, name in enumerate("abc"):
        await stores.tickets.put(stores.ticket(name, created_at=float(number)))
    first = await stores.tickets.list_page(Page("run", "search", limit=2))
    assert [ticket.id for ticket in first] == ["c", "b"]
    rest = await stores.tickets.list_page(Page("run", "search", after="b", limit=2))
    assert [ticket.id for ticket in rest] == ["a"]
    assert await stores.tickets.list_page(Page("run", "other")) == []
    assert [one.id for one in await stores.tickets.list_page(Page("run", ascending=True))] == ["a", "b", "c"]


async def test_an_end_erases_the_request_and_is_told_once(stores: Stores, clock: Clock) -> None:
    ticket = await stores.tickets.put(stores.ticket("a"))
    hook = Hook("msg_a", "http://x.example", "s", "maestro.run.completed", {"id": "a"})
    assert await stores.tickets.finish(ticket, End("completed", {"id": "a", "result": "x"}, hook))
    assert not await stores.tickets.finish(ticket, End("failed", {}, None))
    found = await stores.tickets.find("a")
    assert found is not None
    assert (found.status, found.request, found.shown["result"]) == ("completed", None, "x")
    assert [told.kind for told in await stores.tickets.read_log("a")] == ["run.completed"]
    assert [due.id for due in await stores.tickets.due_hooks(60.0)] == ["msg_a"]
    assert await stores.tickets.due_hooks(60.0) == ()
    await stores.tickets.close_hook("msg_a", None)
    assert await stores.tickets.forget_expired() == 1
    assert await stores.tickets.find("a") is None


async def test_only_one_claims_what_was_put_back(stores: Stores) -> None:
    ticket = await stores.tickets.put(stores.ticket("a"))
    await stores.tickets.put_back(ticket)
    (left, _), *_ = await stores.tickets.open_tickets()
    assert left.owner == ""
    assert [await stores.tickets.claim(left), await stores.tickets.claim(left)] == [True, False]
    await stores.tickets.ask_cancel("a")
    (taken, _), *_ = await stores.tickets.open_tickets()
    assert (taken.owner, taken.tries, taken.cancel_at is not None) == (stores.tickets.owner, 2, True)
    assert await stores.tickets.spent("a") == (0, 0)


async def test_profiles_keep_their_versions(stores: Stores) -> None:
    for budget in ("low", "high"):
        await stores.configs.put("profile", "search", "curt", {"budget": budget}, "test")
    latest = await stores.configs.find("profile", "search", "curt")
    first = await stores.configs.find("profile", "search", "curt", 1)
    assert latest is not None
    assert first is not None
    assert (latest.version, latest.said, first.said) == (2, {"budget": "high"}, {"budget": "low"})
    assert [one.version for one in await stores.configs.list_all("profile", "search")] == [2]
    assert [one.version for one in await stores.configs.list_versions("profile", "search", "curt")] == [2, 1]
    assert await stores.configs.delete("profile", "search", "curt", "test")
    assert not await stores.configs.delete("profile", "search", "curt", "test")
    assert await stores.configs.list_all("profile") == []


async def test_feedback_is_kept_in_order(stores: Stores) -> None:
    word = Feedback("fb-1", "run-1", ACCOUNT, 1.0, 0.5, comment="so so")
    await stores.words.add(word)
    await stores.words.add(replace(word, id="fb-2", created_at=2.0))
    assert [one["id"] for one in await stores.words.of_run("run-1")] == ["fb-1", "fb-2"]
    assert [one["id"] for one in await stores.words.list_all("fb-1")] == ["fb-2"]
