"""The small grammar of requirement texts: numbers, relations, and what may stand around the point."""

import re

NUMBERS = {
    "zero": 0, "no": 0, "a": 1, "an": 1, "one": 1, "once": 1, "single": 1, "two": 2, "twice": 2, "three": 3, "thrice": 3,
    "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "a hundred": 100, "one hundred": 100, "two hundred": 200, "three hundred": 300, "five hundred": 500,
    "a thousand": 1000, "one thousand": 1000,
}  # fmt: skip

_NUMBER_WORDS = "|".join(sorted((re.escape(word) for word in NUMBERS), key=len, reverse=True))
NUMBER = rf"(?P<n>\d[\d,]*|{_NUMBER_WORDS})"

MOST = (
    r"at most|no more than|not more than|maximum(?: of)?|a maximum of|max\.?|up to|within|in under|not exceed(?:ing)?|"
    r"no longer than|not longer than|must not exceed|limited to|limit(?:ed)? (?:it |yourself |your (?:answer|response|reply) )?to|"
    r"in no more than|in at most|≤|<="
)
FEWER = r"less than|fewer than|under|below|shorter than|<"
LEAST = r"at least|no less than|no fewer than|not less than|not fewer than|minimum(?: of)?|a minimum of|min\.?|≥|>="
MORE = r"more than|over|longer than|above|>"
EXACT = r"exactly|precisely|just|only|in just|in exactly|in only|equal to"
RELATION = rf"(?P<relation>{MOST}|{FEWER}|{LEAST}|{MORE}|{EXACT})"

_LEAD = re.compile(
    r"^(?:please|kindly|also|and|then|but|make sure(?: that)?|be sure to|ensure(?: that)?|remember to|"
    r"it (?:must|should) be|it (?:must|should)|you (?:must|should|need to|have to|are to)|"
    r"the (?:whole |entire |final )?(?:answer|response|reply|output|text|essay|letter|email|story|poem|summary|letters)"
    r"(?: you (?:give|write))?(?: (?:must|should|needs to|has to|shall|will|is to))?|"
    r"your (?:whole |entire |final )?(?:answer|response|reply|output|text|essay|letter|email|story|poem|summary|letters)"
    r"(?: (?:must|should|needs to|has to|shall|will|is to))?|must|should)\b[,:]?\s*",
    re.IGNORECASE,
)


def normalise(text: str) -> str:
    """One line, plain quotes, no list mark, no full stop at the end."""
    text = text.translate(str.maketrans("“”‘’\u00a0", "\"\"'' "))
    text = re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", text)
    return re.sub(r"\s+", " ", text).strip().rstrip(".!").strip()


def without_lead(text: str) -> str:
    """Takes off what only introduces the point: "Please make sure that your answer should …"."""
    while True:
        shorter = _LEAD.sub("", text, count=1).strip()
        if shorter == text or not shorter:
            return text
        text = shorter


def number(word: str) -> int:
    """The number that a word or digits say."""
    word = word.lower().replace(",", "")
    return int(word) if word.isdigit() else NUMBERS[word]


def relation(word: str | None, count: int) -> tuple[str, int]:
    """("max" | "min" | "exact", limit) of a relation and its number."""
    said = (word or "").lower().strip()
    if said and re.fullmatch(FEWER, said):
        return "max", count - 1
    if said and re.fullmatch(MORE, said):
        return "min", count + 1
    if said and re.fullmatch(LEAST, said):
        return "min", count
    if said and re.fullmatch(MOST, said):
        return "max", count
    return "exact", count


def phrases(text: str) -> list[str]:
    """The phrases of a list: quoted ones if any is quoted, else divided by commas and "and"/"or"."""
    quoted = re.findall(r"\"([^\"]+)\"|'([^']+)'(?![a-z])|`([^`]+)`|\[([^\]]+)\]", text)
    found = [next(part for part in parts if part) for parts in quoted]
    if len(found) == 1 and re.search(r",", found[0]) and re.fullmatch(r"\s*\[.*\]\s*", text):
        found = [part.strip().strip("'\"") for part in found[0].split(",")]
    if found:
        return [phrase.strip() for phrase in found if phrase.strip()]
    parts = re.split(r"\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or|nor)\s+", text.strip())
    return [part.strip() for part in parts if part.strip()]
