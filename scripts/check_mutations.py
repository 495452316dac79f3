"""Answers that just meet or just miss an instruction, made from real ones."""

import random
import re
from collections.abc import Callable
from typing import Any

from scripts.check_grader import Instruction, sample_words
from scripts.check_makers import BENCH_MAKERS, Maker

_SENTENCES = (
    "This works well.",
    "Is it so?",
    "We tried it twice!",
    "He said it was fine.",
    "Nothing else matters here.",
)
_FOREIGN = {
    "de": "Der Hund läuft durch den Garten und sucht nach seinem Ball.", "fr": "Le chien court dans le jardin et cherche sa balle.",
    "es": "El perro corre por el jardín y busca su pelota.", "it": "Il cane corre nel giardino e cerca la sua palla.",
    "pt": "O cachorro corre pelo jardim e procura a sua bola.", "ru": "Собака бежит по саду и ищет свой мяч.",
    "hi": "कुत्ता बगीचे में दौड़ रहा है और अपनी गेंद ढूंढ रहा है।", "fi": "Koira juoksee puutarhassa ja etsii palloaan.",
    "vi": "Con chó chạy trong vườn và tìm quả bóng của nó.", "ko": "개가 정원을 달리며 공을 찾고 있습니다.",
    "ar": "الكلب يجري في الحديقة ويبحث عن كرته.", "fa": "سگ در باغ می‌دود و دنبال توپش می‌گردد.", "th": "สุนัขวิ่งในสวนและหาลูกบอลของมัน",
    "kn": "ನಾಯಿ ತೋಟದಲ್ಲಿ ಓಡುತ್ತಿದೆ ಮತ್ತು ತನ್ನ ಚೆಂಡನ್ನು ಹುಡುಕುತ್ತಿದೆ.", "te": "కుక్క తోటలో పరుగెత్తుతూ తన బంతిని వెతుకుతోంది.", "mr": "कुत्रा बागेत धावत आहे आणि आपला चेंडू शोधत आहे.",
    "pa": "ਕੁੱਤਾ ਬਾਗ ਵਿੱਚ ਦੌੜ ਰਿਹਾ ਹੈ ਅਤੇ ਆਪਣੀ ਗੇਂਦ ਲੱਭ ਰਿਹਾ ਹੈ।", "gu": "કૂતરો બગીચામાં દોડે છે અને તેનો બોલ શોધે છે.", "ta": "நாய் தோட்டத்தில் ஓடி தன் பந்தைத் தேடுகிறது.", "bn": "কুকুরটি বাগানে দৌড়াচ্ছে এবং তার বল খুঁজছে।",
    "ne": "कुकुर बगैंचामा दौडिरहेको छ र आफ्नो बल खोज्दैछ।", "ur": "کتا باغ میں دوڑ رہا ہے اور اپنی گیند ڈھونڈ رہا ہے۔", "sw": "Mbwa anakimbia bustanini na anatafuta mpira wake.", "bg": "Кучето тича в градината и търси топката си.", "en": "The dog runs through the garden and looks for its ball.",
}  # fmt: skip


def make_answers(instruction: Instruction, base: str, chance: random.Random) -> list[str]:
    """Variants of a real answer on both sides of the instruction's edge, and the generic traps."""
    maker = MAKERS.get(instruction.family)
    own = maker(instruction.arguments, base, chance) if maker else []
    return [text for text in [*own, *_generic(base, instruction)] if text.strip()]


def _generic(base: str, instruction: Instruction) -> list[str]:
    return [base, base.upper(), base.lower(), f'"{base}"', base.replace(",", ""), f"{instruction.prompt}\n\n{base}"]


def _around(make: Callable[[int], str], n: int) -> list[str]:
    return [make(count) for count in dict.fromkeys((0, n - 1, n, n + 1, 2 * n)) if count >= 0]


def _sentences(count: int, chance: random.Random) -> str:
    return " ".join(chance.choice(_SENTENCES) for _ in range(count))


def _with(word: str, base: str, count: int) -> str:
    clean = re.sub(re.escape(word), "thing", base, flags=re.IGNORECASE)
    return " ".join([clean, *[f"and {word}" for _ in range(count)]])


def _keywords(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    words = arguments["keywords"]
    clean = base
    for word in words:
        clean = re.sub(re.escape(word), "thing", clean, flags=re.IGNORECASE)
    return [
        clean,
        f"{clean} {' '.join(words)}",
        f"{clean} {' '.join(words[:-1])}",
        f"{clean} {' '.join(word.upper() for word in words)}.",
        f"{clean} {', '.join(word.capitalize() + 's' for word in words)}",
    ]


def _forbidden(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    words = arguments["forbidden_words"]
    clean = base
    for word in words:
        clean = re.sub(re.escape(word), "thing", clean, flags=re.IGNORECASE)
    return [
        clean,
        f"{clean} {words[0]}",
        f"{clean} {words[-1].upper()}!",
        f"{clean} x{words[0]}",
        f"{clean} {words[0]}x",
        f"({words[0]}) {clean}",
    ]


def _json(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    body = '{"a": [1, 2.5, null], "b": {"c": "d, e"}}'
    fences = [f"```json\n{body}\n```", f"```\n{body}\n```", f"```JSON\n{body}```", f"Here it is:\n```json\n{body}\n```"]
    return [body, *fences, body[:-1], body + "}", "[1, 2, 3]", '"text"', "{'a': 1}", "{a: 1}", f"{body}\n{body}"]


def _paragraphs(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    def make(count: int) -> str:
        return "\n***\n".join(sample_words(base, 8 + i) + "." for i in range(count))

    n = arguments["num_paragraphs"]
    return [
        *_around(make, n),
        make(n).replace("\n***\n", "\n\n"),
        "***\n" + make(n) + "\n***",
        make(n).replace("\n***\n", "\n\n***\n\n"),
    ]


def _nth_paragraph(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    n, nth, first = arguments["num_paragraphs"], arguments["nth_paragraph"], arguments["first_word"]

    def make(count: int, start: str, place: int = nth) -> str:
        parts = [sample_words(base, 9) + "." for _ in range(count)]
        if place <= count:
            parts[place - 1] = f"{start} {parts[place - 1]}"
        return "\n\n".join(parts)

    return [
        make(n, first),
        make(n, first.capitalize() + ","),
        make(n + 1, first),
        make(n - 1, first),
        make(n, "Other"),
        make(n, first, nth % n + 1),
        make(n, f'"{first}"'),
    ]


def _bullets(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    n = arguments["num_bullets"]

    def star(count: int) -> str:
        return "Intro\n" + "\n".join(f"* {sample_words(base, 4 + i)}" for i in range(count))

    def dash(count: int) -> str:
        return star(count).replace("\n* ", "\n- ")

    return [
        *_around(star, n),
        *_around(dash, n),
        star(n) + "\n\n**Bold** end",
        "\n".join(f"{i + 1}. item" for i in range(n)),
        star(n).replace("* ", "  * "),
    ]


def _sections(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    marker = arguments["section_spliter"]
    return [
        *_around(
            lambda count: "\n".join(f"{marker} {i + 1}\n{sample_words(base, 9)}" for i in range(count)),
            arguments["num_sections"],
        ),
        "\n".join(f"**{marker} {i + 1}:** text" for i in range(arguments["num_sections"])),
        "\n".join(f"{marker.swapcase()} {i + 1}\ntext" for i in range(arguments["num_sections"])),
    ]


def _counted(name: str, make: Callable[[int], str], n_name: str) -> Maker:
    return lambda arguments, base, chance: _around(
        lambda count: f"{base if name else ''}{make(count)}", arguments[n_name]
    )


def _words(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    return _around(lambda count: sample_words(base, count) + ".", arguments["num_words"])


def _ends(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    end = arguments["end_phrase"]
    return [
        f"{base} {end}",
        f'"{base} {end}"',
        f"{base} {end.upper()}",
        f"{base} {end} Bye",
        end,
        f"{end} {base}",
        f"{base}\n\n{end}\n",
    ]


def _languages(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    code = arguments["language"]
    other = chance.choice([key for key in _FOREIGN if key != code])
    return [" ".join([_FOREIGN[key]] * count) for key in (code, other) if key in _FOREIGN for count in (2, 5)]


def _capitals(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    quiet = base.lower()
    return _around(
        lambda count: quiet + " " + " ".join(["WOW", "BIG", "NASA", "VERY"][i % 4] for i in range(count)),
        arguments["capital_frequency"],
    )


def _two(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    return [
        f"{base}\n******\nOther",
        "One ****** Two",
        "Same ****** Same",
        "A ****** B ****** C",
        base,
        "A ****** B ******",
        "A ****** ****** B",
        "A *** B",
    ]


def _repeat(arguments: dict[str, Any], base: str, chance: random.Random) -> list[str]:
    asked = arguments["prompt_to_repeat"]
    return [f"{asked}\n\n{base}", f"{asked.upper()} {base}", f"Sure! {asked} {base}", f"{asked[1:]} {base}", base]


MAKERS: dict[str, Maker] = {
    **BENCH_MAKERS,
    "keywords:existence": _keywords,
    "keywords:forbidden_words": _forbidden,
    "keywords:frequency": lambda a, b, c: _around(lambda n: _with(a["keyword"], b, n), a["frequency"]),
    "keywords:letter_frequency": lambda a, b, c: _around(
        lambda n: re.sub(re.escape(a["letter"]), "", b, flags=re.IGNORECASE) + " " + a["letter"] * n, a["let_frequency"]
    ),
    "language:response_language": _languages,
    "length_constraints:number_sentences": lambda a, b, c: _around(lambda n: _sentences(n, c), a["num_sentences"]),
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_words": _words,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "detectable_content:number_placeholders": lambda a, b, c: _around(
        lambda n: b + " " + " ".join(f"[name {i}]" for i in range(n)), a["num_placeholders"]
    ),
    "detectable_content:postscript": lambda a, b, c: [
        f"{b}\n\n{a['postscript_marker']} One more.",
        f"{b}\n\n{a['postscript_marker'].lower()} one more",
        f"{b}\n\nPS One more.",
        f"{b}\n\nP. S. One more.",
        b,
    ],
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": lambda a, b, c: [
        "My answer is yes.",
        "My answer is no.",
        "My answer is maybe.",
        "My answer is yes",
        "Yes.",
        "I think: My answer is no. Sorry.",
        "my answer is maybe.",
    ],
    "detectable_format:number_highlighted_sections": lambda a, b, c: [
        *_around(lambda n: "Text " + " and ".join(f"*part {i}*" for i in range(n)) + " end.", a["num_highlights"]),
        *_around(lambda n: "Text\n" + "\n".join(f"**Part {i}** text" for i in range(n)), a["num_highlights"]),
    ],
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": lambda a, b, c: [
        f"<<A title>>\n{b}",
        f"<A title>\n{b}",
        f"<<>>\n{b}",
        f"<< >> {b}",
        f"{b} <<end>>",
    ],
    "combination:two_responses": _two,
    "combination:repeat_prompt": _repeat,
    "startend:end_checker": _ends,
    "startend:quotation": lambda a, b, c: [f'"{b}"', f'"{b}', f' "{b}" ', f"'{b}'", '"', f"“{b}”"],
    "change_case:capital_word_frequency": _capitals,
    "change_case:english_capital": lambda a, b, c: [b.upper(), b.upper() + " a", _FOREIGN["de"].upper() * 2, b.title()],
    "change_case:english_lowercase": lambda a, b, c: [
        b.lower(),
        b.lower() + " A",
        _FOREIGN["fr"].lower() * 2,
        b.title(),
    ],
    "punctuation:no_comma": lambda a, b, c: [b.replace(",", ""), b.replace(",", "") + ",", b.replace(",", "،")],
}
