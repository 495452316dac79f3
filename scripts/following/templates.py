"""What is asked: instructions with the demands that go with them. `{title}` is what the source is."""

from dataclasses import dataclass

from scripts.following.demands import (
    EXAMPLE,
    FORMAL,
    GREETING,
    LOUD_TITLE,
    NO_LINKS,
    NO_OTHERS,
    NO_SELF,
    NUMBERS,
    ONE_LINE,
    PARAGRAPHS_2,
    PARAGRAPHS_3,
    PLAIN,
    POLITE,
    QUESTION,
    SOBER,
    TITLE,
    TO_YOU,
    Making,
    at_least_words,
    at_most_words,
    avoided,
    beginning,
    bullets,
    columns,
    ending,
    keys,
    labels,
    mentioned,
    mentioned_often,
    names,
    one_of,
    quoted,
    rows,
    sentences,
    short_sentences,
    steps,
    words_about,
)


@dataclass(frozen=True)
class Template:
    """An instruction and three to six demands that can be met together."""

    name: str
    instruction: str
    makings: tuple[Making, ...]


TEMPLATES = (
    Template(
        "summary",
        "Summarise this excerpt from {title} for a colleague who is new to the language.",
        (at_most_words(60, 80, 100), mentioned(2), SOBER, NUMBERS, PLAIN),
    ),
    Template(
        "mail",
        "Write a short mail to the team that explains what this excerpt from {title} says.",
        (GREETING, words_about(90, 120), mentioned(1), ending("Best regards"), NO_LINKS),
    ),
    Template(
        "cheat sheet",
        "Turn this excerpt from {title} into a cheat sheet.",
        (
            bullets(4, 5, 6),
            one_of("format", "short_bullets", "No bullet longer than 15 words", most=15),
            mentioned(2),
            NO_SELF,
            NO_OTHERS,
        ),
    ),
    Template(
        "only bullets",
        "What should a reviewer remember from this excerpt from {title}?",
        (
            one_of("format", "only_bullets", "Bullet points and nothing else, no intro", "Only a list, no other text"),
            bullets(3, 4),
            names(2),
            SOBER,
        ),
    ),
    Template(
        "teach",
        "Explain this excerpt from {title} to somebody who writes their first programs.",
        (TO_YOU, EXAMPLE, short_sentences(25), at_most_words(120, 150), avoided()),
    ),
    Template(
        "steps",
        "Rewrite the excerpt from {title} as advice in steps.",
        (steps(3, 6), mentioned(1), FORMAL, NUMBERS),
    ),
    Template(
        "record",
        "Describe this excerpt from {title} for a catalogue.",
        (
            keys("title", "summary", "keywords"),
            one_of("format", "json_list", "3 to 5 keywords, as a list", key="keywords", low=3, high=5),
            mentioned(1),
            NO_LINKS,
        ),
    ),
    Template(
        "table",
        "Show the main terms of this excerpt from {title} and what they mean.",
        (columns(3, 5, "Term", "Meaning"), mentioned(1), SOBER, NO_OTHERS),
    ),
    Template(
        "csv",
        "Make a glossary of this excerpt from {title} that a spreadsheet can open.",
        (rows(3, 6, "term", "definition"), mentioned(1), NUMBERS),
    ),
    Template(
        "questions",
        "Write questions and answers for a quiz on this excerpt from {title}.",
        (
            one_of(
                "format",
                "questions_and_answers",
                "Three pairs, each question on a line with “Q:” and each answer on a line with “A:”",
                pairs=3,
            ),
            mentioned(1),
            at_most_words(150, 180),
            NO_SELF,
        ),
    ),
    Template(
        "note",
        "Write a note for the handbook on this excerpt from {title}.",
        (labels("Summary", "Details", "Watch out"), mentioned(2), FORMAL, at_most_words(130, 160), SOBER),
    ),
    Template(
        "press",
        "Write about this excerpt from {title} for a newsletter.",
        (TITLE, PARAGRAPHS_3, QUESTION, mentioned(1), SOBER),
    ),
    Template(
        "one line",
        "Say what this excerpt from {title} is about.",
        (ONE_LINE, at_most_words(20, 25, 30), mentioned(1), NO_SELF),
    ),
    Template(
        "quotation",
        "What is the most important statement in this excerpt from {title}, and why?",
        (quoted(5, 6, 8), sentences(2, 4), NO_LINKS, FORMAL, NO_SELF),
    ),
    Template(
        "report",
        "Report on this excerpt from {title} to a manager who does not program.",
        (LOUD_TITLE, at_least_words(60), at_most_words(140, 170), FORMAL, NO_OTHERS, NUMBERS),
    ),
    Template(
        "reply",
        "A user asks what this excerpt from {title} means. Reply.",
        (POLITE, TO_YOU, quoted(3, 4), at_most_words(90, 120), avoided()),
    ),
    Template(
        "abstract",
        "Write an abstract of this excerpt from {title}.",
        (beginning("This text"), sentences(3, 3), mentioned_often(2), NO_SELF, PLAIN),
    ),
    Template(
        "two sides",
        "What does this excerpt from {title} allow, and what does it forbid or warn of?",
        (PARAGRAPHS_2, mentioned(1), names(1), words_about(80, 100), SOBER),
    ),
)
