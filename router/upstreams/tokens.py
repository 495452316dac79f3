"""Token counts without a tokenizer: an estimate that leans high, for holds and for answers that carry no usage."""

import re
from collections.abc import Mapping

import msgspec

IMAGE_TOKENS = 1100
"""An ordinary image at high detail (OpenAI's rule for 1024 × 1024: 85 + 170 × 4 = 765; others charge up to 1,600)."""

READ_BY_MODELS = frozenset(
    {"messages", "tools", "functions", "response_format", "prompt", "input", "instructions", "prediction"}
)
_BASE64 = re.compile(rb'"data:[^"]{0,100};base64,[^"]*"|"data"\s*:\s*"[A-Za-z0-9+/=]{256,}"')
_IMAGE = re.compile(rb'"type"\s*:\s*"(?:image_url|input_image|image)"')


def count_tokens(text: str) -> int:
    """About four ASCII characters or one and a half others a token; never below the number of words × 0.75."""
    ascii_characters = len(text) if text.isascii() else sum(map(str.isascii, text))
    return -(-ascii_characters // 4) + -(-(len(text) - ascii_characters) * 2 // 3)


def count_raw_tokens(raw: bytes) -> int:
    """Tokens of raw JSON (messages, tools, input): inline files do not count as text, images at a flat rate."""
    images = 0
    if b"base64" in raw or b'"image' in raw or b'"input_image' in raw:
        images = len(_IMAGE.findall(raw))
        raw = _BASE64.sub(b'""', raw)
    return len(raw) // 4 + images * IMAGE_TOKENS


def count_request_tokens(fields: Mapping[str, msgspec.Raw]) -> int:
    """Input tokens of a request body, from the fields a model reads."""
    return 3 + sum([count_raw_tokens(bytes(raw)) for name, raw in fields.items() if name in READ_BY_MODELS])
