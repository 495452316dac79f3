"""AI21's body as a chat body."""

from proxy.studio.body import chat_body


def test_tools_and_their_resources_are_passed_on_as_they_came() -> None:
    tools = [{"type": "file_search", "file_ids": ["file-1"]}, {"type": "web_search", "urls": ["example.org"]}]
    body = chat_body({"input": "hi", "tools": tools, "tool_resources": {"file_search": {"max_segments": 3}}}, {})
    assert body["tools"] == tools and body["tool_resources"] == {"file_search": {"max_segments": 3}}
