"""What is asked of an answer beside the instruction, in the loose words that people use, each with its grader."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scripts.following.graders import GRADERS
from scripts.following.reading import Reading
from scripts.following.sources import Source

Kind = Literal["content", "format", "tone", "grounding"]
OUTSIDERS = ("Guido", "Google", "Microsoft", "Stack Overflow", "artificial intelligence", "machine learning")


@dataclass(frozen=True)
class Demand:
    """One requirement: its words, and the grader with its arguments."""

    kind: Kind
    text: str
    grader: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def is_met(self, answer: str, source: str) -> bool:
        """An empty answer meets nothing."""
        return bool(answer.strip()) and GRADERS[self.grader](Reading(answer, source), **self.args)


Making = Callable[[random.Random, Source], Demand]
"""Words and numbers are drawn; what must be mentioned comes from the source."""


def at_most_words(*limits: int) -> Making:
    """A limit, said in several ways."""

    def make(dice: random.Random, source: Source) -> Demand:
        most = dice.choice(limits)
        said = dice.choice(
            (
                f"Keep it under {most + 1} words",
                f"{most} words at the very most, please",
                f"Don't go over {most} words",
                f"It has to fit in {most} words",
                f"in no more than {most} words",
            )
        )
        return Demand("format", said, "words_between", {"low": 1, "high": most})

    return make


def words_about(*targets: int) -> Making:
    """A range around a length."""

    def make(dice: random.Random, source: Source) -> Demand:
        target = dice.choice(targets)
        low, high = target - target // 4, target + target // 4
        said = dice.choice(
            (f"Somewhere between {low} and {high} words", f"Length: {low} to {high} words", f"{low}-{high} words long")
        )
        return Demand("format", said, "words_between", {"low": low, "high": high})

    return make


def at_least_words(least: int) -> Making:
    """Not too short."""

    def make(dice: random.Random, source: Source) -> Demand:
        said = dice.choice((f"Not shorter than {least} words", f"I need {least} words or more"))
        return Demand("format", said, "words_between", {"low": least, "high": 10_000})

    return make


def sentences(low: int, high: int) -> Making:
    """So many sentences."""

    def make(dice: random.Random, source: Source) -> Demand:
        exact = (f"Exactly {low} sentences, no more, no less", f"I want {low} sentences")
        ranged = (f"{low} to {high} sentences", f"Between {low} and {high} sentences will do")
        said = dice.choice(exact if low == high else ranged)
        return Demand("format", said, "sentences_between", {"low": low, "high": high})

    return make


def bullets(*counts: int) -> Making:
    """Exactly so many."""

    def make(dice: random.Random, source: Source) -> Demand:
        count = dice.choice(counts)
        said = dice.choice(
            (f"Give me {count} bullet points", f"{count} bullets, not one more", f"Use exactly {count} bullet points")
        )
        return Demand("format", said, "bullets_between", {"low": count, "high": count})

    return make


def steps(low: int, high: int) -> Making:
    """A numbered list."""

    def make(dice: random.Random, source: Source) -> Demand:
        said = dice.choice((f"Number the steps, {low} to {high} of them", f"A numbered list of {low} to {high} items"))
        return Demand("format", said, "steps_between", {"low": low, "high": high})

    return make


def mentioned(count: int) -> Making:
    """The source's most telling terms."""

    def make(dice: random.Random, source: Source) -> Demand:
        terms = source.terms[:count]
        told = " and ".join(f"“{term}”" for term in terms)
        said = dice.choice((f"It must mention {told}", f"{told} must come up", f"Work {told} in"))
        return Demand("content", said, "mentions", {"terms": terms})

    return make


def mentioned_often(times: int) -> Making:
    """One term, several times."""

    def make(dice: random.Random, source: Source) -> Demand:
        term = source.terms[0]
        said = f"Use the word “{term}” {times} times or more"
        return Demand("content", said, "mentions_times", {"term": term, "low": times})

    return make


def avoided() -> Making:
    """Things that a writer tends to bring in from elsewhere, or a word of the source."""

    def make(dice: random.Random, source: Source) -> Demand:
        if dice.random() < 0.5 and len(source.terms) > 4:
            term = source.terms[4]
            return Demand("content", f"Leave out the word “{term}”", "avoids", {"terms": (term,)})
        terms = tuple(dice.sample(OUTSIDERS, 2))
        return Demand("content", f"Say nothing of {terms[0]} or {terms[1]}", "avoids", {"terms": terms})

    return make


def quoted(*lengths: int) -> Making:
    """A passage, word for word."""

    def make(dice: random.Random, source: Source) -> Demand:
        least = dice.choice(lengths)
        said = dice.choice(
            (
                f"Quote at least {least} words in a row from the text, in double quotes",
                f"Back it up with one literal quotation of {least} or more words in double quotes",
            )
        )
        return Demand("grounding", said, "quotes_source", {"least": least})

    return make


def one_of(kind: Kind, grader: str, *said: str, **args: Any) -> Making:
    """A demand without numbers, in one of several wordings."""

    def make(dice: random.Random, source: Source) -> Demand:
        return Demand(kind, dice.choice(said), grader, args)

    return make


TITLE = one_of("format", "title_first", "Start with a short title on its own line", "Give it a headline first")
LOUD_TITLE = one_of("format", "first_line_in_capitals", "The first line is a title in capital letters")
PARAGRAPHS_2 = one_of("format", "paragraphs_exactly", "Two paragraphs", "Split it into two paragraphs", count=2)
PARAGRAPHS_3 = one_of("format", "paragraphs_exactly", "Three paragraphs, an empty line between them", count=3)
ONE_LINE = one_of("format", "one_line", "All on one line", "No line breaks")
PLAIN = one_of("format", "plain_text", "Plain text, no Markdown", "No formatting: no bold, no headings, no lists")
SOBER = one_of("tone", "is_sober", "Keep it sober: no exclamation marks, no hype", "Matter-of-fact, nothing shouted")
FORMAL = one_of("tone", "no_contractions", "Formal: write “do not”, never “don't”", "No contractions, it is for print")
TO_YOU = one_of("tone", "addresses_reader", "Speak to the reader as “you”", "Address me directly, with “you”")
NO_SELF = one_of("tone", "no_first_person", "Never say “I” or “we”", "Leave the first person out")
GREETING = one_of("tone", "greets", "Open with a friendly greeting", "Say hello first")
POLITE = one_of("tone", "is_polite", "Be polite: a please or a thank-you belongs in it")
EXAMPLE = one_of("content", "gives_example", "Include an example", "There should be an example in it")
NUMBERS = one_of(
    "grounding", "numbers_from_source", "Don't give any number that is not in the text", "No invented figures"
)
NO_OTHERS = one_of("grounding", "no_other_language", "Don't compare with other programming languages")
NO_LINKS = one_of("grounding", "no_links", "No web links", "Do not point me to any website")
QUESTION = one_of("format", "ends_with_question", "Finish with a question to the reader", "End on a question")


def names(least: int) -> Making:
    """In backticks, from the text."""
    said = f"Put {least} or more of the text's names in backticks, and nothing that is not in the text"
    return one_of("grounding", "names_from_source", said, least=least)


def short_sentences(most: int) -> Making:
    """Easy to read."""
    return one_of("tone", "short_sentences", f"Short sentences, none over {most} words", most=most)


def ending(text: str) -> Making:
    """The last words."""
    return one_of("format", "ends_with", f"The last words are “{text}”", f"Close with “{text}”", text=text)


def beginning(text: str) -> Making:
    """The first words."""
    return one_of("format", "starts_with", f"Begin with “{text}”", f"The first words have to be “{text}”", text=text)


def labels(*told: str) -> Making:
    """Lines that begin with a label."""
    names_ = ", ".join(f"“{label}:”" for label in told)
    return one_of("format", "labelled_lines", f"Lines that start with {names_}, in this order", labels=told)


def keys(*told: str) -> Making:
    """A JSON object."""
    names_ = ", ".join(told)
    return one_of("format", "json_with_keys", f"Nothing but a JSON object with the keys {names_}", keys=told)


def columns(low: int, high: int, *told: str) -> Making:
    """A Markdown table."""
    said = f"A Markdown table with the columns {' and '.join(told)}, {low} to {high} rows"
    return one_of("format", "markdown_table", said, columns=told, low=low, high=high)


def rows(low: int, high: int, *told: str) -> Making:
    """CSV."""
    said = f"Only CSV, with the header {','.join(told)} and {low} to {high} rows below it"
    return one_of("format", "csv_with_header", said, header=told, low=low, high=high)


def demands(makings: Sequence[Making], dice: random.Random, source: Source) -> tuple[Demand, ...]:
    """All of them, made for one source."""
    return tuple(make(dice, source) for make in makings)
