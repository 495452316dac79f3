"""A proxy over an upstream that always says the same; tests that need others make their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scripts.fake_upstream import FakeUpstream, Scripted
from tests.proxy.served import TEXT, Served, serving, settings_for


@pytest.fixture
async def fake() -> AsyncIterator[FakeUpstream]:
    """The upstream."""
    async with FakeUpstream(Scripted(text=TEXT, input_tokens=100, output_tokens=10)) as upstream:
        yield upstream


@pytest.fixture
async def proxy(fake: FakeUpstream, tmp_path: Path) -> AsyncIterator[Served]:
    """The proxy."""
    async with serving(settings_for(fake, tmp_path)) as served:
        yield served
