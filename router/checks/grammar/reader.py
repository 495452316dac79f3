"""Text → explicit checks and the rest for the judge. A piece counts only when every word of it is understood."""

import re
from dataclasses import dataclass

from router.checks.grammar import amounts, edges, forms, keywords, lists, parts, prohibitions, puzzles
from router.checks.grammar.clause import Clause, Spec, canonical, first_match, strip
from router.checks.grammar.quoting import Quotes, plain, take_quotes
from router.checks.grammar.shapes import (
    AMOUNT_PHRASE,
    ANAPHOR,
    ANSWER_DIVIDER,
    CLAUSE,
    CONDITION,
    DIVIDER,
    EMPHASIS,
    EXAMPLE,
    EXAMPLE_ONLY,
    EXEMPLIFIED,
    FORBIDS,
    JOINT,
    LANGUAGE,
    MOOD,
    NO_PREFACE,
    NOTHING_ELSE,
    OWN,
    PART_OF,
    PERMISSION,
    PREPOSITION,
    SENTENCE_END,
    SUBORDINATE,
    TASK,
    TRIVIAL,
)
from router.checks.grammar.shorthand import spell_out
from router.checks.grammar.wholes import read_whole

ABBREVIATED = re.compile(r"\b(max|min|approx|ca)\.\s*(?=\w)", re.IGNORECASE)
"""A dot that ends no sentence."""
NAMED_LANGUAGE = re.compile(
    rf"\b(?:mention|include|contain|add|feature|insert|incorporate|say)(?:s|ing)? (?:the |some |any )?(?:{LANGUAGE})\b",
    re.IGNORECASE,
)
"""A language spoken of, not written in."""
COUNTS = re.compile(r"\d|\b(?:words?|sentences?|paragraphs?|characters?|lines?)\b", re.IGNORECASE)
LONGEST = 2000
"""Characters: a longer text goes to the judge."""
LONGEST_SENTENCE = 1000
LONGEST_CLAUSE = 400
REFUSED = "?"
EDGE = "NOT "
"""The lead of "do not start with X": "… and end with Y" may be forbidden too."""
NO = "NOT USE "
"""The lead of "no commas": it takes in what is listed with it, but not an amount of its own ("and three sentences")."""
AMOUNT = re.compile(r"(?:(?:EXACTLY|LEAST|MOST|FEWER) )?#\d+ ")
RELATIVE = re.compile(r"\b(?:LEAST|MOST|FEWER|MORE|BETWEEN)\b")
DEEPEST = 2
"""Parts of parts: "the second word of the first sentence"."""
_RULES = (*puzzles.RULES, *amounts.RULES, *lists.RULES, *keywords.RULES, *edges.RULES, *forms.RULES)


@dataclass(frozen=True)
class Reading:
    """The checks that a text says, and what is left of it for the judge ("" if nothing)."""

    specs: tuple[Spec, ...]
    judged: str


def read_text(text: str) -> Reading:
    """Reads a requirement. What is not understood from end to end is judged."""
    if len(text) > LONGEST:
        return Reading((), text)
    tidy = _tidy(text)
    whole = read_whole(tidy)
    if whole is not None:
        return Reading(tuple(whole), "")
    bare, quotes = take_quotes(tidy)
    specs, judged = _read_sentences(bare, quotes)
    if not specs:
        return _task(bare, quotes, text)
    return Reading(tuple(specs), ". ".join(quotes.restore(piece) for piece in judged))


def _tidy(text: str) -> str:
    text = re.sub(r"\b(?:i\.e\.|e\.g\.),?", "such as", plain(text).strip())
    text = ABBREVIATED.sub(r"\1 ", text)
    text = spell_out(text)
    text = re.sub(r"^(?:[-*•]|\d{1,2}[.)])\s+", "", text)
    text = EMPHASIS.sub("", text)
    text = text.rstrip("!; ") if text.endswith(("!", ";")) else text
    text = text[:-1].rstrip() if text.endswith(".") and not text.endswith("..") else text
    return MOOD.sub(r"\1. \2", text)


def _read_sentences(text: str, quotes: Quotes) -> tuple[list[Spec], list[str]]:
    specs: list[Spec] = []
    judged: list[str] = []
    for sentence in _sentences(text):
        found = _aside(sentence, specs, quotes)
        if found is None:
            found, rest = _read_sentence(sentence, quotes, can_refer=not judged or all(map(_is_mood, judged)))
            judged += rest
        specs = _merge(specs, found)
    return specs, judged


def _sentences(text: str) -> list[str]:
    cut = re.sub(
        r"[:,]?\s*(?:such as|like this|like so|as follows|for example)\s*:\s*(?:\n|[*§]).*",
        "",
        text,
        flags=re.IGNORECASE | re.DOTALL,
    )
    pieces = [piece.strip(" .\n\t") for piece in SENTENCE_END.split(cut if cut.strip() else text)]
    return [piece for piece in pieces if piece]


def _is_mood(piece: str) -> bool:
    return re.match(r"(?:please )?be \w+", piece, re.IGNORECASE) is not None


def _aside(sentence: str, specs: list[Spec], quotes: Quotes) -> list[Spec] | None:
    """Sentences that only add to the one before: examples, permissions, dividers. None: a sentence of its own."""
    if specs and (EXAMPLE_ONLY.match(sentence) or NOTHING_ELSE.fullmatch(sentence)):
        return []
    if specs and PERMISSION.match(sentence) and not FORBIDS.search(sentence):
        return []
    divider = DIVIDER.fullmatch(sentence)
    if divider and any(spec["type"].endswith("_paragraphs") for spec in specs):
        mark = quotes.literals[int(divider.group("mark").strip("§"))] if divider.group("mark") else ""
        _set_divider(specs, mark)
        return []
    if NO_PREFACE.match(sentence) and any(spec["type"] == "repeats_prompt" for spec in specs):
        return []
    return _answer_divider(sentence, specs, quotes)


def _answer_divider(sentence: str, specs: list[Spec], quotes: Quotes) -> list[Spec] | None:
    divider = ANSWER_DIVIDER.fullmatch(sentence)
    answers = [spec for spec in specs if spec["type"] == "different_answers"]
    if divider is None or not answers:
        return None
    if divider.group("mark"):
        answers[0]["separator"] = quotes.literals[int(divider.group("mark").strip("§"))]
    return []


def _set_divider(specs: list[Spec], mark: str) -> None:
    mark = mark.replace("\\n", "\n").strip()
    for spec in specs:
        if spec["type"].endswith("_paragraphs") and mark:
            spec["separator"] = mark


def _merge(specs: list[Spec], more: list[Spec]) -> list[Spec]:
    return specs + [spec for spec in more if spec not in specs]


def _read_sentence(sentence: str, quotes: Quotes, *, can_refer: bool) -> tuple[list[Spec], list[str]]:
    """The checks of a sentence, and its pieces that are not understood."""
    if len(sentence) > LONGEST_SENTENCE or CONDITION.search(sentence) or (not can_refer and ANAPHOR.search(sentence)):
        return [], [sentence]
    whole = read_piece(sentence, quotes)
    if whole is not None:
        return whole, []
    pieces = _pieces(sentence)
    if not 1 < len(pieces) <= 8:
        return [], [sentence]
    specs, judged = _read_pieces(pieces, quotes)
    if not specs or any(_blocks(piece) for piece in judged):
        return [], [sentence]
    return specs, judged


def _pieces(sentence: str) -> list[tuple[str, str]]:
    """(joint before, piece) of a sentence."""
    found: list[tuple[str, str]] = []
    start, joint = 0, ""
    for match in JOINT.finditer(sentence):
        found.append((joint, sentence[start : match.start()]))
        start, joint = match.end(), match.group()
    return [*found, (joint, sentence[start:])]


def _read_pieces(pieces: list[tuple[str, str]], quotes: Quotes) -> tuple[list[Spec], list[str]]:
    specs: list[Spec] = []
    judged: list[str] = []
    lead, position, was_known, before = "", 0, True, ""
    while position < len(pieces):
        for end in range(len(pieces), position, -1):
            text = "".join(joint + piece for joint, piece in pieces[position:end])[len(pieces[position][0]) :]
            alone = _stands_alone(text, before, quotes) if position else None
            found = _read_with(lead, text, quotes, is_first=position == 0, was_known=was_known, alone=alone)
            if found is not None:
                lead, was_known, position, before = found[1], True, end, canonical(text)
                specs = _merge(specs, found[0])
                break
        else:
            judged.append(pieces[position][1].strip())
            lead, was_known, position = "", False, position + 1
    return specs, judged


def _read_with(
    lead: str, text: str, quotes: Quotes, *, is_first: bool, was_known: bool, alone: str | None
) -> tuple[list[Spec], str] | None:
    """(checks, its lead). A piece without a verb of its own takes over the one before; after an unknown one it needs one."""
    if not is_first and PREPOSITION.match(text) and not AMOUNT_PHRASE.match(text):
        return None
    clause = strip(canonical(text), quotes)
    own = clause.verbs - {",", ":", "and", "but"}
    has_verb = bool(own & {"USE", "NOT", "MUST", "KEEP", "BE", "no", "ANSWER"}) or re.search(
        r"^(?:START|END|WRAP|highlight)|\b(?:APPEAR|MUST|FORBIDDEN|ALLOWED)\b", clause.core
    )
    if not is_first and not has_verb:
        carried = alone if alone is not None and lead in ("", NO) else lead
        if not was_known or alone == REFUSED or (alone is not None and "NOT" in carried):
            return None
        if not carried and alone is None:
            return None
        found = read_core(strip(f"{carried} {canonical(text)}".strip(), quotes))
        return None if found is None else (found, lead)
    is_edge = clause.core.startswith(("START", "END"))
    if is_edge and lead == EDGE and not clause.is_negative:
        return None
    found = read_piece(text, quotes)
    if clause.is_negative and is_edge:
        return None if found is None else (found, EDGE)
    verbs = " ".join(word for word in clause.lead.split() if word in ("NOT", "USE", "MUST", "no", "ANSWER"))
    return None if found is None else (found, NO if verbs == "no" else verbs.replace("no", "NOT USE"))


def _stands_alone(text: str, before: str, quotes: Quotes) -> str | None:
    """The lead of a piece without a verb that says something of its own; None: it takes over the one before.

    A bare number after "at most …" may be meant as a limit too: refused.
    """
    core = strip(canonical(text), quotes).core
    if AMOUNT.match(core):
        return REFUSED if core.startswith("#") and RELATIVE.search(before) else "USE"
    return "" if AMOUNT_PHRASE.match(text) or OWN.match(text) else None


def _blocks(piece: str) -> bool:
    """Does a piece that is not understood change what the others mean, or speak of amounts of another part?"""
    unclear = PREPOSITION.match(piece) or SUBORDINATE.search(piece) or COUNTS.search(piece)
    return bool(unclear or not CLAUSE.match(piece))


def read_piece(text: str, quotes: Quotes) -> list[Spec] | None:
    """The checks of one piece, or None if it is not understood as a whole."""
    if len(text) > LONGEST_CLAUSE or NAMED_LANGUAGE.search(text):
        return None
    found = read_core(strip(canonical(text), quotes))
    if found is not None:
        return found
    shorter = EXAMPLE.sub("", text).rstrip(" ,;:(")
    if shorter == text.rstrip(" ,;:(") or not shorter:
        return None
    found = read_core(strip(canonical(shorter), quotes))
    if found and all(any(word in spec["type"] for word in EXEMPLIFIED) for spec in found):
        return found
    return None


def read_core(clause: Clause) -> list[Spec] | None:
    """What a stripped clause says."""
    if not clause.core or len(clause.core) > LONGEST_CLAUSE or clause.depth > DEEPEST:
        return None
    return first_match(clause, _RULES) or first_match(clause, _PARTS)


_PARTS = (*prohibitions.rules(read_core), *parts.rules(read_core))


def _task(bare: str, quotes: Quotes, text: str) -> Reading:
    """ "Explain recursion in just 50 words": the amount is checked, the task is judged."""
    match = TASK.fullmatch(bare.strip(" ."))
    if match is None or PART_OF.search(match.group("task")) or CONDITION.search(bare):
        return Reading((), text)
    found = read_piece(match.group("amount"), quotes)
    if not found:
        return Reading((), text)
    task = match.group("task").strip()
    return Reading(tuple(found), "" if TRIVIAL.fullmatch(task) else quotes.restore(task))
