"""A room for the tests of the search."""

import pytest

from tests.queries.chat.search.search_room import SearchRoom


@pytest.fixture
async def search_room(sql):
    """An empty room."""
    return await SearchRoom.make()
