"""Tasks written by hand, on texts that invite other questions than documentation does."""

from dataclasses import dataclass

from scripts.following.demands import Demand


@dataclass(frozen=True)
class Handmade:
    """One task on one source."""

    source: str
    instruction: str
    demands: tuple[Demand, ...]


HANDMADE = (
    Handmade(
        "zen",
        "Pick the three lines of this poem that matter most in code review and say why.",
        (
            Demand("grounding", "Copy each line exactly, in double quotes", "quotes_source", {"least": 4}),
            Demand("format", "A numbered list with three entries", "steps_between", {"low": 3, "high": 3}),
            Demand("tone", "No exclamation marks and no superlatives like “amazing”", "is_sober"),
        ),
    ),
    Handmade(
        "zen",
        "Rewrite the poem as office rules for a team that never programs.",
        (
            Demand("format", "Exactly 5 bullet points", "bullets_between", {"low": 5, "high": 5}),
            Demand(
                "content",
                "The words “Python” and “namespaces” must not come up",
                "avoids",
                {"terms": ("Python", "namespaces")},
            ),
            Demand("tone", "Formal English without contractions", "no_contractions"),
            Demand("format", "Not more than 80 words in all", "words_between", {"low": 1, "high": 80}),
        ),
    ),
    Handmade(
        "zen",
        "Write a toast for a colleague's farewell in the spirit of this poem.",
        (
            Demand("tone", "Talk to the colleague as “you”", "addresses_reader"),
            Demand("content", "Bring in “beautiful” and “simple”", "mentions", {"terms": ("beautiful", "simple")}),
            Demand("format", "The last word is “Cheers”", "ends_with", {"text": "Cheers"}),
            Demand("format", "60 words are the limit", "words_between", {"low": 1, "high": 60}),
        ),
    ),
    Handmade(
        "zen",
        "Who wrote this poem, what is it about, and how does it end?",
        (
            Demand("content", "Name the author, Tim Peters", "mentions", {"terms": ("Tim Peters",)}),
            Demand("format", "Three sentences exactly", "sentences_between", {"low": 3, "high": 3}),
            Demand(
                "grounding", "Quote four or more words of the ending in double quotes", "quotes_source", {"least": 4}
            ),
            Demand("grounding", "No numbers that the poem does not have", "numbers_from_source"),
        ),
    ),
    Handmade(
        "zen",
        "Describe the poem as data for a library.",
        (
            Demand(
                "format",
                "Just JSON, with the keys title, author and themes",
                "json_with_keys",
                {"keys": ("title", "author", "themes")},
            ),
            Demand(
                "content", "themes is a list of 3 or 4 entries", "json_list", {"key": "themes", "low": 3, "high": 4}
            ),
            Demand("content", "“Tim Peters” is in it", "mentions", {"terms": ("Tim Peters",)}),
        ),
    ),
    Handmade(
        "module:statistics",
        "A teacher asks what this module is good for. Answer from the text.",
        (
            Demand(
                "content", "Averages and the median have to be named", "mentions", {"terms": ("averages", "median")}
            ),
            Demand("tone", "Be polite, with a please or a thank-you", "is_polite"),
            Demand("format", "At most 70 words", "words_between", {"low": 1, "high": 70}),
            Demand("grounding", "No web links", "no_links"),
        ),
    ),
)
