"""`hubbub seed`."""

import re

import pytest


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_sample_data_can_be_added_twice_and_the_password_is_printed(run, database_url, tmp_path):
    arguments = ("seed", "--users", "2", "--rooms", "3", "--messages", "40")

    given = {"HUBBUB_ENV": "development", "HUBBUB_DATABASE_URL": database_url, "HUBBUB_BCRYPT_ROUNDS": "4"}

    first, second = run(*arguments, **given), run(*arguments, **given)

    assert first.exit_code == second.exit_code == 0
    assert first.stdout.startswith("Added 2 users, 3 rooms, 40 messages.\nLog in as ada@sample.example or")
    assert second.stdout.startswith("Added 0 users, 0 rooms, 0 messages.\n")
    assert first.stdout.splitlines()[1] == second.stdout.splitlines()[1]
    assert (tmp_path / "sample_password").read_text().strip() in first.stdout
    assert "/@ada is a public portfolio." in first.stdout
    assert "Seeding" in first.stderr


@pytest.mark.parametrize("env", ["test", "production"])
def test_outside_development_the_password_stays_in_its_file(run, tmp_path, env):
    result = run(
        "seed", "--no-pictures", *("--users", "1", "--rooms", "1", "--messages", "1"), HUBBUB_ENV=env
    )

    assert result.exit_code == 0
    assert (tmp_path / "sample_password").read_text().strip() not in result.output
    assert f"in {tmp_path / 'sample_password'}" in result.stdout


def test_a_sqlite_database_is_created_and_migrated(run, tmp_path):
    assert run("seed", "--no-pictures", "--users", "2", "--rooms", "1", "--messages", "1").exit_code == 0
    assert (tmp_path / "hubbub.db").exists()


def test_a_postgres_that_is_not_migrated_is_refused(run, databases, tmp_path):
    url = databases.create_empty("postgres", tmp_path)

    result = run("seed", HUBBUB_DATABASE_URL=url)

    assert result.exit_code == 1
    assert re.search("hubbub migrate", result.stderr)
    assert len(result.stderr.splitlines()) == 1
    databases.release(url)


@pytest.mark.parametrize("arguments", [["--users", "0"], ["--rooms", "x"], ["--messages", "-1"]])
def test_invalid_counts_are_refused(run, tmp_path, arguments):
    result = run("seed", *arguments)

    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_hold_the_password_is_one_line(run, tmp_path):
    (tmp_path / "sample_password").touch()

    result = run("seed")

    assert result.exit_code == 1
    assert "delete it" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
