"""The judge: an LLM that scores an answer on what no check can decide. One call for several requirements."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

import msgspec

from action_model.prices import Usage
from router.errors import MaestroError, UpstreamError, UpstreamRejected
from router.judging.prompts import SCHEMA, SYSTEM, USER
from router.judging.reading import Opinion, read_opinions
from router.upstreams.tokens import count_tokens
from router.upstreams.upstream import Call, Model, Purse, Reply, Upstreams

MOST_PER_CALL = 5
TOKENS_PER_VERDICT = 120
FIRST_SECONDS = 2.0
"""How long a judge is expected to take before it has ever answered."""
LATEST_SHARE = 0.3
"""The weight of the last call in what is expected of the next."""

Gate = Callable[[str], AbstractAsyncContextManager[None]]
"""A place among the calls at an upstream, by the upstream's name: shared fairly between teams."""


@asynccontextmanager
async def open_gate(_: str) -> AsyncIterator[None]:
    """No waiting."""
    yield


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


class Terms(msgspec.Struct, frozen=True):
    """Who pays for a judge's calls, by when they must be done (event-loop time), and where they queue."""

    purse: Purse
    deadline: float | None = None
    gate: Gate = open_gate


class Judge:
    """Asks a model through the same upstreams. Its calls are attempts: reserved, timed, cancelled, counted."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._plain: set[str] = set()
        self._seconds: dict[str, float] = {}
        self._answering: dict[str, float] = {}

    def seconds(self, model: Model) -> float:
        """How long a call to this judge is expected to take: a running mean."""
        return self._seconds.get(model.id, FIRST_SECONDS)

    def answering(self, model: Model) -> float:
        """How likely this judge gives a usable verdict: a running mean that begins at 1."""
        return self._answering.get(model.id, 1.0)

    async def ask(
        self, model: Model, questions: Sequence[Question], exhibit: Exhibit, terms: Terms
    ) -> dict[str, Opinion]:
        """An opinion on each requirement that the judge answered; one it did not answer is missing. Never raises."""
        shuffled = list(questions)
        chance = random.Random(_seed(exhibit))
        chance.shuffle(shuffled)
        numbers = chance.sample(range(100, 1000), len(shuffled))
        count = -(-len(shuffled) // MOST_PER_CALL)
        parts = [list(zip(numbers, shuffled, strict=True))[start::count] for start in range(count)]
        answers = await asyncio.gather(*(self._ask_some(model, part, exhibit, terms) for part in parts))
        return {name: opinion for answer in answers for name, opinion in answer.items()}

    async def _ask_some(
        self, model: Model, numbered: Sequence[tuple[int, Question]], exhibit: Exhibit, terms: Terms
    ) -> dict[str, Opinion]:
        try:
            reply = await self._send(model, numbered, exhibit, terms)
        except UpstreamError:
            self._count(model, 0.0, None)
            return {}
        except MaestroError:
            return {}
        opinions = read_opinions(reply.body, exhibit.answer, [number for number, _ in numbered])
        self._count(model, len(opinions) / len(numbered), reply.seconds)
        names = {number: question.name for number, question in numbered}
        return {names[number]: replace(opinion, judge=reply.model.id) for number, opinion in opinions.items()}

    def _count(self, model: Model, answered: float, seconds: float | None) -> None:
        self._answering[model.id] = (1.0 - LATEST_SHARE) * self.answering(model) + LATEST_SHARE * answered
        if seconds is not None:
            self._seconds[model.id] = (1.0 - LATEST_SHARE) * self.seconds(model) + LATEST_SHARE * seconds

    async def _send(
        self, model: Model, numbered: Sequence[tuple[int, Question]], exhibit: Exhibit, terms: Terms
    ) -> Reply:
        """Asks for a schema and for token probabilities where they are said to be there; plainly once refused."""
        supports = frozenset[str]() if model.id in self._plain else model.supports & {"json_schema", "logprobs"}
        expected = expected_usage([question for _, question in numbered], exhibit)
        body = judge_body(numbered, exhibit, supports)
        call = Call(
            model, "/chat/completions", body, terms.purse, expected, "judge", deadline=terms.deadline, attempts=2
        )
        async with terms.gate(model.upstream):
            try:
                return await self._upstreams.send(call)
            except UpstreamRejected:
                if not supports:
                    raise
            plain = msgspec.structs.replace(call, body=judge_body(numbered, exhibit, frozenset()))
            reply = await self._upstreams.send(plain)
        self._plain.add(model.id)
        return reply


def expected_usage(questions: Sequence[Question], exhibit: Exhibit) -> Usage:
    """Tokens to hold money for."""
    asked = count_tokens(SYSTEM) + count_tokens(exhibit.request) + count_tokens(exhibit.answer) + 120
    asked += sum(count_tokens(question.text) + 4 for question in questions)
    return Usage(input_tokens=asked, output_tokens=_most_tokens(len(questions)))


def judge_body(numbered: Sequence[tuple[int, Question]], exhibit: Exhibit, supports: frozenset[str]) -> bytes:
    """The request. The answer stands between markers, and is judged under numbers, that it cannot know."""
    named = f"{exhibit.id}:{exhibit.round}:{exhibit.request}:{exhibit.answer}"
    marker = "=====" + hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:16] + "====="
    user = USER.format(
        request=exhibit.request,
        marker=marker,
        answer=exhibit.answer,
        requirements="\n".join(f"{number}. {question.text}" for number, question in numbered),
        numbers=", ".join(str(number) for number, _ in numbered),
    )
    body: dict[str, object] = {
        "model": "judge",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}],
        "temperature": 0 if exhibit.round == 0 else 0.4,
        "max_tokens": _most_tokens(len(numbered)),
    }
    if "json_schema" in supports:
        schema = {"name": "verdicts", "strict": True, "schema": SCHEMA}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if "logprobs" in supports:
        body |= {"logprobs": True, "top_logprobs": 5}
    return msgspec.json.encode(body)


def _most_tokens(count: int) -> int:
    return TOKENS_PER_VERDICT * count + 40


def _seed(exhibit: Exhibit) -> int:
    named = f"{exhibit.id}:{exhibit.round}:{exhibit.answer}"
    return int.from_bytes(hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()[:8], "big")
