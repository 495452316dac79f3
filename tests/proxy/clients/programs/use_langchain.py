"""langchain-openai: whole, streamed, tools, structured output. Arguments: base URL, model."""

import sys

from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class City(BaseModel):
    """Where."""

    city: str


base_url, model = sys.argv[1:]
chat = ChatOpenAI(model=model, base_url=base_url, api_key="none", max_retries=0)
answer = chat.invoke("Say hello.")
assert answer.content == "Hello there.", answer
assert answer.usage_metadata["output_tokens"] > 0
assert "".join(chunk.content for chunk in chat.stream("Say hello.")) == "Hello there."
called = chat.bind_tools([City]).invoke("Where?")
assert called.tool_calls[0]["name"] == "City", called
assert called.tool_calls[0]["args"] == {"city": "Paris"}
assert chat.with_structured_output(City, method="function_calling").invoke("Where?") == City(city="Paris")
assert chat.with_structured_output(City, method="json_schema").invoke("Where?") == City(city="Paris")
judged = ChatOpenAI(
    model=model, base_url=base_url, api_key="none", max_retries=0, extra_body={"requirements": ["At most 9 words"]}
)
assert judged.invoke("Say hello.").content == "Hello there."
assert "".join(chunk.content for chunk in judged.stream("Say hello.")) == "Hello there."
