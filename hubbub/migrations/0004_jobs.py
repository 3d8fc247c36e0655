"""Jobs, which run at least once, and the one-time tokens of e-mails."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "jobs" (
    "id" UUID NOT NULL PRIMARY KEY,
    "queue" VARCHAR(32) NOT NULL,
    "kind" VARCHAR(64) NOT NULL,
    "payload" TEXT NOT NULL,
    "state" VARCHAR(8) NOT NULL,
    "attempts" INT NOT NULL,
    "run_at" TIMESTAMPTZ NOT NULL,
    "lease" UUID,
    "leased_until" TIMESTAMPTZ,
    "unique_key" VARCHAR(120) UNIQUE,
    "last_error" VARCHAR(500),
    "created_at" TIMESTAMPTZ NOT NULL,
    "ended_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_jobs_ready" ON "jobs" ("run_at") WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS "idx_jobs_running" ON "jobs" ("leased_until") WHERE state = 'running';
CREATE INDEX IF NOT EXISTS "idx_jobs_done" ON "jobs" ("ended_at") WHERE state = 'done';
CREATE INDEX IF NOT EXISTS "idx_jobs_dead" ON "jobs" ("ended_at") WHERE state = 'dead';
COMMENT ON TABLE "jobs" IS 'Something to be done at least once';
CREATE TABLE IF NOT EXISTS "one_time_tokens" (
    "id" UUID NOT NULL PRIMARY KEY,
    "purpose" VARCHAR(20) NOT NULL,
    "digest" VARCHAR(64) NOT NULL UNIQUE,
    "email" VARCHAR(254) NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_one_time_to_user_id_540ce7" ON "one_time_tokens" ("user_id", "purpose");
CREATE INDEX IF NOT EXISTS "idx_one_time_to_expires_ad5792" ON "one_time_tokens" ("expires_at");
COMMENT ON TABLE "one_time_tokens" IS 'Something that an e-mail lets its reader do, once';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "jobs" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "queue" VARCHAR(32) NOT NULL,
    "kind" VARCHAR(64) NOT NULL,
    "payload" TEXT NOT NULL,
    "state" VARCHAR(8) NOT NULL,
    "attempts" INT NOT NULL,
    "run_at" TIMESTAMP NOT NULL,
    "lease" CHAR(36),
    "leased_until" TIMESTAMP,
    "unique_key" VARCHAR(120) UNIQUE,
    "last_error" VARCHAR(500),
    "created_at" TIMESTAMP NOT NULL,
    "ended_at" TIMESTAMP
) /* Something to be done at least once */;
CREATE INDEX IF NOT EXISTS "idx_jobs_ready" ON "jobs" ("run_at") WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS "idx_jobs_running" ON "jobs" ("leased_until") WHERE state = 'running';
CREATE INDEX IF NOT EXISTS "idx_jobs_done" ON "jobs" ("ended_at") WHERE state = 'done';
CREATE INDEX IF NOT EXISTS "idx_jobs_dead" ON "jobs" ("ended_at") WHERE state = 'dead';
CREATE TABLE IF NOT EXISTS "one_time_tokens" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "purpose" VARCHAR(20) NOT NULL,
    "digest" VARCHAR(64) NOT NULL UNIQUE,
    "email" VARCHAR(254) NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
) /* Something that an e-mail lets its reader do, once */;
CREATE INDEX IF NOT EXISTS "idx_one_time_to_user_id_540ce7" ON "one_time_tokens" ("user_id", "purpose");
CREATE INDEX IF NOT EXISTS "idx_one_time_to_expires_ad5792" ON "one_time_tokens" ("expires_at");
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "jobs";
DROP TABLE IF EXISTS "one_time_tokens";
""",
    "sqlite": """
DROP TABLE IF EXISTS "jobs";
DROP TABLE IF EXISTS "one_time_tokens";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXVtv2zgW/iuCX9oB3CBx4jRT7C6Qtuk0M00yaNydwRSFQEuMzUYWXYmKa3Tz35ekrt"
    "QtpHyTVT7FIXl0+Q51eHhu/NGbYRs6/sGFS7xl75Xxo+eCGaQ/xI6+0QPzedrMGggYO3wk"
    "pEMQ5G1g7BMPWIQ23wHHh7TJhr7loTlB2GWDb1xo2IHHaA34QEkNfGcAw8N41jeAbyBiLO"
    "gf4Lo4cC1os6va2KKXRe6k6QUCF30LoEnwBJIp9OhlPn/uMQrW6cNvvS9f6A/k2vA7fQ/a"
    "+6N3h6Bj89+9GfR9MIEmsntsGPw+92gLfR/ezZpizJD93YzQMIO5DUiIClnOeXePU1OA2D"
    "/GX+8vPl5Er/Bv41l0l1chnf2s98iuPL83+ZMIrEH8pXi7GV/7NZpcuuQdH8sgG5sWdoKZ"
    "m46fL8kUuwkBcglrnUAXeuyGtI14AeOYGzhOxNuYiSGA6ZAQqgyNDe9A4DC+M+rwAdK2nm"
    "le34zM24uRafYKcyKmyHA5arIoxhQu+qg+B2DCHuHFr4PB8fHLweHx6dnw5OXL4dnhGR3L"
    "n7fY9fIxfJgUrfBSHLPL3y6vR+yBMJ204WRmDY+cBhBgprMgRZ/NFyX4I4Kn8Y/RrmNA3J"
    "ByIP3QOsaCFHL+kRRBfzMFXjnkCUEOdPoq+wj6DHw3HehOyJT+ezyowfO/5x/fvD//+Px4"
    "8IsI6nXUM+BdIrygBNu3FB6CZrAcX1AGrh2RHMQ/9hDqGmhHl1cXt6Pzqz/Z5We+/83hOJ"
    "2PLljPgLcuc63PT3NsSC5i/HU5em+wf41/bq4vOJzYJxOP3zEdN/qnx54JBASbLl6YwM5i"
    "EjfHTSJbLYI9s2yx+PTp8m0FYzM0OfYGAbIPGKUEW6NVYQ+4Gn4tIZuyDOAvKn4mGT1AAV"
    "GRSmMqYjoHSweDEkBHVFEqBzRD0gnpXidyLv4eCdImluLPr87//kWQOB9urn+Lh2ek/psP"
    "N69zkDO9V3EOZ0hWmMB7BPwTM5hp5nf3pdphvKsQoX2HPYgm7h9wyQG+pM8B6OakBNBo2/"
    "Uxusx+Qpq2pnLLA4tkK5OdUPTd6RtDEmp057dvzt9ehHufMbDuF8CzTQFq1oMHONeSjC12"
    "zQazfAtwqUS2o7dgzxyh/jse90r2wKy5X7cD/orHktvfWzyjW1AKoUGwMaY7WUy3s4AYDg"
    "Q+3clGc0LY8MqRlGxx6/a0XuCaVImT2M+ydzM9COzlU1tZOqcJZFtZPvpZj0udzD3ZA0Pb"
    "DFyCHPk7B67LgJC+dzi+eHdIkbBV3pnhLH1bNngd94ThwiZ3TzpY1UxQLePXL96fthX0/n"
    "UXuBb7NoxpMB4H4wOLCsoDZPsHLlz8p9c6wd+vsQvQlw6gyiY1IeiEGrPpTeo9fS8VdOPx"
    "HQT39EQC3NOTSnBZl1bDd6yGczGuMqETgk7ALc7oM4kJfVY5n8+KBi0CZ3PiF+GtNNJmSb"
    "ZnqT3cFLqhmXZwdPLy5Oz49CSxziYtdUbZogE2UhcLcNZbCVMqbSlstaWQa+YqymJCoO1Z"
    "j0Uk4z2O4ueSp13DR7M/GO/dNxNtuO/hUmURF6kareR5nu7WJSss40eDQ4mFnI6qXMp5X+"
    "6TAj4xoedhTwVokWotQLdKYxoeykBNR1VCzftEqC0PMjgaLPUipV7uWy26ErOUIpOzdHpx"
    "ahuHC06J3djQr+BsDD1/iua9ElN6prdfZ1GfJeMUDOtjbC8N5KbRYK5tTPGCkngGmcKlMQ"
    "UP0GDWaQORUju78hVqI8sCn7bkQ8s+Z5q12XZNH+gKZlsPO0pmmHh8B60wR1LaW43yVlAo"
    "vmLkNlpqBMIOqhM9JkNuXGcZfV97svhEoqBWu4hYpxwmKdLt0AZ3uAJbdxIeyfc6bEKpg1"
    "4g7Yztc8s8mAUEloVlY7pcALciNCymyYE+pkSbQj1p2e4C/frm5oMgv15f5n0kn65eX9Dl"
    "hQsuOgiRCqStKXAnzTapAqXewbRtB6Oj1DZml2Z7DkU4MyQaTh30t4Wgv/yEXQOkn6LLdB"
    "TSzDfapjjKK+hGb1xiAAq7+vXWHz5I1fTDbmWH5pso6r7ayFM+ttSck+2vsej0hRmeZBXq"
    "DL7WZfBp3WKtuoVOiNz+bnO3qUhtY4LWkVsCZ42OnFlFV9TprtIr7SewT6p14oeqleWOK8"
    "vhdC5VlpOZXqcs80GSyvJ5rO4aZAqI4cf68MLDBKauz4LirEBXqkT7LHiAzy7LQVS9j6pp"
    "1Jfh0D7SdvhItYa3dQ0v/UoUJrpApBWSHKRMXhXRrM5wicd3wtO/9SxzOHeWdA1Q3WeLZD"
    "q8PL/vSw1jstM4S7O9qdz7/GUHa9xGpjIgBFhTBqMS7jkyDX0D6HVAciNW7JuzF9qoGZcF"
    "Qu3QbzOPw/12EyaLlJrLbeaydq2s2bXCrCaKgApEGlIdurHl0I3U1Kft0XWgCt+pqkU6hZ"
    "tHMpSY5yKyd398hA6IYy6qPCpJUEZHsM7ZIoBVsW1WQeljdJkuwbRJx8aNC0dUIRvhe1ga"
    "CiT09+tcHNiFJtPtTMLGqpdaYx4L4BrwxQwgx6BfGSsT7vM8LugZNu4/WXlN/gpPF2JL44"
    "XmgUdXKxg6QuD3OaLLFi8Xph0f7XB8xAwqYF6dH5Yh6YThWEwRk0rwr8nvL6b322gCfaXi"
    "3inFegBuUQGF9Vf2gkxgqaCbEHRx9g5l8KWjqufvsIhwKrcLMD9hvRIotY2y1ZYNHR22yW"
    "24jmDa4wimPz14Bz3IOFOi5md6a5X8eTJOUsF/M8WIDmbn/7CSyKzgZ/x7Dj0/3KgJCr0U"
    "RWn4Ujw/eVXRlcKUdJg/69tGmL+uGJtWdjiVqeyQX14zlR1OC6WipnST4xbhrfaHpxRbdI"
    "X/eNzBhnMjrvDoXLAGaqZI2UE1c0+LaZSonQXTpdY6tdaptc5SrTMxx5fonFlTfbXGKfgF"
    "5I6uhDP8FYk6IzuWg/1XlXIqTyaVfdpnJhp6NR0s31KbccgdBb0zIeig4rl+g6YOCeyaHi"
    "RTVEwnvOqE1zbCqRNedcJra1Ftq+LOYuXKlPYohq5GYacjpPNc2eBXrGqvAUMzLwvYcPCE"
    "F/VdsIAO5Bv+FC/csLOguDe7hEz8R2xpZADwswB0wEdLlHdtM97UmUz8rwKy8fjuHd1wJh"
    "NDc1YdQ3NWiKFJ5Igivl09h2RwIhWmdFITp3RSAJngObJUEE4Itujv2JS0zcfRSOE7rMF3"
    "WBII5kGLqE5jkaprE3n9okKbT6qh7675hJf5blYcXNcFX6mOxx3ymkAvkG0P+6NOYR8eIk"
    "NRDdwSaVeJfZ6sM1N/bceBRgg9QM+PnGzyM7tI2xl8d3HsA3SJt2ywmheI9YK+Tws68Kwp"
    "emikx+VIdT59e8J/inyOle7xUrUUWJ5Ql1Kq9dakeG3Pr9BOXJ90KxSmluBcoE9hXH/68E"
    "EueZmtQAiumJh7wZaxPVyfpJKXcychNkdJPHqxm1CllVBXwalr3taNZnnfUrgqovDirn6d"
    "T88PBynE4PlUFr9AroFdHkBnwwdUkrxdO1I6SVs75lrimAt5Z6p6kXJk3XMmHUmdA35Ucw"
    "74UfEccB44QD/3MrNJzdn2AlXnnB7HUkgf1yB9XEQ6XIxlEQ5Hdw7Zk6EEsCfDSlxZV776"
    "7B0VLVNTvbhAkbKDrn0dlautUGt0K0G3qQEyQ6s5v0+c10UvKrm+J1yWMj968AHfNxLrIq"
    "U2Mrefy+wYcL/Mm1enLOUIu7e/kookqwkkK8aR6awLndK7axN+SzMDbgngz1G0JPKOfq0d"
    "MRkikRtwR/sNMMYBMcgU+QYzO42BD1/xCH84x9a0YFCUpnrauFhpVFQMflwl6rGBQXHvhG"
    "61OfEBOEGJIbG6eklC0AlzwDaKlxSE9G5kCpfkJSIllvDVEoUJSelsoyipf4HIlBWKBVYS"
    "PpYTItUDV5Ab2hmxVWcEmxmqnogsTecE9vFAxjQ+qLaMD9pWt7RF4G6kaqmN/LkDluoOtR"
    "xdJ5bDTSddgAcqSTwz8JRmtEjVva31UMqhNqxxqA2LDrUxwioYR8M1uFLgOthKgmdkEc7S"
    "dA/mjbjfF3DsIwJV5UWOrHtgD6TAHtSAPSiCPQe+v8B0l6HuKy4h7R7oR1Il/49qav4fFY"
    "v+e9hR0jri8VsMfYgNiVtAeO3FWf3An7PDhZo4bvK02nXTZtdNyq3AJWUbJllmJ+Sa33vA"
    "7wa+uiJl99aqjdQl4IYFlq+I6EUbHVJbdgH9mbX5M2tZYJPm9MYT7HTg4s8UvqaL6XeN6y"
    "UfeyE/TB9B/jNI9EZVKdpRjuJwhc92NxVWgHdflm5ZV/8jJtE41+OsED+hs4UbZAvzc7NN"
    "VCYo9NHZOqVaAaT0VOrmEOUPw+4iTrkT/pqDJR4p2EWo9JH1cjCxguDmDNgl3iQlnKLS43"
    "uptddDlK2v0BygTCmHrsyjTQadnkMPWdNeSdhp1NOvCzwF6ZinIk+rYVhzNOnPcmbpijUS"
    "ayLOq7al1S6b6k1pF8LsBkOZtH86qsZZU0j8Zx+VAsLR8A6iu5HAJHpHUloU5Pfbm+sKK3"
    "lKkjebIYsY/zMc5G9s478bixkDQzCWFTIo8skSfdEKxi6w8wyKx/8DOQ8R6g=="
)
