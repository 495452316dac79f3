"""Names that no two things share: the time and 80 random bits from a generator that each process seeds for itself.

Names made one after another sort one after another, as in UUID version 7 (RFC 9562): a table that is indexed by them
grows at its end, so that a commit touches a few pages instead of one for each row.
"""

import random
import time

_RANDOM = random.Random()


def new_id() -> str:
    """32 hexadecimal digits: 12 of the time in milliseconds, 20 random. Unique, not secret: keys are of `secrets`."""
    return f"{time.time_ns() // 1_000_000:012x}{_RANDOM.getrandbits(80):020x}"
