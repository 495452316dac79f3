"""Log lines: one a request, in the form that is set, without secrets or content."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.logs import JsonLines, redacted
from proxy.telemetry.requests_log import Note, RequestLog, Served, line_of
from router.ledger.accounts import KeyScopes, Team
from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import MESSAGES, serving, settings_for

pytestmark = pytest.mark.anyio
SHORT = {"requirements": [{"name": "secret-requirement", "description": "At most 3 words"}]}


@pytest.mark.parametrize("stream", [False, True])
async def test_each_request_is_one_line_with_its_run_team_model_outcome_money_and_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stream: bool
) -> None:
    telemetry = {"log_format": "json"}
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path, telemetry=telemetry)) as served:
        await served.house.rooms.registry.put_team(Team("search"))
        key = (await served.house.rooms.registry.create_key("search", KeyScopes(), "test")).secret
        async with served.client(api_key=key) as client:
            for model, body in (("maestro", SHORT), ("a/small", {})):
                said: Any = await client.chat.completions.create(
                    model=model, messages=MESSAGES, stream=stream, extra_body=body
                )
                if stream:
                    async for _ in said:
                        pass
    text = capsys.readouterr().err
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    planned, relayed = (line for line in lines if line.get("event") == "request")
    assert (planned["outcome"], planned["model"], planned["team"]) == ("all_satisfied", "a/small", "search")
    assert (relayed["outcome"], relayed["model"], relayed["status"]) == ("relayed", "a/small", 200)
    assert planned["usd"] > 0 and relayed["usd"] > 0 and planned["seconds"] > 0
    assert planned["run_id"].startswith("run-") and planned["run_id"] != relayed["run_id"]
    assert key not in text and "Say hello" not in text and "secret-requirement" not in text


async def test_lines_are_switched_off_by_a_setting(tmp_path: Path) -> None:
    settings = settings_for_silence = {"log_requests": False}
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path, telemetry=settings)) as served:
        assert served.house.log is None and settings_for_silence is settings


async def test_lines_are_written_together_and_the_rest_at_the_end() -> None:
    written: list[str] = []
    log = RequestLog("text", written.append)
    for number in range(3):
        log.served(Served(f"req_{number}", "/v1/x", 200, "", "", 0.1), Note(), 0.0)
    log.flush()
    assert len(written) == 1 and len(written[0].splitlines()) == 3


@given(st.text(), st.text(), st.sampled_from(["text", "json"]))
def test_nothing_that_is_said_makes_two_lines(team: str, model: str, form: Any) -> None:
    line = line_of(Served("r", "/x", 200, team, "k", 0.1), Note(model=model), 0.0, form)
    assert (line.endswith("\n") and len(line.splitlines()) == 1) or (form == "json" and line.count("\n") == 1)


@pytest.mark.parametrize(
    "secret", ["mk-abcdefgh12345678", "sk-abcdefgh12345678", "Bearer abc.def", "api_key=abc", "password: hunter2"]
)
def test_what_looks_like_a_key_is_taken_out(secret: str) -> None:
    assert secret not in redacted(f"it failed with {secret} in it")


def test_a_record_with_a_traceback_is_one_json_line() -> None:
    with pytest.raises(ValueError, match="token") as caught:
        int("token=abc")
    record = logging.LogRecord("maestro", logging.ERROR, "", 0, "it failed", (), (ValueError, caught.value, None))
    line = JsonLines().format(record)
    assert "\n" not in line and "[redacted]" in json.loads(line)["error"]
