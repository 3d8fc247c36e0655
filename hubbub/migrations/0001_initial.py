"""The first schema: users, sessions, rooms, the log, messages, reactions, the search index.

By hand: `message_words`, its trigger on SQLite, and the fill factor of tables whose rows change with every
message, so that PostgreSQL updates them within their page, without the indexes.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE "state" (
    "key" VARCHAR(40) NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);
CREATE TABLE "users" (
    "id" UUID NOT NULL PRIMARY KEY,
    "username" VARCHAR(32) NOT NULL UNIQUE,
    "email" VARCHAR(254) NOT NULL UNIQUE,
    "display_name" VARCHAR(80) NOT NULL,
    "avatar_url" VARCHAR(500),
    "password_digest" VARCHAR(120),
    "role" VARCHAR(16) NOT NULL,
    "suspended_at" TIMESTAMPTZ,
    "suspended_until" TIMESTAMPTZ,
    "suspend_reason" VARCHAR(250),
    "email_verified_at" TIMESTAMPTZ,
    "last_seen_at" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    "deleted_at" TIMESTAMPTZ
);
CREATE TABLE "rooms" (
    "id" UUID NOT NULL PRIMARY KEY,
    "kind" VARCHAR(8) NOT NULL,
    "name" VARCHAR(80),
    "name_key" VARCHAR(240) UNIQUE,
    "topic" VARCHAR(250) NOT NULL,
    "direct_key" VARCHAR(80) UNIQUE,
    "created_at" TIMESTAMPTZ NOT NULL,
    "last_seq" BIGINT NOT NULL,
    "first_seq" BIGINT NOT NULL,
    "member_count" INT NOT NULL,
    "member_version" BIGINT NOT NULL,
    "last_entry_at" TIMESTAMPTZ NOT NULL,
    "archived_at" TIMESTAMPTZ,
    "created_by_id" UUID REFERENCES "users" ("id") ON DELETE SET NULL
) WITH (fillfactor = 80);
CREATE INDEX "idx_rooms_kind_3ca553" ON "rooms" ("kind", "name_key");
CREATE TABLE "entries" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "seq" BIGINT NOT NULL,
    "event" VARCHAR(32) NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "actor_id" UUID,
    "message_id" UUID,
    "payload" TEXT NOT NULL,
    "room_id" UUID NOT NULL REFERENCES "rooms" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_entries_room_id_129ee1" UNIQUE ("room_id", "seq")
);
CREATE INDEX "idx_entries_updates" ON "entries" ("message_id") WHERE event = 'message:updated';
CREATE TABLE "memberships" (
    "id" UUID NOT NULL PRIMARY KEY,
    "role" VARCHAR(10) NOT NULL,
    "joined_at" TIMESTAMPTZ NOT NULL,
    "last_read_seq" BIGINT NOT NULL,
    "muted" BOOL NOT NULL,
    "room_id" UUID NOT NULL REFERENCES "rooms" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_memberships_room_id_a563e5" UNIQUE ("room_id", "user_id")
) WITH (fillfactor = 80);
CREATE INDEX "idx_memberships_user_id_6b1e99" ON "memberships" ("user_id");
CREATE TABLE "messages" (
    "id" UUID NOT NULL PRIMARY KEY,
    "seq" BIGINT NOT NULL,
    "client_id" UUID NOT NULL,
    "body" TEXT NOT NULL,
    "reply_to_id" UUID,
    "mentions" TEXT NOT NULL,
    "attachments" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "edited_at" TIMESTAMPTZ,
    "deleted_at" TIMESTAMPTZ,
    "room_id" UUID NOT NULL REFERENCES "rooms" ("id") ON DELETE CASCADE,
    "sender_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_messages_sender__9a6e09" UNIQUE ("sender_id", "client_id"),
    CONSTRAINT "uid_messages_room_id_8df77b" UNIQUE ("room_id", "seq")
);
CREATE TABLE "mentions" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "room_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "message_id" UUID NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_mentions_message_b88c87" UNIQUE ("message_id", "user_id")
);
CREATE INDEX "idx_mentions_user_id_408b7b" ON "mentions" ("user_id", "room_id", "seq");
CREATE TABLE "reactions" (
    "id" UUID NOT NULL PRIMARY KEY,
    "emoji" VARCHAR(64) NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "message_id" UUID NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_reactions_message_ff253e" UNIQUE ("message_id", "user_id", "emoji")
);
CREATE TABLE "sessions" (
    "id" UUID NOT NULL PRIMARY KEY,
    "device_name" VARCHAR(100),
    "user_agent" VARCHAR(300) NOT NULL,
    "ip" VARCHAR(45) NOT NULL,
    "refresh_digest" VARCHAR(64) NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "last_seen_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "revoked_at" TIMESTAMPTZ,
    "revoke_reason" VARCHAR(40),
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX "idx_sessions_user_id_80072d" ON "sessions" ("user_id");
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);
CREATE TABLE "message_words" (
    "message_id" UUID NOT NULL PRIMARY KEY REFERENCES "messages" ("id") ON DELETE CASCADE,
    "words" TSVECTOR NOT NULL
);
CREATE INDEX "idx_message_words" ON "message_words" USING GIN ("words");
""",
    "sqlite": """
CREATE TABLE "state" (
    "key" VARCHAR(40) NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);
CREATE TABLE "users" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "username" VARCHAR(32) NOT NULL UNIQUE,
    "email" VARCHAR(254) NOT NULL UNIQUE,
    "display_name" VARCHAR(80) NOT NULL,
    "avatar_url" VARCHAR(500),
    "password_digest" VARCHAR(120),
    "role" VARCHAR(16) NOT NULL,
    "suspended_at" TIMESTAMP,
    "suspended_until" TIMESTAMP,
    "suspend_reason" VARCHAR(250),
    "email_verified_at" TIMESTAMP,
    "last_seen_at" TIMESTAMP,
    "created_at" TIMESTAMP NOT NULL,
    "updated_at" TIMESTAMP NOT NULL,
    "deleted_at" TIMESTAMP
);
CREATE TABLE "rooms" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "kind" VARCHAR(8) NOT NULL,
    "name" VARCHAR(80),
    "name_key" VARCHAR(240) UNIQUE,
    "topic" VARCHAR(250) NOT NULL,
    "direct_key" VARCHAR(80) UNIQUE,
    "created_at" TIMESTAMP NOT NULL,
    "last_seq" BIGINT NOT NULL,
    "first_seq" BIGINT NOT NULL,
    "member_count" INT NOT NULL,
    "member_version" BIGINT NOT NULL,
    "last_entry_at" TIMESTAMP NOT NULL,
    "archived_at" TIMESTAMP,
    "created_by_id" CHAR(36) REFERENCES "users" ("id") ON DELETE SET NULL
);
CREATE INDEX "idx_rooms_kind_3ca553" ON "rooms" ("kind", "name_key");
CREATE TABLE "entries" (
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
CREATE INDEX "idx_entries_updates" ON "entries" ("message_id") WHERE event = 'message:updated';
CREATE TABLE "memberships" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "role" VARCHAR(10) NOT NULL,
    "joined_at" TIMESTAMP NOT NULL,
    "last_read_seq" BIGINT NOT NULL,
    "muted" INT NOT NULL,
    "room_id" CHAR(36) NOT NULL REFERENCES "rooms" ("id") ON DELETE CASCADE,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_memberships_room_id_a563e5" UNIQUE ("room_id", "user_id")
);
CREATE INDEX "idx_memberships_user_id_6b1e99" ON "memberships" ("user_id");
CREATE TABLE "messages" (
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
    "room_id" CHAR(36) NOT NULL REFERENCES "rooms" ("id") ON DELETE CASCADE,
    "sender_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_messages_sender__9a6e09" UNIQUE ("sender_id", "client_id"),
    CONSTRAINT "uid_messages_room_id_8df77b" UNIQUE ("room_id", "seq")
);
CREATE TABLE "mentions" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "room_id" CHAR(36) NOT NULL,
    "seq" BIGINT NOT NULL,
    "message_id" CHAR(36) NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_mentions_message_b88c87" UNIQUE ("message_id", "user_id")
);
CREATE INDEX "idx_mentions_user_id_408b7b" ON "mentions" ("user_id", "room_id", "seq");
CREATE TABLE "reactions" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "emoji" VARCHAR(64) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "message_id" CHAR(36) NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_reactions_message_ff253e" UNIQUE ("message_id", "user_id", "emoji")
);
CREATE TABLE "sessions" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "device_name" VARCHAR(100),
    "user_agent" VARCHAR(300) NOT NULL,
    "ip" VARCHAR(45) NOT NULL,
    "refresh_digest" VARCHAR(64) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "last_seen_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "revoked_at" TIMESTAMP,
    "revoke_reason" VARCHAR(40),
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX "idx_sessions_user_id_80072d" ON "sessions" ("user_id");
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSON NOT NULL
);
CREATE VIRTUAL TABLE "message_words" USING fts5(words, message_id, room, tokenize = 'ascii', columnsize = 0);
CREATE TRIGGER "messages_deleted" AFTER DELETE ON "messages" BEGIN
    DELETE FROM "message_words" WHERE rowid IN (
        SELECT rowid FROM "message_words" WHERE "message_words" MATCH 'message_id : "' || old."id" || '"'
    );
END;
""",
}

DOWN = """
DROP TABLE "message_words";
DROP TABLE "sessions";
DROP TABLE "reactions";
DROP TABLE "mentions";
DROP TABLE "messages";
DROP TABLE "memberships";
DROP TABLE "entries";
DROP TABLE "rooms";
DROP TABLE "users";
DROP TABLE "state";
"""


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(_db: BaseDBAsyncClient) -> str:
    return DOWN


MODELS_STATE = (
    "eJztXVtv2zgW/iuCXqYDeIJEjhNvsbtA0rrT7OSySJydwRSFQEuMzYksqRIVx+j2vy9JXalbKMV2ZC2fbJM8tPQd8uhcqe/q"
    "0jGh5R9MbOyt1ffKd9UGS0i+8B0DRQWumzbTBgxmFhsJyRAEWRuY+dgDBibND8DyIWkyoW94yMXIsengGxsqZuBRWgU+EVLF"
    "eVCA4jnOcqAAX0FYWZEPYNtOYBvQpLOajkGmRfa87QSBjb4FUMfOHOIF9Mg0X76olIJ2+vCb+vUr+YJsEz6T+yC939UHBC2T"
    "fVeX0PfBHOrIVOkw+Ox6pIXcD+umTTFmyHzWIzT0wDUBDlHBa5d1q4yaAER/KL9/ntxOolv4h/JT9C/vQzrzJ/UHndl91NmV"
    "cKxB7KZYux7PfY7mFzb+xMZSyGa64VjB0k7Hu2u8cOyEANmYts6hDT36h6QNewHlmB1YVsTbmIkhgOmQEKoMjQkfQGBRvlPq"
    "8ALSNlXXr2+m+t1kqutqYU3EFBkuR00GwZjARS7VZwDM6SX88jdNGw5PtcPhyXh0fHo6Gh+OyVh2vcWu0x/hxaRohVMxzC5+"
    "vbie0gtyyKINFzNt+MFoAAZ6ugpS9Ol6aQR/RPAy/jHadQyIG1IOpButZyxIIWebpAj6hwXwyiFPCHKgk1vZR9CX4Fm3oD3H"
    "C/JzqNXg+Z+z2w+fz27fDbWfeVCvox6NdfHwghJsPxJ4MFrCcnxBGbhmRHIQf9lDqGugnV5cTe6mZ1f/ptMvff+bxXA6m05o"
    "j8Za17nWdyc5NiSTKL9fTD8r9Kfy5831hMHp+HjusX9Mx03/VOk1gQA7uu2sdGBmMYmb4yaerQZ2PL3sYXF/f/GxgrEZmhx7"
    "gwCZB5RSgK3RU2EPuBrulpBNWQawG+W3SUYPaIAoTyUx5TF1wdpyQAmgU6IolQOaIemFdK8TOZM/ppy0iaX4u6uzP37mJM7l"
    "zfWv8fCM1P9weXOeg5zqvQ3XcIbkFQt4j4B/YQVTzfzhsVQ7jK0KHtpPjgfR3P4NrhnAF+Q6ADFOSgCNzK7baJr9hDRtTeWW"
    "B1aJKZNdUOTeyR1DHGp0Z3cfzj5OQttnBozHFfBMnYOa9jiak2tJxha7ltoy3wJsIpHN6C7oNUeoX8HlDHr+ArlqiSmc6R3U"
    "2cPLZJygTXznLOHMMdcKslNL1jaVhbMiJJ5CbNa1sgBPUPEgMImFWzCKW81QaxUHPmnJm8VfMs3Clmm1WNm8RHnZPFX//hDY"
    "BkVeWQSzWTA7MMjePECmf2DD1T/VzsmaQY0p6jkWbGIWxeN78dzkraKjQwGr6Oiw0iqiXfxz8i8H2dDUmxtHHGEPbSSVypAb"
    "21pH+2tPbKZIFNSaTBbwsU5vT2/s5SmQ7s7fc7gtRr+Js2cZYFjm4HSI8AJ2hZEV0+RAnxGibaGetOz2cXF+c3PJ7abzi7zS"
    "f391PiHCjm0jMgjhCqSlJbBRW5bqRg3hzJBIOKVhtQPDKr9gNwDpfTRNTyHN7NFu2ap2dMclhmrYNai3UtmgpiYq/SszNDMj"
    "z2a1MVo+ttTszPbXWJ4DboUnkVsZJe1clFTqFhvVLWTQefd2yNuGe7rGBKkjdwTOGh058xR9pU53lc60n8C+qNbxG1Uqyz1X"
    "lsPlXKosJyu9TllmgwSV5bNY3VXwAmDFj/XhledgmIZoCopzA7pSJdqHZHGw1WVYiKj3UcZifaqjjOV0I5YjNbyda3jpLmmw"
    "0DkiqZDkIKXyqohmdTJPPL4XEcmdZ/JA11qTZ0BTO5snkylpebsvdYyJLuMsze6Wsvrl6xs847aylAHGwFhQGBvhniOT0LeA"
    "3vAgBadFogNP2cNMhz3JbBDKBocmasdljnADTN6fh8be8Ti0t9swmaeUXO4yl2VoZcOhFeo1aQgoRyQhlakbO07dSF190h9d"
    "Byq3T5t6pFO4WSZDiXsuIvv02y20QJxzURVRSZIyeoJ1zhcBjAqzuQlKt9E0fYJpm4GNBK+SyEYWy+rQBsc4sfMb4NL5C9Fj"
    "Fxzyw4We79gKdtivqpwgcTKh9CDyyWaT0YyORjNC7hQQr6nYjwl64Qnma1NOjgVqU06OK2tTaJf02cjqFJmRJDOSuginzEiS"
    "GUmdRbWjGUnMmVGmtEdOjhqFnYwQTkSig9/T8m+FGMJU90bYVyxnzqrDVzTLCPmKv3BWdthZUNzbTVGixBcS+h/JLzqWAqA/"
    "wrUsK++K8h5zRlR3j8f3UHUfC2ju40rFfZzX29lnA2Tj8a2Q7VgIJgesSL3+uLpef1yo10/kSEN8Y5qNYPy2lT8cwtqxCMRk"
    "VCXGrI8HGTsuMpognBDsMDdjW9I2h+9ICN9RDb6jAr4m8qCBmy5jnqpvC3nzokK6T6qh76/7hJ3Q0e5cD3mkx6sSrR+Q1wZ6"
    "jmx32B/1CvvwNDKCalB2hG4l9nmy3ix97ej49Hg8PDlOUE9a6sCuBPYJen4UZBNf2UXa3uC74+XNxDM9c33d4mleIJYP9H16"
    "oAPPWKCnVnpcjlQmPHY54TFWumfrprVaeUJZ61IbrUnx2l1coZu4vhhWKCwtLrhArkK5vr+8FMsuy7xApX3mVPKilj17Pgll"
    "l+WO1H1NFl72DN9+QpWWqr8Gp75FW7eahncXvhBILQnoxV2DupieH79QaCCag+cTWfwLshXHZgl0JnxCRnnaXeVIkSCdPO+5"
    "S4G5kHd60yhSjqx/waSjQ7HTn+uOfy44iVniANnuzd48xFP1LugxFEJ6WIP0sIh0+DAWRTgc3Ttkj0cCwB6PKnGlXfnjAR6I"
    "aFnoJiLqQKNFXKTsYWhfZuVKL9QGw0rQbuuAzNBKzu8T5+Gzi8hsbWrqOcoecn1PuCzkfvTgk/PYSqzzlNLJ3H0u0zd4+GXR"
    "vDplKUfYP/tKKJOsJpGsmEcmqy626ceXlQF7XBlwhwG7jqInkXUMav2IyRCB2oAH0q+AmRNgBS+Qr1C30wz48D3L8IeuYywK"
    "DkVhqpedi5VOxYbJj6/JemzhUNw7oVvtTnwCVlDiSKw+bi0h6IU7oE572dRBawUh/TYyhUnyEpESS/hqiUKFpHC1UVTUv0J4"
    "oQBbAUaSPpYTItUDXyE3ZDBip8EIujKaRiKyNL0T2ENNxDWuVXvGtbyWDJcAWU3wTQh6B642EnHXklE11RYFh62JfNcC6+YB"
    "tRxdLx6H2y66AE9Eknh64DVa0TxV/0zrkVBAbVQTUBsVA2ou8P2VQ5SG5qGfEtL+gX6kCcWLtZp4sVYAvfsvY078AjtA+EQE"
    "4Ly/L4PvSR5eP/BdephbGz9snlZ6YrvsiU25RWyCMv1HlNkJueT3HvC7heu9SNm/Z9VWyoyZnUDLjxCZtNWh4GUTyG3W5W3W"
    "sTwFyemt18vIPKT/p2yUwDVbcp2nlFzvCtdLNnuh3EO+8qGvEr1B6EgWSrUolGJnuuuorHJfHusuq8nk2fcbh4keXKkvgVni"
    "Jm2Ek9h7QLr5OKqHKFsH2B6gTMlhX9bRNpMjzqCHjIVakh4R9QzqEiRAOualDIlqGDac9VB57kxp0kPJWTPR3ulubHgjZ/nU"
    "ZEZVHepT7YusPsunD+FgbSRSnkZG1XghCwVqdFM1QDga3kN0t1K/Sv4Rlxav/uvu5rrC/ZOS5O1BZGDlv4qF/H18vXgNuBQM"
    "zgosZPrlk/oGvHlHJ3jzTL8f/wM0eHs1"
)
