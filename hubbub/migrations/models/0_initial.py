"""The first schema: people, sessions, rooms, the log, messages, reactions, the search index."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE "state" (
    "key" VARCHAR(40) NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);
COMMENT ON TABLE "state" IS 'A fact about this database: its epoch';
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
COMMENT ON TABLE "users" IS 'A person with an account';
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
);
CREATE INDEX "idx_rooms_kind_3ca553" ON "rooms" ("kind", "name_key");
COMMENT ON TABLE "rooms" IS 'A room: the end of its log and what is shown of it';
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
COMMENT ON TABLE "entries" IS 'One durable event of a room, as it was announced';
CREATE TABLE "memberships" (
    "id" UUID NOT NULL PRIMARY KEY,
    "role" VARCHAR(10) NOT NULL,
    "joined_at" TIMESTAMPTZ NOT NULL,
    "last_read_seq" BIGINT NOT NULL,
    "muted" BOOL NOT NULL,
    "room_id" UUID NOT NULL REFERENCES "rooms" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_memberships_room_id_a563e5" UNIQUE ("room_id", "user_id")
);
CREATE INDEX "idx_memberships_user_id_6b1e99" ON "memberships" ("user_id");
COMMENT ON TABLE "memberships" IS 'Somebody in a room, and how far they have read it';
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
COMMENT ON TABLE "messages" IS 'A message that somebody wrote in a room';
CREATE TABLE "mentions" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "room_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "message_id" UUID NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_mentions_message_b88c87" UNIQUE ("message_id", "user_id")
);
CREATE INDEX "idx_mentions_user_id_408b7b" ON "mentions" ("user_id", "room_id", "seq");
COMMENT ON TABLE "mentions" IS 'Somebody named in a message';
CREATE TABLE "reactions" (
    "id" UUID NOT NULL PRIMARY KEY,
    "emoji" VARCHAR(64) NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "message_id" UUID NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_reactions_message_ff253e" UNIQUE ("message_id", "user_id", "emoji")
);
COMMENT ON TABLE "reactions" IS 'One emoji of one person to one message';
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
COMMENT ON TABLE "sessions" IS 'One sign-in on one device';
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
) /* A fact about this database: its epoch */;
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
) /* A person with an account */;
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
) /* A room: the end of its log and what is shown of it */;
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
) /* One durable event of a room, as it was announced */;
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
) /* Somebody in a room, and how far they have read it */;
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
) /* A message that somebody wrote in a room */;
CREATE TABLE "mentions" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "room_id" CHAR(36) NOT NULL,
    "seq" BIGINT NOT NULL,
    "message_id" CHAR(36) NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_mentions_message_b88c87" UNIQUE ("message_id", "user_id")
) /* Somebody named in a message */;
CREATE INDEX "idx_mentions_user_id_408b7b" ON "mentions" ("user_id", "room_id", "seq");
CREATE TABLE "reactions" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "emoji" VARCHAR(64) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "message_id" CHAR(36) NOT NULL REFERENCES "messages" ("id") ON DELETE CASCADE,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_reactions_message_ff253e" UNIQUE ("message_id", "user_id", "emoji")
) /* One emoji of one person to one message */;
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
) /* One sign-in on one device */;
CREATE INDEX "idx_sessions_user_id_80072d" ON "sessions" ("user_id");
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSON NOT NULL
);
CREATE VIRTUAL TABLE "message_words" USING fts5(
    words, key, tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* S* Co'"
);
""",
}

DOWN = """
DROP TABLE IF EXISTS "message_words";
DROP TABLE IF EXISTS "sessions";
DROP TABLE IF EXISTS "reactions";
DROP TABLE IF EXISTS "mentions";
DROP TABLE IF EXISTS "messages";
DROP TABLE IF EXISTS "memberships";
DROP TABLE IF EXISTS "entries";
DROP TABLE IF EXISTS "rooms";
DROP TABLE IF EXISTS "users";
DROP TABLE IF EXISTS "state";
"""


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN


MODELS_STATE = (
    "eJztXVtv4zYW/iuCXjoF3CCR48Q72F0gmfF0ss2lSJxt0UEh0BJjs5EljUTFMabz35ekrtQtlGI7spZPtkkeWvoOeXSu1Dd1"
    "6ZjQ8g8mNvbW6nvlm2qDJSRf+I6BogLXTZtpAwYzi42EZAiCrA3MfOwBA5PmB2D5kDSZ0Dc85GLk2HTwjQ0VM/AorQKfCKni"
    "PChA8RxnOVCAryCsrMgHsG0nsA1o0llNxyDTInvedoLARl8DqGNnDvECemSaL19USkE7ffhV/fNP8gXZJnwm90F6v6kPCFom"
    "+64uoe+DOdSRqdJh8Nn1SAu5H9ZNm2LMkPmsR2jogWsCHKKC1y7rVhk1AYj+UH77PLmdRLfwL+WH6F/eh3TmD+p3OrP7qLMr"
    "4ViD2E2xdj2e+xzNL2z8iY2lkM10w7GCpZ2Od9d44dgJAbIxbZ1DG3r0D0kb9gLKMTuwrIi3MRNDANMhIVQZGhM+gMCifKfU"
    "4QWkbaquX99M9bvJVNfVwpqIKTJcjpoMgjGBi1yqzwCY00v46R+aNhyeaofDk/Ho+PR0ND4ck7Hseotdp9/Di0nRCqdimF38"
    "fHE9pRfkkEUbLmba8J3RAAz0dBWk6NP10gj+iOBl/GO06xgQN6QcSDdaz1iQQs42SRH0DwvglUOeEORAJ7eyj6AvwbNuQXuO"
    "F+TnUKvB879ntx8+n92+G2o/8qBeRz0a6+LhBSXYfiTwYLSE5fiCMnDNiOQg/rKHUNdAO724mtxNz65+pdMvff+rxXA6m05o"
    "j8Za17nWdyc5NiSTKL9dTD8r9Kfyx831hMHp+HjusX9Mx03/UOk1gQA7uu2sdGBmMYmb4yaerQZ2PL3sYXF/f/GxgrEZmhx7"
    "gwCZB5RSgK3RU2EPuBrulpBNWQawG+W3SUYPaIAoTyUx5TF1wdpyQAmgU6IolQOaIemFdK8TOZPfp5y0iaX4u6uz33/kJM7l"
    "zfXP8fCM1P9weXOeg5zqvQ3XcIbkFQt4j4B/YQVTzfzhsVQ7jK0KHtpPjgfR3P4FrhnAF+Q6ADFOSgCNzK7baJr9hDRtTeWW"
    "B1aJKZNdUOTeyR1DHGp0Z3cfzj5OQttnBozHFfBMnYOa9jiak2tJxha7ltoy3wJsIpHN6C7oNUeoX8HlDHr+ArlqiSmc6R3U"
    "2cPLZJygTXznLOHMMdcKslNL1jaVhbMiJJ5CbNa1sgBPUPEgMImFWzCKW81QaxUHPmnJm8VfMs3Clmm1WNm8RHnZPFX/+RDY"
    "BkVeWQSzWTA7MMjePECmf2DD1b/VzsmaQY0p6jkWbGIWxeN78dzkraKjQwGr6Oiw0iqiXfxz8i8H2dDUmxtHHGEPbSSVypAb"
    "21pH+2tPbKZIFNSaTBbwsU5vT2/s5SmQ7s7fc7gtRr+Js2cZYFjm4HSI8AJ2hZEV0+RAnxGibaGetOz2cXF+c3PJ7abzi7zS"
    "f391PiHCjm0jMgjhCqSlJbBRW5bqRg3hzJBIOKVhtQPDKr9gNwDpfTRNTyHN7NFu2ap2dMclhmrYNai3UtmgpiYq/SszNDMj"
    "z2a1MVo+ttTszPbXWJ4DboUnkVsZJe1clFTqFhvVLWTQefd2yNuGe7rGBKkjdwTOGh058xR9pU53lc60n8C+qNbxG1Uqyz1X"
    "lsPlXKosJyu9TllmgwSV5bNY3VXwAmDFj/XhledgmIZoCopzA7pSJdqHZHGw1WVYiKj3UcZifaqjjOV0I5YjNbyda3jpLmmw"
    "0DkiqZDkIKXyqohmdTJPPL4XEcmdZ/JA11qTZ0BTO5snkylpebsvdYyJLuMsjVzKLZYywBgYCwpjI9xzZBL6FtAbHqTgtEh0"
    "4Cl7mOmwJ5kNQtng0ETtuMwRboDJ+/PQ2Dseh/Z2GybzlJLLXeayDK1sOLRCvSYNAeWIJKQydWPHqRupq0/6o+tA5fZpU490"
    "CjfLZChxz0Vkn365hRaIcy6qIipJUkZPsM75IoBRYTY3Qek2mqZPMG0zsJHgVRLZyGJZHdrgGCd2fgNcOn8heuyCQ3640PMd"
    "W8EO+1WVEyROJpQeRD7ZbDKa0dFoRsidAuI1FfsxQS98OHxtysmxQG3KyXFlbQrtkj4bWZ0iM5JkRlIX4ZQZSTIjqbOodjQj"
    "iTkzypT2yMlRo7CTEcKJSHTwe1r+rRBDmOreCPuK5cxZdfiKZhkhX/EXzsoOOwuKe7spSpT4QkL/I/lFx1IA9Ee4lmXlXVHe"
    "Y86I6u7x+B6q7mMBzX1cqbiP83o7+2yAbDy+FbIdC8HkgBWp1x9X1+uPC/X6iRxpiG9MsxGM37byh0NYOxaBmIyqxJj18SBj"
    "x0VGE4QTgt0JB3Vb0jaH70gI31ENvqMCvibyoIGbLmOeqm8LefOiQrpPqqHvr/uEndDR7lwPeaTHqxKtH5DXBnqObHfYH/UK"
    "+/A0MoJqUHaEbiX2ebLeLH3t6Pj0eDw8OU5QT1rqwK4E9gl6fhRkE1/ZRdre4Lvj5c3EMz1zfd3iaV4glg/0fXqgA89YoKdW"
    "elyOVCY8djnhMVa6Z+umtVp5QlnrUhutSfHaXVyhm7i+GFYoLC0uuECuQrm+v7wUyy7LvEClfeZU8qKWPXs+CWWX5Y7UfU0W"
    "XvYM335ClZaqvwanvkVbt5qGdxe+EEgtCejFXYO6mJ4fv1BoIJqD5xNZ/BOyFcdmCXQmfEJGedpd5UiRIJ0877lLgbmQd3rT"
    "KFKOrH/BpKNDsdOf645/LjiJWeIA2e7N3jzEU/Uu6DEUQnpYg/SwiHT4MBZFOBzdO2SPRwLAHo8qcaVd+eMBHohoWegmIupA"
    "o0VcpOxhaF9m5Uov1AbDStBu64DM0ErO7xPn4bOLyGxtauo5yh5yfU+4LOR+9OCT89hKrPOU0sncfS7TN3j4ZdG8OmUpR9g/"
    "+0ook6wmkayYRyarLrbpx5eVAXtcGXCHAbuOoieRdQxq/YjJEIHagAfSr4CZE2AFL5CvULfTDPjwPcvwh65jLAoORWGql52L"
    "lU7FhsmPr8l6bOFQ3DuhW+1OfAJWUOJIrD5uLSHohTugTnvZ1EFrBSH9NjKFSfISkRJL+GqJQoWkcLVRVNS/QnihAFsBRpI+"
    "lhMi1QNfITdkMGKnwQi6MppGIrI0vRPYQ03ENa5Ve8a1vJYMlwBZTfBNCHoHrjYScdeSUTXVFgWHrYl81wLr5gG1HF0vHofb"
    "LroAT0SSeHrgNVrRPFX/TOuRUEBtVBNQGxUDai7w/ZVDlIbmoZ8S0v6BfqQJxYu1mnixVgC9+y9jTvwCO0D4RATgvL8vg+9J"
    "Hl4/8F16mFsbP2yeVnpiu+yJTblFbIIy/UeU2Qm55Pce8LuF671I2b9n1VbKjJmdQMuPEJm01aHgZRPIbdblbdaxPAXJ6a3X"
    "y8g8pP+nbJTANVtynaeUXO8K10s2e6HcQ77yoa8SvUHoSBZKtSiUYme666iscl8e6y6ryeTZ9xuHiR5cqS+BWeImbYST2HtA"
    "uvk4qocoWwfYHqBMyWFf1tE2kyPOoIeMhVqSHhH1DOoSJEA65qUMiWoYNpz1UHnuTGnSQ8lZM9He6W5seCNn+dRkRlUd6lPt"
    "i6w+y6cP4WBtJFKeRkbVeCELBWp0UzVAOBreQ3S3Ur9K/hGXFq/+5+7musL9k5Lk7UFkYOVvxUL+Pr5evAZcCgZnBRYy/fJJ"
    "fQPevKMTvHmm3/f/AUJffLM="
)
