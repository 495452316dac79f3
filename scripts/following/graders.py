"""Deterministic graders: does an answer meet a demand? Each is told apart by its name and takes plain arguments.

They are written for this set alone and share no code with `router.checks`, so that Maestro is never graded by itself.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scripts.following.reading import Reading

HYPE = (
    "amazing",
    "awesome",
    "incredible",
    "fantastic",
    "revolutionary",
    "stunning",
    "mind-blowing",
    "unbelievable",
    "game-changer",
    "superb",
)
LANGUAGES = ("Java", "JavaScript", "Ruby", "Perl", "PHP", "Rust", "Haskell", "Kotlin", "Swift", "TypeScript", "Scala")
GREETINGS = ("hi", "hello", "hey", "dear", "good morning", "good afternoon", "greetings", "welcome")
CONTRACTED = re.compile(r"\b\w+(?:n['’]t|['’](?:re|ll|ve|d|m))\b|\b(?:it|that|there|here|what|let|he|she)['’]s\b", re.I)


def words_between(it: Reading, low: int, high: int) -> bool:
    """So many words."""
    return low <= len(it.words) <= high


def sentences_between(it: Reading, low: int, high: int) -> bool:
    """So many sentences."""
    return low <= len(it.sentences) <= high


def paragraphs_exactly(it: Reading, count: int) -> bool:
    """Parted by empty lines; a heading before them need not be counted."""
    head = it.paragraphs[0] if it.paragraphs else ""
    return len(it.paragraphs) - count in ({0, 1} if is_heading(head) else {0})


def bullets_between(it: Reading, low: int, high: int) -> bool:
    """So many bullet points."""
    return low <= len(it.bullets) <= high


def short_bullets(it: Reading, most: int) -> bool:
    """No bullet longer than so many words, and at least one bullet."""
    return bool(it.bullets) and all(len(Reading(bullet).words) <= most for bullet in it.bullets)


def only_bullets(it: Reading) -> bool:
    """Every line is a bullet."""
    return bool(it.bullets) and len(it.bullets) == len(it.lines)


def steps_between(it: Reading, low: int, high: int) -> bool:
    """So many numbered steps, numbered from one without a gap."""
    numbers = [int(found.group(1)) for line in it.lines if (found := re.match(r"(\d+)\s*[.)]\s", line))]
    return low <= len(it.steps) <= high and numbers == list(range(1, len(numbers) + 1))


def short_sentences(it: Reading, most: int) -> bool:
    """No sentence longer than so many words."""
    return all(len(Reading(sentence).words) <= most for sentence in it.sentences)


def title_first(it: Reading) -> bool:
    """The first line is a short heading without a full stop, and something follows."""
    return len(it.lines) > 1 and is_heading(it.lines[0])


def is_heading(text: str) -> bool:
    """A short line that does not end like a sentence."""
    is_short = 0 < len(Reading(text).words) <= 12 and "\n" not in text.strip()
    return is_short and not text.rstrip("*#_ ").endswith((".", "!", ";", ","))


def first_line_in_capitals(it: Reading) -> bool:
    """Letters of the first line are all capital."""
    return bool(it.lines) and it.lines[0].upper() == it.lines[0] and re.search(r"[A-Z]", it.lines[0]) is not None


def one_line(it: Reading) -> bool:
    """A single line."""
    return len(it.lines) == 1


def starts_with(it: Reading, text: str) -> bool:
    """Whatever the case, marks of emphasis left out."""
    return it.text.lstrip('*_# "“').lower().startswith(text.lower())


def ends_with(it: Reading, text: str) -> bool:
    """Whatever the case; a last full stop, quote or emphasis does not matter."""
    trimmed = it.text.rstrip('*_ "”').lower()
    return trimmed.endswith(text.lower()) or trimmed.rstrip(".!").endswith(text.lower().rstrip(".!"))


def ends_with_question(it: Reading) -> bool:
    """The last mark is a question mark."""
    return it.text.rstrip('*_ "”)').endswith("?")


def json_with_keys(it: Reading, keys: Sequence[str]) -> bool:
    """Nothing but a JSON object (a code fence around it does no harm) with exactly these keys."""
    found = _json(it)
    return isinstance(found, dict) and set(found) == set(keys)


def json_list(it: Reading, key: str, low: int, high: int) -> bool:
    """The object's `key` is a list of so many items."""
    found = _json(it)
    items = found.get(key) if isinstance(found, dict) else None
    return isinstance(items, list) and low <= len(items) <= high


def _json(it: Reading) -> Any:
    try:
        return json.loads(it.unfenced)
    except ValueError:
        return None


def csv_with_header(it: Reading, header: Sequence[str], low: int, high: int) -> bool:
    """Nothing but comma-separated rows of equal width under this header, so many of them."""
    rows = [row for row in csv.reader(io.StringIO(it.unfenced)) if row]
    told = [cell.strip().lower() for cell in rows[0]] if rows else []
    return told == [name.lower() for name in header] and low <= len(rows) - 1 <= high and len({*map(len, rows)}) == 1


def markdown_table(it: Reading, columns: Sequence[str], low: int, high: int) -> bool:
    """A Markdown table with these columns and so many rows."""
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in it.lines if line.startswith("|")]
    if len(rows) < 2 or not all(re.fullmatch(r":?-+:?", cell.replace(" ", "")) for cell in rows[1]):
        return False
    return [cell.lower() for cell in rows[0]] == [name.lower() for name in columns] and low <= len(rows) - 2 <= high


def questions_and_answers(it: Reading, pairs: int) -> bool:
    """So many lines that begin with Q: and so many with A:, in turn."""
    marks = [found.group(1).upper() for line in it.lines if (found := re.match(r"[*_]*([QA])\d*\s*[:.]", line, re.I))]
    return marks == ["Q", "A"] * pairs


def labelled_lines(it: Reading, labels: Sequence[str]) -> bool:
    """Each label begins a line, in this order."""
    places = [
        next((i for i, line in enumerate(it.lines) if line.lstrip("*_#- ").lower().startswith(f"{label.lower()}:")), -1)
        for label in labels
    ]
    return -1 not in places and places == sorted(places)


def plain_text(it: Reading) -> bool:
    """No headings, emphasis, bullets, links or code fences."""
    return not it.bullets and not re.search(r"^#|\*\*|__\w|```|\]\(", it.text, re.MULTILINE)


def mentions(it: Reading, terms: Sequence[str]) -> bool:
    """All of them."""
    return all(it.says(term) for term in terms)


def mentions_times(it: Reading, term: str, low: int) -> bool:
    """At least so often."""
    return len(re.findall(re.escape(term), it.text, re.IGNORECASE)) >= low


def avoids(it: Reading, terms: Sequence[str]) -> bool:
    """None of them."""
    return not any(it.says(term) for term in terms)


def gives_example(it: Reading) -> bool:
    """Says that it gives one, or shows code."""
    return any(it.says(word) for word in ("for example", "for instance", "example", "e.g", "such as")) or "`" in it.text


def is_sober(it: Reading) -> bool:
    """No exclamation mark, no word of hype."""
    return "!" not in it.text and avoids(it, HYPE)


def no_contractions(it: Reading) -> bool:
    """Written out: do not, it is."""
    return CONTRACTED.search(it.text) is None


def addresses_reader(it: Reading) -> bool:
    """Says you."""
    return re.search(r"\byou(?:r|rs|rself|['’]\w+)?\b", it.text, re.IGNORECASE) is not None


def no_first_person(it: Reading) -> bool:
    """Neither I nor we."""
    return re.search(r"\b(?:I|we|We|my|My|our|Our|me|us)\b(?!\.)", it.text) is None


def greets(it: Reading) -> bool:
    """Begins with a greeting."""
    return it.text.lower().startswith(GREETINGS)


def is_polite(it: Reading) -> bool:
    """Says please or thanks."""
    return re.search(r"\b(?:please|thank|thanks)\b", it.text, re.IGNORECASE) is not None


def numbers_from_source(it: Reading) -> bool:
    """Every number, the marks of lists left out, is in the source."""
    told = "\n".join(re.sub(r"^\s*[*_#]*\d+\s*[.):]", "", line) for line in it.text.splitlines())
    return all(re.search(rf"(?<!\d){number}(?!\d)", it.source) for number in re.findall(r"\d+", told))


def quotes_source(it: Reading, least: int) -> bool:
    """Some passage in double quotes, of at least so many words, stands in the source word for word."""
    quoted = re.findall(r"[\"“]([^\"“”]+)[\"”]", it.text)
    return any(len(Reading(part).words) >= least and _bare(part) in _bare(it.source) for part in quoted)


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[\"“”]", "", text).lower().split()).rstrip(".,;:")


def names_from_source(it: Reading, least: int) -> bool:
    """At least so many names in `backticks`, each of them in the source."""
    names = re.findall(r"`([^`\n]+)`", it.text)
    return len(set(names)) >= least and all(name.strip("() ") in it.source for name in names)


def no_other_language(it: Reading) -> bool:
    """Names no other programming language."""
    return not any(re.search(rf"\b{name}\b", it.text) for name in LANGUAGES)


def no_links(it: Reading) -> bool:
    """No web address."""
    return re.search(r"https?://|www\.", it.text) is None


GRADERS: Mapping[str, Callable[..., bool]] = {
    one.__name__: one
    for one in (
        *(words_between, sentences_between, paragraphs_exactly, bullets_between, short_bullets, only_bullets),
        *(steps_between, short_sentences, title_first, first_line_in_capitals, one_line, starts_with, ends_with),
        *(ends_with_question, json_with_keys, json_list, csv_with_header, markdown_table, questions_and_answers),
        *(labelled_lines, plain_text, mentions, mentions_times, avoids, gives_example, is_sober, no_contractions),
        *(addresses_reader, no_first_person, greets, is_polite, numbers_from_source, quotes_source),
        *(names_from_source, no_other_language, no_links),
    )
}
