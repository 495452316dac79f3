"""The trade-offs page after real runs: plans as measured, by topic and team."""

import re
from pathlib import Path

import httpx
import pytest

from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import MESSAGES, serving, settings_for

pytestmark = pytest.mark.anyio
SHORT = {"name": "short", "description": "At most 3 words"}


async def test_a_run_is_counted_to_its_plan_its_topic_and_its_team(tmp_path: Path) -> None:
    said = {"teams": {"search": {}, "other": {}}, "efforts": {"low": {"usd": 77.0, "seconds": 0.03}}}
    async with (
        FakeUpstream() as fake,
        serving(settings_for(fake, tmp_path, **said)) as served,
        served.client(default_headers={"x-maestro-team": "search"}) as client,
        httpx.AsyncClient(base_url=f"{served.origin}/dashboard", timeout=30) as browser,
    ):
        await client.chat.completions.create(
            model="maestro", messages=MESSAGES, extra_body={"requirements": [SHORT], "budget": "low"}
        )
        await served.house.rooms.ledger.flush()

        async def runs_at_low(query: str) -> str:
            page = (await browser.get(f"/tradeoffs?cluster=checked{query}")).text
            row = re.search(r'<th scope="row">effort low</th>.*?</tr>', page, re.DOTALL)
            assert row is not None
            assert "77, 0.03" in row[0]
            return str(re.findall(r'<td class="n">([^<]*)</td>', row[0])[-1])

        topic = re.search(r'<option value="(\d)">Topic', (await browser.get("/tradeoffs")).text)
        assert topic is not None
        other = str((int(topic[1]) + 1) % 8)
        found = [await runs_at_low(query) for query in ("", f"&topic={topic[1]}", f"&topic={other}", "&team=other")]
        assert found == ["1", "1", "0", "0"]
