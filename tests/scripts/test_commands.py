"""The command line, as a user calls it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scripts.main import main


def call(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=given)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "maestro.toml"
    path.write_text(f'[ledger]\nurl = "sqlite:///{tmp_path}/maestro.db"\n', "utf-8")
    return str(path)


def test_a_team_gets_a_key_that_is_printed_once(config: str) -> None:
    made = call("teams", "create", "search", "--budget-usd", "25", "--window", "month", "--config", config, "--json")
    assert json.loads(made.output) == {"team": "search", "budget_usd": 25.0, "window": "month"}
    key = json.loads(call("keys", "create", "--team", "search", "--config", config, "--json").output)
    assert key["key"].startswith("mk-")
    listed = call("keys", "list", "--config", config, "--json").output
    assert key["key"] not in listed
    assert json.loads(listed)[0]["id"] == key["id"]
    rotated = json.loads(call("keys", "rotate", key["id"], "--config", config, "--json").output)
    assert rotated["key"] not in (key["key"], None)
    assert call("keys", "revoke", key["id"], "--config", config).exit_code == 0
    assert call("keys", "revoke", key["id"], "--config", config).exit_code == 2


def test_a_key_for_nobody_is_refused(config: str) -> None:
    refused = call("keys", "create", "--team", "nobody", "--config", config)
    assert refused.exit_code == 2
    assert "no team" in refused.output


def test_the_totals_of_an_empty_ledger_are_zero(config: str) -> None:
    totals = json.loads(call("ledger", "totals", "--config", config, "--json").output)
    assert totals == {
        "calls": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "usd": 0.0,
        "estimated_calls": 0,
        "teams": {},
    }


def test_check_scores_lines_and_survives_bad_ones() -> None:
    lines = [
        {"requirement": "at most 3 words", "answer": "one two three four"},
        {"requirement": "be nice", "answer": "x"},
        {"requirement": "r", "check": {"type": "max_words", "value": 5}, "answer": "a b"},
        {"requirement": "r", "check": {"type": "nothing"}, "answer": "a b"},
    ]
    given = "\n".join([*map(json.dumps, lines), "not json"])
    said = [json.loads(line) for line in call("check", "--jsonl", given=given).output.splitlines()]
    assert [row.get("compiled") for row in said] == [True, False, True, None, None]
    assert said[0]["passed"] is False
    assert said[1]["score"] is None
    assert said[2]["score"] == 1.0
    assert "Unknown check type" in said[3]["error"]


def test_init_writes_settings_from_the_keys_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from proxy.settings import load_settings

    monkeypatch.setenv("GROQ_API_KEY", "gsk-secret")
    path = tmp_path / "maestro.toml"
    assert call("init", "--config", str(path)).exit_code == 0
    assert "gsk-secret" not in path.read_text("utf-8")
    assert load_settings(path).upstream[0].name == "groq"
    assert call("init", "--config", str(path)).exit_code == 2
