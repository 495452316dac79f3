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
    found = _read(name.lower().rsplit("/", 1)[-1])
    return found if found is not None and _is_size(found) else None


def _read(bare: str) -> float | None:
    experts = EXPERTS.search(bare)
    if experts is not None:
        each = _number(experts[2])
        return math.sqrt(int(experts[1]) * each * SHARED * each * TWO_EXPERTS)
    active = ACTIVE.search(bare)
    without = bare if active is None else bare.replace(active[0], "")
    sizes = (_number(match[1]) * UNITS[match[2]] for match in SIZE.finditer(without))
    whole = next(filter(_is_size, sizes), None)
    if whole is None or active is None:
        return whole if active is None else _number(active[1])
    return math.sqrt(whole * _number(active[1]))


def _is_size(billions: float) -> bool:
    return LEAST <= billions <= MOST


def _number(text: str) -> float:
    return float(text.replace("_", "."))
