"""`hubbub prove`: errors before the run, and the report."""

import pytest

from hubbub.cli import prove as command
from hubbub.prove.journal import Acked, Evidence, Journal
from hubbub.prove.processes import free_port


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--faults", "kill,fire"], "fire: known faults are kill,"),
        (["--database-url", "sqlite", "--instances", "2"], "SQLite supports one instance"),
        (["--database-url", "sqlite", "--redis-url", "redis://127.0.0.1"], "SQLite is used without Redis"),
        (["--database-url", "sqlite", "--faults", "redis-down"], "redis-down: not possible here"),
        (["--minutes", "0"], "--minutes"),
        (["--keep", "/dev/null/there"], "--keep /dev/null/there: Not a directory."),
    ],
)
def test_options_that_exclude_each_other_are_refused(run, options, said):
    result = run("prove", *options)

    assert result.exit_code == 2
    assert said in result.output


def test_journals_of_two_runs_are_not_mixed(run, tmp_path):
    (tmp_path / "ada.jsonl").touch()

    result = run("prove", "--keep", str(tmp_path))

    assert result.exit_code == 2
    assert "is not empty: give another folder." in result.output


def test_a_redis_with_tls_is_refused(run, postgres_url):
    result = run("prove", "--database-url", postgres_url, "--redis-url", "rediss://127.0.0.1")

    assert result.exit_code == 2
    assert "--redis-url must be redis://" in result.output


def test_an_unavailable_postgresql_is_one_line(run):
    result = run("prove", "--database-url", f"postgres://nobody@127.0.0.1:{free_port()}/postgres")

    assert result.exit_code == 1
    assert "PostgreSQL does not respond: " in result.output
    assert "Correct --database-url." in result.output
    assert "Traceback" not in result.output


def test_a_violation_is_reported_with_its_location(capsys):
    journal = Journal("ada", "user-a", [Acked(1.0, 1, "c1", "m1", "room-1", 1, "hello")])

    assert not command.check_and_print(Evidence([journal]))

    said = capsys.readouterr().out
    assert "G1  Durability: an ack means stored                   VIOLATED" in said
    assert "1 lost" in said
    assert "! lost: ada sent c1, acknowledged as room-1 1" in said
    assert "1 VIOLATIONS of 1 of the 1 guarantees tested." in said


def test_a_run_without_operations_reports_no_violation(capsys):
    assert command.check_and_print(Evidence())

    assert "No violation was found of the 0 guarantees tested." in capsys.readouterr().out
