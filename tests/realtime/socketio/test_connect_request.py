"""The data that is kept of a CONNECT."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from hubbub.core.auth_tokens import AccessClaims
from hubbub.realtime.socketio.connect_request import MAX_SEQ, ConnectRequest

CLAIMS = AccessClaims(uuid4(), uuid4(), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("cursors", [{}, {uuid4(): 0}, {uuid4(): seq**5 for seq in range(500)}])
def test_cursors_are_unchanged_after_waiting(cursors: dict[UUID, int]) -> None:
    request = ConnectRequest(CLAIMS, "epoch", dict(cursors))

    size = request.pack()

    assert request.cursors == cursors
    assert request.pack() == size
    assert size <= 400 + 24 * len(cursors)
    assert request.was_queued


@pytest.mark.parametrize(("seq", "kept"), [(-5, 0), (10**40, MAX_SEQ)])
def test_invalid_seqs_are_stored_within_bounds(seq: int, kept: int) -> None:
    room_id = uuid4()
    request = ConnectRequest(CLAIMS, None, {room_id: seq})

    request.pack()

    assert request.cursors == {room_id: kept}
