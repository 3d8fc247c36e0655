"""A clock that a test sets."""

import pytest

from hubbub.core import clock


@pytest.fixture
def time(monkeypatch):
    """The seconds that passed; a test adds to them."""
    passed = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: passed[0])
    return passed
