"""Equips a task that asks for Maestro's tools: searches once before a model is asked, lists what may be called."""

import anyio
from msgspec.structs import replace

from router.errors import BadRequest
from router.facts import last_user_text, read_messages, text_of
from router.roads import Road
from router.task import Task
from router.tools.bench import Bench, Toolroom
from router.tools.passages import Gathered
from router.tools.search.engine import SearchTerms
from router.upstreams.tokens import count_tokens

FEW_WORDS = 5
SEARCH_SHARE = 0.5
"""How much of a run's seconds the first search may take."""


async def equip(
    task: Task, road: Road, room: Toolroom | None, team: str, terms: SearchTerms
) -> tuple[Task, Road, Bench]:
    """The task with what was found, and a road that knows of it. Raises BadRequest, UpstreamError."""
    if room is None:
        raise BadRequest("Maestro's own tools are not available here.", "tools")
    bench = Bench(room, task.tools, team, terms)
    gathered, seconds = Gathered(), task.budget.seconds
    began = anyio.current_time()
    with anyio.move_on_after(None if seconds is None else seconds * SEARCH_SHARE):
        gathered = await bench.gather(query_of(task))
    if seconds is not None:
        budget = replace(task.budget, seconds=max(seconds - anyio.current_time() + began, 0.01))
        task = replace(task, budget=budget)
    return replace(task, gathered=gathered), _informed(road, gathered), bench


def query_of(task: Task) -> str:
    """What to search for: the last thing the user said, with what was said before where it is short."""
    messages = read_messages(task)
    last = last_user_text(messages)
    users = [text_of(message.content) for message in messages if message.role == "user"]
    if len(last.split()) < FEW_WORDS and len(users) > 1:
        return f"{users[-2]}\n{last}"
    return last


def _informed(road: Road, gathered: Gathered) -> Road:
    """The road's facts with what retrieval found; only models that can call tools where there are some to call."""
    tokens = count_tokens(gathered.text) + sum(count_tokens(str(f.definition)) for f in gathered.functions)
    scores = [passage.score for passage in gathered.passages]
    facts = replace(
        road.facts,
        input_tokens=road.facts.input_tokens + tokens,
        source_count=len(scores),
        source_score=max(scores, default=0.0),
        needs=road.facts.needs | ({"tools"} if gathered.functions else set()),
        tool_count=road.facts.tool_count + len(gathered.functions),
    )
    able = tuple(model for model in road.models if "tools" in model.supports) if gathered.functions else road.models
    if not able:
        raise BadRequest("No model that may serve this request can call tools.", "tools", "no_model_with_tools")
    return replace(road, facts=facts, models=able)
