"""A model in several tables is served by the one whose texts are like the text at hand."""

from dataclasses import replace

import numpy as np

from action_model.actions import Action, Offer, Portfolio
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.clusters import Clusters
from action_model.facts import Facts
from action_model.fused import fuse
from action_model.homes import Homes, find_homes
from action_model.learned import LearnedEstimator
from action_model.learnt import Learnt
from action_model.prices import Price

LEARNT: Learnt = load_checkpoint(DEFAULT)[0]
SHARED = "gemma-2-9b-it"
COLUMNS = {
    table: next(column for column in LEARNT.tables[table] if LEARNT.models[column] == f"{table}:{SHARED}")
    for table in ("zeroeval_28", "llmrouter")
}


def test_the_nearest_centre_of_any_table_decides_for_each_shared_model() -> None:
    shared = (((3, 0), (7, 1)), ((4, 1), (9, 2)))
    homes = Homes(shared, np.array([[0, 2], [3, 4], [4, 5]]), np.array([1.0, 1.0, 0.5], np.float32))
    told = np.array([0.1, 0.9, 5.0, 0.2, -1.0, 5.0], np.float32)  # the third and the last are of no table's widest view
    assert homes.of(told) == {7: 3, 9: 4}
    assert homes.of(told[[3, 3, 2, 1, 4, 2]]) == {7: 7, 9: 4}
    assert homes.of(told[[3, 3, 2, 3, 1, 2]]) == {7: 3, 9: 9}, "half as near as it was told, and nearer than others"


def test_texts_at_a_tables_centres_are_served_by_that_table() -> None:
    fused = fuse(LEARNT)
    homes = find_homes(LEARNT, fused.widest)
    for table, column in COLUMNS.items():
        gates = [view.gate for view in LEARNT.mixtures[table].clusters if isinstance(view.gate, Clusters)]
        for center in max(gates, key=lambda gate: len(gate.centers)).centers.astype(np.float32):
            assert homes.of(fused.tell(center))[COLUMNS["llmrouter"]] == column


def test_the_belief_is_that_of_the_column_that_is_at_home() -> None:
    offers = Portfolio((Offer(Action(f"u/{SHARED}"), Price(0.1, 0.2), family=SHARED),))
    text = "Natalia sold 48 clips in April and half as many in May. How many clips did she sell altogether?"
    serving = LearnedEstimator(LEARNT)
    home = serving._read(text).homes[COLUMNS["llmrouter"]]
    assert home == COLUMNS["zeroeval_28"], "a question like its own"
    elsewhere = (set(COLUMNS.values()) - {home}).pop()
    renamed = tuple("llmrouter:other" if column == elsewhere else name for column, name in enumerate(LEARNT.models))
    alone = LearnedEstimator(replace(LEARNT, models=renamed))
    facts = Facts(text, 30)
    np.testing.assert_array_equal(serving.believe(facts, offers).success, alone.believe(facts, offers).success)
    assert alone._read(text).homes == {}
