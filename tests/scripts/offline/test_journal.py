"""The journal: nothing is asked twice, and the cap holds, whoever dies."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.offline.journal import Cell, Finding, Journal, JournalError, Key, Spell
from scripts.offline.journal_database import FileDatabase, Shared, place_of
from scripts.offline.owners import Owners


def cells(count: int, held: int = 10) -> list[Cell]:
    return [Cell(Key(f"t{i}", "f/m:sample", 0), "f", held, -float(i)) for i in range(count)]


@pytest.fixture(params=["file", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | Shared:
    """Each kind of journal in turn: what is promised holds on both."""
    if request.param == "file":
        return tmp_path / "j.db"
    return Shared(request.getfixturevalue("new_database")(), "tasks")


@pytest.fixture
def journal(place: Path | Shared) -> Iterator[Journal]:
    found = Journal.open(place)
    yield found
    found.close()


def kill(journal: Journal) -> None:
    """What the system does when a process is killed."""
    if isinstance(journal._owners, Owners):
        journal._owners._file.close()
    else:
        journal._database.close()


def test_two_collectors_never_claim_the_same_cell(place: Path | Shared, journal: Journal) -> None:
    other = Journal.open(place)
    journal.add(cells(10))
    mine, theirs = journal.claim({"f": 6}, None), other.claim({"f": 6}, None)
    assert len(mine) == 6
    assert len(theirs) == 4
    assert not {cell.key for cell in mine} & {cell.key for cell in theirs}
    other.close()


def test_the_dearest_value_comes_first_and_the_cap_holds(journal: Journal) -> None:
    journal.add([Cell(Key("low", "a", 0), "f", 30, 1.0), Cell(Key("high", "a", 0), "f", 80, 2.0)])
    assert [cell.key.task_id for cell in journal.claim({"f": 2}, 100)] == ["high"]
    assert journal.money() == (0, 80)
    assert journal.claim({"f": 2}, 100) == []


def test_what_is_answered_is_paid_once_and_found_again(place: Path | Shared, journal: Journal) -> None:
    journal.add(cells(1))
    (cell,) = journal.claim({"f": 1}, None)
    journal.answered(cell, [Spell("hi", 4, 1, 2, 0.5)], 4)
    assert journal.unchecked(lambda _: "d") == [(cell.key, [Spell("hi", 4, 1, 2, 0.5)])]
    journal.checked(cell.key, [Finding(0, 1.0, 1.0, {"r": [1.0, "ok"]})], "d")
    assert journal.unchecked(lambda _: "d") == []
    assert journal.money() == (4, 0)
    assert journal.rows()[0].success == 1.0
    assert journal.claim({"f": 1}, None) == []


def test_the_cells_of_a_dead_collector_are_lost_not_asked_again(place: Path | Shared, journal: Journal) -> None:
    dead = Journal.open(place)
    dead.add(cells(3))
    assert len(dead.claim({"f": 2}, None)) == 2
    assert journal.recover() == 0, "it is alive"
    kill(dead)
    assert journal.recover() == 2
    assert journal.counts() == {"lost": 2, "open": 1}
    assert journal.money() == (20, 0), "charged at worst case"
    assert journal.reopen(("lost",)) == 2
    assert len(journal.claim({"f": 9}, None)) == 3
    dead._database.close()


def test_a_collector_elsewhere_is_dead_when_its_lease_is_over(tmp_path: Path) -> None:
    with closing(FileDatabase(tmp_path / "j.db", lambda: 0.0)) as database:
        database.connection.execute("insert into owners values ('elsewhere:1:abc', 0.0)")
        owners = Owners(tmp_path / "j.db", database.connection, lambda: 59.0)
        assert owners.bury() == []
        owners.clock = lambda: 61.0
        assert owners.bury() == ["elsewhere:1:abc"]
        owners.leave()
        database.lease.leave()


def test_who_was_thought_dead_and_answers_is_paid_what_it_took(place: Path | Shared, journal: Journal) -> None:
    journal.add(cells(2))
    first, second = journal.claim({"f": 2}, None)
    with journal._transaction() as db:
        db.execute("update cells set state = 'lost', nanodollars = held where state = 'asked'")
        db.execute("update money set spent = 20, held = 0")
    journal.answered(first, [Spell("hi", 4, 1, 2, 0.5)], 4)
    journal.answered(first, [Spell("hi", 4, 1, 2, 0.5)], 4)
    assert (journal.money(), journal.counts()) == ((14, 0), {"answered": 1, "lost": 1})
    journal.reopen(("lost",))
    other = Journal.open(place)
    assert len(other.claim({"f": 1}, None)) == 1
    journal.unanswered(second, "UpstreamTimeout: slow", 3, again=True)
    assert (journal.money(), journal.counts()) == ((14, 10), {"answered": 1, "asked": 1})
    other.close()


def test_a_failed_call_may_be_asked_again_but_stays_paid(journal: Journal) -> None:
    journal.add(cells(1))
    (cell,) = journal.claim({"f": 1}, None)
    journal.unanswered(cell, "UpstreamTimeout: slow", 3, again=True)
    (again,) = journal.claim({"f": 1}, None)
    assert again.tries == 1
    journal.unanswered(again, "UpstreamTimeout: slow", 3, again=False)
    assert journal.counts() == {"failed": 1}
    assert journal.money() == (6, 0)
    assert journal.errors() == [("UpstreamTimeout: slow", 1)]


def test_a_journal_belongs_to_its_tasks(journal: Journal) -> None:
    journal.bind({"a": "1"})
    journal.bind({"a": "1", "b": "2"})
    with pytest.raises(JournalError, match="task 'a'"):
        journal.bind({"a": "other"})


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.db"
    bad.write_text("no database at all, only words" * 50)
    with pytest.raises(JournalError):
        Journal.open(bad)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(0, 300), st.data())
def test_spent_and_held_never_pass_the_cap(
    tmp_path_factory: pytest.TempPathFactory, held: list[int], cap: int, data: st.DataObject
) -> None:
    with closing(Journal.open(tmp_path_factory.mktemp("j") / "j.db")) as journal:
        journal.add([Cell(Key(str(i), "a", 0), "f", most) for i, most in enumerate(held)])
        while claimed := journal.claim({"f": 3}, cap):
            assert sum(journal.money()) <= cap
            for cell in claimed:
                journal.answered(cell, [Spell("x", 0, 1, 1, 0.1)], data.draw(st.integers(0, cell.held)))
        assert sum(journal.money()) <= cap


def test_a_place_is_a_file_or_a_schema_named_for_the_tasks() -> None:
    tasks = Path("here/My tasks.jsonl")
    assert place_of(None, tasks) == Path("here/My tasks.journal.db")
    assert place_of("other.db", tasks) == Path("other.db")
    assert place_of("postgresql://h/db", tasks) == Shared("postgresql://h/db", "my_tasks")
    assert place_of("postgresql://h/db#Second", tasks) == Shared("postgresql://h/db", "second")


def test_two_journals_of_a_database_know_nothing_of_each_other(new_database: Callable[[], str]) -> None:
    url = new_database()
    with closing(Journal.open(Shared(url, "a"))) as first, closing(Journal.open(Shared(url, "b"))) as second:
        first.add(cells(3))
        assert len(first.claim({"f": 9}, None)) == 3
        assert (second.counts(), second.recover()) == ({}, 0)


def test_a_journal_that_cannot_be_reached_says_so() -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal.open(Shared("postgresql://nobody@127.0.0.1:1/none", "a"))
