"""`hubbub migrate`."""

import pytest


@pytest.fixture
def migrate(run, bare_database_url):
    return lambda *arguments: run("migrate", *arguments, HUBBUB_DATABASE_URL=bare_database_url)


def test_up_status_and_down(migrate):
    before = migrate("status")
    up = migrate()
    after = migrate("status")
    down = migrate("down")

    assert [result.exit_code for result in (before, up, after, down)] == [0, 0, 0, 0]
    steps = [line.split()[1] for line in before.stdout.splitlines()]
    assert all(line.startswith("pending") for line in before.stdout.splitlines())
    assert up.stdout.splitlines() == [f"up {step}" for step in steps]
    assert after.stdout.splitlines() == [f"applied  {step}" for step in steps]
    assert down.stdout.splitlines() == [f"down {steps[-1]}"]
    assert migrate("status").stdout.splitlines()[-1].startswith("pending")


def test_a_second_run_does_nothing(migrate):
    migrate("up")

    result = migrate("up")

    assert (result.exit_code, result.stdout) == (0, "Nothing to do.\n")


def test_an_unavailable_database_is_one_line(run):
    result = run("migrate", HUBBUB_DATABASE_URL="postgres://hub:s3cret@127.0.0.1:1/hub")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "s3cret" not in result.stderr


@pytest.mark.parametrize("what", ["status", "up", "down"])
def test_a_file_that_is_not_a_database_is_one_line(run, tmp_path, what):
    (tmp_path / "hubbub.db").write_text("this is a letter, not a database " * 100)

    result = run("migrate", what)

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "hubbub.db" in result.stderr


@pytest.mark.parametrize("command", ["migrate", "serve", "worker", "doctor", "create-admin"])
def test_every_command_reports_a_wrong_encoding(run, databases, postgres_url, tmp_path, command):
    url = databases.create_with_encoding("LATIN1")
    argument = ["a@example.org"] if command == "create-admin" else []

    result = run(command, *argument, stdin="a long password\n" * 2, HUBBUB_DATABASE_URL=url, HUBBUB_PORT="0")

    said = [line for line in (result.stdout + result.stderr).splitlines() if "UTF8" in line]
    assert result.exit_code != 0
    assert len(said) == 1
    assert "LATIN1" in said[0]
