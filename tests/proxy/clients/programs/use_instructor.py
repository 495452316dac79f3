"""instructor: a typed answer by tools and by JSON schema, and partly streamed. Arguments: base URL, model."""

import sys

import instructor
import openai
from pydantic import BaseModel


class City(BaseModel):
    """Where."""

    city: str


base_url, model = sys.argv[1:]
messages = [{"role": "user", "content": "Where?"}]
for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA):
    client = instructor.from_openai(openai.OpenAI(base_url=base_url, api_key="none", max_retries=0), mode=mode)
    answer = client.chat.completions.create(model=model, messages=messages, response_model=City, max_retries=1)
    assert answer.city == "Paris", answer
client = instructor.from_openai(openai.OpenAI(base_url=base_url, api_key="none", max_retries=0))
partial = list(client.chat.completions.create_partial(model=model, messages=messages, response_model=City))
assert partial[-1].city == "Paris", partial
