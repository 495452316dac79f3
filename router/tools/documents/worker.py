"""Converts one file to Markdown in a process of its own that has given up network, processes, files and memory.

Started by `convert.py` as a script: `worker.py JAIL`. Reads one line of JSON `{name, seconds, memory_bytes}` and then
the file; writes one JSON object `{text}` or `{code, error}`. It reads its libraries before it is sealed.
"""

import contextlib
import csv
import importlib
import importlib.util
import io
import json
import os
import re
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import Any

MOST_TEXT = 20_000_000
MOST_UNPACKED = 200_000_000
MOST_MEMBERS = 10_000
MOST_PAGES = 5_000
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
MARKS = {"Title": "# "} | {f"Heading {level}": "#" * min(level + 1, 6) + " " for level in range(1, 10)}
MOST_WEIGHED, MOST_TAGS_WEIGHED = 3_000_000, 60_000
"""Pages up to this size are looked through for their main part; its time grows faster than the page."""
PATH, SIBLING = Path(__file__), "streamed.py"
_TITLE = re.compile(r"^#{1,6}(?=\s)", re.MULTILINE)
_SPACES = re.compile(r"[ \t]+\n")


class Unfit(Exception):
    """The file cannot be read; the message is for the client."""

    def __init__(self, message: str, code: str = "invalid_file") -> None:
        super().__init__(message)
        self.code = code


def from_pdf(data: bytes) -> str:
    """Each page's text under a title with its number. A PDF that needs a password is refused."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unfit("The PDF is encrypted: it needs a password.")
        if len(reader.pages) > MOST_PAGES:
            raise Unfit(f"The PDF has more than {MOST_PAGES} pages.")
        pages = [page.extract_text() or "" for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        raise Unfit(f"The PDF is malformed: {type(error).__name__}.") from None
    if not any(page.strip() for page in pages):
        raise Unfit("The PDF holds no text (scanned pages are not read).", "unsupported_file")
    told = [f"# Page {i}\n\n{without_titles(page)}" for i, page in enumerate(pages, 1) if page.strip()]
    return "\n\n".join(told)


def from_docx(data: bytes) -> str:
    """Titles, paragraphs, lists and tables in their order."""
    check_archive(data)
    from docx import Document
    from docx.table import Table

    parts = []
    for block in Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(block, Table):
            parts.append(table_text([[cell.text for cell in row.cells] for row in block.rows]))
            continue
        style = (block.style.name if block.style is not None else None) or ""
        mark = MARKS.get(style) or ("- " if "List" in style else "")
        parts.append(mark + block.text)
    return "\n\n".join(parts)


def from_pptx(data: bytes) -> str:
    """A title with the number of each slide, then its texts, tables and notes."""
    check_archive(data)
    from pptx import Presentation

    parts = []
    for number, slide in enumerate(Presentation(io.BytesIO(data)).slides, 1):
        title = slide.shapes.title
        named = f": {' '.join(title.text_frame.text.split())}" if title is not None else ""
        parts.append(f"# Slide {number}{named}")
        for shape in flat(slide.shapes):
            if shape.has_text_frame and (title is None or shape.shape_id != title.shape_id):
                parts.append(shape.text_frame.text)
            if shape.has_table:
                parts.append(table_text([[cell.text for cell in row.cells] for row in shape.table.rows]))
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            parts.append(slide.notes_slide.notes_text_frame.text)
    return "\n\n".join(parts)


def flat(shapes: Any) -> Iterator[Any]:
    """Shapes in their order, those of groups in the group's place."""
    for shape in shapes:
        yield from flat(shape.shapes) if hasattr(shape, "shapes") else (shape,)


def from_xlsx(data: bytes) -> str:
    """Each sheet as rows that name their columns."""
    check_archive(data)
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    parts = []
    for sheet in book.worksheets:
        rows = [["" if v is None else str(v) for v in row] for row in sheet.iter_rows(values_only=True)]
        parts += [f"# {sheet.title}", rows_text(rows)]
    return "\n\n".join(parts)


def from_html(data: bytes) -> str:
    """The main text as Markdown; all of the text where no main part is found, or the page is too large to look."""
    import trafilatura
    from lxml import etree

    text, found = as_text(data), None
    if len(text) <= MOST_WEIGHED and text.count("<") <= MOST_TAGS_WEIGHED:
        with contextlib.suppress(etree.LxmlError, ValueError, RecursionError):
            found = trafilatura.extract(
                text, output_format="markdown", include_tables=True, include_formatting=True, favor_recall=True
            )
    try:
        return str(found or sys.modules["streamed"].read(text))
    except (etree.LxmlError, ValueError) as error:
        raise Unfit(f"The HTML is malformed: {type(error).__name__}.") from None


def from_csv(data: bytes) -> str:
    """Rows that name their columns."""
    text = as_text(data)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4096], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        return rows_text(list(csv.reader(io.StringIO(text), dialect)))
    except csv.Error as error:
        raise Unfit(f"The CSV is malformed: {error}.") from None


def from_code(data: bytes) -> str:
    """Code as paragraphs of its own, without Markdown's titles."""
    return without_titles(as_text(data))


def without_titles(text: str) -> str:
    """Text in which no line would be taken for a title of Markdown's."""
    return _TITLE.sub(r"\\\g<0>", text)


def as_text(data: bytes) -> str:
    """Text in UTF-8, UTF-16 with a mark, else Windows-1252. Refuses what is no text."""
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    if b"\0" in data[:65_536] and encodings[0] != "utf-16":
        raise Unfit("The file is binary: it holds no text that we can read.", "unsupported_file")
    for encoding in encodings:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise Unfit("The file is not text in UTF-8, UTF-16 or Windows-1252.", "unsupported_file")


def rows_text(rows: list[list[str]]) -> str:
    """One paragraph a row, each value with its column's name, so that a row can be understood alone."""
    head, *rest = [row for row in rows if any(row)] or [[]]
    named = (zip_longest(head, row, fillvalue="") for row in rest)
    told = [", ".join(f"{name}: {value}" if name else value for name, value in row if value) for row in named]
    return "\n\n".join(told) if rest else ", ".join(head)


def table_text(rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows)


def check_archive(data: bytes) -> None:
    """Refuses bombs, entities, and what is no office document, before any library unpacks it."""
    if data[:8] == OLE:
        raise Unfit("The document is encrypted, or in the old binary format of Office.", "unsupported_file")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError):
        raise Unfit("The document is malformed: it is not a ZIP archive.") from None
    members = archive.infolist()
    said = f"The document unpacks to more than {MOST_UNPACKED // 1_000_000} MB."
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
        raise Unfit(said)
    if any(member.flag_bits & 1 for member in members):
        raise Unfit("The document is encrypted.", "unsupported_file")
    total = 0
    for member in members:
        with archive.open(member) as part:
            begin = part.read(4096)
            total += len(begin) + drain(part, MOST_UNPACKED - total)
        if total > MOST_UNPACKED:
            raise Unfit(said)
        if member.filename.endswith((".xml", ".rels")) and _DOCTYPE.search(begin):
            raise Unfit("The document defines XML entities.")


def drain(part: Any, most: int) -> int:
    """How much a member really unpacks to, whatever its header says."""
    total = 0
    while total <= most and (piece := part.read(1 << 20)):
        total += len(piece)
    return total


CONVERTERS: dict[str, tuple[Callable[[bytes], str], tuple[str, ...]]] = {
    ".pdf": (from_pdf, ("pypdf",)),
    ".docx": (from_docx, ("docx", "docx.table")),
    ".pptx": (from_pptx, ("pptx",)),
    ".xlsx": (from_xlsx, ("openpyxl", "openpyxl.reader.excel")),
    **dict.fromkeys((".html", ".htm", ".xhtml"), (from_html, ("trafilatura", "lxml.etree", SIBLING))),
    **dict.fromkeys((".csv", ".tsv"), (from_csv, ())),
}
TROUBLES: dict[type[Exception], str] = {
    MemoryError: "The file needs too much memory to be read.",
    RecursionError: "The file is nested too deeply.",
}
PROSE = (".md", ".markdown", ".txt", ".text", ".rst", ".tex", ".log", "")


def converter_of(name: str, data: bytes) -> tuple[Callable[[bytes], str], tuple[str, ...]]:
    """By the file's first bytes, then by its name; anything else is read as text or code."""
    suffix = PurePath(name.lower()).suffix
    if data[:5] == b"%PDF-":
        suffix = ".pdf"
    if data[:8] == OLE or (data[:4] == b"PK\x03\x04" and suffix not in CONVERTERS):
        raise Unfit("This kind of archive or binary document is not read.", "unsupported_file")
    return CONVERTERS.get(suffix, (as_text if suffix in PROSE else from_code, ()))


def convert(name: str, data: bytes, seal: Callable[[], None]) -> str:
    """The text of a file. Raises Unfit."""
    converter, modules = converter_of(name, data)
    for module in modules:
        load(PATH.with_name(module)) if module == SIBLING else importlib.import_module(module)
    seal()
    text = _SPACES.sub("\n", converter(data)).replace("\0", "").strip()
    if not text:
        raise Unfit("The file holds no text.")
    if len(text) > MOST_TEXT:
        raise Unfit(f"The file holds more than {MOST_TEXT:,} characters of text.")
    return text.encode("utf-8", "replace").decode("utf-8")


def load(path: Path) -> Any:
    """A module from its file: this process knows no packages of ours."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seal_with(jail_path: str, asked: dict[str, Any]) -> None:
    """Gives up what a converter does not need: network, processes and writing; CPU, time and memory are limited."""
    jail = load(Path(jail_path))
    jail.limit_resources(asked["seconds"], asked["memory_bytes"])
    if sys.platform != "linux":
        return
    libc = jail._libc()
    jail.give_up_privileges(libc)
    paths = sysconfig.get_paths()
    readable = ["/usr/lib", "/lib", "/lib64", "/usr/share", "/dev/null", "/dev/urandom"]
    jail.forbid_files(libc, [*{paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}, *readable])
    jail.forbid_calls(libc)


def main() -> None:
    """See the head of this file."""
    head, _, data = sys.stdin.buffer.read().partition(b"\n")
    asked = json.loads(head)
    output, silence = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    try:
        told: dict[str, Any] = {"text": convert(asked["name"], data, lambda: seal_with(sys.argv[1], asked))}
    except Unfit as unfit:
        told = {"code": unfit.code, "error": str(unfit)}
    except Exception as error:  # noqa: BLE001 - the outermost edge: a library's own trouble with a file
        said = TROUBLES.get(type(error)) or f"The file is malformed: {type(error).__name__}."
        told = {"code": "invalid_file", "error": said}
    with os.fdopen(output, "wb") as pipe:
        pipe.write(json.dumps(told).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
