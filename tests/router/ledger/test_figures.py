"""What the visualiser asks of a ledger, on every backend."""

import pytest

from router.ledger.ledger import Account, Ledger, OutcomeQuery, Topic

pytestmark = pytest.mark.anyio


def outcome(run_id: str, success: float | None, kinds: list[str]) -> dict[str, object]:
    said = {"model": "a/m", "technique": "sample", "usd": 0.5, "kinds": kinds}
    return {**said, "run_id": run_id, "action": "a/m:sample", "success": success, "seconds": 2.0}


async def test_outcomes_are_summed_by_action_and_cluster_and_by_team(any_ledger: Ledger) -> None:
    for run_id, team in (("r1", "search"), ("r2", "other")):
        await any_ledger.record_run(run_id, Account(team, "k"), {"score": 1.0})
    rows = [outcome("r1", 1.0, ["max_words"]), outcome("r1", 0.0, ["max_words"]), outcome("r2", None, [])]
    await any_ledger.record_outcomes([*rows, outcome("r2", 1.0, ["max_words", "judge"])])
    await any_ledger.flush()
    found = {row["cluster"]: row for row in await any_ledger.outcome_sums(None)}
    assert set(found) == {"free", "checked", "judged"}
    checked = found["checked"]
    assert (checked["tries"], checked["validated"], checked["satisfied"]) == (2, 2, 1.0)
    assert (checked["usd"], checked["usd_squares"], checked["seconds"], checked["seconds_squares"]) == (1, 0.5, 4, 8)
    assert found["free"]["validated"] == 0
    assert [row["cluster"] for row in await any_ledger.outcome_sums("search")] == ["checked"]


async def test_predictions_stand_beside_what_came(any_ledger: Ledger) -> None:
    trace = {"score": 1.0, "nanodollars": 2_000_000, "seconds": 3.0, "predicted": {"success": 0.8, "usd": 0.001}}
    await any_ledger.record_run("r1", Account("search", "k"), trace)
    await any_ledger.record_run("r2", Account("other", "k"), {"score": None})
    await any_ledger.flush()
    (row,) = await any_ledger.predictions("search")
    assert (row["success"], row["usd_predicted"], row["usd"], row["seconds_predicted"]) == (0.8, 0.001, 0.002, None)
    assert len(await any_ledger.predictions(None)) == 2


def asked(usd_value: float, kinds: list[str], *, demand: list[float] | None = None) -> dict[str, object]:
    said: dict[str, object] = {"usd_value": usd_value, "seconds_value": 0.02, "kinds": kinds}
    return said | ({} if demand is None else {"basis": "b", "demand": demand})


async def test_whole_runs_are_summed_by_operating_point_cluster_and_topic(any_ledger: Ledger) -> None:
    runs = [
        ("r1", "search", 1.0, asked(50.0, ["max_words"], demand=[1.0, -1.0, 1.0])),
        ("r2", "search", 0.5, asked(50.0, ["max_words"], demand=[2.0, -1.0, 3.0])),
        ("r3", "other", None, asked(50.0, [])),
        ("r4", "other", 1.0, asked(2.0, ["judge"], demand=[-1.0, -1.0, -1.0])),
        ("r5", "other", 1.0, {}),
        ("r6", "other", 1.0, {**asked(50.0, []), "seconds_value": None}),  # as an infinite one is stored
    ]
    for run_id, team, score, request in runs:
        trace = {"score": score, "nanodollars": 2_000_000_000, "seconds": 3.0, "request": request}
        await any_ledger.record_run(run_id, Account(team, "k"), trace)
    await any_ledger.flush()
    found = {(row["usd_value"], row["cluster"], row["topic"]): row for row in await any_ledger.plan_sums(None)}
    assert set(found) == {(50.0, "checked", 5), (50.0, "free", None), (2.0, "judged", 0)}
    row = found[50.0, "checked", 5]
    assert (row["tries"], row["validated"], row["satisfied"], row["basis"]) == (2, 2, 1, "b")
    assert (row["usd"], row["usd_squares"], row["seconds"], row["seconds_squares"]) == (4.0, 8.0, 6.0, 18.0)
    assert found[50.0, "free", None]["validated"] == 0
    assert [row["cluster"] for row in await any_ledger.plan_sums("search")] == ["checked"]


async def test_outcomes_are_summed_of_one_topic(any_ledger: Ledger) -> None:
    for run_id, demand in (("r1", [1.0, -1.0, 1.0]), ("r2", [1.0, 1.0, 1.0])):
        trace = {"score": 1.0, "request": asked(50.0, ["max_words"], demand=demand)}
        await any_ledger.record_run(run_id, Account("t", "k"), trace)
        await any_ledger.record_outcomes([outcome(run_id, 1.0, ["max_words"])])
    await any_ledger.flush()
    assert [row["tries"] for row in await any_ledger.outcome_sums(None, Topic("b", 5))] == [1]
    assert await any_ledger.outcome_sums(None, Topic("another", 5)) == []


async def test_outcomes_come_page_by_page_or_the_latest_with_what_their_runs_kept(any_ledger: Ledger) -> None:
    for i in range(5):
        waves = [{"alternatives": [{"action": "a/m:sample", "fits": True}]}]
        await any_ledger.record_run(f"r{i}", Account("t" if i else "other"), {"request": {"n": i}, "waves": waves})
        await any_ledger.record_outcomes([{"run_id": f"r{i}", "action": "a/m:sample", "success": 1.0, "seconds": 1.0}])
    await any_ledger.record_outcomes([{"run_id": "forgotten", "action": "a/m:sample", "success": 0.0}])
    await any_ledger.flush()
    first = await any_ledger.outcomes(OutcomeQuery(limit=2))
    rest = await any_ledger.outcomes(OutcomeQuery(after=first[-1]["id"]))
    assert [row["run_id"] for row in [*first, *rest]] == ["r0", "r1", "r2", "r3", "r4", "forgotten"]
    assert first[0]["request"] == {"n": 0}
    assert first[0]["alternatives"][0]["fits"] is True
    assert (rest[-1]["request"], rest[-1]["alternatives"]) == ({}, [])
    newest = await any_ledger.outcomes(OutcomeQuery(limit=2, newest=True))
    assert [row["run_id"] for row in newest] == ["r4", "forgotten"]
    assert [row["run_id"] for row in await any_ledger.outcomes(OutcomeQuery(team="other"))] == ["r0"]
    assert await any_ledger.outcomes(OutcomeQuery(since=4e9)) == []
