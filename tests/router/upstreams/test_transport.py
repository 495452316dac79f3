import pytest

from router.upstreams.transport import Exits

pytestmark = pytest.mark.anyio


async def test_every_step_is_taken_from_within_outwards_whatever_becomes_of_those_before() -> None:
    taken: list[str] = []

    async def inner() -> None:
        taken.append("inner")
        raise ValueError("inner")

    async def outer() -> None:
        taken.append("outer")

    exits = Exits()
    exits.add(inner)
    exits.add(outer)
    with pytest.raises(ValueError, match="inner"):
        await exits.aclose()
    await exits.aclose()
    assert taken == ["inner", "outer"]
