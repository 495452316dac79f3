"""The bench of the search: a more patient search finds more, and hardly anything."""

from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.learned import LearnedEstimator
from scripts.bench_plan import after_failure, measure, situation


def test_what_is_missed_is_little_and_a_failure_lowers_what_is_expected_of_all() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    estimator = LearnedEstimator(learnt)
    row = measure(estimator, learnt.models, 4, "medium", 1)
    assert -1e-9 <= row["short"] <= row["shortest"] < 0.05
    before = situation(estimator, learnt.models, 4, "medium", 0)
    assert (after_failure(before).belief.means() < before.belief.means()).all()
