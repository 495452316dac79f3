"""Debian's Chromium, driven by Playwright; one browser for all tests of a module."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser of its own. Without Chromium these tests fail: `apt-get install chromium` (scripts/test does it)."""
    path = shutil.which("chromium")
    assert path is not None, "these tests need Debian's chromium: apt-get install --no-install-recommends chromium"
    expect.set_options(timeout=30_000)  # how long a busy machine may take; nothing waits longer than it must
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        await opened.close()
