"""The audit log. By hand: the triggers that refuse every change of its rows.

Only retention deletes rows: those before the time that it stores in `state` meanwhile.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "audit_log" (
    "id" UUID NOT NULL PRIMARY KEY,
    "at" TIMESTAMPTZ NOT NULL,
    "action" VARCHAR(40) NOT NULL,
    "outcome" VARCHAR(8) NOT NULL,
    "reason" VARCHAR(40),
    "actor_id" UUID,
    "actor_role" VARCHAR(16),
    "session_id" UUID,
    "target_kind" VARCHAR(20),
    "target_id" VARCHAR(64),
    "ip" VARCHAR(45) NOT NULL,
    "user_agent" VARCHAR(300) NOT NULL,
    "request_id" VARCHAR(128) NOT NULL,
    "facts" TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_audit_log_at_516b42" ON "audit_log" ("at", "id");
CREATE INDEX IF NOT EXISTS "idx_audit_log_actor_i_e0b208" ON "audit_log" ("actor_id", "at");
CREATE INDEX IF NOT EXISTS "idx_audit_log_target__6197e8" ON "audit_log" ("target_id", "at");
CREATE INDEX IF NOT EXISTS "idx_audit_log_action_cdec40" ON "audit_log" ("action", "at");
COMMENT ON TABLE "audit_log" IS 'Who did what, on what, from where, and how it ended';
CREATE FUNCTION "audit_log_is_append_only"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < (SELECT value::TIMESTAMPTZ FROM state WHERE key = 'audit_kept_since') THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_log is append-only';
END
$$;
CREATE TRIGGER "audit_log_rows" BEFORE UPDATE OR DELETE ON "audit_log"
    FOR EACH ROW EXECUTE FUNCTION "audit_log_is_append_only"();
CREATE TRIGGER "audit_log_all" BEFORE TRUNCATE ON "audit_log"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_log_is_append_only"();
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "audit_log" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "at" TIMESTAMP NOT NULL,
    "action" VARCHAR(40) NOT NULL,
    "outcome" VARCHAR(8) NOT NULL,
    "reason" VARCHAR(40),
    "actor_id" CHAR(36),
    "actor_role" VARCHAR(16),
    "session_id" CHAR(36),
    "target_kind" VARCHAR(20),
    "target_id" VARCHAR(64),
    "ip" VARCHAR(45) NOT NULL,
    "user_agent" VARCHAR(300) NOT NULL,
    "request_id" VARCHAR(128) NOT NULL,
    "facts" TEXT NOT NULL
) /* Who did what, on what, from where, and how it ended */;
CREATE INDEX IF NOT EXISTS "idx_audit_log_at_516b42" ON "audit_log" ("at", "id");
CREATE INDEX IF NOT EXISTS "idx_audit_log_actor_i_e0b208" ON "audit_log" ("actor_id", "at");
CREATE INDEX IF NOT EXISTS "idx_audit_log_target__6197e8" ON "audit_log" ("target_id", "at");
CREATE INDEX IF NOT EXISTS "idx_audit_log_action_cdec40" ON "audit_log" ("action", "at");
CREATE TRIGGER "audit_log_update" BEFORE UPDATE ON "audit_log" BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
CREATE TRIGGER "audit_log_delete" BEFORE DELETE ON "audit_log"
WHEN NOT coalesce(OLD.at < (SELECT value FROM state WHERE key = 'audit_kept_since'), 0) BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "audit_log";
DROP FUNCTION IF EXISTS "audit_log_is_append_only";
""",
    "sqlite": """
DROP TABLE IF EXISTS "audit_log";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXW1v2zgS/iuCv7QLuEHs2G22uDsgbdNtdptkkaTXxRYLgbbomI0suhIV1+jlvx+pd+"
    "otpGw5MstPiUmObD18m3lmOPzRW2AL2t7BiW8hcgWn2LV6r40fPQcsIP2nrLpv9MBymVay"
    "AgImdtAesIamjW+DZhOPuGBKaMUM2B6kRRb0pi5aEoQd1vzzHBsWsozVHJC+gZ3on5mLF/"
    "Rf6FIR4FjGHK8MRAzoWDD4fgtP6ZORc7vBM3wHffOhSfAtJLQVfdKXf2gxovXfocc+fukB"
    "wloiq0dr6Kcpwa6JQgRIWEaAS+VzhbQhe7+ohD11eWfOELR5bEOhoNwk62VQ9unT2bv3QU"
    "v2mhNzim1/4aStl2syx07S3PeRdcBkWN0tdKALCLQyeDu+bUd9ExeFL04LiOvD5I2ttMCC"
    "M+DbrNd6/5r5TvAyxtyfTPzJAR0B8ABZ3oEDV/+JfmOmvWleXN6Y16c3ptkr9Db7LbnOi4"
    "qm2GEjBTmEAf/jIXxuikxQ2mNf8PbDydXzo5e/BFhgj9y6QWWAW+8hEAQEhKJBJ6Zwh53J"
    "w/2OwkXQApZDHkrkILcikYP4nybQxwUp9ukEicGM4dotwDdn56fXNyfnf7LHLzzvmx3gdH"
    "JzymqGQek6V/o87A9M53q4CiQPMT6f3Xww2Efj78uL03yvJe1u/u6x3wR8gk0Hr0xgZTGJ"
    "i+Mi2jTTrclk47v27Ry4Fd2aSOS6lkK0h53ZW4Dvpg2dWzKnH0eHNZ3735OrYAKNDnMddh"
    "HVDIOqBw5g7JMpDoe5KMIZEQUhPhZA+LgS4OM8vi4EntwATiUaoRst890Ed/vjN7tti262"
    "WZkNttyOIb3JvprH08W21JLAS6k3bgcvBcbtIL9RpuOWVfE4e9Dz6E+SHLm8lB67PKaRun"
    "5HX0Jm8ObE1Bu9Q5FVd1i96g4Lqy5nGEniXDp2FUD55UgA5ZejSpRZFY8yWsrAG7benUbW"
    "a8tAzKkMYxGVYVytMozzsPoedE1AISkxGavh5aWUg/noUGSRoK0qgQ7q8sovfU9Pdp3gpZ"
    "RDejAUMTFoq2ptYlgwM2ZUA/OKIN/A76Qc5ERACROujvI4/euGYztiHJ+fn/z1C8d4fLy8"
    "+C1unsH97cfLNxRuxvTN7jLkEyuYgOndCriWWajBQ1zVtli1GC7yJcChi40VvTF7v4isPX"
    "WIu+6VsLhhRb+Ov6WLl4ugJ8beXjrQsHyXyRrwnooaeGYAw8V40TeAx+jWFf0DHAf7zrSE"
    "um3ygBLe9kuPSbBKD34LCdcMjfujl+LWW1D1mKJmhpxuD35fuqHCnMCasrPfzQgN018ysi"
    "9EKpoFvUCaAsQ+GJ8/nF6dRq/wb+NZ9C2vQznrWe9BigR+g27PnIpZWbrkoXDLyU7JSBHa"
    "jP9tUzO6ZT/hxa/D4dHRq+Hh0cvj8ejVq/Hx4TFtG/zeYtWrmkn85uy3s4vcvGQF9ZwwGy"
    "9S8EcCj+O/B0viLrsghTyYJDKbfSKgxD6U06mGIirVsFqjGhbYLu3lUNTLoUnMLRJBGT1A"
    "AlFeSmPKY7oEaxuDEkCrbYyMiBKr+y6sDM58pnqv5BjOiGwzmKC7wD8yggtGG49uEdr32I"
    "Xo1vkDrgOAz+jvANQ4KQE0MruuosfsJ6RpabpuuWCVmDLZAUXfnb4xJKFGd3L99uTdaWj7"
    "7N4K/h1PeiU2MCvu11nAX/FE0Py9xgtqglIIDYKNCbVkMTVnATFsCDxqyUZjgjN4xUQeD0"
    "3ibFrXd8ww9Ogxe5a9m+lCYK0fM2XpmCaQmbJB62e9YNXJfCf7wdAyfYcgW/ybfcdhQAh/"
    "d9i++O1BEJfMOzOchb+WNd7Gd8JwYxP7TtpYlibQsWKtxYrRl/al3NuJgBJqTNtGqqz/dS"
    "PHa7fB3b5PUKvhO1fDg2VcZkAnAkrA3Wp4HCAELpZlrqtKkjYrsjum9rAtdEOadjgYvRod"
    "H70cJexsUlJHyhYJ2EhdLMBZzxKmUpop7DRTGGjmMspiIqD5rIcikrGNIzld8rJbmDT7g/"
    "HezZnI4L6Da5lNnJfaSrja07pkc0EoIuE+g5qgwEExKtAGHjGh62JXBmheSr24wLFQZNW4"
    "JrJqXIysmrqQwdFgq+cl9Xbf6aUroaUkOzkrpzenrvVwRyLJzuFiAl1vjpa9Eio9U9uvY9"
    "QXSTsJYn2CrbWBnDQaLDrCOwOuQeZwbczBPTQYO20gUsqzSz+hNrKMBfcWQsu+ZIo1bbul"
    "CboBbSt7KGmj40hd29Vy6puQ9lajvBUUiq8YOY22Gk5QQXWCnce0Lh17Hc2vPdl8oqWgVr"
    "uIuk46TJKXe0IO7nCDbn2S8MjA1mEDSh70gqgy3OeO+2DhE1gWlo3pdgGcitCwWCYH+oQK"
    "tYV6UrLbDfrN5eVHbv16c5b3kXw6f3NKt5dg4aKNEKlAejoHzm0zI5WT1BZM1ywYHaXWGi"
    "8dnDOUgzMjouHUQX87CPrLD9gtQPopeoyikGbmaJfiKM+hE71xCQHkJInOatifoJEs9cO+"
    "ygrpmyjqvprkKW9bSudk62sYnT43wpNThfoEX+dO8GndYqu6hT4QuXtr82mPInWtE7SO3B"
    "E4a3TkzC66oU53nj5pP4F9VK3jJ6pWlhVXlsPhXKosJyO9TlkOGgkqyyexumuQOSCGF+vD"
    "KxcTmLo+C4qzhFypEu2x4IFgdE1tRNV7M86QXJeGQ/tIu+Ej1RrezjW8dJZIDHROSCskOU"
    "jZelVEs/qES9xeCU//zk+Zw6W9pnuArJ3Ni+nw8rzdlxJjosM4K7PDtHdf/nmCPa6VoQwI"
    "AdM5g1EK95yYhr4B9DoguVFX7JuzF1qoWS9zgtqh3+U+Du3tJp3MS+pe7nIva9fKll0rjD"
    "WRTuefEdKQ6tCNHYdupFSf5qPrQOXmqSwjncIdRDKU0HOR2Ps/rqANKm6vKgZlKIJ1josI"
    "r+8qMd9kULqC6S1gqsDUpmPj0oE3VCG7wXewNBSIq+/XuTiwA02m25mEtZVPtcY8FsAx4I"
    "sFQLZBZxlLE+4F57iga1i4/2jmNfEniNwRGfvrlr5LdysYOkLg9yWi25ap73/sjuMj7qAC"
    "5tXnwzIiShDHbV/6Y6Fb6Ekl904ltgNwhxIobD+zF2QLlgy6iYCKo3csgi9tVT1+x0WE03"
    "W7APMj7BUnqTnKTjMbOjqsTTNcRzDtcQTTny6cQReynilR8zO1tUr+MmknqOC/nWNEG7P7"
    "f1hKZJbwM/5/Cd3otltOoReSKA1fisdnkFV0ozAlHebP6nYR5q8zxrZ40+x0To2ckhuoq/"
    "3hqcQOXeE/Hp7A4GzFFR7dC9ZAzeQlFVQz9zSZRonaWaAutdaptU6tdZZqnQkdX6JzZqn6"
    "ao2T8wuIXV0JF/gr4nVGdi0H+1R15FRcTOj0aZ9RNPRpOli+o5xx2DsSemcioKDiuX1CU4"
    "cEqqYHiSQV0wde9YHXLsKpD7zqA6+dRbWrijuLlStT2qMYuhqFnbYQPufKGr9mWXsNGNK8"
    "LGDDxrdBUt8VC+hAnuHN8coJKwuKe7NHiMR/xEwjAyC4C0AHfHREedeccVt3MgV/JZCN26"
    "t3dcOxSAzNcXUMzXEhhiZZRyTxVfUekuFIKExpVBOnNCqATPASTWUQTgR26O9oa7XNx9EI"
    "4TuuwXdcEgjmwimRHca8lGoDeftLhaZPqqFXlz4J0nw3Sw6u84JvlMdjhtwm0HNiu8N+oB"
    "T24SUyFFXfKVntKrHPiykz9Ld2HWiE0D10vcjJJj6yi7LK4PsU1z5Ah7jrBrt5QVhv6Pu0"
    "oQN3Okf3jfS4nKg+T9+d8J9iP8dK92QtmwosL6hTKdV6a1K8dudX6Cauj7oVCkOLcy7QX2"
    "FcfPr4UezwMtuBENzwYO4p28b2cH8SOrycuwmxOUr81YtqQpVmQt0EJ9W8ra2e8r6mcFVE"
    "4cVV/Tqfnhc2kojB8+ha/AI5BnaCADoL3qOSw9u1LYUPaWvHXEccc2HfmbJepJyYes6kgd"
    "A94IOae8AHxXvAg8ABOt3LaJOau+05KeWcHkdCSB/VIH1URDrcjEURDlsrh+xoLADsaFyJ"
    "K6vKZ5+d0aVlbsonFyhKKuja11G5moXaolsJOk0JyIys7vl96nmd9KKy1/ekl4XoRxfe47"
    "tGyzovqUnm7vcyuwbcK/Pm1SlLOUH17CuhSLKaQLJiHJk+daGP9D41hd/RkwHXBAS/o8gk"
    "BhX9Wh4xaSJwNmBG6w0wwT4xyBx5BqOdJsCDr4MIf7jE03mBUBSWepxcrCQVJYMfN4l6bE"
    "Ao7t2iW00n3gPbLyESq7OXJAJK0AG7SF5SWKSfZk0JVvKSJSVe4atXFLZICp82ig71rxCZ"
    "s0SxYJqEj+UWkeqGG6wb2hmxU2cEGxmynoisjHIL9tFQhBofVjPjw67lLe0QuK1kLbWQt7"
    "TBWt6hlpNTYjts+9AFuKcriWv6rtSI5qXUM63HQg61cY1DbVx0qE0QlsE4aq7BFQLXxtMk"
    "eEYU4ayMejC34n5fwYmHCJRdL3Ji6oE9FAJ7WAP2sAj2EnjeClMrQ95XXCKqHugDoZT/g5"
    "qc/4Ni0n8X21JaR9x+h6EPMZG4A4S3npzV870lu1yoieMmL6tdN1123aS95TukzGAS7exE"
    "XPf3HvR3A19dUVK9vaqVvAQBscDOKyL60EaX1JY9QE+zLk+zjgU26Z5u/YCdDlz8mcLXdD"
    "J91Xq9ZLIXzofpK8h/hhW9UVaKbqSjONxg2j5NhhXg3pUdt6zL/xGLaJzrcZaIn9CnhRuc"
    "Fg7uzTZR2UKhr87WR6olQEpvpW4OUf4ybBVxyt3w1xws/kpBFaHSV9aLwcQSgpsLYJV4k6"
    "RwilKP76XWXg9RNr9Cc4AyqRxUGUdtBp2eQBdN572SsNOopl8XeArSNo9FnlbDsOVo0p/l"
    "ztINcyTWRJxXmaXVLptqo1SFMLvhWOTYP21V46wpHPxnk0oC4ai5gui2EphEv5GUJgX5/f"
    "ryooIlT0XytBmaEuN/ho281gz/p2HMGBgcWVY4QZE/LNHnWTD2gCc/QfHwf9s2Aug="
)
