"""pydantic-ai: text, a tool, a typed answer, a stream. Arguments: base URL, model."""

import asyncio
import sys

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class City(BaseModel):
    """Where."""

    city: str


base_url, model = sys.argv[1:]
served = OpenAIChatModel(model, provider=OpenAIProvider(base_url=base_url, api_key="none"))


async def main() -> None:
    """Each way once."""
    assert (await Agent(served).run("Say hello.")).output == "Hello there."
    assert (await Agent(served, output_type=City).run("Where?")).output == City(city="Paris")
    asked = []
    agent = Agent(served)

    @agent.tool_plain
    def weather(city: str) -> str:
        """The weather."""
        asked.append(city)
        return "sunny"

    assert (await agent.run("What is the weather?")).output == "Hello there."
    assert asked == ["Paris"]
    async with Agent(served).run_stream("Say hello.") as stream:
        assert await stream.get_output() == "Hello there."


asyncio.run(main())
