"""The `<maestro>` block in a system or developer message: its grammar, and how it is taken out of the messages.

<maestro effort="medium" quality="0.9" budget-usd="0.02" budget-seconds="8" budget-calls="6">
- Answer in at most 50 words
- [mandatory] [weight=2] [check_only] Do not mention any specific person
</maestro>
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from proxy.control.requirements import Size, read_weight, with_names
from proxy.control.wishes import (
    NOTHING,
    Wishes,
    number_in,
    read_calls,
    read_effort,
    read_quality,
    read_seconds,
    read_usd,
    strongest,
)
from router.errors import BadRequest, TooLarge
from router.task import Requirement

STEERING_ROLES = ("system", "developer")
LONGEST_BLOCK = 65_536
_OPEN = re.compile(r"<maestro(?=[\s/>])", re.IGNORECASE)
_TAG_END = re.compile(r"""(?:[^<>"']|"[^"]*"|'[^']*')*?(/?)>""")
_CLOSE = re.compile(r"</maestro\s*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\s*([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_MARK = re.compile(r"\[(mandatory|check_only|weight\s*=\s*[\d.]+|name\s*=\s*[^\]\n]{1,200})\]\s*", re.IGNORECASE)


class Message(msgspec.Struct):
    """What we read of a message."""

    role: str
    content: msgspec.Raw = msgspec.Raw()


class InputItem(Message):
    """What we read of an item of `/v1/responses`: only messages have a role."""

    role: str = ""


_decode_messages = msgspec.json.Decoder(list[Message]).decode
_decode_items = msgspec.json.Decoder(list[InputItem]).decode
_decode_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_LOCATION = re.compile(r" - at `\$([^`]*)`")


def peek_messages(messages: bytes, param: str = "messages") -> list[Message]:
    """Roles and raw contents. Raises BadRequest naming the message and field that is missing or of a wrong type."""
    try:
        peeked = _decode_messages(messages)
    except msgspec.ValidationError as error:
        raise _bad_message(error, param) from None
    if not peeked:
        raise BadRequest(f"'{param}' must hold at least one message.", param)
    return peeked


def peek_items(items: bytes, param: str = "input") -> list[InputItem]:
    """The same for the input of `/v1/responses`; a string has no items."""
    if not items.lstrip().startswith(b"["):
        return []
    try:
        return _decode_items(items)
    except msgspec.ValidationError as error:
        raise _bad_message(error, param) from None


def take_blocks(
    messages: bytes, peeked: Sequence[Message], size: Size, param: str = "messages"
) -> tuple[bytes, Wishes]:
    """The messages without blocks, and what the blocks said (a later block is stronger).

    Only a message that holds a block is re-encoded; every other one stays byte for byte. Raises BadRequest.
    """
    changed: dict[int, bytes | None] = {}
    said: list[Wishes] = []
    for index, message in enumerate(peeked):
        if message.role in STEERING_ROLES and _may_hold(bytes(message.content)):
            content, wishes = _take_content(bytes(message.content), f"{param}[{index}].content", size)
            if wishes:
                said[:0] = reversed(wishes)
                changed[index] = content
    if not changed:
        return messages, NOTHING
    return _rebuilt(messages, changed), strongest(said)


def _rebuilt(messages: bytes, changed: dict[int, bytes | None]) -> bytes:
    """Messages whose content is now empty are left out, unless nothing else would be left."""
    kept: list[bytes] = []
    raws = _decode_raws(messages)
    for index, raw in enumerate(raws):
        if index not in changed:
            kept.append(bytes(raw))
        elif changed[index] is not None or len(raws) == 1:
            content = msgspec.Raw(changed[index] or b'""')
            kept.append(msgspec.json.encode(_decode_fields(raw) | {"content": content}))
    return b"[" + b",".join(kept) + b"]"


def _may_hold(raw: bytes) -> bool:
    """Could this raw JSON hold a block? `<` may be written \\u003c, and so may any letter."""
    return b"\\u00" in raw or b"maestro" in raw.lower()


def _take_content(raw: bytes, param: str, size: Size) -> tuple[bytes | None, list[Wishes]]:
    """The content without its blocks (None: nothing is left), and what they said."""
    content = msgspec.json.decode(raw)
    if isinstance(content, str):
        text, wishes = take_from_text(content, param, size)
        return (msgspec.json.encode(text) if text.strip() else None), wishes
    if not isinstance(content, list):
        return raw, []
    return _take_parts(raw, content, param, size)


def _take_parts(raw: bytes, parts: list[Any], param: str, size: Size) -> tuple[bytes | None, list[Wishes]]:
    kept: list[msgspec.Raw] = []
    said: list[Wishes] = []
    for index, (part, part_raw) in enumerate(zip(parts, _decode_raws(raw), strict=True)):
        text = part.get("text") if isinstance(part, dict) else None
        left, wishes = take_from_text(text, f"{param}[{index}].text", size) if isinstance(text, str) else ("", [])
        said.extend(wishes)
        if not wishes:
            kept.append(part_raw)
        elif left.strip():
            kept.append(msgspec.Raw(msgspec.json.encode(_decode_fields(part_raw) | {"text": left})))
    return (msgspec.json.encode(kept) if kept else None), said


def take_from_text(text: str, param: str, size: Size) -> tuple[str, list[Wishes]]:
    """The text without its blocks, and what each said, in order. Raises BadRequest naming `param`."""
    kept: list[str] = []
    said: list[Wishes] = []
    position = 0
    while found := _OPEN.search(text, position):
        attributes, body, end = _cut(text, found.end(), param)
        if end - found.start() > LONGEST_BLOCK:
            raise TooLarge(f"The <maestro> block in '{param}' is over {LONGEST_BLOCK} characters.", param)
        said.append(read_block(attributes, body, param, size))
        kept.append(text[position : found.start()])
        position = end + 1 if text[end : end + 1] == "\n" else end
    if not said:
        return text, said
    rest = text[position:]
    return "".join(kept) + rest if rest else "".join(kept).rstrip(), said


def _cut(text: str, start: int, param: str) -> tuple[str, str, int]:
    """Attributes, body and end of the block whose opening tag's name ends at `start`."""
    tag = _TAG_END.match(text, start)
    if tag is None:
        raise BadRequest(f"The <maestro> tag in '{param}' is not closed by '>'.", param)
    if tag[1]:
        return text[start : tag.end() - 2], "", tag.end()
    close = _CLOSE.search(text, tag.end())
    if close is None:
        raise BadRequest(f"The <maestro> block in '{param}' has no </maestro>.", param)
    return text[start : tag.end() - 1], text[tag.end() : close.start()], close.end()


def read_block(attributes: str, body: str, param: str, size: Size) -> Wishes:
    """What one block says. Raises BadRequest naming `param` and, in the message, the attribute or line."""
    wishes = _read_attributes(attributes, param)
    return replace(wishes, requirements=_read_lines(body, param, size))


def _read_attributes(text: str, param: str) -> Wishes:
    wishes, position = Wishes(), 0
    while found := _ATTRIBUTE.match(text, position):
        wishes = _with_attribute(wishes, found[1].lower(), found[2] if found[2] is not None else found[3], param)
        position = found.end()
    if text[position:].strip():
        raise BadRequest(f"The <maestro> tag in '{param}' is malformed near '{text[position:].strip()[:40]}'.", param)
    return wishes


def _with_attribute(wishes: Wishes, name: str, value: str, param: str) -> Wishes:
    try:
        match name:
            case "effort":
                return replace(wishes, effort=read_effort(value, name))
            case "quality":
                return replace(wishes, quality=read_quality(number_in(value, name), name))
            case "budget-usd":
                return replace(wishes, usd=read_usd(number_in(value, name), name))
            case "budget-seconds":
                return replace(wishes, seconds=read_seconds(number_in(value, name), name))
            case "budget-calls":
                return replace(wishes, calls=read_calls(number_in(value, name), name))
    except BadRequest as error:
        raise BadRequest(f"<maestro> block in '{param}': {error.message}", param) from None
    raise BadRequest(f"<maestro> block in '{param}': attribute '{name[:40]}' is not known.", param)


def _read_lines(body: str, param: str, size: Size) -> tuple[Requirement, ...]:
    items: list[str] = []
    for line in body.splitlines():
        stripped = line.strip()
        if stripped.startswith(("- ", "* ")):
            items.append(stripped[2:].strip())
        elif stripped and items and line[0].isspace():
            items[-1] += " " + stripped
        elif stripped:
            raise BadRequest(f"<maestro> block in '{param}': '{stripped[:40]}' does not start with '- '.", param)
    if len(items) > size.count:
        raise TooLarge(f"The <maestro> block in '{param}' has {len(items)} lines; at most {size.count}.", param)
    return with_names([_read_item(item, param, size) for item in items], param)


def _read_item(item: str, param: str, size: Size) -> Requirement:
    requirement = Requirement("", "")
    while mark := _MARK.match(item):
        requirement = _marked(requirement, mark[1], param)
        item = item[mark.end() :]
    if not item:
        raise BadRequest(f"<maestro> block in '{param}': a requirement is empty.", param)
    if len(item) > size.characters:
        raise TooLarge(f"<maestro> block in '{param}': a requirement is over {size.characters} characters.", param)
    return replace(requirement, description=item)


def _marked(requirement: Requirement, mark: str, param: str) -> Requirement:
    name, _, value = (part.strip() for part in mark.partition("="))
    match name.lower():
        case "mandatory":
            return replace(requirement, is_mandatory=True)
        case "check_only":
            return replace(requirement, check_only=True)
        case "weight":
            return replace(requirement, weight=read_weight(number_in(value, param), param))
        case _:
            return replace(requirement, name=value)


def _bad_message(error: msgspec.ValidationError, param: str) -> BadRequest:
    """`Object missing required field `role` - at `$[0]`` → messages[0].role."""
    said = str(error)
    where = _LOCATION.search(said)
    path = param + (where[1] if where else "")
    words = _LOCATION.sub("", said)
    if "missing required field `role`" in words:
        return BadRequest(f"'{path}.role' is missing.", f"{path}.role")
    return BadRequest(f"'{path}' is of a wrong type: {words[0].lower()}{words[1:]}.", path)
