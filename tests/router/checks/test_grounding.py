"""Claims of an answer against the sources."""

import pytest

from router.checks.grounding import SUPPORTED, UNSUPPORTED, claims_of, grounding_of, support
from router.task import Requirement
from router.tools.passages import Passage

TIDES = Passage(1, "file", "f1", "tides.md", "The moon pulls the sea, so the tide rises twice in 24 hours.", 0.9)
BEES = Passage(2, "file", "f2", "bees.md", "Bees dance to show where food is.", 0.8)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Answer only from the sources", ("grounded",)),
        ("Use only information in the provided documents.", ("grounded",)),
        ("Do not use outside knowledge", ("grounded",)),
        ("Every claim must be supported by the passages", ("grounded",)),
        ("Cite every claim", ("cited",)),
        ("Each sentence must cite a source", ("cited",)),
        ("Answer only in French", ()),
        ("At most 50 words", ()),
        ("Mention the context menu", ()),
    ],
)
def test_what_a_requirement_asks_of_the_sources(text: str, kinds: tuple[str, ...]) -> None:
    assert grounding_of(Requirement("r", text)) == kinds


def test_claims_keep_their_citations_and_leave_out_what_claims_nothing() -> None:
    text = (
        "# Tides\n\nThe moon pulls the sea. [1] Bees dance for food [2]. Why is that so? The sources do not say more."
    )
    claims = claims_of(text, [TIDES, BEES])
    assert [(claim.text, sorted(claim.cites)) for claim in claims] == [
        ("The moon pulls the sea.", [1]),
        ("Bees dance for food.", [2]),
    ]


@pytest.mark.parametrize(
    ("claim", "low", "high"),
    [
        ("The moon pulls the sea.", SUPPORTED, 1.0),
        ("The tide rises twice in 24 hours.", SUPPORTED, 1.0),
        ("The tide rises twice in 36 hours.", 0.0, SUPPORTED - 0.01),
        ("The tide rises three times in 24 hours.", UNSUPPORTED, SUPPORTED - 0.01),
        ("The tide never rises twice in 24 hours.", UNSUPPORTED, SUPPORTED - 0.01),
        ("The moon does not pull the sea.", UNSUPPORTED, SUPPORTED - 0.01),
        ("Lunar gravity moves the sea.", UNSUPPORTED, SUPPORTED - 0.01),
        ("Giant whales push warm water every Thursday.", 0.0, UNSUPPORTED),
    ],
)
def test_support_by_words(claim: str, low: float, high: float) -> None:
    assert low <= support(claim, [TIDES, BEES]) <= high
