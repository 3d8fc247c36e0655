"""The program that is used, and its arguments for a database."""

from pathlib import Path

import pytest

from hubbub.gateways import postgres_tools
from hubbub.gateways.postgres_tools import ToolMissing, find, to_target


def _install(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    program = folder / "pg_dump"
    program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with no program of PostgreSQL yet: two folders on the path, and Debian's."""
    monkeypatch.setattr(postgres_tools, "DEBIAN_DIR", tmp_path / "debian")
    monkeypatch.setenv("PATH", f"{tmp_path / 'one'}:{tmp_path / 'two'}:")
    return tmp_path


def test_the_newest_program_of_the_path_and_of_debian_is_used(machine):
    _install(machine / "one", "14.2")
    _install(machine / "debian" / "16" / "bin", "16.1 (Debian 16.1-1)")
    newest = _install(machine / "two", "17beta2")

    assert find("pg_dump", 15) == (newest, 17)


@pytest.mark.parametrize(("installed", "said"), [(None, "not installed"), ("14.9", "older than the server")])
def test_a_missing_program_is_reported_in_one_line(machine, installed, said):
    if installed:
        _install(machine / "one", installed)

    with pytest.raises(ToolMissing, match=said) as caught:
        find("pg_dump", 15)

    assert "Install postgresql-client-15 or newer." in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_program_that_does_not_start_is_skipped(machine):
    (machine / "one").mkdir()
    (machine / "one" / "pg_dump").write_text("#!/bin/sh\nexit 1\n")
    (machine / "one" / "pg_dump").chmod(0o755)

    with pytest.raises(ToolMissing):
        find("pg_dump", 15)


@pytest.mark.parametrize(
    ("url", "uri", "password", "options"),
    [
        ("postgres://ada:p%40ss@db:5433/chat", "postgresql://ada@db:5433/chat", "p@ss", ""),
        ("postgresql://db/chat", "postgresql://db/chat", None, ""),
        (
            "postgres://a:b@one:1,two:2/chat?target_session_attrs=read-write&sslmode=require",
            "postgresql://a@one:1,two:2/chat?target_session_attrs=read-write&sslmode=require",
            "b",
            "",
        ),
        (
            "postgres://one:1,two:2/chat",
            "postgresql://one:1,two:2/chat?target_session_attrs=read-write",
            None,
            "",
        ),
        ("postgres://db/chat?user=ada&password=x%20y", "postgresql://db/chat?user=ada", "x y", ""),
        (
            "postgres://db/chat?statement_cache_size=0&search_path=a%20b",
            "postgresql://db/chat",
            None,
            "-c search_path=a\\ b ",
        ),
        ("postgres:///chat?host=/run/postgresql", "postgresql:///chat?host=%2Frun%2Fpostgresql", None, ""),
    ],
)
def test_the_password_is_passed_by_the_environment_alone(monkeypatch, url, uri, password, options):
    monkeypatch.setenv("HUBBUB_SECRET_KEY", "secret")
    monkeypatch.delenv("PGPASSWORD", raising=False)

    found = to_target(url)

    assert found.uri.replace("/run/postgresql", "%2Frun%2Fpostgresql") == uri
    assert found.environment.get("PGPASSWORD") == password
    assert found.environment["PGOPTIONS"].startswith(options)
    assert "HUBBUB_SECRET_KEY" not in found.environment
