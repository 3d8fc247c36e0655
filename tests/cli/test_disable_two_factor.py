"""`hubbub disable-two-factor`."""

import sqlite3
from contextlib import closing

from tests.cli.test_reencrypt import EMAIL, equip


def test_an_account_logs_in_with_its_password_alone(run, tmp_path):
    run("create-admin", EMAIL, stdin="long enough\n")
    equip(tmp_path, enabled_at="2026-11-21 12:00:00+00:00")

    result = run("disable-two-factor", "ADA@example.org")

    assert (result.exit_code, result.stdout) == (0, "Two-factor is off for ADA@example.org.\n")
    with closing(sqlite3.connect(tmp_path / "hubbub.db")) as file:
        assert file.execute("SELECT count(*) FROM two_factors").fetchall() == [(0,)]
        said = "SELECT action, outcome, user_agent FROM audit_log WHERE action LIKE 'two%'"
        assert file.execute(said).fetchall() == [("two_factor.disable", "ok", "hubbub disable-two-factor")]
        payloads = [row[0] for row in file.execute("SELECT payload FROM jobs")]
    assert any("two_factor_disabled" in each for each in payloads)


def test_an_account_without_two_factor_is_reported(run):
    run("create-admin", EMAIL, stdin="long enough\n")

    off, missing = run("disable-two-factor", EMAIL), run("disable-two-factor", "eve@example.org")

    assert (off.exit_code, off.stderr) == (1, "Two-factor login is not on for this account.\n")
    assert (missing.exit_code, missing.stderr) == (1, "No account has this e-mail address.\n")
