"""Constraints on single words, their order and their letters, as the newer instruction sets ask for them."""

import re

from router.checks.grammar.clause import Clause, Reader, Rule, Spec, fixed, rule


def _with(kind: str, name: str = "value", group: str = "n") -> Reader:
    def read(match: re.Match[str], clause: Clause) -> list[Spec] | None:
        return None if clause.is_negative else [{"type": kind, name: int(match.group(group))}]

    return read


def _repeats(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return [{"type": "max_repeats", "value": int(match.group("n"))}] if clause.is_negative else None


def _palindromes(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    letters = match.group("letters")
    spec: Spec = {"type": "palindromes", "value": int(match.group("n"))}
    return None if clause.is_negative else [spec | ({"letters": int(letters)} if letters else {})]


def _ratio(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return (
        None
        if clause.is_negative
        else [{"type": "sentence_ratio", "value": [int(match.group("a")), int(match.group("b"))]}]
    )


def _positions(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    word = clause.literal(match.group("q"))
    inner = {"type": "first_word", "value": word}
    return [{"type": "part", "unit": "word", "n": n, "check": inner} for n in (int(match.group("n")), -2)]


def _signs(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    return None if clause.is_negative else [{"type": "sign_items", "value": clause.literal(match.group("q"))}]


def _lengths(match: re.Match[str], clause: Clause) -> list[Spec] | None:
    n, said = int(match.group("n")), match.group("rel")
    bounds = {"MOST": {"max": n}, "FEWER": {"max": n - 1}, "LEAST": {"min": n}, "MORE": {"min": n + 1}}
    return None if clause.is_negative else [{"type": "word_lengths", **bounds.get(said or "", {"min": n, "max": n})}]


_W = r"(?:EACH|every|all) WORD(?: IN ANSWER)?"
_S = r"EACH sentence(?: IN ANSWER)?"

_PUZZLES: tuple[Rule, ...] = (
    rule(
        r"(?:JUST )?WORD (?:IN|that USE|whose) (?:lengths?|ANSWER)(?: that)? (?:BE |IN )*prime(?: numbers?)?|WORD IN (?:prime lengths?|ANSWER that BE prime numbers)",
        fixed({"type": "prime_lengths"}),
    ),
    rule(rf"(?:{_W} (?:MUST )?(?:USE )?)(?:LEAST #1 )consonant cluster.*", fixed({"type": "consonant_clusters"})),
    rule(
        rf"{_W} (?:MUST )?START IN next LETTER IN alphabet ,? ?looping back to §\d+§ after §\d+§|{_W} (?:MUST )?START IN next LETTER IN alphabet.*",
        fixed({"type": "alphabet_words"}),
    ),
    rule(
        r"#2 (?:consecutive|adjacent|neighboring) WORD (?:can |may |MUST )?(?:share|START IN|USE) (?:same )(?:@1|initial|starting|START) LETTER",
        fixed({"type": "no_same_initials"}, negative=True),
    ),
    rule(r"repeat any WORD MORE #(?P<n>\d+) times", _repeats),
    rule(r"WORD (?:MUST )?(?:be repeated|APPEAR|repeat|repeats) MORE #(?P<n>\d+) times", _repeats),
    rule(
        r"LEAST #(?P<n>\d+) (?:#1 )?(?:WORD )?palindromes(?: ,)?(?: EACH)?(?: LEAST #(?P<letters>\d+) (?:characters|letters)(?: long)?)?",
        _palindromes,
    ),
    rule(r"LEAST #(?P<n>\d+) (?:different )?coordinating conjunctions", _with("min_conjunctions")),
    rule(r"LEAST #(?P<n>\d+) pronouns", _with("min_pronouns")),
    rule(r"paragraph USE WORD that USE JUST #(?P<n>\d+) types IN vowels", _with("vowel_kinds")),
    rule(
        rf"@-1 WORD IN {_S} (?:MUST )?(?:become|BE) @1 WORD IN next (?:sentence|IT)",
        fixed({"type": "chained_sentences"}),
    ),
    rule(
        r"EACH paragraph(?: IN ANSWER)? (?:MUST )?END IN same WORD (?:IT|that IT)? ?(?:started|START|starts)(?: IN| WITH)?(?: ,? ?SEPARATED paragraphs (?:IN|WITH|USE) newline)?",
        fixed({"type": "framed_paragraphs"}),
    ),
    rule(
        rf"{_S} (?:MUST )?(?:USE )?EXACTLY #(?P<n>\d+) (?:MORE|more) WORD (?:than )?(?:previous|preceding) (?:#1|sentence)?",
        _with("growing_sentences"),
    ),
    rule(r"(?:maintain )?#(?P<a>\d+) : #(?P<b>\d+) ratio IN declarative to interrogative sentences", _ratio),
    rule(
        r"(?:that )?ratio IN sentence types \( declarative , interrogative , exclamatory \)(?: IN ANSWER)? (?:BE )?balanced",
        fixed({"type": "sentence_ratio", "value": [1, 1, 1]}),
    ),
    rule(
        r"@(?P<n>\d+) WORD(?: IN ANSWER)? and (?:@2 to )?@-1 WORD(?: IN ANSWER)? (?:MUST )?BE (?:KEYWORD |WORD )?(?P<q>§\d+§)",
        _positions,
    ),
    rule(r"list IN items ,? ?instead IN bullet points USE (?P<q>§\d+§)", _signs),
    rule(
        rf"{_W} (?:MUST )?(?:BE |USE )?(?:(?P<rel>MOST|FEWER|LEAST|MORE|EXACTLY) )?#(?P<n>\d+) (?:letters|characters)(?: long)?",
        _lengths,
    ),
    rule(
        r"EACH WORD (?:IN|on) (?:new|its own|own|separate) line|#1 WORD (?:per|EACH|on EACH) line",
        fixed({"type": "word_lines"}),
    ),
    rule(
        r"stairs (?:IN|by|WITH)? ?incrementally indenting EACH new line|create stairs (?:IN|by|WITH)? ?incrementally indenting EACH new line",
        fixed({"type": "stairs"}),
    ),
    rule(
        r"(?:nest )?parentheses \( and §\d+§ \) LEAST #(?P<n>\d+) levels deep|nest parentheses .* LEAST #(?P<m>\d+) levels deep",
        lambda m, c: None if c.is_negative else [{"type": "nested", "value": int(m.group("n") or m.group("m"))}],
    ),
    rule(
        r"bullet points denoted (?:by|WITH) \* and LEAST #1 sub bullet point denoted (?:by|WITH) - (?:IN )?EACH bullet point",
        fixed({"type": "sub_bullets"}),
    ),
    rule(
        r"(?:EACH|every) standard punctuation mark LEAST #1 times ,? ?USE semicolons , colons , and interrobang.*",
        fixed({"type": "all_punctuation"}),
    ),
    rule(
        r"emoji at END IN EACH sentence|END EACH sentence IN emoji",
        fixed({"type": "each", "unit": "sentence", "check": {"type": "ends_with_emoji"}}),
    ),
)
RULES: tuple[Rule, ...] = tuple(
    (pattern, reader, "#" if "#(?P<n" in pattern.pattern or "#(?P<a" in pattern.pattern else "")
    for pattern, reader, _ in _PUZZLES
)
