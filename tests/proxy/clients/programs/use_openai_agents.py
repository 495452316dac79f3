"""openai-agents in chat mode: text, a tool, a stream. Arguments: base URL, model."""

import asyncio
import sys

from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

base_url, model = sys.argv[1:]
set_tracing_disabled(True)
asked = []


@function_tool
def weather(city: str) -> str:
    """The weather."""
    asked.append(city)
    return "sunny"


async def main() -> None:
    """Each way once."""
    client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    served = OpenAIChatCompletionsModel(model=model, openai_client=client)
    plain = Agent(name="plain", instructions="Be kind.", model=served)
    assert (await Runner.run(plain, "Say hello.")).final_output == "Hello there."
    tooled = Agent(name="tooled", instructions="Be kind.", model=served, tools=[weather])
    assert (await Runner.run(tooled, "Weather?")).final_output == "Hello there."
    assert asked == ["Paris"]
    streamed = Runner.run_streamed(plain, "Say hello.")
    async for _ in streamed.stream_events():
        pass
    assert streamed.final_output == "Hello there."


asyncio.run(main())
