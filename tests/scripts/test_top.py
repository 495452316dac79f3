"""`maestro top` against a real proxy, and the Grafana dashboard against the names that are served."""

import json
import re
from pathlib import Path

import anyio.to_thread
import pytest
from click.testing import CliRunner

from scripts.fake_upstream import FakeUpstream
from scripts.top import command, reading_of
from tests.proxy.served import MESSAGES, serving, settings_for

pytestmark = pytest.mark.anyio
GRAFANA = (Path(__file__).parents[2] / "deploy/grafana/maestro.json").read_text("utf-8")
SHORT = {"requirements": [{"name": "short", "description": "At most 3 words"}]}


async def test_one_screen_shows_runs_spend_and_upstreams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAESTRO_ADMIN_KEY", "an-admin-key")
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as served:
        async with served.client() as client:
            await client.chat.completions.create(model="maestro", messages=MESSAGES, extra_body=SHORT)
        options = ["--once", "--url", served.origin]
        result = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(command, options))
        assert result.exit_code == 0, result.output
        assert all(word in result.output for word in ("a/small", "all_satisfied", "good", "Latest", "run-"))


async def test_a_proxy_that_is_not_there_is_said_so() -> None:
    result = CliRunner().invoke(command, ["--once", "--url", "http://127.0.0.1:9"])
    assert result.exit_code == 1 and "does not answer" in result.output


async def test_grafana_asks_only_for_names_that_are_served(tmp_path: Path) -> None:
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as served:
        async with served.client() as client:
            await client.chat.completions.create(model="maestro", messages=MESSAGES, extra_body=SHORT)
        page = served.house.metrics.page([("search", "a/small", 0.5)]).decode()
    served_names = set(re.findall(r"^(maestro_\w+)", page, re.MULTILINE)) | set(
        re.findall(r"# TYPE (maestro_\w+)", page)
    )
    panels = json.loads(GRAFANA)["panels"]
    asked = {
        name for panel in panels for target in panel["targets"] for name in re.findall(r"maestro_\w+", target["expr"])
    }
    unknown = {name for name in asked if name not in served_names and name.removesuffix("_total") not in served_names}
    assert unknown == set() and len(asked) > 10
    assert reading_of(page, 0.0).spend == {("search", "a/small"): 0.5}
