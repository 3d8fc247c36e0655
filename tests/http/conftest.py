"""Routes run on SQLite: their operations are tested on both databases, and one journey of each area."""

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.soak)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """On PostgreSQL, the tests of routes are part of `make soak`."""
    return str(request.param)
