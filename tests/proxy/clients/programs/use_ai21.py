"""AI21's own SDK, unchanged but for its host: runs and agents, sync and async. Prints what it saw as JSON."""

import asyncio
import json
import sys
from typing import Any

from ai21 import AI21Client, AsyncAI21Client
from ai21.errors import AI21APIError

REQUIREMENTS = [
    {"name": "short", "description": "Answer in at most 3 words", "is_mandatory": True},
    {"name": "kind", "description": "Use the word 'kind'"},
]
ASKED: dict[str, Any] = {
    "input": [{"role": "user", "content": "Say it."}],
    "requirements": REQUIREMENTS,
    "models": ["small"],
    "budget": "low",
    "include": ["requirements_result", "data_sources"],
    "response_language": "english",
    "system_prompt": "Be kind.",
}
POLL: dict[str, float] = {"poll_interval_sec": 0.05, "poll_timeout_sec": 30}


def check_run(run: Any) -> None:
    """A completed run in AI21's shape."""
    assert run.status == "completed", run
    assert run.result == "Short and kind", run
    result = run.requirements_result
    assert result["score"] == 1.0, result
    assert result["finish_reason"] == "all_satisfied", result
    assert [item["name"] for item in result["requirements"]] == ["short", "kind"], result
    assert result["requirements"][0]["is_mandatory"] is True, result
    assert all(item["score"] == 1.0 and item["reason"] for item in result["requirements"]), result
    assert run.error is None, run


def sync_runs(client: AI21Client) -> dict[str, Any]:
    """create, retrieve, poll_for_status, create_and_poll."""
    runs = client.beta.maestro.runs
    begun = runs.create(**ASKED)
    assert begun.status in ("in_progress", "completed"), begun
    assert runs.retrieve(begun.id).id == begun.id
    check_run(runs.poll_for_status(run_id=begun.id, **POLL))
    check_run(runs.create_and_poll(**ASKED, **POLL))
    plain = runs.create_and_poll(input="Say hello.", **POLL)
    assert plain.status == "completed", plain
    assert plain.requirements_result is None, plain
    unheard = runs.create_and_poll(input="Say hello.", include=["requirements_result"], **POLL)
    assert "score" not in unheard.requirements_result, unheard
    failed = runs.create_and_poll(input="FAIL", **POLL)
    assert failed.status == "failed", failed
    assert failed.error["message"], failed
    try:
        runs.create(input="x", budget="huge")
    except AI21APIError as error:
        assert error.status_code in (400, 422), error
    else:
        raise AssertionError("a bad budget must be refused")
    return json.loads(runs.retrieve(begun.id).model_dump_json())


def sync_agents(client: AI21Client) -> dict[str, Any]:
    """create, get, list, modify, delete, runs."""
    agents = client.beta.agents
    made = agents.create(
        name="kindly",
        description="Short and kind",
        models=["small"],
        requirements=[{"title": "short", "description": "Answer in at most 3 words", "type": "mandatory"}],
        budget="low",
        response_language="english",
    )
    assert agents.get(made.id).name == "kindly"
    assert made.id in [agent.id for agent in agents.list().results]
    changed = agents.modify(made.id, name="kinder", budget="medium", visibility="public")
    assert (changed.name, changed.budget, changed.description) == ("kinder", "medium", "Short and kind"), changed
    assert changed.updated_at >= changed.created_at
    run = agents.runs.create_and_poll(made.id, input="Say it.", include=["requirements_result"], **POLL)
    assert run.requirements_result["requirements"][0]["name"] == "short", run
    assert run.requirements_result["requirements"][0]["is_mandatory"] is True, run
    shown = json.loads(changed.model_dump_json())
    gone = agents.delete(made.id)
    assert gone.deleted is True, gone
    assert gone.id == made.id, gone
    assert made.id not in [agent.id for agent in agents.list().results]
    return shown


async def async_all(client: AsyncAI21Client) -> None:
    """The same, awaited."""
    runs, agents = client.beta.maestro.runs, client.beta.agents
    begun = await runs.create(**ASKED)
    assert (await runs.retrieve(begun.id)).id == begun.id
    check_run(await runs.poll_for_status(run_id=begun.id, **POLL))
    check_run(await runs.create_and_poll(**ASKED, **POLL))
    made = await agents.create(name="kindly", budget="low")
    assert (await agents.get(made.id)).name == "kindly"
    assert (await agents.modify(made.id, name="kinder")).name == "kinder"
    run = await agents.runs.create_and_poll(made.id, input=[{"role": "user", "content": "Say it."}], **POLL)
    assert run.status == "completed", run
    assert (await agents.delete(made.id)).deleted is True
    assert [agent for agent in (await agents.list()).results if agent.id == made.id] == []


def main() -> None:
    """Against the host that is named."""
    host = sys.argv[1]
    client = AI21Client(api_key="none", api_host=host, num_retries=1)
    seen = {"run": sync_runs(client), "agent": sync_agents(client)}
    asyncio.run(async_all(AsyncAI21Client(api_key="none", api_host=host, num_retries=1)))
    print(json.dumps(seen))


main()
