"""What is read for each message, each file and each upload uses an index, with any number of uploads."""

import re

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.db.sql import as_uuid
from hubbub.queries.uploads import attachments, files, references, usage
from tests.support.attached import SIGNER, make_uploads
from tests.support.query_plans import ExplainingSql

SEEDING = """
    INSERT INTO users (id, username, email, display_name, role, created_at, updated_at)
    SELECT gen_random_uuid(), n, n, n, 'user', now(), now() FROM generate_series(1, 400) n;

    INSERT INTO uploads (id, kind, name, content_type, size, width, height, created_at, unreferenced_since,
        user_id)
    SELECT gen_random_uuid(), 'image', n || '.png', 'image/png', 9, 2000, 1000, now(),
        CASE WHEN n % 20 = 0 THEN now() END, u.id
    FROM users u, generate_series(1, 25) n;

    INSERT INTO stored_objects (id, digest, stored_digest, size, created_at)
    SELECT gen_random_uuid(), n, n, 9, now() FROM generate_series(1, 5000) n;

    INSERT INTO upload_files (id, name, content_type, thumbnail_width, stored_object_id, upload_id)
    SELECT gen_random_uuid(), w || '.webp', 'image/webp', w, o.id, u.id
    FROM (SELECT id, row_number() OVER () AS number FROM uploads) u
    JOIN (SELECT id, row_number() OVER () AS number FROM stored_objects) o ON o.number = u.number % 5000 + 1,
        unnest(ARRAY[320, 960, 1920]) w;

    INSERT INTO upload_references (id, kind, target_id, upload_id)
    SELECT gen_random_uuid(), 'avatar', user_id, id FROM uploads WHERE length(name) = 6;

    INSERT INTO rooms (id, kind, topic, created_at, last_seq, first_seq, member_count, member_version,
        last_entry_at)
    SELECT gen_random_uuid(), 'private', '', now(), 25, 1, 1, 0, now() FROM users;

    INSERT INTO memberships (id, room_id, user_id, role, joined_at, last_read_seq, muted)
    SELECT gen_random_uuid(), r.id, u.id, 'member', now(), 0, false
    FROM (SELECT id, row_number() OVER () AS number FROM rooms) r JOIN users u ON u.username::int = r.number;

    INSERT INTO messages (id, room_id, sender_id, client_id, seq, body, mentions, attachments, created_at,
        words)
    SELECT gen_random_uuid(), m.room_id, m.user_id, gen_random_uuid(), s, '', '[]', '[]', now(), ''::tsvector
    FROM memberships m, generate_series(1, 25) s;

    INSERT INTO message_attachments (message_id, room_id, upload_id, position)
    SELECT m.id, m.room_id, u.id, 0 FROM messages m
    JOIN uploads u ON u.user_id = m.sender_id AND u.name = m.seq || '.png';

    ANALYZE
"""
# A whole table, of those that grow with the uploads.
WHOLE = re.compile(
    r"Seq Scan on (uploads|upload_files|upload_references|stored_objects|message_attachments|memberships)\b.*"
    r"|SCAN (uploads|u|f|o|r|a|m)\b.*"
)


@pytest.fixture
async def explaining_sql(sql):
    """PostgreSQL decides by what there is; SQLite by its schema alone."""
    if sql.dialect == "postgres":
        async with database.transaction() as tx:
            for statement in SEEDING.split(";"):
                await tx.execute(statement)
    else:
        ada = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
        await make_uploads(ada.id, 10)
    return ExplainingSql(sql)


@pytest.fixture
async def user(sql, explaining_sql):
    rows = await sql.fetch("SELECT id FROM users LIMIT 1")
    return as_uuid(rows[0]["id"])


@pytest.fixture
async def uploads(sql, user):
    rows = await sql.fetch("SELECT id FROM uploads WHERE user_id = $1 LIMIT 10", user)
    return [as_uuid(row["id"]) for row in rows]


async def test_no_statement_reads_a_whole_table(explaining_sql, user, uploads):
    assert len(await attachments.load(explaining_sql, uploads, SIGNER)) == 10
    assert len(await attachments.load_own(explaining_sql, uploads, user, SIGNER)) == 10
    await files.find(explaining_sql, uploads[0], "320.webp")
    await files.is_attached_for(explaining_sql, uploads[0], user)
    assert await usage.total_bytes(explaining_sql, user) > 0
    await references.lock(explaining_sql, uploads)
    await references.referenced(explaining_sql, uploads)
    await references.keep(explaining_sql, uploads)
    await references.release(explaining_sql, uploads, clock.now())
    await attachments.load(explaining_sql, [ids.uuid7()], SIGNER)

    assert len(explaining_sql.plans) == 10
    for plan in explaining_sql.plans:
        assert not WHOLE.search(plan), plan
