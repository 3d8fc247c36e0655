"""Two-factor login of accounts, recovery codes, and logins that wait for a code."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "pending_logins" (
    "id" UUID NOT NULL PRIMARY KEY,
    "digest" VARCHAR(64) NOT NULL UNIQUE,
    "device_name" VARCHAR(100),
    "attempts" INT NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_pending_log_user_id_ec2347" ON "pending_logins" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_pending_log_expires_373eea" ON "pending_logins" ("expires_at");
COMMENT ON TABLE "pending_logins" IS 'Somebody who gave the right password and owes a code';
CREATE TABLE IF NOT EXISTS "recovery_codes" (
    "id" UUID NOT NULL PRIMARY KEY,
    "digest" VARCHAR(64) NOT NULL,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_recovery_co_user_id_15d066" UNIQUE ("user_id", "digest")
);
COMMENT ON TABLE "recovery_codes" IS 'A code that is good once, in place of one of the app';
CREATE TABLE IF NOT EXISTS "two_factors" (
    "id" UUID NOT NULL PRIMARY KEY,
    "secret" VARCHAR(500) NOT NULL,
    "enabled_at" TIMESTAMPTZ,
    "last_step" BIGINT NOT NULL,
    "failures" INT NOT NULL,
    "wait_until" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID NOT NULL UNIQUE REFERENCES "users" ("id") ON DELETE CASCADE
);
COMMENT ON TABLE "two_factors" IS 'The authenticator app of an account';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "pending_logins" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "digest" VARCHAR(64) NOT NULL UNIQUE,
    "device_name" VARCHAR(100),
    "attempts" INT NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
) /* Somebody who gave the right password and owes a code */;
CREATE INDEX IF NOT EXISTS "idx_pending_log_user_id_ec2347" ON "pending_logins" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_pending_log_expires_373eea" ON "pending_logins" ("expires_at");
CREATE TABLE IF NOT EXISTS "recovery_codes" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "digest" VARCHAR(64) NOT NULL,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_recovery_co_user_id_15d066" UNIQUE ("user_id", "digest")
) /* A code that is good once, in place of one of the app */;
CREATE TABLE IF NOT EXISTS "two_factors" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "secret" VARCHAR(500) NOT NULL,
    "enabled_at" TIMESTAMP,
    "last_step" BIGINT NOT NULL,
    "failures" INT NOT NULL,
    "wait_until" TIMESTAMP,
    "created_at" TIMESTAMP NOT NULL,
    "user_id" CHAR(36) NOT NULL UNIQUE REFERENCES "users" ("id") ON DELETE CASCADE
) /* The authenticator app of an account */;
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "two_factors";
DROP TABLE IF EXISTS "recovery_codes";
DROP TABLE IF EXISTS "pending_logins";
""",
    "sqlite": """
DROP TABLE IF EXISTS "two_factors";
DROP TABLE IF EXISTS "recovery_codes";
DROP TABLE IF EXISTS "pending_logins";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtz2zYW/SscfWk7o2Zs2XK8md2dcVKndePYHcfZdprpcCASklBThEKCVjTZ/PcF+H"
    "6AFEBREoXFl8QicCnqAAQuzj24+DpYYBs6/ourJXoH14NXxteBCxaQ/lEqGRoDsFxm19kF"
    "AiZOWBUskfkE1+FFMPGJByxCr0+B40N6yYa+5aElQdhltX+fA2IAY+nhmQcWBp7SD4EPPc"
    "PCC+gbyDVWiMzZvWxs0ZshdyZnFrjocwBNgmeQzKFHjT/9RS8j14ZfoM8+fhowy8Ff7PLy"
    "yZwi6NiFH49sdqPwuknWy/Dax483P70Na7JHm5gWdoKFm9Verskcu2n1IED2C2bDymbQhR"
    "4g0M7B4gaOEyOYXIqenF4gXgDTR7azCzacgsBh4A7+OQ1ci2FqzIPJJJi8sLAHXyDbf+HC"
    "1b/jZ8zVN827+0fzw/WjaQ4qjcKepQR4fMnCLmtQ5BKG3Ndv0X0zZMKrA/YFb365evj+7O"
    "KHEAvsk5kXFoa4Db6FhoCAyDRshQzu8P8K4G/mwOMDntQvQU4ftA3YyYUM7aznJvAlAO0A"
    "0sECfDEd6M5o731lXJ40QPyfq4cQ5cuTEGVMX7ToDbyLS0ZhEQM7A3fpwSn6IgNvZtENwJ"
    "t7897gHYnAO6qHd1SB10Yz6BMZeDMLBfvvxbkAwBfntQCzoiLAvoXZPSQAziwUBPhcpAef"
    "1/fg80oP9iFwoG360PKgVEeuGLaCOx4M+on2aCw0YIwbRoxxBXAKF4PDBBy0f6IlBC0gH/"
    "GiZQluOzZ9kfxxhH29AezHm/fXHx6v3v/Gbr/w/c9OiNfV4zUrGYVX16Wr31+U2iW9ifH7"
    "zeMvBvto/Hl/d112WtJ6j38O2DOBgGDTxSsT2HlMksvJpUIzO8AnJnU02zR02baDpu7Ze6"
    "ZSS8MvS0Rv16Kdi5a6lfvcymzNaMqtDHMmXS4P+9uoGxaBbME9feKuAcMVeQXat3RRi2bu"
    "O7gOAb6hzwFci7f4i/mKj/FtjhPS7Gr2KntglTIU+Q5Ffzv9xZBETtrVhzdXP10PQoQnwH"
    "paAc82C1CzEjzCpStp3WrRYrQoXwEumIXgsF/BnjlhiQIbkQdoYa/Io3CKh41MEqtoOngm"
    "SiVhw0a2sZoDMjSwG/8x9fCC/gk9agJc25jjlYGIAWnT2hxeqdU9REimaFCnrUVL6CeL4K"
    "TtaEl4jQCP2pcugpDWSa5ojqofHJX83K6d9COY1LOXTXTVm1lodkGAXcABYQy9DMI5EwUh"
    "vhQheOv53TK+HgS+XAfOLNTja7rvv/lpW3SyzdtsMeX2DOlt5tUynh52pIaEopV6/fb0Qq"
    "DfnpYnyqzfsqIyq+v79JEke27RSvfdIqaxu/5Ef4RM5y2Zqdd7u4+qFRZGkjhz+64CKHcf"
    "WkNLGXij2vvzyAa7WiCWXIaxiMswrncZxmVYQ5IGUEikomlFK+VgPjsRGSRorVqgw7Ky80"
    "t/py87ThStlEP6dCSyxKC16r2JUWWZMaUeGCcI/wi/ED7IqYESS7gmyuP6j8cC25Hg+P37"
    "qz9+KDAet/d3PyfVc7i/ub1/zSPHD8PlXrvE40oBo4JhE39LBy8PQUEh4L0LDTvwmK0Bn6"
    "lpJOrzMF4MDeAzunVF/wOuiwPX4lC3bW7A4W0/DZgFK/Th54hwzdG4XwcZboMFdY8pambE"
    "6bLonRc5zCmsGTv7xYzRMIMlI/sipOK3YBBaU4DYB+P3X64fruOf8C/ju/hbXkV29ncRqy"
    "9MAr9Gsxu35q3kDnkomnLyr2TsCPVX1TVjj/DjP0ajs7OXo5Ozi8vx+cuX48uTS1o3fN5q"
    "0cuGl/j1zc83d6X3kl1o5oRZf5GCPzbYjP8RDIn7bIJcqP1Z0q1KDZSYh0o+1UjEpRrVe1"
    "SjCtuloxyKRjk0idkhEZTzAyQQLVppTEs6dbB2MOAAWr/GyJkoMbrvY5VRWD5Tv1eyD+dM"
    "tKKpWdGUrCq2VDQ9xLc5Tkg3KppyHapPiqZf8WTAWQOzy8OmFfDfeCK4/P2AF3QJSiE0CD"
    "YmdCWL6XIWEMOBwKcr2bhPFBa8YiabpUmFNa0XuGYkPdq0nmW/zfQgsNeblrK0TxPIlrJh"
    "7e8G4aiT+072wNA2A5cgR/ybA9dlQAh/d1S/+u2hiEvmNzOchb+WVe7iO2E0sYl9J60sSx"
    "NordjOtGL0RwdS4e3UQAk3ZteLVNn461aB136D231MULvhe3fDw2FcpkOnBkrAvVN5HCAE"
    "Lpa80FUtSZs32R9Te7IrdCOadnR6/vL88uziPGVn0ytNpGyVgI3dxQqczSxhZqWZwl4zha"
    "FnLuMspgaaz/pWRTJZ40i+LmVbvTGwz+9MvOB+ivLkCOt9CladyNV6lGjjVEgTeNogCjyt"
    "qgLDXdHQ8zBnp2A90EUr9XSBYyFl1bhBWTWuKqt0joL/i6ErpaUkGzlvpyenvrVwT5Rk7+"
    "FiAj1/jpYDDpWeKx02MeqLtJ4EsT7B9prlhEvVYPEW3inwDDKHa2MOnqHB2GkDES7PLn2H"
    "RmVZlm9Op6HrLW0ruylpq+1IfZvVSu6bkPfW4LxVHIq/MXJbTTUFQwXdCbYf0753nXX8fh"
    "3J5BMPBY3eRdx00jLJot0BObiTLZr1IPLIcK3DOpQ86BVTZbjPPbfBIiCQJ8vGdLoAbo00"
    "LLEpgT6hRrtCPb2y3wn69f39bWH8en1TjpF8fP/6mk4v4cBFKyFSg7Q1B+6s3SK1YKlXMH"
    "1bwWiV2s54aZ3GTIv+ei/6K3fYDiDVmeEOwwG58S/mEEBumuisgf0JK8lSP+yr7Ii+iVX3"
    "9SQPvy6XzsmXNzA6w0IPT3cV6h18vdvBp32LTn0LvSFy/6vNw25F6lsjaB+5J3A2+Mi5WX"
    "RLn+59dqfjBHajW1d8UbWzrLizHHVnrrOc9vQmZzmsJOgsXyXurkHY2Vp+4g+vPExgFvqs"
    "OM4Sdlwn2mfigbB3WQ6i7r2ZZEhuSsOhY6T9iJFqD2/vHl72lkh09IKRdkhKkLLxqopm/Q"
    "6XpL4Skf697zKHS2dN5wDZdXbRTMvLy+u+jBgT7cZ5mz2mvfv01wHmuJ10ZUAIsOYMRinc"
    "S2Ya+hbQa0Fyq6Y4tmAvtFG7Vi4Y6oB+n9s4Wm+3aeSipW7lPreyDq10HFphrIl0Ov+ckY"
    "ZUSzf2LN3IqD7NRzeBWnhPZRnpDO5QycCh52Kzt+8eoANqTq+qijIUwbrERUTHd3GWbzIo"
    "PcDsFDBVYNplYOPehY/UIXvET5ArBSqUD5tCHNiFJvPtTMLqyqdaYxEL4BrwxwVAjkHfMp"
    "Ym3A/3cUHPsPFwY+Y18TuInBGZxOuWgUdnKxgFQnKnAuvNYT0JfCQNVMG8fn9YzkQJ4njX"
    "h/7YaAZ9qeTemUU3APcogUL3mb0gG7Bk0E0NVOy9YxF8aa36/juuItyfc+D7hr5KzIZWh+"
    "mD4A+9Yuypguk3upClP+8WzxDX0S+UNzr6y6gmOwweScv/V3NszFh+Bup3Gx6azYmxBL6/"
    "wp4dJnLAK+gbwLDo13Jd/TY3Efb2tYvfUxdf+5879T9t+IwsaIYfZTAumqmXv+tUKH/XaU"
    "P+rtNq/i6d97TjvKfat28zGmvfXvv22rdXxLf34BR6kLUMz7PPSpv9+rSeoFP/Zo7p/O+z"
    "sz3ZcScsmX/y9xJ6fhSEKXjwQhbcrQlJ/wxPDNhqC4LewsvK9rGFV58GkXmSFyKOZHl6zf"
    "mRF5U0sHPsRyE5Ua1rZrFHmevXbwdYae5E5hqf+dvCzSxaKuhmHmmiPI7bWZElaK9Te53a"
    "6+R6nanUhuNz5mU49R5nQfMjdiw9XOC/UdFnZEfusU916WTEzYQyywxZ+JXeTW+E7SlZHL"
    "WOhN+ZGijoeHZPFuvtPqr5QSIJg3UyG53Mpo9wNjiXOpmNTmajHXeu427hZ+it3zB9BNd5"
    "z5VvcOCjmiaTWggnt2GVI7U28o0Zxnaoyx6yBDVLB1gw8dPpf0zgwb6+7NO3vUkjtxxrBr"
    "Rf30+//vAikEO7lzv27LU7orkuPWXyp0y2dZQ3VcZbShumSFpDeGZklV+F8xWMIqNs/5KD"
    "Z6GqcRVPdv4cr9yokDMvtrmFiEAyCc4xAMKjMbU4sifzog6z7uqIcllBpLpKyEsRIeRlvQ"
    "7ysiKDTMcRSXxVPZZ3dC60a++8YdveeQVkgpfIkkE4NdijRGBXo215W5kQvuMGfMecfZF0"
    "BUxku3HRSrWO3P1QoSMO9dCrG3EIT71rd1aePiavhY4vQ36KvDbQF8z2h/2pUthHZypTVA"
    "OXM9rVYl82U6brd7ZLJEboGXp+rEsR79lVW2XwPcQpqNAl3rrFbF4x1hP6MU3owLPm6LmV"
    "H1cy1ekl+6OYrbZz4nRP1rKZ8cuGOrN4Y0Qhw2t/cYV+4roxrFDpWoXgAn0K4+7j7a1YLj"
    "82AyG4ZZ66azaNHeH8VAc4x9fy52i5JUrv0xupC1V2MNA2OKkmUNpp0sMPFK4a4XpSNGyK"
    "6flRJQnZuk/H4h+Ra2A3FKVEmRMq0bvGmuJZTHRgrh+BOZ1WY49pNULhAH3debRJPdZFK+"
    "WCHmdCSJ81IH1WRTqajEURjmorh+z5WADY83EtrqyofBjTlA4tc1Ne5la1VDC0rzeyaBaq"
    "w7ASdNsSkDlb3fLH1PI6T1Rtqx9JKwvRjx58xk+thvWipSaZ+9/KJh2tfF40r8lZKhmqt7"
    "4SUpI1CMmqOjK9M0DvDDg0hd/TnQEfCAifo8okhgXDRh4xrSKwN2BKyw0wwQExyBz5BqOd"
    "JsCHr0KFP1xia14hFIWtNpOLtaSipPhxG9VjC0Lx6AbdejrxGTgBh0isT/iVGihBBzR5L1"
    "3l+6oM0ocZUx5X+C19b7HHG1eywsaxhazoA4T1BMMUj2yXbEDffpcgC1A7tmeW7RECrgGs"
    "VFlWGF8EbbYYXXTIYq8hCx9aHpQiHzMLJUaZ4qA+FuLPxw38+bjKn0OX/fZWJykXLPUCtc"
    "8L1IgrJJATLNmsX4/NtMq0pYAdICfweKKKevF6zkQZ2DsTT68AIiadzHmnlDUPWUVLPWT1"
    "ecjSAbH6F0rdsEh/uL2DruY7ZPZkFo2bWEB2/i6m/+yYA+wD9B0zgFutwCmO9h2uOVAhKx"
    "w2rcDp49r0rRM/T+EqFP9B2/AgbRWfROmtVsA3CHiCbpTVw6fPEioDkW+4mERFBpgBVD1u"
    "oYsbisgOWx+Z1iAb6jBFRY9Ywq5ULA3Zb3WUW1VfrSfsZDjH8IfFDZwkG8CFx8I4S/cKkX"
    "kTBdlUUfOOffKTmkYt1jNkddJ5G+UmirORiHB3VK/bHfXtkPEegbuTI8Zt5C8dsJaX+5fs"
    "FKTRu08JA57pSOKZgSfVo4tW6gl/dhKumCAsg3FcXYMrBK6DrXRrnyjCeRv1YN7J5qAVnP"
    "iIQNnxomSmHtgjIbBHDWCPqmAnR7G32MnCMVUP9NORUA8fNfTwUQV0DztSXkdSf48bs9I0"
    "60d42qIf+EtIf1yb4EjZVgfB+kas8Fu6VbyTY67b+wjau8VOgqqlenPVTrKmhsQCy6aG6E"
    "1b6aB4N9CvWZ9fs55tu9QtrVUkWkXSpYpEn46tWKtzXvZK9qpIg9Gm1YuWekTvTyNX3+1W"
    "OXP7kSz3ZIvX9jD5n4H3xEsG15SdODHRODfjLKGfyEWaloid1LBlgr6rJXoHdb5Hne+R/W"
    "+biDeYSuHkJhVUBEknxRQAieAn6G4JEVMXU/fqkd1KVZwYR0dvYjp4hrbF67foXrfsVsri"
    "5cEp9GAiW94CrPRGqkJFF3ahAG9LoB7i26gLU/mU6G2wKp5NrSRe7MhQcwFsTkRXCqv4cN"
    "KjXDk3Q5TPwNweoFyyZ1X6kZTwO+dMpNki6hFNtiJtxrWQokKR3icpkr+CHrJYBK0ik49L"
    "hk1CeZDV2aSUr/9lHavfa/kHrvidQz7ELd1fjXAnm6Yb8vfU0Wj1IeZ6Ek0FWfBoLJJEmd"
    "ZqCC5X0iizl0oC4bi6gujuREhJv5FwU6z/+uH+riaql5mUaX5kEeO/hoP8nRGVh2H4GRgF"
    "cr+Sj6qcempYZO3ZDQ6ej+rb/wBN+DJ7"
)
