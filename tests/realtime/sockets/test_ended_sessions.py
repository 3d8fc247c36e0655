"""The ends of sessions are remembered for connects that are in progress."""

import time
from uuid import uuid4

import pytest

from hubbub.core import clock
from hubbub.realtime.sockets.ended_sessions import EndedSessions


def test_the_cost_of_a_disconnect_does_not_depend_on_the_number_of_sockets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, now, ids = EndedSessions(), 1000.0, [uuid4() for _ in range(50_000)]
    monkeypatch.setattr(clock, "monotonic", lambda: now)

    began = time.perf_counter()
    for each in ids:
        ended.record(each)
    assert time.perf_counter() - began < 5  # 0.05 s alone; copying what is kept each time took minutes

    assert ended.any_since(1000.0, ids[0])
    assert not ended.any_since(1000.5, ids[0])
    now += 61
    ended.record(ids[7])
    assert len(ended) == 1
