"""`hubbub why`."""

import sqlite3
from contextlib import closing
from uuid import uuid4

from tests.cli.test_reencrypt import EMAIL

NOTIFICATION, MESSAGE = uuid4(), uuid4()


def test_the_decisions_about_a_notification_are_explained(run, tmp_path):
    run("create-admin", EMAIL, stdin="long enough\n")
    with closing(sqlite3.connect(tmp_path / "hubbub.db")) as file, file:
        ((user_id,),) = file.execute("SELECT id FROM users").fetchall()
        file.execute(
            "INSERT INTO notifications (id, user_id, kind, source, message_id, content, created_at) "
            "VALUES (?, ?, 'message.direct', 'x', ?, '{}', '2026-11-21 12:00:00+00:00')",
            (str(NOTIFICATION), user_id, str(MESSAGE)),
        )
        file.execute(
            "INSERT INTO notification_decisions (notification_id, channel, reason, at) "
            "VALUES (?, 'in_app', 'muted', '2026-11-21 12:00:01+00:00')",
            (str(NOTIFICATION),),
        )

    by_id, by_message = run("why", str(NOTIFICATION)), run("why", str(MESSAGE))

    assert by_id.exit_code == 0
    assert by_id.stdout == by_message.stdout
    assert by_id.stdout.splitlines() == [
        f"{NOTIFICATION}  message.direct  user {user_id}  not in the inbox  created 2026-11-21T12:00:00.000Z",
        "  in_app: muted  2026-11-21T12:00:01.000Z",
        "  email: pending",
    ]


def test_an_unknown_id_is_reported(run):
    run("create-admin", EMAIL, stdin="long enough\n")

    unknown, invalid = run("why", str(uuid4())), run("why", "x")

    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "There is no notification, and no message with notifications, with this id.\n",
    )
    assert invalid.exit_code == 2
