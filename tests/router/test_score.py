"""`requirements_result.score`: the weighted mean of what is known; 0 where a mandatory requirement is not fully met."""

import math

from hypothesis import given
from hypothesis import strategies as st

from router.task import Requirement, Verdict, overall_score

SCORES = st.one_of(st.none(), st.just(1.0), st.just(0.0), st.floats(0.0, 1.0))


@st.composite
def judged(draw: st.DrawFn) -> tuple[tuple[Requirement, ...], tuple[Verdict, ...]]:
    """Requirements and verdicts on some of them, in any order."""
    count = draw(st.integers(0, 8))
    weights = st.floats(0.01, 1000.0)
    requirements = tuple(
        Requirement(f"r{i}", "x", is_mandatory=draw(st.booleans()), weight=draw(weights)) for i in range(count)
    )
    heard = [r for r in requirements if draw(st.booleans())]
    verdicts = [Verdict(r.name, draw(SCORES), "x", "check") for r in heard]
    return requirements, tuple(draw(st.permutations(verdicts)))


def known_of(requirements: tuple[Requirement, ...], verdicts: tuple[Verdict, ...]) -> list[tuple[Requirement, float]]:
    scores = {verdict.requirement: verdict.score for verdict in verdicts}
    return [(r, score) for r in requirements if (score := scores.get(r.name)) is not None]


@given(judged())
def test_it_is_null_exactly_where_nothing_was_validated(
    case: tuple[tuple[Requirement, ...], tuple[Verdict, ...]],
) -> None:
    assert (overall_score(*case) is None) == (not known_of(*case))


@given(judged())
def test_a_mandatory_requirement_not_fully_met_makes_it_zero(
    case: tuple[tuple[Requirement, ...], tuple[Verdict, ...]],
) -> None:
    if any(r.is_mandatory and score < 1.0 for r, score in known_of(*case)):
        assert overall_score(*case) == 0.0


@given(judged())
def test_else_it_is_the_mean_by_weight_of_what_is_known(
    case: tuple[tuple[Requirement, ...], tuple[Verdict, ...]],
) -> None:
    known = known_of(*case)
    if not known or any(r.is_mandatory and score < 1.0 for r, score in known):
        return
    score = overall_score(*case)
    mean = math.fsum(r.weight * score for r, score in known) / math.fsum(r.weight for r, _ in known)
    assert score is not None
    assert math.isclose(score, mean, abs_tol=1e-9)
    assert min(s for _, s in known) - 1e-9 <= score <= max(s for _, s in known) + 1e-9


@given(judged(), st.floats(0.01, 100.0))
def test_it_does_not_hang_on_the_unit_of_weights_nor_on_order(
    case: tuple[tuple[Requirement, ...], tuple[Verdict, ...]], factor: float
) -> None:
    requirements, verdicts = case
    scaled = tuple(Requirement(r.name, "x", r.is_mandatory, r.weight * factor) for r in reversed(requirements))
    first, second = overall_score(requirements, verdicts), overall_score(scaled, verdicts[::-1])
    assert (first is None) == (second is None)
    assert first is None or second is None or math.isclose(first, second, abs_tol=1e-9)


@given(judged())
def test_only_all_ones_give_one(case: tuple[tuple[Requirement, ...], tuple[Verdict, ...]]) -> None:
    known = known_of(*case)
    if known and all(score == 1.0 for _, score in known):
        score = overall_score(*case)
        assert score is not None
        assert math.isclose(score, 1.0)
    elif any(score < 0.999 for _, score in known) and all(0.1 <= r.weight <= 10 for r, _ in known):
        assert overall_score(*case) != 1.0
