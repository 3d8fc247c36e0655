"""One copy of each message: its `message:new` is read from `messages`, and so are its search words on PostgreSQL.

By hand, because Tortoise describes neither: the table `entries`, whose key is (room_id, seq), the column `words`,
and the triggers that take the place of the foreign keys of `messages` and `entries`. The payload of an entry has
another column name, so that an instance of the previous release fails instead of reading logs without messages.

On PostgreSQL other programs continue to write: rows are copied in batches, triggers copy what is written meanwhile, the
index is built concurrently, and each lock is waited for LOCK_MS. Only the last script changes what they read. A
killed migration starts again and finds what it copied.
"""

import asyncio
from typing import Any

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False  # so that no writer waits for more than a batch

BATCH_ROWS = 2000
LOCK_MS = 500  # for one lock; statements of others wait behind it
LOCK_TRIES = 240  # together four minutes
RETRY_S = 0.5
# A lock that is not free, and the victim of a deadlock.
LOCK_STATES = ("55P03", "40P01")
NO_ID = "00000000-0000-0000-0000-000000000000"
IS_CURRENT = "SELECT to_regclass('message_words') IS NULL AS yes"
IS_PREVIOUS = "SELECT to_regclass('message_attachments') IS NULL AS yes"

ATTACHMENTS = """
CREATE TABLE IF NOT EXISTS "message_attachments" (
    "id" {key},
    "room_id" {uuid} NOT NULL,
    "upload_id" {uuid} NOT NULL,
    "position" INT NOT NULL,
    "message_id" {uuid} NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_message_att_message_8eb8f5" UNIQUE ("message_id", "upload_id")
);
CREATE INDEX IF NOT EXISTS "idx_message_att_upload__17f3c3" ON "message_attachments" ("upload_id");
"""

# --- PostgreSQL, to this release ---

PREPARE = (
    """
ALTER TABLE "messages" ADD COLUMN IF NOT EXISTS "words" TSVECTOR;
"""
    + ATTACHMENTS.format(key="BIGSERIAL NOT NULL PRIMARY KEY", uuid="UUID")
    + """
CREATE TABLE IF NOT EXISTS "entries_next" (
    "room_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "event" VARCHAR(32) NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "actor_id" UUID,
    "message_id" UUID,
    "payload_json" TEXT NOT NULL,
    CONSTRAINT "entries_next_pkey" PRIMARY KEY ("room_id", "seq")
);
CREATE INDEX IF NOT EXISTS "idx_entries_next_updates" ON "entries_next" ("message_id")
    WHERE event = 'message:updated';
CREATE OR REPLACE FUNCTION "copy_words"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE messages SET words = NULL WHERE id = OLD.message_id;
    ELSE
        UPDATE messages SET words = NEW.words WHERE id = NEW.message_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION "copy_entry"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM entries_next WHERE room_id = OLD.room_id AND seq = OLD.seq;
    ELSE
        INSERT INTO entries_next (room_id, seq, event, at, actor_id, message_id, payload_json)
        VALUES (NEW.room_id, NEW.seq, NEW.event, NEW.at, NEW.actor_id, NEW.message_id, NEW.payload)
        ON CONFLICT (room_id, seq) DO UPDATE SET payload_json = excluded.payload_json;
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS "copy_words" ON "message_words";
CREATE TRIGGER "copy_words" AFTER INSERT OR UPDATE OR DELETE ON "message_words"
    FOR EACH ROW EXECUTE FUNCTION "copy_words"();
DROP TRIGGER IF EXISTS "copy_entry" ON "entries";
CREATE TRIGGER "copy_entry" AFTER INSERT OR UPDATE ON "entries"
    FOR EACH ROW WHEN (NEW.event <> 'message:new') EXECUTE FUNCTION "copy_entry"();
DROP TRIGGER IF EXISTS "copy_deleted_entry" ON "entries";
CREATE TRIGGER "copy_deleted_entry" AFTER DELETE ON "entries"
    FOR EACH ROW EXECUTE FUNCTION "copy_entry"();
"""
)

# What a trigger has copied meanwhile stays; a deleted message gets no words.
COPY_WORDS = f"""
WITH page AS (
    SELECT message_id, words FROM message_words WHERE message_id > $1 ORDER BY message_id LIMIT {BATCH_ROWS}
), copied AS (
    UPDATE messages m SET words = p.words FROM page p
    WHERE m.id = p.message_id AND m.words IS NULL AND m.deleted_at IS NULL
)
SELECT message_id AS last FROM page ORDER BY message_id DESC LIMIT 1
"""
# An entry without its message would be a gap in the log: it is copied as it is.
COPY_ENTRIES = f"""
WITH page AS (
    SELECT * FROM entries WHERE id > $1 ORDER BY id LIMIT {BATCH_ROWS}
), copied AS (
    INSERT INTO entries_next (room_id, seq, event, at, actor_id, message_id, payload_json)
    SELECT room_id, seq, event, at, actor_id, message_id, payload FROM page e
    WHERE event <> 'message:new'
    OR NOT EXISTS (SELECT FROM messages m WHERE m.room_id = e.room_id AND m.seq = e.seq)
    ON CONFLICT (room_id, seq) DO NOTHING
)
SELECT id AS last FROM page ORDER BY id DESC LIMIT 1
"""
INDEX = "idx_messages_words"
IS_BROKEN = f"SELECT NOT indisvalid AS yes FROM pg_index WHERE indexrelid = to_regclass('{INDEX}')"
DROP_INDEX = f'DROP INDEX CONCURRENTLY IF EXISTS "{INDEX}"'
CREATE_INDEX = f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{INDEX}" ON "messages" USING GIN ("words")'

# A writer holds the lock of the room's row when it inserts, so that a deletion waits for it, and then finds what it
# has written; a later writer finds no room. The row of a user is not deleted while messages refer to it.
TRIGGERS = """
CREATE FUNCTION "delete_log"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM messages WHERE room_id IN (SELECT id FROM deleted_rooms);
    DELETE FROM entries WHERE room_id IN (SELECT id FROM deleted_rooms);
    RETURN NULL;
END
$$;
CREATE TRIGGER "rooms_deleted" AFTER DELETE ON "rooms" REFERENCING OLD TABLE AS deleted_rooms
    FOR EACH STATEMENT EXECUTE FUNCTION "delete_log"();
CREATE FUNCTION "keep_senders"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rooms SET member_version = member_version + 1 WHERE id = ANY(ARRAY(
        SELECT id FROM rooms WHERE id IN (SELECT room_id FROM memberships WHERE user_id = OLD.id)
        ORDER BY id FOR NO KEY UPDATE));
    IF EXISTS (SELECT FROM messages WHERE sender_id = OLD.id) THEN
        RAISE EXCEPTION 'messages refer to this user' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER "users_deleted" BEFORE DELETE ON "users" FOR EACH ROW EXECUTE FUNCTION "keep_senders"();
"""
SWITCH = (
    """
LOCK TABLE "entries", "message_words", "messages", "rooms", "users" IN ACCESS EXCLUSIVE MODE;
DROP TABLE "message_words";
DROP TABLE "entries";
DROP FUNCTION "copy_words"();
DROP FUNCTION "copy_entry"();
ALTER TABLE "entries_next" RENAME TO "entries";
ALTER INDEX "entries_next_pkey" RENAME TO "entries_pkey";
ALTER INDEX "idx_entries_next_updates" RENAME TO "idx_entries_updates";
ALTER TABLE "messages" DROP CONSTRAINT IF EXISTS "messages_room_id_fkey";
ALTER TABLE "messages" DROP CONSTRAINT IF EXISTS "messages_sender_id_fkey";
"""
    + TRIGGERS
)

# --- PostgreSQL, back ---

TIME = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
PREPARE_BACK = f"""
CREATE TABLE IF NOT EXISTS "message_words" (
    "message_id" UUID NOT NULL PRIMARY KEY REFERENCES "messages" ("id") ON DELETE CASCADE,
    "words" TSVECTOR NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_message_words" ON "message_words" USING GIN ("words");
CREATE TABLE IF NOT EXISTS "entries_before" (
    "id" BIGSERIAL NOT NULL,
    "seq" BIGINT NOT NULL,
    "event" VARCHAR(32) NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "actor_id" UUID,
    "message_id" UUID,
    "payload" TEXT NOT NULL,
    "room_id" UUID NOT NULL,
    CONSTRAINT "entries_before_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "uid_entries_room_id_129ee1" UNIQUE ("room_id", "seq"),
    CONSTRAINT "entries_room_id_fkey" FOREIGN KEY ("room_id") REFERENCES "rooms" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_entries_before_updates" ON "entries_before" ("message_id")
    WHERE event = 'message:updated';
CREATE OR REPLACE FUNCTION "message_payload"(m messages) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT row_to_json(p)::text FROM (
        SELECT m.room_id, m.seq, {TIME.format("m.created_at")} AS at, m.sender_id AS actor_id, (
            SELECT row_to_json(x) FROM (
                SELECT m.id, m.room_id, m.seq, m.client_id, (
                    SELECT row_to_json(u) FROM (
                        SELECT id, username, display_name, avatar_url FROM users WHERE id = m.sender_id
                    ) u
                ) AS sender, m.body, m.reply_to_id AS reply_to, '[]'::json AS attachments,
                CASE WHEN m.mentions LIKE '[%' THEN m.mentions ELSE '[]' END::json AS mentions,
                '[]'::json AS reactions,
                {TIME.format("m.created_at")} AS created_at, {TIME.format("m.edited_at")} AS edited_at,
                {TIME.format("m.deleted_at")} AS deleted_at
            ) x
        ) AS message
    ) p
$$;
CREATE OR REPLACE FUNCTION "copy_message"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entries_before (room_id, seq, event, at, actor_id, message_id, payload)
    VALUES (NEW.room_id, NEW.seq, 'message:new', NEW.created_at, NEW.sender_id, NEW.id, message_payload(NEW))
    ON CONFLICT (room_id, seq) DO UPDATE SET payload = excluded.payload;
    IF NEW.words IS NULL THEN
        DELETE FROM message_words WHERE message_id = NEW.id;
    ELSE
        INSERT INTO message_words (message_id, words) VALUES (NEW.id, NEW.words)
        ON CONFLICT (message_id) DO UPDATE SET words = excluded.words;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION "copy_entry_back"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entries_before (room_id, seq, event, at, actor_id, message_id, payload)
    VALUES (NEW.room_id, NEW.seq, NEW.event, NEW.at, NEW.actor_id, NEW.message_id, NEW.payload_json)
    ON CONFLICT (room_id, seq) DO UPDATE SET payload = excluded.payload;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS "copy_message" ON "messages";
CREATE TRIGGER "copy_message" AFTER INSERT OR UPDATE ON "messages"
    FOR EACH ROW EXECUTE FUNCTION "copy_message"();
DROP TRIGGER IF EXISTS "copy_entry" ON "entries";
CREATE TRIGGER "copy_entry" AFTER INSERT OR UPDATE ON "entries"
    FOR EACH ROW EXECUTE FUNCTION "copy_entry_back"();
"""
COPY_ENTRIES_BACK = f"""
WITH page AS (
    SELECT * FROM entries WHERE (room_id, seq) > ($1, $2) ORDER BY room_id, seq LIMIT {BATCH_ROWS}
), copied AS (
    INSERT INTO entries_before (room_id, seq, event, at, actor_id, message_id, payload)
    SELECT room_id, seq, event, at, actor_id, message_id, payload_json FROM page
    ON CONFLICT (room_id, seq) DO NOTHING
)
SELECT room_id, seq FROM page ORDER BY room_id DESC, seq DESC LIMIT 1
"""
# The rows are locked, so that a message that is deleted meanwhile gets no words.
COPY_MESSAGES_BACK = f"""
WITH page AS (
    SELECT * FROM messages WHERE id > $1 ORDER BY id LIMIT {BATCH_ROWS} FOR SHARE
), words AS (
    INSERT INTO message_words (message_id, words) SELECT id, words FROM page WHERE words IS NOT NULL
    ON CONFLICT (message_id) DO NOTHING
), copied AS (
    INSERT INTO entries_before (room_id, seq, event, at, actor_id, message_id, payload)
    SELECT m.room_id, m.seq, 'message:new', m.created_at, m.sender_id, m.id, message_payload(m)
    FROM messages m JOIN page ON page.id = m.id
    ON CONFLICT (room_id, seq) DO NOTHING
)
SELECT id AS last FROM page ORDER BY id DESC LIMIT 1
"""
# Not checked while others wait: `VALIDATE` reads the table beside them.
REFERENCES = (
    ("messages_room_id_fkey", "room_id", "rooms"),
    ("messages_sender_id_fkey", "sender_id", "users"),
)
ADD_REFERENCE = (
    'ALTER TABLE "messages" DROP CONSTRAINT IF EXISTS "{0}", ADD CONSTRAINT "{0}" FOREIGN KEY ("{1}") '
    'REFERENCES "{2}" ("id") ON DELETE CASCADE NOT VALID;'
)
SWITCH_BACK = """
LOCK TABLE "entries", "messages", "message_words", "entries_before", "rooms", "users" IN ACCESS EXCLUSIVE MODE;
DROP TABLE "entries";
DROP TRIGGER "copy_message" ON "messages";
DROP TRIGGER "rooms_deleted" ON "rooms";
DROP TRIGGER "users_deleted" ON "users";
DROP FUNCTION "copy_message"();
DROP FUNCTION "copy_entry_back"();
DROP FUNCTION "message_payload"(messages);
DROP FUNCTION "delete_log"();
DROP FUNCTION "keep_senders"();
ALTER TABLE "entries_before" RENAME TO "entries";
ALTER SEQUENCE "entries_before_id_seq" RENAME TO "entries_id_seq";
ALTER INDEX "entries_before_pkey" RENAME TO "entries_pkey";
ALTER INDEX "idx_entries_before_updates" RENAME TO "idx_entries_updates";
DROP TABLE "message_attachments";
ALTER TABLE "messages" DROP COLUMN "words";
"""

# --- SQLite: one program, one transaction, no cascades meanwhile ---

MESSAGES = """
CREATE TABLE "messages_next" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "seq" BIGINT NOT NULL,
    "client_id" CHAR(36) NOT NULL,
    "body" TEXT NOT NULL,
    "reply_to_id" CHAR(36),
    "mentions" TEXT NOT NULL,
    "attachments" TEXT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "edited_at" TIMESTAMP,
    "deleted_at" TIMESTAMP,
    "room_id" CHAR(36) NOT NULL{room},
    "sender_id" CHAR(36) NOT NULL{user},
    CONSTRAINT "uid_messages_sender__9a6e09" UNIQUE ("sender_id", "client_id"),
    CONSTRAINT "uid_messages_room_id_8df77b" UNIQUE ("room_id", "seq")
);
INSERT INTO "messages_next" SELECT "id", "seq", "client_id", "body", "reply_to_id", "mentions", "attachments",
    "created_at", "edited_at", "deleted_at", "room_id", "sender_id" FROM "messages" ORDER BY rowid;
DROP TABLE "messages";
ALTER TABLE "messages_next" RENAME TO "messages";
CREATE TRIGGER "messages_deleted" AFTER DELETE ON "messages" BEGIN
    DELETE FROM "message_words" WHERE rowid IN (
        SELECT rowid FROM "message_words" WHERE "message_words" MATCH 'message_id : "' || old."id" || '"'
    );
END;
"""
SQLITE_UP = (
    """
CREATE TABLE "entries_next" (
    "room_id" CHAR(36) NOT NULL,
    "seq" BIGINT NOT NULL,
    "event" VARCHAR(32) NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "actor_id" CHAR(36),
    "message_id" CHAR(36),
    "payload_json" TEXT NOT NULL,
    PRIMARY KEY ("room_id", "seq")
) WITHOUT ROWID;
INSERT INTO "entries_next" SELECT "room_id", "seq", "event", "at", "actor_id", "message_id", "payload"
    FROM "entries" e WHERE "event" <> 'message:new'
    OR NOT EXISTS (SELECT 1 FROM "messages" m WHERE m."room_id" = e."room_id" AND m."seq" = e."seq");
DROP TABLE "entries";
ALTER TABLE "entries_next" RENAME TO "entries";
CREATE INDEX "idx_entries_updates" ON "entries" ("message_id") WHERE event = 'message:updated';
"""
    + MESSAGES.format(room="", user="")
    + ATTACHMENTS.format(key="INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", uuid="CHAR(36)")
    + """
CREATE TRIGGER "rooms_deleted" AFTER DELETE ON "rooms" BEGIN
    DELETE FROM "messages" WHERE "room_id" = old."id";
    DELETE FROM "entries" WHERE "room_id" = old."id";
END;
CREATE TRIGGER "users_deleted" BEFORE DELETE ON "users" BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: messages refer to this user')
        WHERE EXISTS (SELECT 1 FROM "messages" WHERE "sender_id" = old."id");
    UPDATE "rooms" SET "member_version" = "member_version" + 1
        WHERE "id" IN (SELECT "room_id" FROM "memberships" WHERE "user_id" = old."id");
END;
"""
)
SQLITE_TIME = "strftime('%Y-%m-%dT%H:%M:%fZ', {})"
SQLITE_DOWN = (
    """
DROP TRIGGER "rooms_deleted";
DROP TRIGGER "users_deleted";
CREATE TABLE "entries_before" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "seq" BIGINT NOT NULL,
    "event" VARCHAR(32) NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "actor_id" CHAR(36),
    "message_id" CHAR(36),
    "payload" TEXT NOT NULL,
    "room_id" CHAR(36) NOT NULL REFERENCES "rooms" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_entries_room_id_129ee1" UNIQUE ("room_id", "seq")
);
INSERT INTO "entries_before" ("seq", "event", "at", "actor_id", "message_id", "payload", "room_id")
    SELECT "seq", "event", "at", "actor_id", "message_id", "payload_json", "room_id" FROM "entries"
    ORDER BY "at", "room_id", "seq";
"""
    f"""
INSERT OR IGNORE INTO "entries_before" ("seq", "event", "at", "actor_id", "message_id", "payload", "room_id")
    SELECT m.seq, 'message:new', m.created_at, m.sender_id, m.id, json_object(
        'room_id', m.room_id, 'seq', m.seq, 'at', {SQLITE_TIME.format("m.created_at")}, 'actor_id', m.sender_id,
        'message', json_object(
            'id', m.id, 'room_id', m.room_id, 'seq', m.seq, 'client_id', m.client_id,
            'sender', json_object(
                'id', u.id, 'username', u.username, 'display_name', u.display_name, 'avatar_url', u.avatar_url
            ),
            'body', m.body, 'reply_to', m.reply_to_id, 'attachments', json_array(),
            'mentions', CASE WHEN json_valid(m.mentions) THEN json(m.mentions) ELSE json_array() END,
            'reactions', json_array(), 'created_at', {SQLITE_TIME.format("m.created_at")},
            'edited_at', {SQLITE_TIME.format("m.edited_at")}, 'deleted_at', {SQLITE_TIME.format("m.deleted_at")}
        )
    ), m.room_id FROM "messages" m JOIN "users" u ON u.id = m.sender_id ORDER BY m.id;
"""
    """
DROP TABLE "entries";
ALTER TABLE "entries_before" RENAME TO "entries";
CREATE INDEX "idx_entries_updates" ON "entries" ("message_id") WHERE event = 'message:updated';
DROP TABLE "message_attachments";
"""
    + MESSAGES.format(
        room=' REFERENCES "rooms" ("id") ON DELETE CASCADE',
        user=' REFERENCES "users" ("id") ON DELETE CASCADE',
    )
)


async def upgrade(db: BaseDBAsyncClient) -> str:
    if db.capabilities.dialect != "postgres":
        return SQLITE_UP
    if not await _holds(db, IS_CURRENT):
        await _run_locked(db, PREPARE)
        await _copy(db, COPY_WORDS)
        if await _holds(db, IS_BROKEN):  # by a migration that was killed
            await db.execute_script(DROP_INDEX)
        await db.execute_script(CREATE_INDEX)
        await _copy(db, COPY_ENTRIES, first=0)
        await _run_locked(db, SWITCH)
    return "SELECT 1;"


async def downgrade(db: BaseDBAsyncClient) -> str:
    if db.capabilities.dialect != "postgres":
        return SQLITE_DOWN
    if not await _holds(db, IS_PREVIOUS):
        await _run_locked(db, PREPARE_BACK)
        for name, column, table in REFERENCES:
            await _run_locked(db, ADD_REFERENCE.format(name, column, table))
            await db.execute_script(f'ALTER TABLE "messages" VALIDATE CONSTRAINT "{name}"')
        await _copy(db, COPY_MESSAGES_BACK)
        await _copy_entries_back(db)
        await _run_locked(db, SWITCH_BACK)
    return "SELECT 1;"


async def _holds(db: BaseDBAsyncClient, query: str) -> bool:
    rows = await db.execute_query_dict(query)
    return bool(rows and rows[0]["yes"])


async def _copy(db: BaseDBAsyncClient, statement: str, first: object = NO_ID) -> None:
    """Run a statement for one batch after the other; it returns the last key that it read."""
    last: Any = first
    while rows := await db.execute_query_dict(statement, [last]):
        last = rows[0]["last"]


async def _copy_entries_back(db: BaseDBAsyncClient) -> None:
    last: list[Any] = [NO_ID, 0]
    while rows := await db.execute_query_dict(COPY_ENTRIES_BACK, last):
        last = [rows[0]["room_id"], rows[0]["seq"]]


async def _run_locked(db: BaseDBAsyncClient, script: str) -> None:
    """Run a script as one transaction, again and again until no other program holds one of its locks."""
    for tries_left in range(LOCK_TRIES, -1, -1):
        try:
            await db.execute_script(f"SET LOCAL lock_timeout = {LOCK_MS};{script}")
        except Exception as error:
            if not tries_left or _state(error) not in LOCK_STATES:
                raise
            await asyncio.sleep(RETRY_S)
        else:
            return


def _state(error: BaseException) -> str | None:
    """The SQLSTATE of the driver's error, inside Tortoise's or not."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    return getattr(inner, "sqlstate", None)


MODELS_STATE = (
    "eJztXWtz2za6/isYfWk7o2Zi2XK8md0z47jpxm0cdxPntLOdjAqRkIRYIlherGhy+t8PAN"
    "5JkAIoSqJQfEksAi9EPbi99/frYEVstPSfXbv4Z7QZvARfBw5cIfpHqWUIBtB1s+fsQQCn"
    "S94VunjyiDb8IZz6gQetgD6fwaWP6CMb+ZaH3QATh/X+dQEDAIHrkbkHV4DM6IfQRx6wyA"
    "r5ADtgjYMFG8smFh0MO3M1stDBf4ZoEpA5ChbIo8S/f6KPsWOjL8hnH38fMMrBJ/bYfZzM"
    "MFrahR+PbTYQfz4JNi5/9vHj7Q8/8p7s1aYTiyzDlZP1djfBgjhp9zDE9jNGw9rmyEEeDJ"
    "Cdg8UJl8sYweRR9Ob0QeCFKH1lO3tgoxkMlwzcwT9noWMxTMEinE7D6TOLeOgZtv1n7Jtf"
    "/E/8ljmKyeTd/cPkw+uHyWRQmRb2NiXI40cWcdiUYidg2H39Kxo3w4Y/HbAvuHlz/f7b88"
    "vvOBrED+Yeb+TIDf7ihDCAESmfhwxw/n8F8psF9MSQJ/1LoNMXbQN38iDDO1u7CXwJQHuA"
    "dLCCXyZL5Mzp+n0Jrp43QPy/1+85ylfPOcqEbrVoD76LW0a8iYGdget6aIa/qMCbUXQD8P"
    "b1fDB4RzLwjurhHVXgtfEc+YEKvBmFhuv38kIC4MuLWoBZUxFg3yJsDAWAMwoNAb6QWcEX"
    "9Sv4orKCfQSXyJ74yPKQ0kKuELaCOz4M+on2aCx1YIwbToxxBXAKF4NjAgVo/0BbArxCYs"
    "SLlCW47Zj0WfLHCa71BrAfbu9ef3i4vvuFDb/y/T+XHK/rh9esZcSfbkpPv70szUs6CPj1"
    "9uENYB/Bf+/fvS4zLWm/h/8O2DvBMCATh6wn0M5jkjxOHhWmeQn9YEJZzTYTXabtYKp7ts"
    "90mmn0xcV0uBbzXKQ0s9znWWZS40RNNsyRdCkg9ndStwiBTOSePQplQC6TV6D9kYq1eO78"
    "jDYc4Fv6HtCxRMJfrLH4GA9zmpBmT7Ot7MF1qqPILyj62+kvRkHEpF1/uLn+4fWAIzyF1u"
    "MaevakADVrISNSepL2rTatRqvyE+jAOQeH/Qr2zomeKAigtVgh/t5VLVLWOmzSJK2Q79Px"
    "6WGY9JdUKl07IHSXBNogiPRE8UiACrLI80FAKgolORKBMun35DV5Ox+CTcinqpKp2CataX"
    "qF57dOoKBrwhGu+RUfL53+CuVz9grf/2M0Oj9/MXp+fnk1vnjxYnz1/Ir25e9bbXrRcOy8"
    "uv337buH4tXAHjSrnTxCVooHeo7EHOglsSZb8Co3ZJ7IQFrW3REf82+uIFp7RORJth8UJ4"
    "BkfFaMzi5eXFydX16kR0T6pOlkSE6B3KUU3zJq67RIZRZqMzOXuyJ35OfuspFOE9itLF1x"
    "ZfWKqwttHLxHFvGKXIuguZGvg6zjZEnmsiZCAmxsgzVlzIaAOPEfM4+s6J/IoyTQscGCrA"
    "EOAKKzawvsha3GkDEeRqI6Y+uGgH6yApJw5LSFPwugR+lLD6GVnMrsibE99sX2qK6zMcrX"
    "E1DWZNtN1pqRURirkYTViIQB871QQThHoiHEVzKG+3q7fRlfD0FfbQFnFPrZ4bpfv/mLW/"
    "a6zdPscOn2DOluRNUIG48slY6EIpV+6/bsUmLdnpUvymzdsqaytd736SsprtwilVm7RUxj"
    "hv2R/giVxVsi02/1du8tVRCNFHEWrl0NUO7eZQq7KvBGvQ/HkQ32JSCWWIaxDMswrmcZxm"
    "VYufENzmM7liy8RSrtYD5/LnNI0F61QPO2MvNLf6evek4UqbRD+mwkI2LQXvXcxKgiZswo"
    "ByZwrnxAX2rsCymBFiJck8rj9W8PBW1HguO3d9e/fVfQeLy9f/fvpHsO95u3969EevLjaH"
    "N/gAGcQh/doQAOBOrcQvuwSZ/rB3SC5XS514CtFwCnVPYHwQL7wI6/5iXAgQ+QS6xqtIc0"
    "1XZ9ba2i9TGKa5E9W+Lu2jnEdyVY1ytYn+AyFMiE9SdMSmBOmNM6YV6zbXmzhHglOl9yrY"
    "2nC9/cE4t1lHX/AdYSU/4qcuVZQx/ABYJ2FCXGPDZesj8RtBZRzBg9KsCSriA/AMSJLUHr"
    "BXLYJ0Bnzkc271N3OO3523Y41PrjoqhkR+LfxP65ODHjUTpnstdISqDF2VbiT6UkgbMGSe"
    "BMIAkYH60uNV0++rMKZZPHYUygkyfRQbwOS2EgyrjnqQz4rcHnbES7UKsCpbH299raH7FR"
    "LWa5QGjCb/o2xz0RbG5ttHJJgBxrU5Moo9SjUcDBWV+FxBnXIFZvRnIH9sEU0akHlIgKEK"
    "FLnCEgHlePQMdfR1EwJcGlxQjy6TSYk1sunI1/tuByGY2Tb1FyfmuwW3So5u2RRqYrc1C9"
    "1JLNiizUGYV+5rfzkYz9YlRvvhhVXEv8RyRYyfUar5RAC6nwEBqvAoONoC9QMNYLiCmBEQ"
    "9LUC4YdegEeKnKSBUpDbvcO1aqcECl17v0CZVS6HABHPqE6lF+ALOtNEwQcDrb61TyA/QT"
    "0VNND0ClY8oZBHWSc9Q23CIzs14YSUrLH8gKTYm9AUnayCc6gjcE6wUBK7gBPl00LGtkQK"
    "isSyVgi1DeBbDAsIrYvNtQwgwC2PfDaBn64fQzsgJR+gCTo7JXpr5k4lXE5jyNFqLdviXn"
    "bGNIK4FSCg0BHo1lfFhpr4bscxUv1uTIUQA5R2JQlkMZraBIiG7wDEgIdBCwygDLqDRprw"
    "aAKz7uJoliPfr0B9r3znITL4wTkbHiNXxKORXNzB9s5vvj2tYPWfCUpeueQnqq4vVPZDoQ"
    "SNbs8bBJqP5MpgridLBgxmIq5U4RsJnvKpWHmSWFubVaYrF5O8l28/LXQYbCIA219DDxYq"
    "WBFzqxvZlpS70o0DUFLZOXv0zY752wE5LTJUt3wAkpAOwD+PXN6/evAY9wAP8C3/De3wz4"
    "SZR7D25BSuwd0t8cOg4DR/q7o/7Vb+fpauJLjKJHd5DsK7BJkP5+1rnTL6dYyn857fxNtK"
    "GM/qMP+o9oriuY1ws0KYGGImP3mg/V2POdgs77DW738dAu3LAsk1V86w2eORItID60yTON"
    "EZTWMSUEB4zbTXmBIuLZ4x7mBYJBgFauKGa31pc8T3I4X/LnZVyf74BoxzlAY56xAuEWZ+"
    "GUSkPVwYmoCqQM8UfxCOuZCrYbh7CCoKO4Xcq0xr2+z3smlsQVw+KLVJ2YLnrkin0mlQDp"
    "rCED0lk1BRJXQyPPI0p2ziKVfjaisVTw6LgheHRcDR41NqK/xdGVV0kpOVfm6Mzl1OcZfk"
    "KeL0zn+2EFl8tawSdHdji556w8n2c7nJGR3HM+enGZijzsQ5O08+Hu+u3bqsiTV5mrYJin"
    "+1uC2JMYxJ/I9D9coyq29Pwn0bY2mnsmXCkrHXHIe8cFkhwA7RV2gAuZCZ1HCkZ/is0/qs"
    "Q7JD05bvXoHrGrXWmlG5wg+aRVwX5FCJX2nDpVakJUQnxKqfRinV7d378t3Kmvbsu60o93"
    "r15TmYFPAu2EIwtyr46at1wbIjhn3iZqkvpDhgv90gdMAP3H6Ihg1mHXIxby/cjRmjFdwE"
    "XejHhRHqjS8aJCag6XUzhcvFDA4DWk+QlFjN3f07On4EMde+koJk8tkWlh9Nq3XdHE9bVZ"
    "yychffbkKr5DqykVYhfYFd3HudbGS3mV9lMNn6I8e5TUMKuXNYM8p+EGLOATK5cKbYCDyg"
    "XdagRhsBSj5Y1pQJSJkzr6ddNUVFWtAshOtT/6duqVEyLKWA+a0iGWL5zPBDutVJ0FQg2v"
    "G40d3+OpU84gWKQ7ab+PY2RsZAuqZdrGPOkRcT/pxI2rMFBWNKU0B9QzpU9OStFUMJIuoD"
    "NvZyQtUBoLWt9kGJNHeW9KFhONts9otETk2zEa7X08zGlCujUaLbc/xdFo5QXbAaQmwO84"
    "WiAn/sUCFZCT1hVv0P/wTqrKH/ZVdqTAiYvU16t5xH2FCp18e4NOZ1hY4YydVtPyNLHpwm"
    "NYwJvHa6S/JpoD8uZNKh/DW3TIW5gaDYeXNqMjSXERF6nMOjY88gF55NwtuiNPd5eNdJrA"
    "bmXrihvVMMuaM8vRchYyy+lKb2KWeSdpH6a4f+SL5Cf88NojAcqMnxXGWYFOyET7zHmdr6"
    "6oGh2biE+s5EJClTLMMl5Oxkq6l7uwnmU2PN4RSkEl+0RhqReIDEtSgpSdWFU065MqJP21"
    "sPUfOqOCh9zlht4CqpJ2kcwEOJclv0w1JruM8zQHzFbx+6cj3HF7WcowCKC1YDAq4V4iM9"
    "C3gN6ExLaailMz9yIbt5vlAqEx6fd5jiOJu80kFynNLPd5lo1xpWPjCtObKAJaIDKQGucN"
    "NeVp8gLtvTcybZ9RSTeiWtipqlrpsoAidECNKX/8+T1awsT1Qgz2dSqvaAJ57FlfjI7dEa"
    "ScA4uOCFGhyapRMKig9D4eRieY9moEmsGbBSta7NRYgvLtwyZzkEtPFPrzJksyx8oeVKxG"
    "2JwFuQULBDw8XwTAhb6/Jp7No+HIGvkAAot+bcVC1HaQ9hW7jXmoL+YhG8+Rr1SiKaPQLv"
    "NA93HbNnrCFpqo5nYokemXhO9MKgnfWUMSvrNqEr7TTVjcrbmzs+TFJutAm9P45BQ/xn3O"
    "FDwyLl5C7v7+OgwWbyjvS2azgYC7L7Q3cvcL1omliZRj7K95td/vWbVf5rVl0a8F7CeBmU"
    "dWuerALwEO/LiYDaZ/UCEiiPJfsOeMU+elg6cIoC9xFGVdGr39f6ERGE5fYOAzP1EXG8p0"
    "RnjYKjywzdQC6RKZbqnS94Rzq8IDRUpj3uwzl2vltXDSeylPpJ8YfnEusZcuzmv3EmsyIu"
    "PfcDMdTWTs2XbSQGLsJ6InKzA66IEeTw/kEQmj6AvtwyaBkThUUqJdqbhE+6qXz43ToaPv"
    "VxAvAYXH5xIaSxmFPGCT4dZquvIjSAt2bLGGHt0OyMh4/ZXxkilSYJRyJFrEXBT5JKnqTA"
    "3Fmaq1mYzdbb/5ktmRpYJuSqDj6h3L4Et71a/fsclI/fdk9I9Q0LifDOnB4maMNU4f2aqn"
    "kJ6qcPWLh2bIQ2xmBKJVrnXY6GeX9pMUqm4WBNPOgMx4BZhHzFzhor9d5PmRr2RBiJKiEG"
    "ZbSNYnI9ktq4LJSsbaDpGVjM+VAq+Z9NeQ1Ty7lHHrKjM0Oa+uy4pxZkHFSkG5nnr+I6M4"
    "YNzu17+OIOLvh/9w7ZZxu0VKDRn7E839L2D0K9EDhus0XKfhOmu4Tl7xT8xyRk1b+E3eST"
    "7P1x8Uhyf0xxD8sSbeI/L+YFVM//BZmFi4ZB+5Zt4LHZ/XN/Ugz4VLWPgXgHNS4UY7GXGH"
    "yobHL7enpMHn38T+uTgxtb1iGT5dedDutcmGwd8jg/+INnQwZ44814tFUGmcq6QGcgnIa4"
    "vc10NdX+BeB4i7KjlbcJP12klRRUoNpajTlZqq5hEfIafNHGdkZoJ7PcHYWWIHTSK2WRRa"
    "31QmrEps6oUp1Auj8qA/8ZCNVXEvEhrMVTB3qGjks/uHiq1fBDlX61kEAakO9t+Sx/RYxm"
    "N6XO8xPf5OpCo6jmYjzfUhUG3k84DU6zYKSUe26zbuHQTQinzGRWsYCAj/VFf7R55MqgzQ"
    "kLn70NFMjefeqzSieVI4hFICDaWUPUQ+mRytmtl6ZOo8mxpEpgZRH+FsMKCZGkSmBpExTg"
    "pZeItlldjcsJxsQjY+176FlY96TlhQs7Stkid84NZD7IM5IVGyhyGrK+QuoYUSjp3+x5LK"
    "sa8vc/dtB2n0n4ujJUxdor5y9scPgDk2g7ln3t4wJMajx1ya4kuTZfwWXZZxJvCGS5L2kL"
    "4bWeeX/MZCkf83i55dkjnPlrSOrzt/QdZO1Ci4GdsMIROMm3goMAAmj2hjdF79uRmNt0l6"
    "K15JXIpXtXfiVflKVE3Dqm/+1SuZgOar+oDmq0pAc3qSKOKb0OiWpmp0IRUzftEQNH5RAT"
    "kgLrZUEE4JDhgKsa/TthzULIXvuAHfsSAqn0rBgeoyLlLptpC7PyqM1aEeen2tDkvoBxPl"
    "asR5Km0SdB+4HvEMe22gL5AdDvszrbBfodWUysAWCUWuzbXYl8m0Wfqd5aaPEap1ZW5a2V"
    "VabfA98PLmxzNyAm/T4javEJsL/ZQudOhZC/zUio8rkZrEuX12gU6Y7ulG0ZxQITR5Pxtt"
    "Chleh7Ms9BPXrYaFytIqmBfoW4B3H9++lSvBGHED/gK7O5bOu0sHOsGLqg55kefYzjjp5o"
    "Kz1wqDH+Iw7YHAYpW2DZusVkmgt6Tl6tc48Su0V9gBPJ0KmBEPQJAMFBX8CF3mgb1eICfK"
    "Cxs6Plgjj9mq6GyFyK4YtDodeYeI9IMaAlpYtA6m3Osq8LHBg9thMIjyUzVF8OSo2oXv9P"
    "Ne23PwjuWpBfUm/fWzb+2lviAr4UQXZbtSIRViDYVdnaQedwmV9lLSX0Mr/EhqM40aNtMo"
    "2kw9CXtLmKb3oTDyLd8sxVZNGH8ix1pdM16GuepkHE+FSarpI+PWk++PbePU0x+nnvzMyB"
    "4peRoNj5Xuk258JlNFFVVGYRxeK9WUlbW6uirxdeJrVirlsVftC2P3TTzo2PxIwsAiakqE"
    "HImGp3nHrprI84jAwb4h8Dsh0E+YHUvx3+MG/nvcL/4b+X5N1omkqZnvjjop5JxIShsTh8"
    "eR2egJC0pfNfaUr11smO6+MN3R7E1Utb0lMv0OlL1ox3isD93waikci1TaeSmfSyF93oD0"
    "eRXpyL4oi3DUWztku0nElIfVQzN6tCxaVNyuUmrI4JnsM8ZtrEM/8FZ5M8u0ZuZPaeZNyc"
    "DaWT+RWZbzFyTODHurdgd7idZ4hvZ5pj30RB5bzXOR0sxy/2d5Qu8lX829pEKonyQtFeTb"
    "EONbDfE1aVtM2pZje1f3NG3Lw5r8CK2AeAOB5jhrHDbpjoM1fQHeT1J9/MASjoXBAjkBtm"
    "DAnFVdl3tnOABaaYBeQZEsSbODA6tRJe/h3Bg2qJJ9ZHlISSmUUWioDOrMJFWQDyOn3zby"
    "YYHSsJN9ZicjHU6ABErs7YkAYjITrtsyEwDEy9ATxe/UZwHIkWgDe2duIGuIg3b+4EVKc2"
    "T1+cgyhor6DaWvuro/kvhRA8Y6lMNVxMZtMvu9gx4I/WfPEnsfoO9YXt9JBqc42u9Ydu6B"
    "QAbPGodNMjh9XZvuOtpPOmqCuWUhG3iIzoofRLnC19AHAXxETpQg1afvwn22sA8cEkRNAM"
    "4pbhUBvYsBZRzCcnYrNbeww5Tt7VEgalfeBQ2BqMb6qCuv1hO/Vn7HiI/FLVpJdoBLn4Vx"
    "8bM1DhZNSsimjkbz2C9OqencYmtD1YM1T6PdVdF93BhaQZEA31RlDgrl9tMHdzSWuYhpr4"
    "a0uhVHPxv77hJu1B2xS3QaKtK7z64Ln+hJ4k1CT2lFF6n0M9TvxWAxxUQF47i7AVcK3CWx"
    "0jxSsgjnafSDeS9hG2s09XGAVM+LEpl+YHeW9KKQVAT6/ppQOUM9xkBAqh/oZyOpFT5qWO"
    "GjCugeUUu7kPQ/YMhMWrVu/whfygBcFuBz+F6W4fVD30X0x7Uxj5RpjRmsb6oV8Uy3sngK"
    "yM18n8B8t/D8rVLqd1ftpQANVyywxPSYDtrKE0o0gNlmfd5mPQuIMzNt/EiMH0mXfiSu3X"
    "LWi5Rm1vsy64LNXkmVHnlhtJn1IqU50fszydW93ar8UD/qDj3fYdsep5QW9B5FlQeaCj0l"
    "JAbnZpwVPChyliYXs6KXO1aDuHbxz1HlzBO7vOq884q5emy0ckmAHGvTAVa32WhymPXz6N"
    "8KmRPgAO9aZuQ2GkfbpWXq1khDxf63J1h0Tyvh5CQddATJFPeRAImpNekgkyWZY2dXqGbw"
    "ZgGXTKOoLV6s7AV5ir0b20N1fx0GizdsrNlM02svII9o1xXFgiKoTPjAhtJ1RbkemiEPJd"
    "ED7cH6JR1IV6g8BLkf7I5AvY+H0Rcmix1RG9rN3nVRvY/HuqEftcWLkJU/WUFb4FahhBUd"
    "R9PDPJ+iuj1AuWzYuqwjpfiL3OWYpm2pRzSJCNyOayFXjCarTzFW5Rp52GJm7Eq0StwybI"
    "pXgVmfbQEr9b+s4yCUWiWgMAZFoAGMZ7ppVx3XUb+T3AX1gSa1uux6P496TbYOvvmjsUyO"
    "adqrwcOjkmWabSoFhOPuGqK7F29m+o2BMAP9Tx/u39WY1jOSsq0NWwH4P7DE/t6sBccxsz"
    "EwCha2BNNv765/K8N98/b+Vdl0xgZ4deyCIn/9P97/IUY="
)
