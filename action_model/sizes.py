"""How large a model is, where its name says so: "smollm2-135m", "llama-3.1-70b", "mixtral-8x7b", "qwen3-30b-a3b"."""

import math
import re

SHARED = 0.84
"""Of the parameters of n experts, that are left once they share attention and embeddings (Mixtral 8x7B: 46.7 of 56)."""
TWO_EXPERTS = 1.84
"""Times one expert's parameters: what two experts and the shared part take (Mixtral 8x7B: 12.9)."""
LEAST, MOST = 0.01, 10_000.0
"""Billions: other numbers are no sizes ("1m" is a context length)."""
UNITS = {"m": 1e-3, "b": 1.0, "t": 1e3}
NUMBER = r"(\d+(?:[._]\d+)?)"
EXPERTS = re.compile(rf"(?<![\d.])(\d+)x{NUMBER}b(?![a-z0-9])")
ACTIVE = re.compile(rf"(?<![a-z0-9])a{NUMBER}b(?![a-z0-9])")
SIZE = re.compile(rf"(?<![\d.x_]){NUMBER}([mbt])(?![a-z0-9])")


def parameters_of(name: str) -> float | None:
    """Billions of parameters that the name says, above 0; None: it says nothing. Where only a part of them is active in
    each step, the geometric mean of all and active, a common rule for what such a model is worth."""
    bare = name.lower().rsplit("/", 1)[-1]
    experts = EXPERTS.search(bare)
    if experts is not None:
        each = _number(experts[2])
        return math.sqrt(int(experts[1]) * each * SHARED * each * TWO_EXPERTS)
    active = ACTIVE.search(bare)
    without = bare if active is None else bare.replace(active[0], "")
    found = [
        size for match in SIZE.finditer(without) if (size := _number(match[1]) * UNITS[match[2]]) and _is_size(size)
    ]
    if not found:
        return None if active is None else _number(active[1])
    return found[0] if active is None else math.sqrt(found[0] * _number(active[1]))


def _is_size(billions: float) -> bool:
    return LEAST <= billions <= MOST


def _number(text: str) -> float:
    return float(text.replace("_", "."))
