"""Task lines of other formats, rewritten as our own: IFEval-like and question-answer lines."""

import re
from collections.abc import Callable, Mapping
from typing import Any

LETTERS = "ABCDEFGHIJ"
ASK_CHOICE = 'End with a line "Answer: " and the letter of the right option.'
ASK_ANSWER = 'End with a line "Answer: " and the final answer only.'
_LAST_LINE = re.compile(r"####\s*(.+?)\s*$")
Given = Mapping[str, Any]


def native_line(row: dict[str, Any]) -> dict[str, Any]:
    """The same task as a native line; one that is native already stays as it is. Raises ValueError."""
    if "instruction_id_list" in row:
        return _from_instructions(row)
    if "question" in row and "messages" not in row and "prompt" not in row:
        return _from_question(row)
    return row


def _from_instructions(row: dict[str, Any]) -> dict[str, Any]:
    """IFEval: the prompt says what must hold, so its checks are `check_only`."""
    names, given = row["instruction_id_list"], row.get("kwargs") or []
    if not isinstance(names, list) or not isinstance(given, list) or len(names) != len(given):
        raise ValueError("'instruction_id_list' and 'kwargs' must be lists of the same length")
    requirements = []
    for place, (name, arguments) in enumerate(zip(names, given, strict=True)):
        if name not in INSTRUCTIONS:
            raise ValueError(f"unknown instruction '{name}'")
        checks = INSTRUCTIONS[name]({key: value for key, value in (arguments or {}).items() if value is not None})
        for part, check in enumerate(checks):
            about = {"name": f"{name}.{place}.{part}", "description": f"{name}: {check}"[:400]}
            requirements.append({**about, "check": check, "check_only": True, "is_mandatory": True})
    kept = {key: value for key, value in row.items() if key not in ("instruction_id_list", "kwargs", "key")}
    family = names[0].split(":")[0] if names else "ifeval"
    own = {"id": row.get("id", row.get("key")), "category": row.get("category", family)}
    return {**kept, **own, "requirements": requirements}


def _from_question(row: dict[str, Any]) -> dict[str, Any]:
    """A question with its answer; with `choices` (or `options`) the answer is a letter, a place, or the words."""
    options = row.get("choices", row.get("options"))
    if isinstance(options, Mapping):  # as the AI2 sets have it: {"text": […], "label": […]}
        options = options.get("text")
    answer = row.get("answer", row.get("answers", row.get("answer_index")))
    if answer is None:
        raise ValueError("a question needs an 'answer'")
    own = {
        "id": row.get("id", row.get("question_id")),
        "category": row.get("category", row.get("subject")),
        "split": row.get("split"),
    }
    body: dict[str, Any] = {
        key: row[key] for key in ("temperature", "max_tokens", "requirements", "match") if key in row
    }
    if options:
        lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
        prompt = "\n".join([str(row["question"]), *lines, "", ASK_CHOICE])
        return {**own, **body, "prompt": prompt, "reference": _letter(answer, options)}
    found = _LAST_LINE.search(answer) if isinstance(answer, str) else None
    prompt = f"{row['question']}\n\n{ASK_ANSWER}"
    return {**own, **body, "prompt": prompt, "reference": found[1] if found else answer}


def _letter(answer: Any, options: list[Any]) -> str:
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(options):
        return LETTERS[answer]
    if answer in options:
        return LETTERS[options.index(answer)]
    if isinstance(answer, str) and answer.strip().upper() in LETTERS[: len(options)]:
        return answer.strip().upper()
    raise ValueError("'answer' is none of the choices")


def _count(unit: str, name: str) -> Callable[[Given], list[dict[str, Any]]]:
    """At least, less than, at most."""
    relation = {"words": "relation", "sentences": "relation", "capital_words": "capital_relation"}[unit]

    def made(given: Given) -> list[dict[str, Any]]:
        value = int(given[name])
        if given.get(relation) == "less than":
            return [{"type": f"max_{unit}", "value": max(0, value - 1)}]
        return [{"type": f"{'max' if given.get(relation) == 'at most' else 'min'}_{unit}", "value": value}]

    return made


def _times(kind: str, key: str, given: Given, relation: str, number: str) -> list[dict[str, Any]]:
    value = int(given[number])
    bound = {"max": max(0, value - 1)} if given.get(relation) == "less than" else {"min": value}
    return [{"type": f"{kind}_count", kind: given[key], **bound}]


def _first_word(given: Given) -> list[dict[str, Any]]:
    check = {"type": "starts_with", "value": given["first_word"]}
    return [
        {"type": "exact_paragraphs", "value": int(given["num_paragraphs"])},
        {"type": "part", "unit": "paragraph", "n": int(given["nth_paragraph"]), "check": check},
    ]


INSTRUCTIONS: dict[str, Callable[[Given], list[dict[str, Any]]]] = {
    "change_case:capital_word_frequency": _count("capital_words", "capital_frequency"),
    "change_case:english_capital": lambda _: [{"type": "uppercase"}, {"type": "language", "value": "en"}],
    "change_case:english_lowercase": lambda _: [{"type": "lowercase"}, {"type": "language", "value": "en"}],
    "combination:repeat_prompt": lambda given: [{"type": "starts_with", "value": given["prompt_to_repeat"]}],
    "combination:two_responses": lambda _: [{"type": "different_answers", "value": 2, "separator": "******"}],
    "detectable_content:number_placeholders": lambda g: [{"type": "min_placeholders", "value": g["num_placeholders"]}],
    "detectable_content:postscript": lambda given: [{"type": "postscript", "value": given["postscript_marker"]}],
    "detectable_format:constrained_response": lambda _: [
        {"type": "one_of", "value": ["My answer is yes.", "My answer is no.", "My answer is maybe."]}
    ],
    "detectable_format:json_format": lambda _: [{"type": "json"}],
    "detectable_format:multiple_sections": lambda given: [
        {"type": "min_sections", "value": int(given["num_sections"]), "marker": given["section_spliter"]}
    ],
    "detectable_format:number_bullet_lists": lambda g: [{"type": "exact_bullets", "value": int(g["num_bullets"])}],
    "detectable_format:number_highlighted_sections": lambda given: [
        {"type": "min_highlights", "value": int(given["num_highlights"])}
    ],
    "detectable_format:title": lambda _: [{"type": "title"}],
    "keywords:existence": lambda given: [{"type": "contains", "value": list(given["keywords"])}],
    "keywords:forbidden_words": lambda given: [{"type": "excludes", "value": list(given["forbidden_words"])}],
    "keywords:frequency": lambda given: _times("keyword", "keyword", given, "relation", "frequency"),
    "keywords:letter_frequency": lambda given: _times("letter", "letter", given, "let_relation", "let_frequency"),
    "language:response_language": lambda given: [{"type": "language", "value": given["language"]}],
    "length_constraints:nth_paragraph_first_word": _first_word,
    "length_constraints:number_paragraphs": lambda given: [
        {"type": "exact_paragraphs", "value": int(given["num_paragraphs"]), "separator": "***"}
    ],
    "length_constraints:number_sentences": _count("sentences", "num_sentences"),
    "length_constraints:number_words": _count("words", "num_words"),
    "punctuation:no_comma": lambda _: [{"type": "excludes_characters", "value": ","}],
    "startend:end_checker": lambda given: [{"type": "ends_with", "value": given["end_phrase"]}],
    "startend:quotation": lambda _: [{"type": "quoted"}],
}
"""IFEval's families (arXiv 2311.07911), by the checks that stand for them."""
