"""The proof itself, in small: on SQLite alone, and on PostgreSQL with Redis; nothing may be lost.

Slowness is no failure here, for tests run on busy machines: that is what the slack is for.
"""

import os
import re
import subprocess
import sys

import pytest

SLACK = "30"


def prove(folder, *options):
    """Run the command; returns its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", "prove", "--seed", "11", "--slack", SLACK, *options],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def tried(said, name):
    """How often a promise was tried."""
    return int(re.search(rf"^{name} .*\n +(\d+) ", said, re.MULTILINE)[1])


@pytest.mark.slow
def test_on_sqlite_alone_everything_holds(tmp_path, figures):
    code, said = prove(
        *(tmp_path, "--database-url", "sqlite", "--minutes", "0.12", "--faults", "kill,roam,twins,remove")
    )

    assert code == 0, said
    assert "1 instance on SQLite" in said
    assert all(tried(said, name) > 0 for name in ("G1", "G2", "G3", "G4"))
    assert re.search(r"done: .*\d+ instances killed", said)
    assert list(tmp_path.iterdir()) == []  # it leaves nothing behind
    figures(f"{tried(said, 'G1')} acks on SQLite, the instance killed meanwhile: none lost")


@pytest.mark.slow
def test_on_postgresql_and_redis_everything_holds(tmp_path, postgres_url, redis_url, figures):
    code, said = prove(
        *(tmp_path, "--database-url", postgres_url, "--redis-url", redis_url, "--minutes", "0.2"),
        *("--faults", "kill,redis-down,redis-drop,database-cut,twins,roam"),
    )

    assert code == 0, said
    assert "3 instances on PostgreSQL and Redis" in said
    assert all(tried(said, name) > 0 for name in ("G1", "G2", "G3", "G4"))
    assert re.search(r"done: .*\d+ instances killed", said)
    assert list(tmp_path.iterdir()) == []
    figures(f"{tried(said, 'G1')} acks on PostgreSQL, with faults: none lost")
