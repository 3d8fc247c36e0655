"""Jobs have a version and a priority, and queues can be paused. Stored jobs stay as they are.

Workers find due jobs of one kind and priority by an index. Defaults let a statement name few columns. SQLite can't
change defaults: there the table is rebuilt.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
DROP INDEX IF EXISTS "idx_jobs_ready";
DROP INDEX IF EXISTS "idx_jobs_done";
DROP INDEX IF EXISTS "idx_jobs_dead";
ALTER TABLE "jobs" ADD "version" SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE "jobs" ADD "priority" SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE "jobs" ALTER COLUMN "state" SET DEFAULT 'ready';
ALTER TABLE "jobs" ALTER COLUMN "attempts" SET DEFAULT 0;
CREATE INDEX IF NOT EXISTS "idx_jobs_ready" ON "jobs" ("kind", "priority", "run_at") WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS "idx_jobs_done" ON "jobs" ("ended_at", "queue") WHERE state = 'done';
CREATE INDEX IF NOT EXISTS "idx_jobs_dead" ON "jobs" ("ended_at", "queue") WHERE state = 'dead';
CREATE TABLE IF NOT EXISTS "job_queues" (
    "name" VARCHAR(32) NOT NULL PRIMARY KEY,
    "paused" BOOL NOT NULL
);
COMMENT ON TABLE "job_queues" IS 'A queue that an admin paused, or paused once';
""",
    "sqlite": """
CREATE TABLE "jobs_new" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "queue" VARCHAR(32) NOT NULL,
    "kind" VARCHAR(64) NOT NULL,
    "payload" TEXT NOT NULL,
    "state" VARCHAR(8) NOT NULL DEFAULT 'ready',
    "attempts" INT NOT NULL DEFAULT 0,
    "run_at" TIMESTAMP NOT NULL,
    "lease" CHAR(36),
    "leased_until" TIMESTAMP,
    "unique_key" VARCHAR(120) UNIQUE,
    "last_error" VARCHAR(500),
    "created_at" TIMESTAMP NOT NULL,
    "ended_at" TIMESTAMP,
    "version" SMALLINT NOT NULL DEFAULT 1,
    "priority" SMALLINT NOT NULL DEFAULT 1
) /* Something to be done at least once */;
INSERT INTO "jobs_new" (
    "id", "queue", "kind", "payload", "state", "attempts", "run_at", "lease", "leased_until", "unique_key", "last_error",
    "created_at", "ended_at"
) SELECT
    "id", "queue", "kind", "payload", "state", "attempts", "run_at", "lease", "leased_until", "unique_key", "last_error",
    "created_at", "ended_at"
FROM "jobs";
DROP TABLE "jobs";
ALTER TABLE "jobs_new" RENAME TO "jobs";
CREATE INDEX IF NOT EXISTS "idx_jobs_ready" ON "jobs" ("kind", "priority", "run_at") WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS "idx_jobs_running" ON "jobs" ("leased_until") WHERE state = 'running';
CREATE INDEX IF NOT EXISTS "idx_jobs_done" ON "jobs" ("ended_at", "queue") WHERE state = 'done';
CREATE INDEX IF NOT EXISTS "idx_jobs_dead" ON "jobs" ("ended_at", "queue") WHERE state = 'dead';
CREATE TABLE IF NOT EXISTS "job_queues" (
    "name" VARCHAR(32) NOT NULL PRIMARY KEY,
    "paused" INT NOT NULL
) /* A queue that an admin paused, or paused once */;
""",
}

DOWN = {
    "postgres": """
DROP INDEX IF EXISTS "idx_jobs_ready";
DROP INDEX IF EXISTS "idx_jobs_done";
DROP INDEX IF EXISTS "idx_jobs_dead";
ALTER TABLE "jobs" DROP COLUMN "version";
ALTER TABLE "jobs" DROP COLUMN "priority";
ALTER TABLE "jobs" ALTER COLUMN "state" DROP DEFAULT;
ALTER TABLE "jobs" ALTER COLUMN "attempts" DROP DEFAULT;
CREATE INDEX IF NOT EXISTS "idx_jobs_ready" ON "jobs" ("run_at") WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS "idx_jobs_done" ON "jobs" ("ended_at") WHERE state = 'done';
CREATE INDEX IF NOT EXISTS "idx_jobs_dead" ON "jobs" ("ended_at") WHERE state = 'dead';
DROP TABLE IF EXISTS "job_queues";
""",
    "sqlite": """
CREATE TABLE "jobs_old" (
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
INSERT INTO "jobs_old" (
    "id", "queue", "kind", "payload", "state", "attempts", "run_at", "lease", "leased_until", "unique_key", "last_error",
    "created_at", "ended_at"
) SELECT
    "id", "queue", "kind", "payload", "state", "attempts", "run_at", "lease", "leased_until", "unique_key", "last_error",
    "created_at", "ended_at"
FROM "jobs";
DROP TABLE "jobs";
ALTER TABLE "jobs_old" RENAME TO "jobs";
CREATE INDEX IF NOT EXISTS "idx_jobs_ready" ON "jobs" ("run_at") WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS "idx_jobs_running" ON "jobs" ("leased_until") WHERE state = 'running';
CREATE INDEX IF NOT EXISTS "idx_jobs_done" ON "jobs" ("ended_at") WHERE state = 'done';
CREATE INDEX IF NOT EXISTS "idx_jobs_dead" ON "jobs" ("ended_at") WHERE state = 'dead';
DROP TABLE IF EXISTS "job_queues";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXVtz2zYW/iscvbSdUTOxbDnezO7OyK67cRvH3cTZdrbTYSASklBThEpCVjTZ/vcFwP"
    "tVAEVJJIqXxCJwQOnD7dzPl8ES29DxX0xW6Ee4Hbw2vgxcsIT0j1zL0BiA1Sp5zh4QMHV4"
    "V7BC5hPc8odg6hMPWIQ+nwHHh/SRDX3LQyuCsMt6/7wAxADGysNzDywNPKMf1j70DAsvoW"
    "8g19ggsmBj2diigyF3Lke2dtEfa2gSPIdkAT1K/Otv9DFybfgZ+uzjrwNGOfiNPV49mTME"
    "HTvz45HNBuLPTbJd8WcfP9599z3vyb7a1LSws166Se/VliywG3dfr5H9gtGwtjl0oQcItF"
    "OwuGvHCRGMHgXfnD4g3hrGX9lOHthwBtYOA3fw99natRimxmI9na6nLyzswRfI9l+wN7/6"
    "Z/gtUxSm+e7h0fxw+2iag8K0sG+Tgzx8ZGGXTSlyCcPuy5/BuAk2/OmAveDmzeT91+eX33"
    "A0sE/mHm/kyA3+5ISAgICUz0MCOP+/APnNAnjlkEf9c6DTL9oE7uhBgneydiP4IoAOAOlg"
    "CT6bDnTndP2+Nq5e1kD8n8l7jvLVS44yplst2IPvwpYRb2JgJ+CuPDhDn2XgTSjaAXj3ej"
    "4avCMReEfV8I4K8NpoDn0iA29CoeD6vbwQAPjyohJg1pQF2LcwG0MC4IRCQYAvRFbwRfUK"
    "viisYB8CB9qmDy0PSi3kAmEjuMPDoJtoj8ZCB8a45sQYFwCncDE4TFCC9ne0haAlLEc8S5"
    "mD2w5JX0R/9HCt14D9eHd/++Fxcv8TG37p+384HK/J4y1rGfGn29zTry9z8xIPYvx89/jG"
    "YB+N/z68u80zLXG/x/8O2HcCa4JNF29MYKcxiR5HjzLT7ACfmJTVbDLRedoWprpj+0ylmY"
    "afV4gO12Ces5R6lrs8y0xqNOVkwxRJmwJidyd1hxDIRO7ZU6kMyGXyArTfU7EWzd0f4ZYD"
    "fEe/B3CtMuEv1Fh8DIfpJ6TJ02Qre2AT6yjSC4r+dvqLIQmYtMmHm8l3twOO8BRYTxvg2W"
    "YGataCRzj3JO5bbFqOlvknwAVzDg77Few7R3qitY3Ie2hhL6tJKWke1uqSWEfTwXNRZRI2"
    "bGQbmwUgQwO74R8zDy/pn9CjJMC1jQXeGIgYkE6tXaJZajSGiJopONTpbNEW+skiOJo72s"
    "KfEeBR+txDwBU70ROtpeqKlkr+dtdseg+u9WS7icq9CYXWLwjoF/CaMC29DMIpEgUhvhJR"
    "8VZrePP4ehD4cgs4oVBPY9P++k1f3KLXbZpmj0u3Y0jvc6/m8fSwI3UkZKnUW7dnlwLr9i"
    "x/USbrljXl9bq+T7+S5MrNUum1m8U0ZNif6I+QWbw5MvVWb/t2tYxoJIlz6dpVAOX2jWto"
    "JQNv0Pt4HNngUAJijmUYi7AM42qWYZyHlatpAIVEyp6WpVIO5vOXIocE7VUJNG/LM7/0d/"
    "qy50SWSjmkz0YiIgbtVc1NjApixoxyYCVm+Ef4mZSDHBMoIcLVqTxuf3nMaDsiHL++n/zy"
    "TUbj8fbh3b+i7incb94+XJepx0+jzf0OEDAFPryHBAxK1LmZ9mGdPtcndILFdLkTg60XA0"
    "yp7G+QBfINO3zNawMR34ArbBX9AoWpdutrKxWtT4EHpOjZEnZXznWqLcG6WsH6DJx1iUxY"
    "fcLEBPqE6dcJc+sSr9ThOGioPVMoe+QhKOhu/OBCw157jNaAz5Q0cB32MF4ODeAzk86G/g"
    "dcF69dq8Q81GSAkrPm1wGjYI0+/CMw6qSOni+DBLfBkgrgFDUzsBsxDwEvEMljWBML0Gcz"
    "RMNcr5g5IUAq3AUDTk0BYh+Mn9/cvr8Nf8I/jK/Ct7wO6OyvAsuhsKHpGs3v3IpdWcpUoY"
    "CpTW/J8Cjr7vE3Z1/h27+NRufnr0Yvzy+vxhevXo2vXl7Rvvz7Fpte1Wzi67t/3b3L7Uv2"
    "oP5QZOtFCv6QYDf+PTgSjzkFKXeeZ0nBLSZQ4h7KSW0jEaFtVC2zjQr6dG1HVdSOqs0kLa"
    "qaU3yABKJZKo1pLhYGbB0MSgCtljFSJEqc7seQMjIKOsr3Sq7hFIn2mqz3moykij29Jt+H"
    "w/QT0p1ek6kF1SWvyVumnLpxAFoOykThpHVYKw+zfqbFOgoKxRPDchCTAwmLquXi6wICO5"
    "FsX7M/IbAWQYwtFWINh0mXVPh1Q3/IzQK67JNBcfehzftUqegO/LY9VHvdcemW8qbkb2L/"
    "XPTMhTKeM2HJKiJQ4u7NWWmE7GFnNfawsxJ7mL5u22QYtfbl6NoXHvomjXuaSoPfGHzORj"
    "QLTc1Qal1Np3U1ARvVYJYzhDpcsWtz3BHz3p0NlytMoGttKxIL5XrUCjgo6SuRaGhihE4+"
    "gdyBfGMK6dQblIgKEOsVdocG9riTAHD9TRA1mBNcGowgnn6IhXqlwn/5Zws4TjBOukXKMl"
    "fjvdeiEqtDfgltOUVWSy3JrIhCnVCo54R6AIOQ/wSldLIxgRJS4bE1sg4EfombTbWAGBNo"
    "8TAH5YJRr12CHFlGKkup2eXOsVKZAyq+3oVPqJhChQvg2CdUh/Kp6G2lYEKV/myvvuRT6S"
    "aifU2nQqVjyhmQKsk5aBvukJlZL2E/2Q94CafY3hpRmt1nOoI3NDYLbCzB1vDpomFZdgmm"
    "si6VgC1MeReDpUcpiM37DVXqO4t8fx0sQ389/R1apOBBq3P6noYVrhaao4mXEZvTNEqIdo"
    "eWnJONIawEiikUBHg0FonkpL1qsnUWYjmjI0cC5BSJRlkMZbgEZUJ0jWdARKCCgJUHWESl"
    "SXvVAFyI9NZJZ6vRpz/QfnCdbbgweiJjhWu4Tzlo9cwfbea749rWDVmwz9J1RyHtq3j9A5"
    "4OSiRr9nhYJ1T/jqcS4jRZMGMxlXKn0LCZ7yqVh5klhbm1WuVi826S3eblTCxpnHDIQ9gL"
    "lQbe2g3tzbtiS9nvNdkJyenqwkp5nD8LK+W9vxrwkyj1PbgFKbJ3CL957boMHOF3B/2Lb+"
    "dJW8NLjKJHd5DoV2CTIPx+1rnVl8Mg7ETs5bSzbBCv1n8cUP8RzHUB82qBJiZQUGRsX/Mh"
    "m4Ftr9Rr3Qa3/axgOkzu6CbPOFOOsI4pIjhi9qqYF8ginjzuYHZcQAhcrsoyV1X6kqdJju"
    "dL/jKP68s9EA2cx0dnF68urs4vL2Kf8fhJnat40S085BkLEO5wFo6pFFQd9ERVIGSIP4lH"
    "WMdUsO04hGUEHcntkqfV7vVd3jOhJC6ZHC5L1YrpokOu2GdCaYDPavIAnxUTAXM1NPQ8LG"
    "XnzFKpZyMaCwWPjmuCR8fF4FFtI/pLHF1plZSUc2WKTl9OXZ7hZ+j5pUVtPiyB41QKPimy"
    "48k9Z/n5PNvjjAzknvPRq8tY5GEf6qSdD/eTt2+LIk9aZS6DYZruLwliR2IQf8DTf3ONar"
    "ml59+RtrXW3GNypaxwxCHvHUQLMtdGe4lcYwWYCZ1HCgZ/lpt/ZIn3SHrC/5dgpaL+ykUO"
    "tqWVrnGC5JNWBPsaYyrtuVWq1Igoh/iUUqnFOl0/PLzN3KnXd3ld6cf761sqM/BJoJ1QYE"
    "Hu1FFzD5dTenMu0KrssEm11h43y7ifrM82PSjijMRhqcoZ4ImUtsYCPEODKWgNRAqHTqMR"
    "arMbJ17Y2jn75Gqp6nNJtvjWXmW3unYe5bMwiags6nIw5aXo3zFyG8lXGUIFZWiFve3CqZ"
    "NOW5Sl67Wx6RRpotiCapgrKk16Qtx7nS1quSbS3G1Mc0TmNn7SK+42o5ldAHfeTDObodRq"
    "uy6r7XTyxlaNsdoFXqeePrUL/M7U0/kF2wKkOqrgNFogN/zFJSqgoGlYr//hnWSVP+xVdq"
    "DACWs/VKt5yvuWKnTS7TU6nWFmhce1rXQdqc7VkdK8hU4M3ccV3ZmCOF2bBM0jdwTOGh45"
    "dYvuydPdJyP1E9idbF12o2pmWXFmOVjOpcxyvNLrmGXeSdgzI+wfuFf4ET+88TCBifGzwD"
    "hL0JUy0T7zmOOrKyiBE9Z0rS8Gq62kXbGSah7vBPUnon0isdQzRJolyUHKTqwimtWRnFF/"
    "JWz9xw7j9ODK2dJbQFbSzpLpqKq85JeoxkSXcZrmiCGyv/52gjvuIEsZEAKsBYNRCvccmY"
    "a+AfQ6DqfRVPTN3Att1GyWM4TapN/lOQ4k7iaTnKXUs9zlWdbGlZaNK0xvIglohkhDqp03"
    "juy8kSj7tEa6DtTMPpXVSWej2MocCkKy7398Dx0QeV1U2VRitwxFsM7pIoBVITbLoPQ+HE"
    "YlmA5q2piBmwWr/+dW2DfS7cM6I8eK7hT680wHz5G0XxArtzFnoVtkAQ0PzRfEWAHf32DP"
    "5jFeeAN9AxgWfW3B7tF0kObFL7XRoytGDxvNoS9V7SChUC5CuP3UijZ8RhY0ZWOwc2Tq5b"
    "M5E8pnc1aTz+asmM+mv7n/2jXitZYHUBfma3Ia906doZ3CdO2AU4uJHXVcepisyeIN5X3x"
    "bDYo4e4z7bXc/YJ1YhmXxBj7CS+c9y0rnMd8kSz6WoP9JGPm4WWq0N5rXpA+yAuP6B9UiC"
    "BBVgf2nHHqvArfFBrwcxgbWJWR5vAv1AJD/wUGPvOmvNiQp9PCw07hgW2mBkjnyFTLOnog"
    "nBvl8M1SaqNdl7lcK62FE95LaSL1xPCLc4G9dHFeuZdYkxYZ/4KbSddyV0Zi7CaivRUYXf"
    "hIj6dH/ARLY8Mz7cM6gRG7VFKiXam4RPvKV6ILM4vCb1nlXIPC43MJjSVCgp5h4+HOwnTi"
    "IwgLdmyxrj26HaCW8bor40VTJMEopUiUiCTIlWgWsVbU1DkoljnQdreDinRHri/e8dV7iA"
    "LjmtFvcij3jtE/QW3AbjKkR4sG0dY4dWSrjkLaV+HqJw/OoAfZzJSIVqnWYa2fXdxPUKi6"
    "WWBEOxt4ZrAq3ay2bPT3Cnp+4CuZEaKEKEpzCETrkxew3StXgM61xdqOkWtLFydO/LouRd"
    "y68gxNyqvrsmCcWVCxsqS0UTX/kVAcMRr1y58nEPEPw3+s7IbRqFlKBRn7nma0L2H0C9ED"
    "muvUXKfmOiu4Tkx5Ob+c5QyadvCbvJN49qpPFIdn+GlofNpg7wl6n1hBsE++tYD22mEfuW"
    "beW7s+LxXmAZ7hFbMkDAaY4wI32sqIe1Qgo+PKnCth95Np8Pmb2D8XPVPblx3f1Vxo6cmt"
    "Ag/avjZZM/gHZPCf4JYO5s6ht/JCEVQY5yKphlwA8sp6sdVQV9eKVQHitkpDZtxkvWZSVJ"
    "ZSQSmqv1JT0TziQ+g2meOETE9wpycYuQ5yoRmwzWWh9XXFr4rEugqWRBUsKg/6pgdtJIt7"
    "llBjLoO5S0Ujn90/VGz9XJJJtJpFKCFVwf6b85gei3hMj6s9psffdKeScZzro0S1kc4DUq"
    "3byCQd2a3beHChAZf4d5S1hhkE809VFW3EyYSK2wyZuw8dTVcu7rxKI5gniUMoJlBQSjlA"
    "5JPOPKqYrUekerGurKMr63QRzhoDmq6soyvraONkKQtvsawS2xuWk62UjU+172Dlg54mC2"
    "oWtlXyhA/ceoh8Y45xkOxhyKrlrBxgwYhjp/+xpHLs9Xnuvukgtf5zYbSErrbTVc7+9AEw"
    "p2YwD8zba4ZEe/ToS7P80mR5rMsuyzC/dc0lSXsI342s82t+Y8HA/5tFzzp4zrMlbcLrzl"
    "/gjRs0ltyMTYYQCcaNPBQYAOYT3GqdV3duRu1tEt+KVwKX4lXlnXiVvxJl07Cqm3/1SiSg"
    "+ao6oPmqENAcnySS+EY0qqWpGl0IxYxf1ASNXxRAJniFLBmEY4IjhkIc6rTNBzUL4TuuwX"
    "dcEpVPpWAiu4yzVKot5PaPCm11qIZeXauDA3xiStfYTVMpk6D7yFV2Z8hrAn2G7HjYnymF"
    "/RIup1QGtvC6zLW5Evs8mTJLv7Xc9CFCla7MdSu7SKsMvkde3vx4hi7xtg1u8wKxvtD7dK"
    "EDz1qg50Z8XI5UJ87tsgt0xHRPt5LmhAKhzvtZa1NI8DqeZaGbuO40LBSWVsa8QL+F8e7j"
    "27dipQXZDYTgnmXzbtk11sP7qQrwEl7LX6DVnijdxwOpCxV3vtkbJ9WclA5ag/EDhavCjT"
    "1qGtZZ9fygk4QTe1QrBbvcMSWo11aw39X2FC+Gok1zXTHN6XJ+Ryznx50H6IaXiwnPUiln"
    "9jgXQvq8BunzItLBdSyKcNBbOWTbiezKVmSe0aNl0aCET5FSQeO+DmfReqgWDUuNAvHztH"
    "rm+zTzOgd55az3ZJbFFJDYnSFv2exgz9FqVXOXZ9qDz/ip0TxnKfUsd3+WTXov+XJJqAqE"
    "6knSQl6DNU6DRZ9BHQei40BOba7paBzI4wZ/DyyCvUGJ5jhpHNbpjsmGfgHeT1B9/MgiGN"
    "dkAV2CLEDpWDwji95gSVet2OMno0gWpNkjR6tWJR/g3BjWqJJ9aHlQroJ2TKGgMmgspNcc"
    "1+g1x0W9JnTZb2/CTmYpNTvZZXYy0OEQWKLE3u1ZHJJp/7+GrsUAOWuvzNxd7VacIlEG9t"
    "bcWjcAkWa16LOU+sjq8pGlDRXVG0pddXV3JPGThpe1KIfLiI27ZHZWmRvTfw4ssXcB+pbl"
    "9b1kcIqj/Q5XlPRLGod1Mjj9ujbddeIV/SbcLQvahgfprPgkSD60Ab5BwBN0g4wLPv0u3G"
    "cL+YaLSdBkgDnFrSCgtzGgiENY43rpx6kD0qGw1ba8C2pyk2rro6q82l4XTatnY6lqMrp7"
    "ak9EUX3kJMqmvEFkUaeErOuoNY/d4pTqzi22NmQ9WNM0yl0V7Vd/gUtQJsDXpa0GpXJ7/8"
    "EdjUUuYtqrJk9HwdHPRv7KAVt5R+wcnYKK9PbTdYBnepJ45tqTWtFZKvUM9QcxWEwRlsE4"
    "7K7BFQLXwVYcdiWKcJpGPZgPEraxgVMfESh7XuTI1AN7JAT2qAbsURHsFfD9DaZyhnyMQQ"
    "mpeqCfjYRW+KhmhY8KoHvYkeI6ov5HDJmJ02D3sDqlv/ZXkP64RsUTc7TaDNY11Ur5TDey"
    "eJaQ6/nuwXw38PwtUqp3Vx0koyVXLLBMV4gO2sgTqmwAvc26vM06FhCnZ1r7kWg/kjb9SF"
    "Z2w1nPUupZ78qsl2z2QmahwAujyaxnKfWJ3p1JLu7tRvlMu5HI9OUe2/Y0uXmB91SWqKsu"
    "c2xEonGux1nCgyJlaVohlkV/z+RpkxX6ESqbiw/ZcLnCBLrWtgWs7pLRxDDr5tG/EzKXIL"
    "J3jse7YBxll5ZO8ygMFfvfNlHZPS2Fkxt1UBEknQtTACSm1qSDmA6eI3dfqGbgZgEcplFU"
    "Fq8FcG1Wp3ZPqB4ma7J4w8aazRS99gh+gvuuKBYUQWXCRzaUqitq5cEZ9GAUPdAcrJ/igV"
    "SFyoOA+8HuCdT7cBh1YcqX0t4Hq2wBbyXxYlVVzSWwS9wqpLAK67cqeJinU1Q3ByiVDVuV"
    "dSQVf5G6HOO0LdWIRhGBu3HN5IpRZPVJxqpMoIcsZsYuRKuELcO6eBWQ9NkVsFL9y1oOQq"
    "lUApbGoJRoAMOZrttVp3XUbyV3QXWgSaUuu9rPo1qTrYJv/mgskmOa9qrx8ChkmWabSgLh"
    "sLuC6B7Em5m+kZRmoP/hw8O7CtN6QpK3tSGLGP8zHOQfzFpwGjMbAyNjYYsw/fp+8kse7p"
    "u3D9d50xkb4HrfCP99Ay///D8/a6wf"
)
