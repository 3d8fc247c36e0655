"""The database of these tests."""

import pytest


@pytest.fixture
def database_kind(request):
    """SQLite, except for tests with `both_databases`."""
    return getattr(request, "param", "sqlite")
