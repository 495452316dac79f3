"""Asking for more labels than a small table has ends with all of them."""

import numpy as np

from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.onboard import Newcomer
from scripts.bench_onboard import more


def test_a_small_pool_is_asked_once_and_no_more() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    demand = np.random.default_rng(0).normal(size=(20, learnt.demand.loadings.shape[1]))
    asked = more(learnt, Newcomer("new", 0.001), (demand, np.ones(20)), [], 64, "chosen")
    assert sorted(asked) == list(range(20))
