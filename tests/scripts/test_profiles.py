"""`maestro profiles` as a user calls it."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from scripts.main import main


def call(folder: Path, *words: str, given: str = "") -> Result:
    config = folder / "maestro.toml"
    config.write_text(f'[ledger]\nurl = "sqlite:///{folder}/maestro.db"\n')
    return CliRunner().invoke(main, [*words, "--config", str(config)], input=given)


def test_profiles_are_put_shown_listed_and_deleted(tmp_path: Path) -> None:
    of_team = ("--team", "search")
    call(tmp_path, "teams", "create", "search")
    put = call(tmp_path, "profiles", "put", "curt", "-", *of_team, "--json", given='requirements = ["At most 3 words"]')
    assert json.loads(put.output)["model"] == "maestro/curt"
    again = call(tmp_path, "profiles", "put", "curt", "-", *of_team, "--json", given='{"budget": "high"}')
    assert json.loads(again.output)["version"] == 2
    first = call(tmp_path, "profiles", "show", "curt", *of_team, "--version", "1", "--json")
    assert json.loads(first.output)["requirements"][0]["description"] == "At most 3 words"
    assert [one["version"] for one in json.loads(call(tmp_path, "profiles", "list", "--json").output)] == [2]
    assert call(tmp_path, "profiles", "delete", "curt", *of_team).exit_code == 0
    assert json.loads(call(tmp_path, "profiles", "list", "--json").output) == []


def test_what_is_wrong_is_said_and_ends_with_two(tmp_path: Path) -> None:
    call(tmp_path, "teams", "create", "search")
    for words, given in (
        (("put", "curt", "-", "--team", "nobody"), "{}"),
        (("put", "curt", "-", "--team", "search"), "nonsense"),
        (("put", "curt", "-", "--team", "search"), '{"requirement": []}'),
        (("show", "curt", "--team", "search"), ""),
    ):
        done = call(tmp_path, "profiles", *words, given=given)
        assert (done.exit_code, done.output.startswith("maestro: ")) == (2, True), done.output
