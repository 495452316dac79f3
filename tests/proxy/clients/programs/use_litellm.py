"""litellm as a client: whole, streamed, tools, errors. Arguments: base URL, model."""

import sys

import litellm

base_url, model = sys.argv[1:]
where = {"model": f"openai/{model}", "api_base": base_url, "api_key": "none", "num_retries": 0}
messages = [{"role": "user", "content": "Say hello."}]
tool = {"type": "function", "function": {"name": "City", "parameters": {"type": "object"}}}
answer = litellm.completion(messages=messages, **where)
assert answer.choices[0].message.content == "Hello there.", answer
assert answer.usage.completion_tokens > 0
chunks = litellm.completion(messages=messages, stream=True, **where)
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello there."
called = litellm.completion(messages=messages, tools=[tool], **where)
assert called.choices[0].message.tool_calls[0].function.name == "City", called
judged = litellm.completion(messages=messages, extra_body={"requirements": ["At most 9 words"]}, **where)
assert judged.choices[0].message.content == "Hello there.", judged
try:
    litellm.completion(messages=messages, **{**where, "model": "openai/nope"})
except litellm.NotFoundError:
    pass
else:
    raise AssertionError("an unknown model must be NotFoundError")
