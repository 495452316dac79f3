"""Teams, keys, budgets, spend and the ledger from the command line: the same acts as over `/admin`."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from action_model.prices import Usage
from router.ledger.ledger import Account, Charge, Line
from router.ledger.sqlite import SqliteLedger
from scripts.main import main

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "maestro.toml"
    path.write_text(f'[ledger]\nurl = "sqlite:///{tmp_path}/ledger.db"\ndurability = "normal"\n', "utf-8")
    return path


@pytest.fixture
def run(config: Path) -> Run:
    def act(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [*words, "--config", str(config)])
        assert result.exit_code == code, result.output
        return result

    return act


def told(result: Result) -> Any:
    return json.loads(result.stdout)


def spend_some(config: Path, key_id: str) -> None:
    async def act() -> None:
        ledger = SqliteLedger(config.with_name("ledger.db"), "normal")
        await ledger.start()
        held = await ledger.reserve("run-1", Account("search", key_id), [Line("attempt-1", "a/small", 2_000_000)])
        await ledger.settle(held, Charge("attempt-1", 1_500_000, Usage(100, 50), price={"input_usd_per_mtok": 1.0}))
        await ledger.record_run("run-1", Account("search", key_id), {"finish_reason": "unvalidated", "score": None})
        await ledger.close()

    asyncio.run(act())


def test_a_team_is_made_changed_in_part_and_listed(run: Run) -> None:
    made = told(
        run(
            *("teams", "create", "search", "--budget-usd", "25", "--window", "week", "--soft-limit", "0.8", "--json"),
            *("--effort", "medium", "--quality", "0.9", "--model", "a/small", "--requirement", "At most 50 words"),
            *("--requests-per-minute", "60", "--tokens-per-minute", "1000", "--max-run-usd", "0.5", "--run-calls", "9"),
            *("--operating-point", "20", "0.01", "--webhook-url", "https://hooks.example.com/x"),
        )
    )
    assert (made["team"], made["budget_usd"], made["window"]) == ("search", 25.0, "week")
    run("teams", "create", "search", "--budget-usd", "30", "--clear", "effort", "--clear", "soft-limit")
    row = told(run("teams", "list", "--json"))[0]
    assert (row["limit_usd"], row["window"], row["soft_limit"], row["remaining_usd"]) == (30.0, "week", None, 30.0)
    assert row["defaults"] == {
        "operating_point": {"usd": 20.0, "seconds": 0.01},
        "quality_threshold": 0.9,
        "models": ["a/small"],
        "requirements": [{"name": "at_most_50_words", "description": "At most 50 words"}],
        "run_calls": 9,
        "max_run_usd": 0.5,
        "requests_per_minute": 60,
        "tokens_per_minute": 1000,
        "webhook_url": "https://hooks.example.com/x",
    }


def test_a_key_is_shown_once_rotated_and_revoked_and_each_act_is_in_the_audit_log(run: Run, config: Path) -> None:
    run("teams", "create", "search")
    made = told(run("keys", "create", "--team", "search", "--budget-usd", "2", "--window", "day", "--json"))
    assert made["key"].startswith("mk-")
    rotated = told(run("keys", "rotate", made["id"], "--json"))
    assert (rotated["id"], rotated["key"] == made["key"]) == (made["id"], False)
    run("keys", "revoke", made["id"])
    listed = run("keys", "list", "--csv").stdout
    assert made["key"] not in listed
    assert rotated["key"] not in listed
    audit = told(run("ledger", "audit", "--json"))
    assert [row["act"] for row in audit] == ["revoke_key", "rotate_key", "create_key", "put_team"]
    assert made["key"] not in str(audit)


def test_budgets_are_set_listed_and_cleared(run: Run) -> None:
    run("teams", "create", "search", "--budget-usd", "5")
    key = told(run("keys", "create", "--team", "search", "--json"))["id"]
    run("budgets", "set", "--team", "search", "--soft-limit", "0.5")
    run("budgets", "set", "--key", key, "--budget-usd", "1", "--window", "month")
    rows = told(run("budgets", "list", "--json"))
    assert [(row["scope"], row["limit_usd"], row["window"], row["soft_limit"]) for row in rows] == [
        ("team", 5.0, "month", 0.5),
        ("key", 1.0, "month", None),
    ]
    run("budgets", "clear", "--key", key)
    assert told(run("budgets", "list", "--json"))[1]["limit_usd"] is None
    run("budgets", "set", "--team", "nobody", "--budget-usd", "5", code=2)
    run("budgets", "set", "--budget-usd", "5", code=2)


def test_spend_charges_and_runs_are_told_and_exported(run: Run, config: Path) -> None:
    run("teams", "create", "search", "--budget-usd", "5")
    key = told(run("keys", "create", "--team", "search", "--json"))["id"]
    spend_some(config, key)
    rows = list(csv.DictReader(io.StringIO(run("spend", "--by", "team,key,model,technique,day", "--csv").stdout)))
    assert (rows[0]["team"], rows[0]["key"], rows[0]["model"], rows[0]["usd"]) == ("search", key, "a/small", "0.0015")
    assert told(run("spend", "--key", "other", "--json")) == []
    charge = told(run("ledger", "charges", "--team", "search", "--json"))[0]
    assert (charge["attempt_id"], charge["price"]) == ("attempt-1", {"input_usd_per_mtok": 1.0})
    assert [row["id"] for row in told(run("ledger", "runs", "--json"))] == ["run-1"]
    assert told(run("ledger", "totals", "--json"))["usd"] == 0.0015
    assert told(run("ledger", "check", "--json")) == {"balanced": True, "discrepancies": []}
    assert told(run("ledger", "prune", "--keep-days", "0", "--json"))["lines"] == 1
    run("ledger", "vacuum")
    assert told(run("ledger", "totals", "--json"))["usd"] == 0.0015


def test_what_cannot_be_is_refused_in_one_line(run: Run) -> None:
    assert "no team" in run("keys", "create", "--team", "nobody", code=2).stderr
    assert "webhook_url" in run("teams", "create", "x", "--webhook-url", "ftp://x", code=2).stderr
    assert "'name'" in run("teams", "create", "a b", code=2).stderr
    assert "Spend is summed by" in run("spend", "--by", "colour", code=2).stderr
