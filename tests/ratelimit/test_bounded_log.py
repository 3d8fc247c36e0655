"""Log lines caused by clients are bounded."""

import logging

from hubbub.core import clock
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.ratelimit.rate import Rate


def test_many_lines_become_a_few_lines_and_a_count(caplog, monkeypatch):
    now = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    lines = BoundedLog(logging.getLogger("hubbub.tests"), Rate(3, 2))
    caplog.set_level("INFO", "hubbub.tests")

    for _ in range(1000):
        lines.write("socket connected", user="ada")
    now += 1
    for _ in range(1000):
        lines.write("socket connected", user="bob")

    found = [(record.user, getattr(record, "left_out", 0)) for record in caplog.records]
    assert found == [("ada", 0)] * 3 + [("bob", 997), ("bob", 0)]
