"""Names that no two things share: 128 random bits from a generator that each process seeds for itself."""

import random

_RANDOM = random.Random()


def new_id() -> str:
    """32 hexadecimal digits. Unique, not secret: keys come from `secrets`."""
    return f"{_RANDOM.getrandbits(128):032x}"
