"""Searches in rounds: asks what is missing, looks it up, reads, until another round is not worth it; then answers."""

import re
from collections.abc import Sequence

import msgspec

from action_model.actions import Action
from router.efforts import tradeoff_of
from router.judging.reading import reply_text
from router.task import Candidate, Task
from router.techniques.technique import Step, Steps, encode, messages_of, noted_messages, turn, with_material
from router.tools.passages import Gathered, Passage

DEFAULT_ROUNDS = 2
DEFAULT_BREADTH = 3
FIRST_GAIN = 0.25
"""How much the chance of a right answer is thought to rise by a first round of new passages; each later round by
`GAIN_DECAY` of the one before, in proportion to how much of what was found last was new and fitting."""
GAIN_DECAY = 0.5

PLAN = """Do not answer yet. To answer the request above, which facts are still missing from the sources?
Write at most {breadth} short search queries, one per line, each for one missing fact, and nothing else.
If the sources already hold everything that is needed, write only: ENOUGH"""

FREE = {"response_format": None, "tools": None, "tool_choice": None, "functions": None, "function_call": None}
ONE = {"n": None, "logprobs": None, "top_logprobs": None, "max_completion_tokens": None, "max_tokens": 120}
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])?\s*")


class Findings(msgspec.Struct, frozen=True):
    """What a search step brought: passages, what the technique has spent so far, and what is left."""

    passages: tuple[Passage, ...] = ()
    usd: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None


class Research:
    """Rounds and breadth are the action's, or the defaults; each round costs one short call and its searches."""

    name = "research"

    def steps(self, task: Task, action: Action, parents: Sequence[Candidate]) -> Steps:
        """Query, search, read, in rounds; the final step answers from all that was found."""
        gathered = task.gathered or Gathered()
        passages, rounds = list(gathered.passages), action.rounds or DEFAULT_ROUNDS
        spent, asked = Findings(), set[str]()
        fresh = 1.0
        for number in range(rounds):
            if not is_worth_it(task, number, fresh, spent):
                break
            body = encode(task, action, [*_read(task, gathered, passages), _plan(action)], **{**FREE, **ONE})
            said = yield Step((body,), is_final=False)
            queries = [q for q in queries_in(reply_text(said[0]), action.breadth or DEFAULT_BREADTH) if q not in asked]
            if not queries:
                break
            asked.update(queries)
            (found,) = yield Step((), is_final=False, queries=tuple(queries))
            spent = msgspec.json.decode(found, type=Findings)
            fresh = max((passage.score for passage in spent.passages), default=0.0)
            passages += spent.passages
            if not spent.passages:
                break
        more = [p for p in passages if p not in gathered.passages]
        last = with_material(noted_messages(task), Gathered(tuple(more), (), gathered.mark).text)
        yield Step((encode(task, action, last),))


def is_worth_it(task: Task, number: int, fresh: float, spent: Findings) -> bool:
    """The planner's rule: the gain in P(success) against the dollars and seconds of one more round, as the last one
    cost (the first is always worth its call where anything may be searched)."""
    if number == 0:
        return True
    if spent.seconds_left is not None and spent.seconds_left < 2.0 * spent.seconds / number:
        return False
    tradeoff = tradeoff_of(task)
    gain = FIRST_GAIN * GAIN_DECAY**number * fresh
    return gain > (tradeoff.usd * spent.usd + tradeoff.seconds * spent.seconds) / number


def queries_in(text: str, breadth: int) -> list[str]:
    """The queries a model wrote, one a line; none where it has enough."""
    lines = [_BULLET.sub("", line).strip().strip('"') for line in text.splitlines()]
    kept = [line for line in lines if len(line) > 2]
    if any(line.upper().strip(".!") == "ENOUGH" for line in kept[:1]):
        return []
    return list(dict.fromkeys(line[:300] for line in kept if line.upper() != "ENOUGH"))[:breadth]


def _plan(action: Action) -> msgspec.Raw:
    return turn("user", PLAN.format(breadth=action.breadth or DEFAULT_BREADTH))


def _read(task: Task, gathered: Gathered, passages: Sequence[Passage]) -> list[msgspec.Raw]:
    """The conversation with all that was found so far."""
    more = tuple(p for p in passages if p not in gathered.passages)
    return with_material(messages_of(task), Gathered(more, (), gathered.mark).text)
