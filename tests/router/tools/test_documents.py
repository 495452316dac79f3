"""Documents: cut, filtered, ranked, and converted whatever they are."""

import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest
from router.tools.documents.chunks import CHARACTERS_PER_TOKEN, cut
from router.tools.documents.convert import Unreadable, convert
from router.tools.documents.filters import read_filter, read_labels
from router.tools.documents.index import joined
from router.tools.documents.rank import best_first, distinct, join
from router.tools.documents.values import Chunking

texts = st.text(alphabet=st.sampled_from("ab c.\n#`é"), max_size=3000)


@given(texts, st.integers(100, 300), st.integers(0, 50))
def test_chunks_are_short_in_order_and_lose_no_word(text: str, most: int, overlap: int) -> None:
    chunks = cut(text, Chunking(most, overlap))
    assert all(len(chunk.text) <= most * CHARACTERS_PER_TOKEN for chunk in chunks)
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    kept = " ".join(f"{chunk.heading} {chunk.text}" for chunk in chunks)
    assert all(word in kept for word in text.replace("#", " ").split() if len(word) < 50 and "`" not in word)


def test_a_chunk_knows_the_titles_above_it() -> None:
    chunks = cut("# A\n\none\n\n## B\n\ntwo\n\n# C\n\nthree", Chunking())
    assert [(chunk.heading, chunk.text) for chunk in chunks] == [("A", "one"), ("A > B", "two"), ("C", "three")]


@given(st.dictionaries(st.integers(), st.floats(0, 1)), st.dictionaries(st.integers(), st.floats(0, 1)))
def test_a_joined_score_stays_between_its_parts(words: dict[int, float], vectors: dict[int, float]) -> None:
    scores = join(words, vectors)
    assert scores.keys() == words.keys() | vectors.keys()
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores.values())
    order = best_first(scores)
    assert sorted(order, key=lambda i: -scores[i]) == sorted(order, key=lambda i: -scores[i])


def test_near_duplicates_are_dropped() -> None:
    text = "the moon pulls the sea twice a day and so the tide rises"
    assert distinct([text, text + ".", "bees dance to show where food is"], 5) == [0, 2]


def test_neighbours_are_joined_without_saying_twice_what_they_share() -> None:
    shared = "this sentence stands in both of them"
    assert joined([f"first. {shared}", f"{shared} last."]) == f"first. {shared} last."


@pytest.mark.parametrize(
    ("said", "attributes", "matches"),
    [
        ({"type": "eq", "key": "a", "value": 1}, {"a": 1}, True),
        ({"type": "eq", "key": "a", "value": 1}, {"a": True}, False),
        ({"type": "ne", "key": "a", "value": "x"}, {}, True),
        ({"type": "gt", "key": "a", "value": 1}, {"a": "2"}, False),
        ({"type": "in", "key": "a", "value": ["x", "y"]}, {"a": "y"}, True),
        ({"type": "nin", "key": "a", "value": ["x"]}, {"a": "x"}, False),
        (
            {
                "type": "or",
                "filters": [{"type": "eq", "key": "a", "value": 1}, {"type": "lte", "key": "b", "value": 2}],
            },
            {"b": 2},
            True,
        ),
    ],
)
def test_filters(said: Any, attributes: Any, matches: bool) -> None:
    assert read_filter(said, "filters")(attributes, ()) is matches


@pytest.mark.parametrize(
    "said", [[], {"type": "x", "key": "a", "value": 1}, {"type": "and", "filters": []}, {"key": 1}]
)
def test_a_bad_filter_is_named(said: Any) -> None:
    with pytest.raises(BadRequest) as told:
        read_filter(said, "filters")
    assert str(told.value.param).startswith("filters")


def test_labels_join_by_and_or_or() -> None:
    assert read_labels(["a", "b"], "AND", "labels")({}, ("a",)) is False
    assert read_labels(["a", "b"], "OR", "labels")({}, ("a",)) is True


def office(member: str, body: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, body)
    return packed.getvalue()


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("entities.docx", office("word/document.xml", ENTITIES), "entities"),
        ("no.docx", b"not a zip", "malformed"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "not read"),
        ("a.pdf", b"%PDF-1.7 nothing here", "malformed"),
        ("a.bin", b"\0\0\0", "binary"),
        ("empty.txt", b"  \n ", "no text"),
    ],
)
async def test_a_hostile_file_is_refused_in_words(name: str, data: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as told:
        await convert(name, data)
    assert words in told.value.message


@pytest.mark.anyio
async def test_an_html_page_and_a_table_are_read() -> None:
    page = (
        b"<html><body><nav>menu</nav><article><p>"
        + b"Whales sing in the deep sea. " * 9
        + b"</p></article></body></html>"
    )
    assert "Whales sing" in await convert("a.html", page)
    assert await convert("a.csv", b"name,age\nbob,3\n") == "name: bob, age: 3"
