"""The migration to one copy of each message: rows of the release before, writers meanwhile, interruptions."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from hubbub.config import Settings
from hubbub.db import database, migrations
from hubbub.queries.chat import search
from hubbub.queries.eventlog import log_entries
from tests.db.migrations.steps import STEPS, copy_steps
from tests.support import migration
from tests.support.schema import DatabaseInspector
from tests.support.waiting import until

STEP = next(index for index, step in enumerate(STEPS) if step.endswith("_one_copy.py"))
AT = "2026-11-21 12:00:00.123000+00:00"
WIRE_AT = "2026-11-21T12:00:00.123Z"
MESSAGES = 7  # of which one is edited and one deleted
TYPES = {"room_id": "uuid", "sender_id": "uuid"}


@pytest.fixture
async def log(bare, folder):
    """A database of the release before, with one room; this release's migration has batches of two."""
    copy_steps(folder, STEPS[:STEP])
    await migrations.up(bare)
    made = OldLog(bare)
    await made.fill()
    text = (migration.LOCATION / STEPS[STEP]).read_text("utf-8")
    (folder / STEPS[STEP]).write_text(text.replace("BATCH_ROWS = 2000", "BATCH_ROWS = 2"), "utf-8")
    return made


class OldLog:
    """A room as the release before stores it: a message in `messages`, in `entries`, and with its words."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.inspector = DatabaseInspector(settings)
        self.room_id, self.user_id = uuid4(), uuid4()
        self.seq = 0
        self.payloads: dict[int, Any] = {}  # what clients receive of each entry after the migration
        self.bodies: dict[UUID, str] = {}
        self.words: dict[str, UUID] = {}

    async def insert(self, table: str, **values: object) -> None:
        names = ", ".join(values)
        if self.inspector.sqlite:
            marks = ", ".join("?" * len(values))
            plain = [str(value) if isinstance(value, UUID) else value for value in values.values()]
            await self.inspector.rows(f"INSERT INTO {table} ({names}) VALUES ({marks})", *plain)
            return
        quoted = ", ".join(
            "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
            for value in values.values()
        )
        await self.inspector.rows(f"INSERT INTO {table} ({names}) VALUES ({quoted})")

    async def fill(self) -> None:
        user = {"username": "ada", "email": "a@b.c", "display_name": 'A"da', "role": "user"}
        await self.insert("users", id=self.user_id, **user, created_at=AT, updated_at=AT)
        room = {"kind": "private", "topic": "", "last_seq": 0, "first_seq": 1, "member_count": 1}
        room |= {"member_version": 0, "created_at": AT, "last_entry_at": AT}
        await self.insert("rooms", id=self.room_id, **room)
        member = {"role": "owner", "joined_at": AT, "last_read_seq": 0, "muted": 0}
        await self.insert("memberships", id=uuid4(), room_id=self.room_id, user_id=self.user_id, **member)
        for number in range(MESSAGES):
            await self.send(f'héllo word{number}x \\ "')
        await self.edit(self.words["word1x"], "changed")
        await self.delete(self.words["word2x"])
        await self.rows("UPDATE rooms SET last_seq = {}", self.seq)

    async def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        marks = ["?" if self.inspector.sqlite else f"${number}" for number in range(1, len(values) + 1)]
        plain = [str(v) if self.inspector.sqlite and isinstance(v, UUID) else v for v in values]
        return await self.inspector.rows(statement.format(*marks), *plain)

    async def _entry(self, event: str, message_id: UUID | None, fields: dict[str, object]) -> None:
        head = {"room_id": str(self.room_id), "seq": self.seq, "at": WIRE_AT, "actor_id": str(self.user_id)}
        self.payloads[self.seq] = head | fields
        values = {
            "room_id": self.room_id,
            "seq": self.seq,
            "event": event,
            "at": AT,
            "actor_id": self.user_id,
        }
        text = json.dumps(head | fields, ensure_ascii=False)
        await self.insert("entries", **values, message_id=message_id, payload=text)

    async def send(self, body: str) -> None:
        self.seq += 1
        message_id, client_id, seq = uuid4(), uuid4(), self.seq
        await self.insert(
            "messages",
            id=message_id,
            room_id=self.room_id,
            sender_id=self.user_id,
            client_id=client_id,
            seq=seq,
            body=body,
            mentions="[]",
            attachments="[]",
            created_at=AT,
        )
        sender = {"id": str(self.user_id), "username": "ada", "display_name": 'A"da', "avatar_url": None}
        message = {
            "id": str(message_id),
            "room_id": str(self.room_id),
            "seq": seq,
            "client_id": str(client_id),
        }
        message |= {"sender": sender, "body": body, "reply_to": None, "attachments": [], "mentions": []}
        message |= {"reactions": [], "created_at": WIRE_AT, "edited_at": None, "deleted_at": None}
        await self._entry("message:new", message_id, {"message": message})
        word = next(each for each in body.split() if each.startswith("word"))
        self.words[word] = message_id
        await self._index(message_id, f"{word}")

    async def _index(self, message_id: UUID, words: str) -> None:
        if self.inspector.sqlite:
            row = {"words": words, "message_id": message_id, "room": self.room_id.hex}
            await self.insert("message_words", **row)
        else:
            await self.insert(
                "message_words", message_id=message_id, words=f"'{words}':1 '/{self.room_id.hex}'"
            )

    async def edit(self, message_id: UUID, body: str) -> None:
        self.seq += 1
        await self.rows(
            "UPDATE messages SET body = {}, edited_at = created_at WHERE id = {}", body, message_id
        )
        original = next(each for each in self.payloads.values() if each["message"]["id"] == str(message_id))
        original["message"] |= {"body": body, "edited_at": WIRE_AT}
        await self._entry("message:updated", message_id, {"message": dict(original["message"])})

    async def delete(self, message_id: UUID) -> None:
        self.seq += 1
        await self.rows("UPDATE messages SET body = '', deleted_at = created_at WHERE id = {}", message_id)
        original = next(each for each in self.payloads.values() if each["message"]["id"] == str(message_id))
        original["message"] |= {"body": "", "deleted_at": WIRE_AT}
        if not self.inspector.sqlite:
            await self.rows("DELETE FROM message_words WHERE message_id = {}", message_id)
        await self._entry("message:deleted", None, {"message_id": str(message_id)})

    async def check(self) -> None:
        """Compare the log and the search with what was written."""
        await database.connect(self.settings)
        try:
            entries = await log_entries.after(database.connection(), self.room_id, 0, 10_000)
            assert {entry.seq: json.loads(entry.payload) for entry in entries} == self.payloads
            found = {
                word: await search.find(database.connection(), user_id=self.user_id, query=word, limit=5)
                for word in self.words
            }
            assert found == {word: [each] * (word != "word2x") for word, each in self.words.items()}
        finally:
            await database.close()


async def test_the_log_and_the_search_are_the_same_after_the_migration(log):
    assert await migrations.up(log.settings) == [STEPS[STEP]]

    await log.check()
    assert await log.rows("SELECT count(*) FROM entries WHERE event = 'message:new'") == [(0,)]


async def test_the_release_before_reads_the_same_log_after_a_downgrade(log):
    schema = await log.inspector.schema()
    await migrations.up(log.settings)
    assert await migrations.down(log.settings) == [STEPS[STEP]]

    assert await log.inspector.schema() == schema
    stored = await log.rows("SELECT seq, payload FROM entries ORDER BY seq")
    assert {seq: json.loads(payload) for seq, payload in stored} == log.payloads
    assert len(await log.rows("SELECT message_id FROM message_words")) >= MESSAGES - 1
    await migrations.up(log.settings)
    await log.check()


async def test_an_entry_without_its_message_stays_in_the_log(log):
    await log.rows("DELETE FROM messages WHERE id = {}", log.words["word3x"])

    await migrations.up(log.settings)

    kept = await log.rows("SELECT seq, payload_json FROM entries WHERE event = 'message:new'")
    assert [json.loads(payload) for _, payload in kept] == [log.payloads[4]]
    del log.words["word3x"]
    await log.check()


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_writers_continue_during_the_migration(log):
    """One that sends as the release before does, and a reader that holds its lock for a while."""
    sent = asyncio.create_task(_send_until_refused(log))
    reader = await asyncpg.connect(log.settings.database_url)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("SELECT FROM entries")
    migrating = asyncio.create_task(migrations.up(log.settings))
    index = "SELECT FROM pg_class WHERE relname = 'idx_messages_words'"
    await until(lambda: migrating.done() or reader.fetch(index))
    await transaction.rollback()
    await reader.close()

    await migrating
    await sent

    await log.check()


async def _send_until_refused(log: OldLog) -> None:
    """Send messages, until the release before finds another schema."""
    number = MESSAGES
    while True:
        number += 1
        room_id, seq = log.room_id, log.seq + 1
        with suppress(asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
            await _send_as_before(log, f"word{number}x")
            continue
        assert (room_id, seq - 1) == (log.room_id, log.seq)
        return


async def _send_as_before(log: OldLog, word: str) -> None:
    """Store a message by one transaction, as the release before does."""
    message_id, client_id, seq = uuid4(), uuid4(), log.seq + 1
    sender = {"id": str(log.user_id), "username": "ada", "display_name": 'A"da', "avatar_url": None}
    message = {"id": str(message_id), "room_id": str(log.room_id), "seq": seq, "client_id": str(client_id)}
    message |= {"sender": sender, "body": word, "reply_to": None, "attachments": [], "mentions": []}
    message |= {"reactions": [], "created_at": WIRE_AT, "edited_at": None, "deleted_at": None}
    head = {"room_id": str(log.room_id), "seq": seq, "at": WIRE_AT, "actor_id": str(log.user_id)}
    payload = head | {"message": message}
    connection = await asyncpg.connect(log.settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE rooms SET last_seq = $1 WHERE id = $2", seq, log.room_id)
            await connection.execute(
                "INSERT INTO messages (id, room_id, seq, sender_id, client_id, body, mentions, attachments, "
                "created_at) SELECT $1, $2, $3, $4, $5, $6, '[]', '[]', '2026-11-21 12:00:00.123+00'",
                *(message_id, log.room_id, seq, log.user_id, client_id, word),
            )
            await connection.execute(
                "INSERT INTO entries (room_id, seq, event, payload, at, actor_id, message_id) "
                "SELECT $1, $2, 'message:new', $3, '2026-11-21 12:00:00.123+00', $4, $5",
                *(log.room_id, seq, json.dumps(payload), log.user_id, message_id),
            )
            await connection.execute(
                "INSERT INTO message_words (message_id, words) SELECT $1, $2::text::tsvector",
                *(message_id, f"'{word}':1 '/{log.room_id.hex}'"),
            )
    finally:
        await connection.close()
    log.seq = seq
    log.payloads[seq] = payload
    log.words[word] = message_id


@pytest.mark.parametrize("database_kind", ["postgres"])
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_killed_migration_starts_again(log, direction):
    """It is cut off after each number of statements, and finds what it did before."""
    if direction == "down":
        await migrations.up(log.settings)
    step = migrations.LOCATION / STEPS[STEP]
    text = step.read_text("utf-8")
    for count in range(60):
        step.write_text(text + CUT_OFF.format(count), "utf-8")
        try:
            done = await getattr(migrations, direction)(log.settings)
        except KeyError:
            continue
        break
    step.write_text(text, "utf-8")

    assert done == [STEPS[STEP]]
    assert count > 10
    if direction == "down":
        await migrations.up(log.settings)
    await log.check()


CUT_OFF = """

class _CutOff:
    left = {0}

    def __init__(self, db):
        self.db = db
        self.capabilities = db.capabilities

    def __getattr__(self, name):
        async def run(*values):
            if self.left == 0:
                raise KeyError
            self.left -= 1
            return await getattr(self.db, name)(*values)
        return run


_upgrade, _downgrade = upgrade, downgrade


async def upgrade(db):
    return await _upgrade(_CutOff(db))


async def downgrade(db):
    return await _downgrade(_CutOff(db))
"""
