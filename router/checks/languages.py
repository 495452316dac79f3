"""Which language an answer is written in: by its script where that decides, else by py3langid."""

import re
from functools import cache
from typing import Any

from router.checks.check import Answer, Finding

FEWEST_LETTERS = 12
SCRIPTS = {
    "ko": "\uac00-\ud7af\u1100-\u11ff", "ja": "\u3040-\u30ff", "zh": "\u4e00-\u9fff", "th": "\u0e00-\u0e7f",
    "he": "\u0590-\u05ff", "el": "\u0370-\u03ff", "bn": "\u0980-\u09ff", "pa": "\u0a00-\u0a7f", "gu": "\u0a80-\u0aff",
    "ta": "\u0b80-\u0bff", "te": "\u0c00-\u0c7f", "kn": "\u0c80-\u0cff", "ml": "\u0d00-\u0d7f", "or": "\u0b00-\u0b7f",
    "hy": "\u0530-\u058f", "ka": "\u10a0-\u10ff", "my": "\u1000-\u109f", "km": "\u1780-\u17ff", "lo": "\u0e80-\u0eff",
    "am": "\u1200-\u137f", "si": "\u0d80-\u0dff",
}  # fmt: skip
LANGUAGES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl",
    "russian": "ru", "polish": "pl", "arabic": "ar", "hebrew": "he", "hindi": "hi", "bengali": "bn", "urdu": "ur",
    "chinese": "zh", "mandarin": "zh", "japanese": "ja", "korean": "ko", "turkish": "tr", "vietnamese": "vi", "thai": "th",
    "tamil": "ta", "telugu": "te", "kannada": "kn", "marathi": "mr", "gujarati": "gu", "punjabi": "pa", "persian": "fa",
    "farsi": "fa", "swahili": "sw", "finnish": "fi", "swedish": "sv", "danish": "da", "norwegian": "no", "greek": "el",
    "czech": "cs", "romanian": "ro", "hungarian": "hu", "ukrainian": "uk", "bulgarian": "bg", "nepali": "ne",
    "malayalam": "ml", "indonesian": "id", "catalan": "ca", "croatian": "hr", "serbian": "sr", "slovak": "sk",
    "latin": "la", "icelandic": "is", "irish": "ga", "welsh": "cy", "estonian": "et", "latvian": "lv", "lithuanian": "lt",
    "slovenian": "sl", "albanian": "sq", "armenian": "hy", "georgian": "ka", "basque": "eu", "galician": "gl",
    "afrikaans": "af", "malay": "ms", "tagalog": "tl", "macedonian": "mk", "belarusian": "be", "burmese": "my",
    "khmer": "km", "lao": "lo", "amharic": "am", "sinhala": "si", "esperanto": "eo",
}  # fmt: skip
_NAMES = {code: name.capitalize() for name, code in reversed(LANGUAGES.items())}
_LETTER = re.compile(r"[^\W\d_]")
_CLASSES = {code: re.compile(f"[{ranges}]") for code, ranges in SCRIPTS.items()}
_NOT_PROSE = re.compile(r"```.*?```|https?://\S+|<<|>>", re.DOTALL)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def identify(text: str) -> tuple[str, float] | None:
    """(ISO 639-1 code, probability) of a text's main language; None where too few letters tell."""
    prose = _NOT_PROSE.sub(" ", text)[:20_000]
    letters = len(_LETTER.findall(prose))
    for code, pattern in _CLASSES.items() if not prose.isascii() else ():
        count = len(pattern.findall(prose))
        if count >= 2 and (count > 0.4 * letters or (code == "ja" and count > 0.1 * letters)):
            return code, count / max(letters, 1)
    if letters < FEWEST_LETTERS:
        return None
    code, probability = _identifier().classify(prose.lower() if prose.isupper() else prose)
    return str(code), float(probability)


def judge_language(answer: Answer, wanted: str) -> Finding:
    """Is an answer written in the language? Texts too short to tell give no verdict."""
    found = identify(answer.text)
    if found is None:
        return Finding(None, "too short to tell its language")
    code, probability = found
    wanted = wanted.lower().split("-")[0]
    same = code == wanted or {code, wanted} <= {"no", "nb", "nn"} or {code, wanted} <= {"ms", "id"}
    shown = f"language {_NAMES.get(code, code)} ({probability:.2f}), {_NAMES.get(wanted, wanted)} wanted"
    return Finding(1.0 if same else 0.0, shown)
