"""Facts: what is known of a task before any call is made."""

import msgspec


class Facts(msgspec.Struct, frozen=True):
    """What the action model may look at. Serving and training build the same value.

    `text` is the prompt text the embedding reads (system, then the last user message, clipped);
    `requirement_kinds` names each requirement's check kind, or "judge"; `needs` are the capabilities the
    request cannot do without ("tools", "images", "json_schema", "logprobs", "audio");
    `tool_tokens` are the sizes of the client's function tools, and `kept_tools` how many of them may not be left out;
    `source_count` and `source_score` what retrieval found, and its best score (0..1).
    """

    text: str
    input_tokens: int
    max_output_tokens: int | None = None
    language: str = "en"
    requirement_kinds: tuple[str, ...] = ()
    mandatory_count: int = 0
    tool_count: int = 0
    image_count: int = 0
    turn_count: int = 1
    needs: frozenset[str] = frozenset()
    source_count: int = 0
    source_score: float = 0.0
    tool_tokens: tuple[int, ...] = ()
    kept_tools: int = 0
