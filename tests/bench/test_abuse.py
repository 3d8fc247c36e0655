"""The verdict of `bench.abuse`, and the counts of its abusers."""

import json

import pytest

from bench.abuse import HONEST_KINDS, Run, report
from bench.attacks.abusers import Abuser, AbuserGroup

OUTCOMES = {"429": 990, "401": 5}


def run(latency_s=0.005, statements=100, failures=None, outcomes=None):
    groups = [{"kind": "guesses", "sent": 1000, "unsent": 0, "outcomes": outcomes}] if outcomes else []
    latencies = {kind: [latency_s] * 25 for kind in HONEST_KINDS}
    return Run(latencies, failures or {}, statements, 0.1, groups)


@pytest.mark.parametrize(
    ("abused", "reached"),
    [
        (run(outcomes=OUTCOMES), True),
        (run(outcomes={"429": 100}), True),  # the others were not read
        (run(outcomes={"429": 980, "401": 20}), False),
        (run(outcomes={"429": 980, "200": 20}), False),
        (run(outcomes=OUTCOMES, statements=120), False),  # refused ones had statements
        (run(outcomes=OUTCOMES, statements=109), True),
        (run(outcomes=OUTCOMES, failures={"rest 429": 1}), False),
        (run(outcomes=OUTCOMES, latency_s=0.0099), True),
        (run(outcomes=OUTCOMES, latency_s=0.0101), False),
    ],
)
def test_each_minimum_decides(abused, reached):
    assert report([run()], [abused]) is reached


def test_each_response_counts_once_even_if_it_arrives_in_pieces():
    group = AbuserGroup({"kind": "guesses", "source": "", "per_s": 1, "connections": 1, "emails": ["a"]}, 0)
    group.is_measured = True
    body = json.dumps({"error": "x" * 100}).encode()
    refusal = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    ack = b'\x81\x1643/chat,7[{"ok":true,"data":{}}]'
    data = refusal + ack + refusal + ack.replace(b"true", b"false")
    for size in (1, 7, 20, len(data)):
        group.outcomes.clear()
        abuser = Abuser(group)
        for start in range(0, len(data), size):
            abuser.data_received(data[start : start + size])
        assert group.outcomes == {"429": 2, "true": 1, "false": 1}
