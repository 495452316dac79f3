"""The judge: an LLM that scores an answer on what no check can decide. One call for several requirements."""

import asyncio
import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from action_model.prices import Usage
from router.errors import MaestroError
from router.judging.prompts import SCHEMA, SYSTEM, USER
from router.judging.reading import Opinion, read_opinions
from router.upstreams.tokens import count_tokens
from router.upstreams.upstream import Call, Model, Purse, Upstreams

MOST_PER_CALL = 5
TOKENS_PER_VERDICT = 120


@dataclass(frozen=True, slots=True)
class Question:
    """One requirement to be judged."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What the judge sees: the candidate's id (it seeds the order), the request's text and the answer."""

    id: str
    request: str
    answer: str
    round: int = 0


class Judge:
    """Asks a model through the same upstreams. Its calls are attempts: reserved, timed, cancelled, counted."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def ask(
        self, model: Model, questions: Sequence[Question], exhibit: Exhibit, purse: Purse, deadline: float | None
    ) -> dict[str, Opinion]:
        """An opinion on each requirement that the judge answered; one it did not answer is missing. Never raises."""
        shuffled = list(questions)
        random.Random(_seed(exhibit)).shuffle(shuffled)
        parts = [shuffled[i : i + MOST_PER_CALL] for i in range(0, len(shuffled), MOST_PER_CALL)]
        answers = await asyncio.gather(*(self._ask_some(model, part, exhibit, purse, deadline) for part in parts))
        return {name: opinion for answer in answers for name, opinion in answer.items()}

    async def _ask_some(
        self, model: Model, questions: Sequence[Question], exhibit: Exhibit, purse: Purse, deadline: float | None
    ) -> dict[str, Opinion]:
        body = judge_body(questions, exhibit, "json_schema" in model.supports)
        expected = expected_usage(questions, exhibit)
        call = Call(model, "/chat/completions", body, purse, expected, "judge", deadline=deadline, attempts=2)
        try:
            reply = await self._upstreams.send(call)
        except MaestroError:
            return {}
        opinions = read_opinions(reply.body, exhibit.answer, len(questions))
        return {questions[i].name: opinion for i, opinion in opinions.items()}


def expected_usage(questions: Sequence[Question], exhibit: Exhibit) -> Usage:
    """Tokens to hold money for."""
    asked = count_tokens(SYSTEM) + count_tokens(exhibit.request) + count_tokens(exhibit.answer) + 60
    asked += sum(count_tokens(question.text) + 4 for question in questions)
    return Usage(input_tokens=asked, output_tokens=TOKENS_PER_VERDICT * len(questions) + 40)


def judge_body(questions: Sequence[Question], exhibit: Exhibit, has_schema: bool) -> bytes:
    """The request; the answer stands between markers it cannot know."""
    marker = (
        "=====" + hashlib.sha256(f"{exhibit.id}:{exhibit.round}:{exhibit.answer}".encode()).hexdigest()[:16] + "====="
    )
    numbered = "\n".join(f"{i}. {question.text}" for i, question in enumerate(questions, 1))
    user = USER.format(request=exhibit.request, marker=marker, answer=exhibit.answer, requirements=numbered)
    body: dict[str, object] = {
        "model": "judge",
        "messages": [{"role": "system", "content": SYSTEM.format(marker=marker)}, {"role": "user", "content": user}],
        "temperature": 0 if exhibit.round == 0 else 0.4,
        "max_tokens": TOKENS_PER_VERDICT * len(questions) + 40,
    }
    if has_schema:
        schema = {"name": "verdicts", "strict": True, "schema": SCHEMA}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return msgspec.json.encode(body)


def _seed(exhibit: Exhibit) -> int:
    return int.from_bytes(hashlib.sha256(f"{exhibit.id}:{exhibit.round}".encode()).digest()[:8], "big")
