"""The database of these tests."""

import pytest


@pytest.fixture
def database_kind():
    return "sqlite"
