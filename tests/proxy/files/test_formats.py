"""Real files of each format with the official client: uploaded, found at the right page, and hostile ones refused."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest

from router.tools.documents.convert import ConvertLimits, Unreadable, convert
from scripts.fake_upstream import FakeUpstream
from tests.proxy.files import made_files
from tests.proxy.served import Served, serving, settings_for

pytestmark = pytest.mark.anyio
PAGES = ("The lighthouse was built in 1871.", "Its lamp burns whale oil.", "The keeper is Ingrid Solberg.")
HTML = b"<html><body><article><h1>Moss</h1><p>" + b"Peat moss holds water. " * 9 + b"</p></article></body></html>"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as running:
        yield running


async def indexed(client: openai.AsyncOpenAI, name: str, data: bytes) -> str:
    """A store of its own with this file."""
    store = await client.vector_stores.create(name=name)
    file = await client.files.create(file=(name, data), purpose="assistants")
    done = await client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id, poll_interval_ms=30)
    assert done.status == "completed", done.last_error
    return store.id


@pytest.mark.parametrize(
    ("name", "data", "query", "heading", "words"),
    [
        ("a.pdf", made_files.pdf(PAGES), "name of the keeper", "Page 3", "Ingrid Solberg"),
        ("a.pdf", made_files.pdf(PAGES), "what does the lamp burn?", "Page 2", "whale oil"),
        ("a.docx", made_files.docx(), "how deep is the channel?", "Harbour report > Dredging", "eleven metres"),
        ("a.docx", made_files.docx(), "fee of a trawler", "Harbour report > Fees", "| Trawler | 340 kroner |"),
        ("a.pptx", made_files.pptx(), "when are hives moved?", "Slide 2: Beekeeping", "at night"),
        ("a.pptx", made_files.pptx(), "how old do queens get?", "Slide 2: Beekeeping", "four years"),
        ("a.xlsx", made_files.xlsx(), "which shelf has the lantern?", "Stock", "Shelf: B7, Count: 12, fragile"),
        ("a.html", HTML, "what holds water?", "Moss", "Peat moss"),
        ("a.py", b"# a note\ndef tide(moon):\n    return moon * 2\n", "tide of the moon", "", "def tide"),
        ("a.tsv", b"name\tage\nOlav\t7\n", "how old is Olav?", "", "name: Olav, age: 7"),
    ],
)
async def test_a_real_file_is_found_where_it_says_so(
    served: Served, name: str, data: bytes, query: str, heading: str, words: str
) -> None:
    async with served.client() as client:
        found = await client.vector_stores.search(await indexed(client, name, data), query=query, max_num_results=1)
    [hit] = found.data
    assert words in hit.content[0].text
    assert (hit.filename, hit.model_dump()["heading"]) == (name, heading)


HUGE = b"<html><body>" + b"<p>The heron stands in the reeds.</p>" * 150_000 + b"</body></html>"
DEEP = b"<div>" * 100_000 + b"The heron stands deep in the reeds." + b"</div>" * 100_000


@pytest.mark.parametrize("data", [HUGE, DEEP], ids=["5 MB", "100,000 deep"])
async def test_a_large_or_deep_page_is_read_all_the_same(data: bytes) -> None:
    assert "The heron stands" in (await convert("a.html", data, ConvertLimits(30, 512)))[:200]


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 210_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "code", "words"),
    [
        ("locked.pdf", made_files.pdf(PAGES, "secret"), "invalid_file", "needs a password"),
        ("scanned.pdf", made_files.pdf(("", "")), "unsupported_file", "no text"),
        ("cut.pdf", made_files.pdf(PAGES)[:200], "invalid_file", "malformed"),
        ("cut.pptx", made_files.pptx()[:9000], "invalid_file", "malformed"),
        ("locked.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "unsupported_file", "not read"),
        ("bomb.xlsx", bomb(), "invalid_file", "unpacks to more than 200 MB"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(name: str, data: bytes, code: str, words: str) -> None:
    with pytest.raises(Unreadable) as told:
        await convert(name, data, ConvertLimits(20, 512))
    assert (told.value.code, words in told.value.message) == (code, True), told.value.message


async def test_a_locked_pdf_is_a_failed_entry_not_a_failed_request(served: Served) -> None:
    async with served.client() as client:
        store = await client.vector_stores.create(name="locked")
        file = await client.files.create(file=("locked.pdf", made_files.pdf(PAGES, "secret")), purpose="assistants")
        done = await client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id, poll_interval_ms=30)
    assert done.status == "failed"
    assert done.last_error is not None
    assert "password" in done.last_error.message
