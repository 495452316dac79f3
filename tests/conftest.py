"""Fixtures for every room."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
