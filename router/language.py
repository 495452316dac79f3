"""A guess at a text's language from its letters and commonest words: a feature, cheap enough for every request."""

import re
from itertools import repeat

SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
COMMONEST = {
    "en": "the of and to is in that for with are this what how you not",
    "de": "der die das und ist nicht ein eine mit für auf wie was ich zu",
    "fr": "le la les des et est une dans que pour pas qui avec sur comment",
    "es": "el los las una que por para con como es del qué cómo no más",
    "it": "il che di una per con sono non come della gli è cosa del più",
    "pt": "o os uma que não para com como em do da é por mais você",
    "nl": "de het een en van is niet dat met voor op hoe wat zijn je",
}
COMMON = {language: frozenset(words.split()) for language, words in COMMONEST.items()}
PLACES = {language: 16 * number for number, language in enumerate(COMMON)}
"""Where each language's hits stand in a sum of what is spoken: sixteen bits are more than there are letters."""
SPOKEN = {
    word: sum(1 << PLACES[language] for language, common in COMMON.items() if word in common)
    for word in frozenset().union(*COMMON.values())
}
"""One hit in each of the languages in which the word is common."""
LOOKED_AT = 400
_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = bytes(code if chr(code).isascii() and chr(code).isalpha() else ord(" ") for code in range(256))
"""Of ASCII: all else parts words."""


def language_of(text: str) -> str:
    """An ISO 639-1 code; "en" where nothing says otherwise."""
    start = text[:LOOKED_AT]
    if start.isascii():
        words = start.lower().encode().translate(_LETTERS).decode().split()
    else:
        for language, letters in SCRIPTS:
            if letters.search(start):
                return language
        words = _WORD.findall(start.lower())
    spoken = sum(map(SPOKEN.get, words, repeat(0)))
    hits = {language: spoken >> place & 0xFFFF for language, place in PLACES.items()}
    best = max(hits, key=hits.__getitem__)
    return best if hits[best] > max(1, hits["en"]) else "en"
