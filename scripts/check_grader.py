"""The independent grader of instruction following, made to run offline, and the instructions it grades."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILES = {"ifeval": "ifeval/data/input_data.jsonl", "ifbench": "ifbench/data/IFBench_test.jsonl"}
ANSWERS = ("alpaca_eval_gpt4_baseline.json", "model_answer/")


@dataclass(frozen=True)
class Instruction:
    """One instruction of one prompt: its family, what its canonical description says, and its grader."""

    family: str
    text: str
    arguments: dict[str, Any]
    prompt: str
    follows: Callable[[str], bool]


def read_instructions(data: Path, benchmark: str) -> Iterator[Instruction]:
    """Every instruction of the prompts in a directory, zip or wheel. The grader is imported only here."""
    registry = _registry(benchmark)
    for line in _read(data, FILES[benchmark]).strip().split("\n"):
        row = json.loads(line)
        for family, given in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            arguments = {
                name: int(value) if isinstance(value, float) else value
                for name, value in given.items()
                if value is not None
            }
            checker = registry[family](family)
            text = checker.build_description(**arguments)
            if "prompt" in (checker.get_instruction_args() or {}):
                text = checker.build_description(prompt=row["prompt"])
            yield Instruction(family, text or "", arguments, row["prompt"], _guarded(checker))


def read_answers(data: Path, limit: int) -> list[str]:
    """Answers of real models that lie beside the prompts, in a stable order."""
    found: list[str] = []
    for name in sorted(_names(data)):
        if name.endswith(ANSWERS[0]):
            found += [row["output"] for row in json.loads(_read(data, name))]
        elif ANSWERS[1] in name and name.endswith(".jsonl"):
            found += [text for line in _read(data, name).strip().split("\n") for text in _texts(json.loads(line))]
    return found[:: max(1, len(found) // limit)][:limit]


def _texts(row: dict[str, Any]) -> Iterator[str]:
    for message in row.get("messages", []):
        content = message.get("content")
        if message.get("role") == "assistant":
            yield content if isinstance(content, str) else content.get("answer", "")


def _guarded(checker: Any) -> Callable[[str], bool]:
    def follows(text: str) -> bool:
        return bool(text.strip() and checker.check_following(text))

    return follows


def _registry(benchmark: str) -> dict[str, Any]:
    """The grader's table, with an untrained Punkt in place of the model that it would fetch."""
    import langdetect
    import nltk

    nltk.download = _nothing  # the grader fetches models when it is imported
    from if_verifiable.ifbench import instructions_util as bench_util
    from if_verifiable.ifbench.instructions_registry import INSTRUCTION_DICT as BENCH
    from if_verifiable.ifeval import instructions_util as eval_util
    from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT as EVAL
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    langdetect.DetectorFactory.seed = 0
    punkt, words = PunktSentenceTokenizer(), NLTKWordTokenizer()

    def word_tokenize(text: str) -> list[str]:
        return [token for sentence in punkt.tokenize(text) for token in words.tokenize(sentence)]

    nltk.word_tokenize = nltk.tokenize.word_tokenize = word_tokenize
    for util in (eval_util, bench_util):
        util._get_sentence_tokenizer = lambda: punkt
    table: dict[str, Any] = EVAL if benchmark == "ifeval" else BENCH
    return table


def _nothing(*_args: object, **_named: object) -> bool:
    return False


def _names(data: Path) -> list[str]:
    if data.is_dir():
        return [str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()]
    with zipfile.ZipFile(data) as archive:
        return archive.namelist()


def _read(data: Path, ending: str) -> str:
    if data.suffix == ".jsonl":
        return data.read_text(encoding="utf-8")
    name = next((name for name in sorted(_names(data)) if name.endswith(ending)), None)
    if name is None:
        raise FileNotFoundError(f"no {ending} in {data}")
    if data.is_dir():
        return (data / name).read_text(encoding="utf-8")
    with zipfile.ZipFile(data) as archive:
        return io.TextIOWrapper(archive.open(name), encoding="utf-8").read()


def sample_words(text: str, count: int) -> str:
    """A text of exactly so many words (as IFEval counts them), taken from a real one."""
    words = re.findall(r"\w+", text) or ["word"]
    return " ".join(words[i % len(words)] for i in range(count))
