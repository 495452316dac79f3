"""What a conversation says of the model that must go on with it. Pure reading of its messages."""

import hashlib
from collections.abc import Sequence

import msgspec

from router.task import Task

MOST_TURNS_BACK = 8
"""How many assistant turns back a conversation is recognised by."""

SIGNED = (b'"signature"', b'"thought_signature"', b'"encrypted_content"', b'"reasoning_details"', b'"thinking_blocks"')
"""Marks of reasoning that only the model that wrote it accepts (Anthropic, Gemini, OpenAI, OpenRouter, LiteLLM)."""


class Turn(msgspec.Struct):
    """The fields of a message that matter here."""

    role: str = ""


class Conversation(msgspec.Struct, frozen=True):
    """`whole` names the messages as they are; `earlier` name what stood before each assistant turn, latest first.

    A later request of the same conversation has today's `whole` among its `earlier`.
    """

    whole: bytes
    earlier: tuple[bytes, ...]
    in_tool_loop: bool
    is_signed: bool

    @property
    def is_bound(self) -> bool:
        """Must the model that spoke last go on?"""
        return bool(self.earlier) and (self.in_tool_loop or self.is_signed)


_decode_roles = msgspec.json.Decoder(Turn).decode


def conversation_of(task: Task) -> Conversation:
    """Reads the messages; a body without a list of messages is a conversation of its own."""
    field = bytes(task.payload.fields.get("messages", b"[]"))
    try:
        messages = msgspec.json.decode(field, type=list[msgspec.Raw])
        roles = [_decode_roles(message).role for message in messages]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Conversation(_digest(hashlib.sha256(field)), (), False, False)
    spoken = [place for place, role in enumerate(roles) if role == "assistant"]
    whole, earlier = _prefix_names(messages, spoken[-MOST_TURNS_BACK:])
    return Conversation(
        whole=whole,
        earlier=earlier[::-1],
        in_tool_loop=bool(roles) and roles[-1] in ("tool", "function"),
        is_signed=any(_is_signed(bytes(messages[place])) for place in spoken),
    )


def _is_signed(message: bytes) -> bool:
    return any(mark in message for mark in SIGNED)


def _prefix_names(messages: Sequence[msgspec.Raw], places: Sequence[int]) -> tuple[bytes, tuple[bytes, ...]]:
    """A name for all the messages, and for what stands before each of the places, which ascend."""
    running, names, begun = hashlib.sha256(), [], 0
    for place in (*places, len(messages)):
        for message in messages[begun:place]:
            running.update(memoryview(message))
            running.update(b"\0")
        names.append(_digest(running))
        begun = place
    return names[-1], tuple(names[:-1])


def _digest(running: "hashlib._Hash") -> bytes:
    """Half of a digest: no two of 128 bits meet by chance, and who made two meet would meet only its own."""
    return running.digest()[:16]
