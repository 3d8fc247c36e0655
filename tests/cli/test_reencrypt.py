"""`hubbub reencrypt`."""

import sqlite3
from contextlib import closing

from hubbub.core.sealing import Sealing

OLD = "the-secret-key-of-before-this-one"
EMAIL = "ada@example.org"


def equip(folder, enabled_at=None):
    """Enable a second factor for `EMAIL` whose secret is sealed with an older key."""
    with closing(sqlite3.connect(folder / "hubbub.db")) as file, file:
        ((user_id,),) = file.execute("SELECT id FROM users WHERE email = ?", (EMAIL,)).fetchall()
        secret = Sealing([OLD]).seal(f"totp:{user_id}", b"a secret")
        file.execute(
            "INSERT INTO two_factors (id, user_id, secret, enabled_at, last_step, failures, created_at) "
            "VALUES (?, ?, ?, ?, 0, 0, '2026-11-21 12:00:00+00:00')",
            (user_id, user_id, secret, enabled_at),
        )


def test_secrets_are_encrypted_with_the_current_key(run, tmp_path):
    run("create-admin", EMAIL, stdin="long enough\n")
    equip(tmp_path)

    lost = run("reencrypt")
    done, again = (run("reencrypt", HUBBUB_SECRET_KEY_PREVIOUS=OLD) for _ in range(2))

    assert (lost.exit_code, done.exit_code, again.exit_code) == (1, 0, 0)
    assert lost.stderr == "Encrypted with a key that is not configured, unreadable without it: 1.\n"
    assert done.stdout == "Encrypted with the current key: 1. All others already were.\n"
    assert again.stdout == "Encrypted with the current key: 0. All others already were.\n"
