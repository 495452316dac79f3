"""Fixtures for every room."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from scripts.postgres_server import NoPostgres, PostgresServer

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real server, started by the suite itself."""
    try:
        with PostgresServer(settings=("fsync=off",)) as server:
            yield server
    except NoPostgres as problem:
        pytest.fail(f"the suite cannot start PostgreSQL: {problem}")


@pytest.fixture(scope="session")
def new_database(postgres: PostgresServer) -> Callable[[], str]:
    """Makes an empty database for each test; its URL."""
    numbers = itertools.count()
    return lambda: postgres.new_database(f"test_{next(numbers)}")
