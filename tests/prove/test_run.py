"""`hubbub prove` in small: on SQLite alone, on PostgreSQL with Redis, and with a planted anomaly.

Slowness is no failure here, because tests run on busy machines. The slack covers it.
"""

import os
import re
import subprocess
import sys
import tempfile

import pytest

SLACK = "30"


def prove(folder, *options, seconds=110, **variables):
    """Run the command; returns its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", "prove", "--seed", "11", "--slack", SLACK, *options],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stderr + done.stdout


def tried(said, name):
    """How often a guarantee was tested."""
    return int(re.search(rf"^{name} .*\n +(\d+) ", said, re.MULTILINE)[1])


@pytest.mark.soak
def test_all_guarantees_hold_on_sqlite(tmp_path, figures):
    code, said = prove(tmp_path, "--database-url", "sqlite", "--minutes", "0.07", "--faults", "kill,twins")

    assert code == 0, said
    assert "1 instance on SQLite" in said
    assert all(tried(said, name) > 0 for name in ("G1", "G2", "G3"))
    assert re.search(r"done: .*\d+ instances killed", said)
    assert list(tmp_path.iterdir()) == []  # it leaves nothing behind
    figures(f"{tried(said, 'G1')} acks on SQLite, the instance killed meanwhile: none lost")


@pytest.mark.slow("14 s: a run of hubbub prove with servers of its own")
def test_all_guarantees_hold_on_postgresql_and_redis(tmp_path, figures):
    """On servers that it starts itself: only those can be frozen and crashed."""
    code, said = prove(
        *(tmp_path, "--minutes", "0.12", "--faults", "kill,redis-drop,database-pause"),
        TMPDIR=tempfile.gettempdir(),  # where PostgreSQL may go that does not run as root
    )

    assert code == 0, said
    assert "3 instances on PostgreSQL and Redis" in said
    assert all(tried(said, name) > 0 for name in ("G1", "G2", "G3"))
    assert re.search(r"done: .*\d+ instances killed", said)
    figures(f"{tried(said, 'G1')} acks on PostgreSQL, with faults: none lost")


PLANTED = """
from hubbub.realtime.chat.delivery import Delivery

told, deliver = [], Delivery._deliver

def forgetful(self, feed, entries):
    forgets = len(told) < 30 <= len(told) + len(entries)  # one entry, and others of its room come later
    told.extend(entries)
    deliver(self, feed, entries[1:] if forgets else entries)

Delivery._deliver = forgetful
"""


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_ten_minutes_of_every_fault_violate_nothing(tmp_path, figures):
    code, said = prove(tmp_path, "--minutes", "10", seconds=1100, TMPDIR=tempfile.gettempdir())

    assert code == 0, said
    figures(f"{tried(said, 'G1')} acks in ten minutes of faults: none lost")


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_ten_failovers_under_load_lose_nothing(tmp_path, figures):
    """Redis and PostgreSQL fail over, with 20 clients on two instances.

    They send more than 200 messages a second on a machine with nothing else to do.
    """
    load = ("--instances", "2", "--clients", "20", "--minutes", "2.6", "--faults", "failover")
    code, said = prove(tmp_path, *load, seconds=500, TMPDIR=tempfile.gettempdir())

    assert code == 0, said
    rounds = int(re.search(r"(\d+) PostgreSQL standbys promoted", said)[1])
    rounds += int(re.search(r"(\d+) Redis replicas promoted", said)[1])
    assert rounds >= 10
    rate = tried(said, "G1") / 156
    longest = re.search(r"^failover +\d+ +\d+ +(\d+)", said, re.MULTILINE)[1]
    figures(f"{rounds} failovers at {rate:.0f} acks a second, none lost: longest interruption {longest} ms")


@pytest.mark.slow("9 s: a run of hubbub prove until it finds the mistake")
def test_an_instance_that_drops_entries_is_detected(tmp_path):
    """A mistake is planted in hubbub itself: every Python that starts here finds it in its path."""
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "sitecustomize.py").write_text(PLANTED)

    code, said = prove(
        *(tmp_path, "--database-url", "sqlite", "--minutes", "0.05", "--faults", "twins"),
        PYTHONPATH=str(tmp_path / "planted"),
    )

    assert code == 1, said
    assert re.search(r"^G1 .* held$", said, re.MULTILINE)
    assert re.search(r"^G3 .* VIOLATED$", said, re.MULTILINE)
    assert re.search(r"! gap: client-\d, connection \d+, room \S+: message:new \d+ after \d+", said)
    kept = tmp_path / said.rpartition("Journals and logs: ")[2].strip()
    assert {"client-0.jsonl", "instance-0.log"} <= {path.name for path in kept.iterdir()}
