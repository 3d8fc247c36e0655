"""Portfolios: the profile of each, one table per resource, and one search index for all of them.

The words of the index are in a column of PostgreSQL and in a table of FTS5, which no model describes.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

TABLES = """
CREATE TABLE IF NOT EXISTS "portfolio_profiles" (
    "id" {serial},
    "version" BIGINT NOT NULL DEFAULT 0,
    "updated_at" {time} NOT NULL,
    "bio" TEXT,
    "resume_url" TEXT,
    "location" VARCHAR(100),
    "available_for_hire" {false},
    "portfolio_url" VARCHAR(200),
    "theme" VARCHAR(32) NOT NULL DEFAULT 'system',
    "accent" VARCHAR(7),
    "is_public" {false},
    "show_projects" {true},
    "show_companies" {true},
    "show_skills" {true},
    "show_experiences" {true},
    "show_education" {true},
    "show_certifications" {true},
    "show_blog" {true},
    "show_testimonials" {true},
    "show_contacts" {true},
    "user_id" {id} NOT NULL UNIQUE REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS "portfolio_search" (
    "id" {serial},
    "item_id" {id} NOT NULL UNIQUE,
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_s_user_id_ca99b6" ON "portfolio_search" ("user_id");
CREATE TABLE IF NOT EXISTS "portfolio_projects" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "title" VARCHAR(120) NOT NULL,
    "description" TEXT,
    "image" TEXT,
    "url" VARCHAR(500),
    "github_url" VARCHAR(500),
    "tags" TEXT NOT NULL DEFAULT '[]',
    "technologies" TEXT NOT NULL DEFAULT '[]',
    "start_date" DATE,
    "end_date" DATE,
    "featured" {false},
    "order" INT NOT NULL,
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_p_user_id_fd1ce3" ON "portfolio_projects" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_projects_deleted" ON "portfolio_projects" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS "portfolio_companies" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "name" VARCHAR(120) NOT NULL,
    "logo" TEXT,
    "website" VARCHAR(500),
    "description" TEXT,
    "industry" VARCHAR(100),
    "location" VARCHAR(100),
    "founded_year" INT,
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_c_user_id_c24d47" ON "portfolio_companies" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_companies_deleted" ON "portfolio_companies" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS "portfolio_skills" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "name" VARCHAR(60) NOT NULL,
    "category" VARCHAR(32) NOT NULL,
    "level" INT,
    "icon" VARCHAR(100),
    "color" VARCHAR(7),
    "order" INT NOT NULL,
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_s_user_id_5890d4" ON "portfolio_skills" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_skills_deleted" ON "portfolio_skills" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS "portfolio_experiences" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "title" VARCHAR(120) NOT NULL,
    "company" VARCHAR(120),
    "company_id" {id},
    "location" VARCHAR(100),
    "start_date" DATE NOT NULL,
    "end_date" DATE,
    "current" {false},
    "description" TEXT,
    "achievements" TEXT NOT NULL DEFAULT '[]',
    "technologies" TEXT NOT NULL DEFAULT '[]',
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_e_user_id_b10342" ON "portfolio_experiences" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_experiences_deleted" ON "portfolio_experiences" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS "portfolio_education" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "institution" VARCHAR(160) NOT NULL,
    "degree" VARCHAR(120),
    "field" VARCHAR(120),
    "start_date" DATE,
    "end_date" DATE,
    "gpa" {number},
    "description" TEXT,
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_e_user_id_e7a660" ON "portfolio_education" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_education_deleted" ON "portfolio_education" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS "portfolio_certifications" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "name" VARCHAR(160) NOT NULL,
    "issuer" VARCHAR(160),
    "issue_date" DATE,
    "expiry_date" DATE,
    "credential_id" VARCHAR(100),
    "credential_url" VARCHAR(500),
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_c_user_id_bd9ad4" ON "portfolio_certifications" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_certifications_deleted" ON "portfolio_certifications" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS "portfolio_blog" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "title" VARCHAR(200) NOT NULL,
    "slug" VARCHAR(100) NOT NULL,
    "content" TEXT,
    "excerpt" VARCHAR(500),
    "cover_image" TEXT,
    "tags" TEXT NOT NULL DEFAULT '[]',
    "published" {false},
    "published_at" {time},
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_b_user_id_f90f30" ON "portfolio_blog" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_blog_deleted" ON "portfolio_blog" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS "uid_portfolio_blog_slug" ON "portfolio_blog" ("user_id", "slug") WHERE deleted_at IS NULL;
CREATE TABLE IF NOT EXISTS "portfolio_testimonials" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "name" VARCHAR(120) NOT NULL,
    "role" VARCHAR(120),
    "company" VARCHAR(120),
    "content" TEXT NOT NULL,
    "avatar" TEXT,
    "rating" INT,
    "featured" {false},
    "order" INT NOT NULL,
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_t_user_id_c882cd" ON "portfolio_testimonials" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_testimonials_deleted" ON "portfolio_testimonials" ("deleted_at") WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS "portfolio_contacts" (
    "id" {id} NOT NULL PRIMARY KEY,
    "created_at" {time} NOT NULL,
    "updated_at" {time} NOT NULL,
    "deleted_at" {time},
    "platform" VARCHAR(50) NOT NULL,
    "url" VARCHAR(500) NOT NULL,
    "icon" VARCHAR(100),
    "order" INT NOT NULL,
    "active" {true},
    "user_id" {id} NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_portfolio_c_user_id_9a9f52" ON "portfolio_contacts" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_portfolio_contacts_deleted" ON "portfolio_contacts" ("deleted_at") WHERE deleted_at IS NOT NULL;
"""
POSTGRES_TYPES = {
    "false": "BOOL NOT NULL DEFAULT False",
    "true": "BOOL NOT NULL DEFAULT True",
    "time": "TIMESTAMPTZ",
    "number": "DOUBLE PRECISION",
    "serial": "BIGSERIAL NOT NULL PRIMARY KEY",
    "id": "UUID",
}
SQLITE_TYPES = {
    "false": "INT NOT NULL DEFAULT 0",
    "true": "INT NOT NULL DEFAULT 1",
    "time": "TIMESTAMP",
    "number": "REAL",
    "serial": "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL",
    "id": "CHAR(36)",
}
POSTGRES_COMMENTS = """
COMMENT ON TABLE "portfolio_profiles" IS 'The profile of a portfolio. Its row is locked first by each change of the portfolio';
COMMENT ON TABLE "portfolio_search" IS 'An item in the search index of portfolios. Its words are where migration 21 puts them';
COMMENT ON TABLE "portfolio_projects" IS 'An item of the resource projects of a portfolio';
COMMENT ON TABLE "portfolio_companies" IS 'An item of the resource companies of a portfolio';
COMMENT ON TABLE "portfolio_skills" IS 'An item of the resource skills of a portfolio';
COMMENT ON TABLE "portfolio_experiences" IS 'An item of the resource experiences of a portfolio';
COMMENT ON TABLE "portfolio_education" IS 'An item of the resource education of a portfolio';
COMMENT ON TABLE "portfolio_certifications" IS 'An item of the resource certifications of a portfolio';
COMMENT ON TABLE "portfolio_blog" IS 'An item of the resource blog of a portfolio';
COMMENT ON TABLE "portfolio_testimonials" IS 'An item of the resource testimonials of a portfolio';
COMMENT ON TABLE "portfolio_contacts" IS 'An item of the resource contacts of a portfolio';
"""
POSTGRES_WORDS = """
ALTER TABLE "portfolio_search" ADD COLUMN "words" TSVECTOR;
CREATE INDEX "idx_portfolio_search_words" ON "portfolio_search" USING GIN ("words");
"""
SQLITE_WORDS = """
CREATE VIRTUAL TABLE "portfolio_search_words" USING fts5(words, label, tokenize = 'ascii', columnsize = 0);
CREATE TRIGGER "portfolio_search_deleted" AFTER DELETE ON "portfolio_search" BEGIN
    DELETE FROM "portfolio_search_words" WHERE rowid = old.id;
END;
"""

UP = {
    "postgres": TABLES.format(**POSTGRES_TYPES) + POSTGRES_COMMENTS + POSTGRES_WORDS,
    "sqlite": TABLES.format(**SQLITE_TYPES) + SQLITE_WORDS,
}

DROP = """
DROP TABLE IF EXISTS "portfolio_certifications";
DROP TABLE IF EXISTS "portfolio_skills";
DROP TABLE IF EXISTS "portfolio_testimonials";
DROP TABLE IF EXISTS "portfolio_experiences";
DROP TABLE IF EXISTS "portfolio_education";
DROP TABLE IF EXISTS "portfolio_search";
DROP TABLE IF EXISTS "portfolio_blog";
DROP TABLE IF EXISTS "portfolio_profiles";
DROP TABLE IF EXISTS "portfolio_companies";
DROP TABLE IF EXISTS "portfolio_contacts";
DROP TABLE IF EXISTS "portfolio_projects";
"""
DOWN = {"postgres": DROP, "sqlite": DROP + 'DROP TABLE IF EXISTS "portfolio_search_words";'}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtz4zaW/SsofZlJlaarLT/am9rdKrvjTDxxt7Nu92ZqUykFIiEJMUUofFjWzua/L8"
    "CX+AApgKJkCr5fui0SF6IOQODecx/412DBbOL4765cl4WuRRbEDQbfon8NXLwg/A/p/SEa"
    "4OVyc1dcCPDEiQRwrmV0B0/8wMOW6HaKHZ/wSzbxLY8uA8pcIfJIXgI0ZR7CjoOwZXH5wE"
    "fBHAeIvFA/QKs5cRENEPWRHzCP2KJfm1m8Y+rO2ncRuvSPkIwDNiPBnHi8o19+5Zepa5MX"
    "4qcfl0/jKSWOXcCFRh1E18fBehld+/r19rvvo5bi8SZjiznhwt20Xq6DOXOz5mFI7XdCRt"
    "ybEZd4OCB2DiY3dJwE1vRS/MT8QuCFJHtUe3PBJlMcOgLswb9P+TgIjNE8nEzCyTuL/+53"
    "1PbfiW/+8J/JU+YkxuPP94/jLzeP4/GgMkziaUqwJ5cs5oohpmLAOUZ/xv1usImuDsQXfP"
    "zh6uGvpxffRGgwP5h50c0IucGfkSAOcCwa4b8B3A0XEz5EFdCv6ezWDeSwb2RK0NN4FncP"
    "egrSHmDlT8v/+9u/jUanpx9G708vLs/PPnw4v3x/ydtGz1u99aFhLK5v/377+VE8EOOvZ/"
    "zyigtiGDawBzTgtyqof5xjT455JlCCnP+UNpCnFzaYbxaRQ4C+wC9jh7izYM4/nozeNwD6"
    "31cP0fzmrb4pwvo5uTWK7xURnjB7rQNw2t5AfM/ev1cBWDSrRTi+WYQ49BwdhJPmrQBOVo"
    "R+4nuuBO95A7rnVXAtjwg4xjioYvwdvxPQBZHjXJQswW0nou/SP45wdjeA/Xj76ebL49Wn"
    "n0T3C9//w4nwunq8EXdG0dV16epfL0rjknWCfr59/AGJj+h/7j/flLfXrN3j/wzEM+EwYG"
    "OXrcbYzmOSXk4vFYaZ35wzb6yn9xSEdlB/evZWtddwhD45fZIqODFWVXS/51obnbk/knWE"
    "8S1/Esz1awmiia7+1SdHuFL9mc6d9OrmET28yjTw4pTiP57/ZBJEP58/Afr89e5uEKE8wd"
    "bTCnv2uAZulwV0Si0sntOXqJWJ+Pc/PhAnalQP+OdcV+YAH6HIRiyHXgHX6q3FaFG+gl08"
    "i36S+G7xTak9uaR8Qg9klmZ8Z9hoYy7p+ImsFc3Ln4UViNHSYzMPLxCb8g8hf0eQxRbER9"
    "RFK8q3xxJYGmLbzchfBkJy8CuYk70xJ/FCy6xJ2xuodV+qKIWX9TrhZUUlXHpkSl904N1I"
    "dAPw61rqBXiVbMYGk7FqMdp0RnyJtl0P70bCwPl7caYA8MVZLcDiVhFg32KiDw2ANxIGAn"
    "ymZpQ3mOQVgAl2uOHnE24Cak3kiqB5RvroXGnBOG9YMc7BSH+bRrqD/WDMVc02A12W7WCo"
    "e/aemTTS5GVJeXctxrkoCaPc51EWVqMm5ZYT6dJA7O+gtmfcQl/mUNwX39ZTSLcSbrkJVa"
    "DbPl59+Xj13U0T27ZXBikIsDWvjVfY3B02MUkL4vu8f74Ypu0VSaUrF4VLh2E7DjLAKOkJ"
    "cUOWeD4KWIVQUhORkEm/pI8Z3Y+6EAPya5VkKt5TZpqafOjSpUTiP0+mTn+N8gO6z+tpJ4"
    "+xheaCnhOBBb3s2M0mvM4OmRcCSMvcHfNp6sgoIlq7RORFugm0eW2DPF4rRidnH84uTy/O"
    "siUiu9K0MlSDaNJdRm+eFqVgojYrc7ktckd97tOmp+MEdqtKV5xZvdLqQpsGD8RiXlFrkd"
    "xu1OuwaDh22EzVRciQTW204orZEDE3+WPqsYWIHPW4CHZtNGcrEUNK+OhWQ1Bb9qHiPIxN"
    "daHWDRH/ZAWZA5zfia4F2OPypYvYSldlcQV8j33xPepzNkC+HgFZs3ndVL0ZGwnwGil4jV"
    "gYiNgLHYRzIgZCfKniuK/325fx9Qj29SbwRsI8P1z38ze/cStHUOZkIIBShqfH9BIUilLm"
    "zduTC5UchfJGmUtRuKh6632fP5LmzC1Kwdwt5dXECvsT/xE6k7ckZt7s7T5aqmAaaeIsnb"
    "sGoNx9yBRd6sAbtz6cRjbYl4FYUhnOVVSG83qV4bySuSScb3iW+LGUE5gKUsbBfKqUxnTa"
    "kMZ0Wk1j8gj/nb7uOlGUMg7pk5GKicFbNSQ8VsyMKdfAJMGVIoVbDnImYIQJ10R53Pzzsc"
    "B2pDj+9dPVP78pMB5395//njbP4f7x7v5axpO/Dpv7HQ7wBPvkEwnwQELnFu4Pm/hcP+AD"
    "rMblXiExXxCecNsfBXPqIzv5mm8RDXxElsyqZnsoS+1QM+CJaCX6Js2NC4jvyrCuJ1ifsR"
    "NKbML6FSYTgBXmuFaYG/FafnQwXcjWl9zdxtUlernHlmioGv6DLIdy/SoO5VlhH+E5wXac"
    "JSYiNr4VfxJszeOcMb5UIIfPID9AzE08QVFJEv4J8ZHziR21qVuc9vxtOyxq/QlR1PIjRd"
    "8k/jk7MudRNmaq20gmYMTaVtJPlSyBkwZL4ERiCUCMVpdMl0/+qELZFHGYCJgUSXTgoj1R"
    "Koc27nkpAL81+JEa0S7VqiAJ3v5ee/tjNarFKBcEIf2mb2PcE8Pm1iaLJQuIa61rCmWUWj"
    "QaOHTTVqNwxhVK6M3Y7qA+mhA+9IgLcQMiXDJ3iJgX0SPY9VdxFkzJcGnRg3o5DRHklktn"
    "iz5b2HHifvJ3tILfGvwWHdK8PWJkunIH1Vstm1FRhXojYZ777XSk4r8Y1bsvRpXQEv+JSG"
    "ZyPeOVCRhhFR6C8Soo2AT7EoKx3kDMBMA8LEE5F9KhG1BJicZmRaooCepy71SpwgKVbe/K"
    "K1QmYcIGcOgVqkf1AeC1MrBAwPG8XsdSH6CfiB5reQBuHXPNIKiznON7wy02s2hFiaK1/I"
    "UtiKjNjdKykc+8B2+IVnOGFniNfD5pRNXIgHFbNz2jAInEsIrZvFtX0goC1PfDeBr64eR3"
    "YgWy8gFQo7JXrr504HXM5ryMEabdvi3nzYuhTAJlEgYCPDpXiWHlrRqqz1WiWNMlRwPknA"
    "igrIYyWWCZEd0QGZAKmGBglQFWoTR5qwaAKzHuUESxHn3+A+1711knE+NIbKxkDh9TTUUY"
    "+YONfH9C2/phCx6zdd1TSI/WvHYn7GUgs62jG8NGw1o0UbWqH0WYqhuFukZRrWy2OYnhLz"
    "4qnOLxDt0GPvLYijeznhDzbFFWT5wIaM2xOyN+rpeKzb3PL3oj4bW9XIGGDQb2McXJvd/X"
    "/v0qQXKhK9SGKu61oG8EjIG8s/Jy+SNXx23OyazpwBikDzy549M2xiv+i7lmWRmJbcd05A"
    "TNM8y7qU6xU5DeNhX03iWPjP+zZwW0D/tpx+rnTirlP9hEplCKy43q5O9souGhCeYi/jBg"
    "aEKQLdKhcIBEcI7IlLLknpjtItv1u38NNigMsuodHmVe4ofyQjcJYRQOeC+unZKBtnHBvI"
    "zF7x2LzTCSSyfjIBLkAIgP6Ocfbh5uUJQ0i/4D/SVq/ZdBtEjlniMKSkpDaJS/OXRdAY7y"
    "d8ftq98eVUBMeBGOHn8nVB9BDILy94vGnX55ooaofTlv/Jf4JQGXWh80/nisNbbkTMBAL0"
    "T3zjTdckY71THqN7jdl9hZ4rUoXF7Ftz6GLidiBMSHjqLLyk4ouy1TgQOWgsl0gSLim8s9"
    "LDWJg4AslrIyMPVGak7kFS3T9zsg2rHdn+iMFQi35J9lUgZ6o47E+6QU2/kqSQY9Iw+6yT"
    "EoGDqar0tZFjI2+/zOJJa4ZqWlolQnpFuPsvtOlGpqnjQU1TypVtWMnCDE85hW6FxRyjx2"
    "81ypHsl5Qz2S82o9Egg7ehNLV56S0srXycnB5tTnEX4mni89IeLLAjtOreGTEzuc3XNSHs"
    "+THdbI2O45HX24yEwe8aHJ2vny6erurmry5ClzHQzzcm8SxJ6UtfgHm/xXxKjKPT3/lbKt"
    "je6ecUTKKhexiFonZ266CNsL6qIlFlGZUfGJ+E+5+0dXeIdAn+h/DVUqbW9cMYquWOmGvJ"
    "po0KpgXzPGrT23jkpNhUqIT7iUWarT9f39XWFPvb4tc6VfP13fcJshGgTeiMZe4V4tNXcR"
    "GyJZZ+5SmqR+kYmMfuUFJsD+U7xECO/w0mMW8f04d08oXWhJvCnz4tKipeVFRxQWl2NYXL"
    "xQouA1VI4MZYrd2wwWL6TlJXE3mvX4S2JGOL327VeEUhFt5vJRWJ892Yo/ERFS6s/pUrYf"
    "5+42bsqLrJ1uRj7X2eM62ZsjWKc4KpO9RnP8TJDwlSIaVDboVj1I8++FbHQzy7GH1PtX32"
    "4adnHNQ+V2Ok6ub6teuca2ivegqcJ2ecP5nVG3FdVZEDRwuzE4lzIZOu1km6LcUcd9vEYR"
    "cDGhWmY45UUhE6TdGCzCQJtoymQOyDNlV46KaCo4SaPEy1ZO0oIkeND6ZsPA0Rx7I1n6k1"
    "x8tHBWLOziZK1Cq13g4CHp5jgh3Zphlns/5Rlm5QnbAaRQM+J1WCA3+cUSCii+NWzmf6JG"
    "uuSP+Co7JnAWxPf5s9XTPPK2UkInf7+B0xkWZrhQp/VYniY1XboMS3TzZI7010VzQN28if"
    "IB3aJD3QKO/Tq8tRkvSZqTuCgF8xh05APqyLlddEed7tOmp+MEdqtaV3xRQVk2XFmOp7NU"
    "Wc5mepOyHDVSjmFK2sexSH6qD688FpCN87OiOGvISZVoXwSvR7MrPuBYDMSv4hSvVCpTmF"
    "WinMBLupe9sF5lBh3vFU4XTd8TjaleEAKVpASpWLGqaNYXVUjbG+HrP3RFBY8snTXfBXQt"
    "7aIYJDiXLb8NNaY6jfMyB6xW8cuvr7DH7WUq4yDA1lzAqIV7SQygbwE9pMS2Gopjc/cSm7"
    "Yb5YIguPT7PMaxxd1mkIuSMMp9HmVwrnTsXBG8iSagBSGAFII39MjT9AHaR29s2D6gpBtR"
    "Lbypuqx02UCRBqAmkt//+EAcnIZeyMG+yuwVQyBPIuuL2bE7gpQLYDERIW40WTUEgw5KD0"
    "k3JsG0VyfQFH+cY0ek4sg9Qfn7wyZ30JKvKPznjR02o9oRVOLY2ZlIchNH2nh0Ng/QEvv+"
    "inl2lA3HVsRHGFn8ayseoradbE92T5PmhLsol4gKSXS9cQ/Fx1lUQd92AEZ3tFiPKg90n7"
    "dtk2dqkbFubYeSmHlF+E6UivCdNBThO6kW4TvegsU9PbQIqg60WY2PjviB8Dk4QxNCvKTa"
    "/efckZIDiXZfuN+o3RcOp1RT7q8KJ1pujrp8h36mfIqEogKVT/5ANEA0Ov1SRHMJ1T06vT"
    "OugsFcZ40s7HmUq+408JFNLOqnz1AKFNv310njy9L3IwojE4ZCdoGFHn8jyqFlhTOCctMm"
    "kd92QFBhHMabIwvT120wrJ4VFKVZ4wDdfkGfv97dVU4qSu7rf73ul98/yh8g5zHVfgY+sD"
    "61tx/WxEc+9/urqTPR2OXiX8HI642Rd9AYwL7ZHa8SAgiHLGWm3pmKpXdWb+idVey8ZGPQ"
    "gHcjYSDAlyoAX9YDfFkB+NU8wT1bO7oK/HvVlC8jMeWdBom3SzWmLydywHi+f/35CqrCnq"
    "KCcZsIoJwYhP/0mQWCeM03MczYCpgu25eXgZ2o5HRwXcZtRbLQT/mRiAK6kNkN1PSRUdOV"
    "5fVwmPbzpd8KaX5DKWDKHyDHcMrW2A6wvSp1ZyjG1d2lfZhigcZvH1yWd5d8l3Rp0Mqx10"
    "AzKXZbXFJ5jNVcU+PCSG/3Uf08j1w5CBedRyssXD8OfSYesdFkLaLG5nxGEic6kmk1Xws3"
    "kmjFxSqeqK46lfqb3JLLLulitxIGUAKsWya93peRDldlCOrZ35yIgfTvyYVKJFXZ5MwFUl"
    "1U6F+CfdkRiA2l9TMJA0PVOsdXn2EBZuUImJXCNqpns0pEwXZttl3L2/iONkE5kOc4Id5q"
    "FEgmWp/Cre6vwmD+A3ZtNp3KdNvC/Uaddi4aiVN51dTYK+Tz6fK3KKAJB8jiX4vET0JTjy"
    "24nrn02DO1ifdtFNTEJ5MoncX/WHLjKo58EtdFYgRa4DWaEERekqL1daeW7v8LIT/DgNAd"
    "MfJj/SyNshzkapTUsmquhniZWiBdEutEATYf59ANqMSI2+JoLEiCO7nP2rCVT3rUsNQ3Qu"
    "aZkmenKqFwp/WhcKdwLuibfJlezQ3as9fJAC9oPxE91vyce5c88uXpkT0RqTOkcH/YZDAy"
    "l1tKvCk3l3hbjfT7YM7xja047CLytwWmDuLwxPkvIvyNeMhmQ7kd2KoHZcNOTNbQ468DAR"
    "uvvzZeOkQailJOxECXxkglon1UH9E+qkS0Q5mD/R5PL5YsHXQzARNn77kKvrxV/fw9ryIM"
    "iv5bUPSXeO0wLNmA6/MaciImWMyHTmuACFNzbKueQnqsxtVPzAumzKHsJ49NaYRwxcCqtB"
    "k2ljhLW4+XcXNFO+txTlAiEdclyDp6h26FjcRWwjvmMOuJ2GhKPT8Q8WEEW3MUe8WEmKhV"
    "kAlWLLE9fcd2Ww0CzXoZaCacx9LYgqYhyAm9Yjmp98eBfW6bWNotc8+KkqDd9lq7ncRLoq"
    "pmmzQHrbZNsq4fLsg49CRWeT3gRSnAXR93rh3URKTVcyF5GRMwP0Slx2dMo18/njJvPKee"
    "hDy9Zswh2K0JqJV2UEJ/wnvY146RXckPgFz77WKyX9/f3xUm+/VteTZ//XR9wwciGgbeiA"
    "Y1e/VGh5euLg2cdVnQvMk+Uprso4bJPqpOdm426FWPzQQOWOfCX/sBWVT9LrnrXQB8OlLA"
    "93RUC6+4VVpKLEuaVVgP70bCvAncpMqn8H6oRfdDGVzqj5fhxKGW5vJckINVWWFV9udcFV"
    "967HdiyQogN6JdkT0g4imvkAc84xr6jrfFFkvsUtIK8IIwIK6GuP9EHacV3BtJwFoNa/Ky"
    "JB4lrtVufpfEAXVF1O2wzoRUwDwvDIgrruLEK5Vm1l7KKz0A9mrYTxw2a4N4Kgc4q+EcED"
    "+gC+ZS3G73LMsD7qoaohvglhp5Xhbw3op3fwI5XtV52mEYh07UwbaQDxGIzfg/ew746AP0"
    "HYd7dBPC8YVgz5rfuIG3HjSFceTbDdVCOfxIJGq9Pc/aRfwFXqQnR8SiKBouET2RderHMR"
    "fi5DkfYY+g1Zzwfxd05sW1gEYnaBnyFoLrHJRGZ3/fop5RDUEdvQzqENNCc5PIicAm0dMd"
    "t79eZgid7NNeerjQSY9M+VYiRka2227uNu+xWTvFOMmPc0Z5Y7HJMZcgcapI+veSeEmJrs"
    "JWqSTReG5TdHQJFM87iu0PjqXZY1k3a858IqFtG46kyCTgRIo2qRsQNVo710XW8L3rrAfZ"
    "SfFHGkVaOecetE7QOkHrrNE6GdflfLnKGd/aom9GjVS1zSv0G8fhmfw2RL+tmPdEvN9EHe"
    "bffGtO7NARH6OiBl7o+lGFZg+7CKMFEyXJEZ5Vc3A66XGHjBver866kjR/teIH0TeJf86O"
    "rOKBbPmu10KlK7cJOmj3ifig4O9RwX8ia96ZOyPe0qN6MaMSUYBcAfLaJLx6qOtT8EyAuP"
    "sAaK7Kee2sqKKkgVbU8VpN0aXiMBPithnjjRgMcK8HmLoOdck4Vpt1A06qwq8ddb//Ee42"
    "9sQfe8SmurgXBQFzHcxdbhr5Yv/hZuvLWkdFkIial8pzdq6gKZyd1xebPf9m16Cg7piNB4"
    "KtoObAq+zesInb8JJWitzGvUsQWbDfadEbhgIWfUpO564QGOpiUp9a/n7CoEW9VfxrrcJM"
    "oIjjHimNeJw0FqFMwEArZQ9F4+F0asN8PcmC0KjTJuuhprunKAUeHwjbOqADLbeF7+hD+7"
    "Tp6TiB3epGK76o2w9XBufkETsnH4glDuRaf+QfB1I1Pnd/iyoftxyL82CUfZXRWVmR95D6"
    "aMZYfE7WUASJLx1skVRjT4r4ia8va/dtO2mMn0sKTe8UQQea/R41+9evHf7aCuaedXtQSC"
    "CiBzZN+abJ2EK6WYrrzZskb6G8N4rG30Y7Fonjv8XBIw6bRQdNrpLtTiSluvFNyc7YpguV"
    "dKo0QkEAMH4ia+C8+rMzQrRJtiteKmyKl7V74mV5S4z+10A2bW+eG+NSpaLeZX1BvctKPb"
    "1sJdHEN5Ux7YTP0ZlS0cKzhqKFZ9WihWwpq/rWULQwFThgKsS+VtvyeTBK+J434HsuOdCI"
    "W8GB7jQuSpk2kbtfKsDrUA+9uV4HB/vB2Cd/VMe8KVMxL/WKtf+PMF9xg3x0qoY+9AWxw2"
    "F/YhT2C7KYcBvYYqEstLkW+7KYMVN/dHL24ezy9OIsQz270gR2LbCtzhOpyhqD74Gnd7Q8"
    "E1HXpsVuXhGGDf2YNnRR/oc+t9LjSqIdjHvPrO0jGWalEOhU6Z6sNd0JFUE4Mr3Rp7DB63"
    "CehX7iutWxUJlaBfcCfwr0+evdXZN/oaxJ+HO6lMWZJ8Lf//hAnLoiwFloSdrREW5UdcjL"
    "Isd2xsm0EJw/9+mt+pKkaQ8kHqvs3rDJa5Umeit6rn4WfiWRAm4vqIuicipoyjyEUdrRMP"
    "I/hUsRgb2aEzdyS4n0cbQSpf6Iy0crJHbFodVpzztkpB/UEdDCo3Uwcq+rxMeGCG5XwCCr"
    "T9WUwZOTape+0899bc/JO5anl9SbtjfPv7WX89HmfGnik3IcugGVnNHVbPJUhA00dk2yep"
    "YO1nqX0vYGeuE7O3+tJ2lvqdL0EEoz3/K3ldSqsdBP1FSrK6HLxAdh+znVrRz1I2ujEtaT"
    "b09tCOrpT1BPfmRUl5S8jIHLSvdFN35nE02KaiMBAa/lIxz1WV1TSXyT9JqFhLypd5TJCi"
    "ioOcf6Zh507H5kYWAxPRIhJ2Lgat5xqCbxPCYJsG9I/E4FzDNmz5X07/MG/fu8X/o38f2a"
    "qhPprWa9O26kUXPCpzP3b5Qr1W6UR2aTZ2rJy0zUttzTISWgdO8zxywavbEu21sSM29B2Q"
    "s7FuX68Bder4RjUcq4KOVTJaRPG5A+rSId+xdVEY5bG4dsN4WY8rB6ZMqXlvlYPzO1Kmmg"
    "ggfVZyBsrMM48FZ1M8uyMPLHNPLkZUl5by3GvShp4KgfySirxQsyd0q9RbuFvSQLkaF9Hm"
    "mPPLOnVuNclIRR7v8oj/m+5OuFl1QEzbOklZJ8G3J8qym+ULYFyra8dnR1T8u2fAn4ONn3"
    "k99JxPdWyeP8/WEjgxy1HLOoqSKPfL0OiJ8dfs074A85jAqVxSGsjoPCpcOw7aMVDeZxM/"
    "6AiMMdJPxWgW7uokMVVtojC5bk2gA33R9uGuqf7ZddSt5xfZwrgqZVdNgD1vR/JR6WphTc"
    "VOJwibf7Dy44cO4t0KdtluwjNL+y7VtzmIuSYGT3bZQ1wjHyxTycXfPvvkZa5ffUOeJX+7"
    "ApeI8r9j03Dpg3kJgdm5uNNkew4g8QtVM0OB5FqeOQq/VuQC0cCJNguYziwl2Eraw0SMGm"
    "UJTZIXUODIU269EukeOEb9d6CmwmYaCh0FkwXMEzFacbtvFMFSRhj+3bHlv1PAdEEj6zvQ"
    "RZIgaFglrWIMPUCT2Z5lJffywnYgzsnQWgrzAN2mWiFiVhyerzkgU2fv0LZW6gTH98gK/K"
    "WnboAdRxWG3zFt675JHxf/bsK+wD9B17CneywWPWYiAxwJM7wybrO/GkqVneV0iwLPGJRB"
    "iJ35h44iQlbba0VU4bGRaWbN6GX3c9MiUe4dPLHvtUzDJw4PXGLodjGjb5JBcq6STlDTWX"
    "TXLxqic19B1cpWSdi4ZknYtqCfY4hCAGSgPnspyJeO8jOQocpIPDcw4ravMRraBeC3nWHh"
    "Leq2DOCZ3NdUqYbwQATnDev1H+RqLCaw63vAdg7Xo96r3hb/o7qBDD3SdmBoJN9IJNSnnj"
    "8frcCVIPaW8mwbXP2JzcBKvlBtPpt40fHGcTXi08J6L+4uiauIMhYl56VLmoXB3Mw8XExT"
    "T+tkqojqa8/MTzjP2Mfnr5xPNfiskOwCD2h0EEkgtILpNIrmyxGusyLxJJIA2qpEFhJdc0"
    "MGSyYGmUk29jLUDTdMsLAaRbjLdMW9nVfMs6Ok5Ytxtw+WklN+Fq14YO8C0n0xqKsmxZLI"
    "D9cPPl8eH24+NrJT2XrcJaG6dgOG41dIpGq+KZQP6crfy8sbKaU2uOqI+eyDJA2EcOc2fi"
    "f2GeEHHDD3kDjDy2qhhA3XS5xSZKve4B9niDcVoUv2Ag1bQBI6kPRhKEWewxzGIz4zUmdU"
    "EI9B1QIUGF7Klyo6BCvpJS4xP7M6tTZ7KbzYoMbzZ2mboKcxUV9yY28ggfRT+IYzZXQrXA"
    "T8T9dlNgRRCwXNFwWRDfQnjGUa4oMF10qBIfmqt+qKeYNBQF7nCPNLCyRcNxhlDD0lQP/k"
    "5JA52ujdI089Rf3bgiquaWX6Elb8tNhKiyVENCeVNDyCLvl87UtG6JuaHrb8rLGLdVdH/6"
    "GFlgWTJmw5E1qYBx4I7OVTZi3qr+xMjzSpEpm/pLB6/1j/MoyRnIDFyqePMu6515lxVfHn"
    "7mK4k3Dj2tGV2UMq/c616KT0wo08E4aQ7gKoHrMCsLu1JFOC9jHsx7cf2vyMSnAdFdL0pi"
    "5oHd2dHJhaOpse+vmNemtqVE1DzQT0ZKM3zUMMNHFdA95mhpHWn7Ax68lAZGH6Mnwg/9Je"
    "E/rk1GTFkWkiP6Rq3IR7pV9RqJOIz3EYx3i/MjqpLm7VWjcyUF4bxBQTivlrMTxML4mXiU"
    "d9qqqp2sA3jN+vya9exYNRhpqAkGNcG6rAm2tFuOelESRr0voy552Su5hXHERptRL0rCit"
    "6fQa6+21zR8qUcZVOBmJzQK1ZHfb/Da/sqRWEW2HuSJeo2IJ2JAM7NOGtEUOQ8Ta7LQtci"
    "C+IGO2ZQX+W6OtoVrTnZHC/p+ImsdwVqSX8k6yPc6pUwojZZLFlAXGvdAVa3m97UMDvGac"
    "UhcwMa0F1rGNzG/Rg7tRZkMeH77pwudwTqU9aRqVCJ/+0xlWk1Wji5aQMTQVoQ38ezXd+6"
    "T3EvpoIkSGDeydhhM+ruCtUUf5xjR/CvxuJl4SQ2PqBTGocy7Ija51xXhu6Ar4fWUc6xOX"
    "Zt9pzEG7eH6v4qDOY/iL6mU0MnVsCeyK4zSpScpwvyKLoydUYtu6qj9ZNnYgmtYsUxbHWw"
    "Tj0k3ZgLkyWWqDVvZu86qR6Svj7yj8bixdjCHy+wLStVrYMV78fQxdznmvbuL96XuBdT51"
    "HurI32GBmXnKtXBDFHzbgT9lKPZXoajQI3k3Zk4Hu5ZF4wZQ5l46XHplQWqqkP2E9ppz9t"
    "+jQQu83BtF2AVjgN1xC0NDM48/NGlBWKXSeldM5qo2FTbmdhgm/ab0/0dBENyELUExXZ6B"
    "7xWehZBKW9RNVHUdb7oARUG3nlI49+FbNwg2neZS0EyAs3CZLtNuljQ1e/jKuIJPUN4lo+"
    "yawcRB1xkMQH9PMPNw83aPM96PYL4jMHff56dxfXQoBs1T5kq0KIUxvAjy7uAWKa3sQwQx"
    "DTWxjlgAZ6GVKZgIEJ2XtJQcs/WQXnR67l1L1EBTETciia3pubfz4WXpkU0r9+uvrnN4XX"
    "5u7+89/T5rkh+Hh3f11Cni4S96oq5pkAoK2PtmYSsbHJw3tJiJ/RgFsIuonaRSmAWgnqAM"
    "8kJGj9opG2P2DK8C+/Vg3D5NpxrBUBseYuE5EhMg9PA9YlOcBcHXM/wF4wFlq3XJ+vyeYs"
    "SDXp8se3mDSMgNDNy+mZrq2NXl7mLWM3JTgIPSIh5K4Zcwh25fDlxUrwTbjcvt717EoeNz"
    "lT2wVe1/f3d4W3/fq2/Dp//XR9ww2P6NXnjWhcDraaJsE8W3bKXm2ORNbepPOKOzu4BQ6E"
    "hAMhD+21GnZ3IKSW57qts+wjWyyxS0mzt2zTaqjmLrMKAq39ZVk3bR1mTR0c3GOWPQy4zM"
    "BlBi6zI2LZwWX2JoYZXGZvYZThANj9OswcNpOU1q0nBdP2JvDbhyYFk1KuOtM5J2IC4gfw"
    "KIAH+NU8wK4d8u9f68zvvIwJmB+gjjSU6z4IzFMWRiVU1wTrkLxlMTijG6jeNis0UL1vm+"
    "r98kQdp5nnTZoM1Uhef9O6NcMb99GW3q2VPji3Gz8JELtA7AKxe0RcEBC7b2KYgdh9C6MM"
    "xO7mSF4V8/Wi3nq9qBiv3NonM6ZHxeRlDAS5+8MsHfJMJBHitdRA1h44gSonQC09RittD2"
    "yWEpvFgZPVLmhYDVIB8wBumpgpvB9qwf1QhhbCQIEb7JWlDNyg4dzgzcuSeDQuA9hEEObb"
    "DdVYQlISaU0V5jpqyxc2d3Fw0jD3OMAcAnMIzOERkQ3AHL6JYQbm8C2MMlRR2XdQaJz7os"
    "cebkTMYwz2CbKmsVuU2kH36xngu6h3EBt3YDaxB9UN+rYqQ3mDQ2FnhZ6XHF5XhK6xukFO"
    "CoobKBQ3gDD61wqjx9ackue6sx7roS/LQbkeKJHUZ8zB0wOeHvD0bPH02GFinDT6ebJWQ0"
    "UvT0GgvY8n7aa1h6ehg8P7d9KHAe8OeHfAu3NEhDB4d97EMIN35y2MMuW/jAahLotbEjPR"
    "06MUJn7SECd+Ug0UtwkfOy1n2kbCBHLnAH6eaQqjKsKZAACsBHAPvBE9Ax2cEYfCbrbEEp"
    "bFYbiGMEzalyCbCgGzoLr/en13g356uPl4++X2/nNRz4huFj0QDzdXd+CCAGq2XxoYULNA"
    "zdZQsx+JF9ApjSnD5jj8UtOhYlXmqlT70syFvlrXZ97Wy+GLNBeeCIhbIG6BuD0irgeI2z"
    "cxzEDcvoVRhoIe+6Vqqe+HMsOhgRPPJEwwgg8FsTYXVpR6y2wY19upt9YnE4tibxlBrr7a"
    "xA0odqT8S0P+TVnQwFd+L4VRNrhpnvdalTQP8r1UaAd2EdhFYBeb2cVrh80GTZxi1GCoxi"
    "RO0rat+UPRQ1vWsEb24FyheI5dGcLSo+Rmke+Es23Pw5eq8vNEYnoPA1QlUJVHtRgbwW4A"
    "VfkmhhmoyrcwylBBJGfjjZRsvFGDjTeSVAhI9BpVgNP2BuK7p3qubiBNgq+Pi8qJmEBUHD"
    "omirxYxFtKEK+f1DkRExA/ADVksWdhUS24daw3tQtiJoB98Ax4PNPLfE/aQ8a7OsbLcOJQ"
    "f04kJnpj7ZKCHFQvUahekiHWQpEvy4Iq32dVHpwJ4EwAZ0KzM+GR+HyhYi7FW04ULDQcqj"
    "kXgrJMaydDvqe2zoYtfRzc6ZB/HghPBs4fOP9j0i2A838Lwwyc/1sYZQhP3m8Wvsf0XCpp"
    "exPIOijJbgrIB/eq9G2lODQnip+5ki3hGBrq3GYSJszqQ+PNkRGPU8G79rjCjQAcW1olmq"
    "fcnAs9bUY/LwaEvgKhD4dswiGbvaKHgDQ3nDT/yBU7bAVbKnukjYaKNT3y7dtX80h6aV3H"
    "o17+8BU8kmcBchzIcSDHj4hPA3L8TQwzkONvYZSXDub7sbfQoRfzMkZQX+X4VqXw1obo1k"
    "res15++S5J5X2Hdg+hw9TSLBhumVMf9AAJB0DAdEnAcIuHPkvcZY2k4UbogJRhaq3kQc0s"
    "mB4ThkBxAcUFFJeU4roiHrXmAwmvldwZNpFZeNNmG4FVD+h2mkmLz6ndhaRvs2QLSkZvNx"
    "6n9/tPPWfzTDxf88CVnIiBKuro/FwlKfb8vD4pVtwr7fr8pdJAOGluILqHTYn9x5f7z7rB"
    "Gza1AvR/yKH+MaqrDeAKMAoqViWooBw/UFIORAfXMu3gkJvZn/8PLjScFg=="
)
