"""Identities of users at OAuth providers, and logins with them."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "handovers" (
    "id" UUID NOT NULL PRIMARY KEY,
    "state_digest" VARCHAR(64) NOT NULL UNIQUE,
    "code_digest" VARCHAR(64) UNIQUE,
    "code_until" TIMESTAMPTZ,
    "challenge" VARCHAR(43),
    "expires_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_handovers_user_id_bb2501" ON "handovers" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_handovers_expires_2d582c" ON "handovers" ("expires_at");
COMMENT ON TABLE "handovers" IS 'A sign-in that came back from a provider: its state is spent, and its code may be exchanged once';
CREATE TABLE IF NOT EXISTS "identities" (
    "id" UUID NOT NULL PRIMARY KEY,
    "provider" VARCHAR(32) NOT NULL,
    "issuer" VARCHAR(255) NOT NULL,
    "subject" VARCHAR(255) NOT NULL,
    "email" VARCHAR(254),
    "created_at" TIMESTAMPTZ NOT NULL,
    "last_used_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_identities_issuer_1dda2d" UNIQUE ("issuer", "subject")
);
CREATE INDEX IF NOT EXISTS "idx_identities_user_id_5a446e" ON "identities" ("user_id");
COMMENT ON TABLE "identities" IS 'Somebody at a provider, who may sign in to an account here';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "handovers" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "state_digest" VARCHAR(64) NOT NULL UNIQUE,
    "code_digest" VARCHAR(64) UNIQUE,
    "code_until" TIMESTAMP,
    "challenge" VARCHAR(43),
    "expires_at" TIMESTAMP NOT NULL,
    "user_id" CHAR(36) REFERENCES "users" ("id") ON DELETE CASCADE
) /* A sign-in that came back from a provider: its state is spent, and its code may be exchanged once */;
CREATE INDEX IF NOT EXISTS "idx_handovers_user_id_bb2501" ON "handovers" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_handovers_expires_2d582c" ON "handovers" ("expires_at");
CREATE TABLE IF NOT EXISTS "identities" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "provider" VARCHAR(32) NOT NULL,
    "issuer" VARCHAR(255) NOT NULL,
    "subject" VARCHAR(255) NOT NULL,
    "email" VARCHAR(254),
    "created_at" TIMESTAMP NOT NULL,
    "last_used_at" TIMESTAMP NOT NULL,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_identities_issuer_1dda2d" UNIQUE ("issuer", "subject")
) /* Somebody at a provider, who may sign in to an account here */;
CREATE INDEX IF NOT EXISTS "idx_identities_user_id_5a446e" ON "identities" ("user_id");
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "handovers";
DROP TABLE IF EXISTS "identities";
""",
    "sqlite": """
DROP TABLE IF EXISTS "handovers";
DROP TABLE IF EXISTS "identities";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWlv2zga/iuCv3QG8BSJE6fZYmeBtJNuM22TQZruDKYYCLRE22xs0aMjrtHtf1+Sui"
    "WKJuVL5vJLG5N8Kenh9d781ptjF86C51cL9A6uei+tbz0PzCH5o1LTt3pgscjLaUEIRjPW"
    "FCyQ/QhXrBCMgtAHTkjKx2AWQFLkwsDx0SJE2KOtf5+C0ALWwscTH8wtPCY/ogD6loPnML"
    "CQZy1ROKV9udghnSFvokYWeejvCNohnsBwCn1C/PkvUow8F36FAf35uUcpe3/R4sWjPUZw"
    "5pY+Hrm0I1Zuh6sFK/v06eaXN6wlfbWR7eBZNPfy1otVOMVe1jyKkPuc0tC6CfSgD0LoFm"
    "DxotksQTAtit+cFIR+BLNXdvMCF45BNKPg9v45jjyHYmpNo9EoGj13sA+fIzd47sHlv5J3"
    "LLS37du7B/vj9YNt92qDQt+lAnhS5GCPDijyQorct+9xvzkyrLRHH/D67dX9D2cXPzIscB"
    "BOfFbJcOt9Z4QgBDEpG4UcbvZ/DfDXU+DzAU/bVyAnL9oG7LQgRzufuSl8KUA7gLQ3B1/t"
    "GfQmZPa+tC5PBBD/5+qeoXx5wlDGZKHFK/A2qRmwKgp2Du7Ch2P0VQXenGI7AK+fzXuDdy"
    "AD76AZ3kENXhdNYBCqwJtTaDh/L84lAL44bwSYVpUBDhxM+1AAOKfQEOBzmRl83jyDz2sz"
    "OIBgBl07gI4PlSZyjbAV3Mlm0E20B0OpDWMo2DGGNcAJXBQOG3DQ/oXUhGgO+YiXKStwuw"
    "np8/SPI5zrArAfbj5cf3y4+vAb7X4eBH/PGF5XD9e0ZsBKV5XSHy4q45J1Yv1+8/DWoj+t"
    "P+9ur6tMS9bu4c8efScQhdj28NIGbhGTtDgtKg3zDAShTRjNNgNdpd3CUHdsnek00vDrAp"
    "HuWoxzmdKMcpdHmcqMtppkWCDZpnjY3UFdIwRSgXv8yJUBmUReg/YNEWrRxHsHVwzgG/Ie"
    "wHN4wl+ir/iUdHOckOal+VL2wTLTUBQnFPl28sUwjJm0q4+vr3657jGER8B5XALftUtQ0x"
    "o8wJWSrG29aj6YV0uAByYMHPoV9J1TLVHkovAeOtgv61E41X2hJok2tGd4IqtKwpaLXGs5"
    "BWHfwl7yx9jHc/In9AkJ8FxripcWCi1Ihtbl6JVa9SGjZIo3dTJapIb8ckKcjh2pYWUh8A"
    "l9pRAwtU5aYnRU3dBRqZ/thkk/gkM9X2yyUm9OYbQLEtoFHIVUQ6+CcIFEQ4gvZRS8zfrd"
    "Kr4+BIHaBM4p9NPXbH/+Fo9t2cO2SLPBkdsxpDc5V6t4+nimtCWUqfSbt6cXEvP2tHpQ5v"
    "OWVlW1ukFAXklx5papzNwtY5qw64/kI1Qmb4VMv9m7fataSTBSxJk7dzVAefumNbRQgTdu"
    "vT+OrLcrAbHCMgxlWIZhM8swrMLKlDSAQKJkTStTaQfz2YnMJkFaNQLN6qrML/nOQHWfKF"
    "Nph/TpQEbEIK2auYlBTcwYEw6MY4R/gF9DPsgZgRYinEjlcf3HQ0nbkeL4w4erP34saTze"
    "393+O21ewP31+7tXPOX4YXS5117oc10B44q+SH9LNi8fQUlHwDsPWm7kU1oLPhHS2KnPx3"
    "jet0BA1a1L8h/wPBx5Dkd126YDjt72c49S0MoA/h0rXAtq3G+9HLfenLDHBDU71ulS650f"
    "M8wZrLl29qudoGFHC6rsi5FKVkGPUROA6A/r97fX99fJJ/xsPUue8jKmc5/FWn1pJfArNL"
    "nxGlYld8tD8ZFTXJIJI9Rdr64JfYWf/jEYnJ29GJycXVwOz1+8GF6eXJK27H3rVS8Ei/jV"
    "zb9vbivrkhaIdcJ0vijBnxCsx/8ItsR9DkHB1P6kyFZlBFqcQxWeaiDDUg2aOapBTdtlrB"
    "yaWjmMEnOLiqACH6CAaJnKYFrxUwerGQYcQJtljAKJFrv7PqSMkvhM+F7FOVwgMR5NYo+m"
    "VKrY0KPpPunmOCFd69FUmFBd8mh6CzwXPzEBsSYIZ3V9kSw8TVpJSsNXVkCmxU/Is0Ia6e"
    "aQR1r0U2JPJBb49oRc6L8kYm1gkUkTQguRPxaEvY1dlGi5Q97DmoOVNSIi8VeHvAP5Ogsn"
    "E6wkPe/jgfKheNTxqeAMa9yeOuL2xMbdVg9yqtJpF0m2fWsMXUotkK6QbcXupT/OkReima"
    "qsW6Y03vpdFnnJUTSjk0jJzaREpJ8F+fxMxtR51mzqPKuupQ5FvnSUAdZiMR0s9KVjy0mD"
    "yJduInqsgS83LpGGUMi1l2Z1fZGYiOJW0lbTj3gOR9hdWWk6FCak9a3lFDM5jAp1NBtKiI"
    "mMZgHHwYRhsWggS00C3KwrriUVBUEUT8MgGn2BTlizp5rcK90S8NJhV2GTijRaKF53bVbL"
    "l4W0s11GoSHAg6GMzx1pJciqUPO6SzccBZALJAZlOZThHPDkZoH9PSXQT5waDGV0E6SVAO"
    "C6dsIkB2lEn3yge+fNVsnEOBIJK5nDx5QrxIz83kbeZJXQR7buKKTHKlz/ikc9jlxNi/si"
    "kfoLHikI0+GUQEhl3BG0XOxBKg3PINlT+WZTOZL1hs+SX7EfeXac/mGdTzH9NpvuhkytIH"
    "Inji22P1vPWOtnPbbrFJ5JX5icGbE5Q/rJkedRIKSfHbevP50l0lD5Zoqz9GNp4208E8bO"
    "RXLPJI1VXbWNXmNneg3y0ZGS7Scj0FAU3L5GQzUGdqPg126Du30LtXGF3LsrJNvGlXRHKY"
    "EWcO80RQkIQzhf8MIHGwNliiT7i5Y52RW6cajM4PT8xfnl2cV5FiGTlYgCY+pBMAm7WINT"
    "rCfIqTTUEByJRkDK2s44cxVmMSMwlvbvdSTdds5eVVrj7tXlNZMI3I/xXSWyh3iZSjfXyV"
    "OpvCyngsQsp/XMLEzbDH0fK5kzy1T6mYKGUtkthoLsFsN6dgtjCvq/2LoytZTiIBfpzOHU"
    "tRGuGSUOo0P/AOcj6AdTtOhxVOmF2r5Ioz7P2ql6qSEvz8iRpFEeA98Kp3BlTcETtKh22k"
    "IhV8+u3IMwu0fud2bc0TqrtlVNDLlRSsiunWoV9k2KexMwbzWG4gtGXqujpkSoITuhsX9B"
    "MnTKqWrKdAfUwZ1sMKwHSVHDZB06odRBr5Fqo/vc8xjMoxDyUmNhclwAjw9+RlMBfUSIdo"
    "V6VrLfA/rV3d370v716qZqI/n04dU1OV7YxkUaobAB6STku42QWqI0EkzXJBiTKWRnemnj"
    "9GcSrxza6W9t4pXqhN0CpMaP8jA6IC/5Yo4CyMsumxJof1gjVdUPfZQbq2+SzGfNSh5+W6"
    "46p1gv0Oj0SzM8y+xqsqh2Louq4S22yluYpLT7lzYPmw6ya4NgeOSOwCngkQun6IY83Ye8"
    "p+MEdi1bV16ohlnWnFmOpzOXWc5muohZZo2ksz4m7eMkjEHKDy99TNMtpqbPGuOsQMdlog"
    "PqPMBmlzNDhL2301tqRVchGBtpN2ykhsPbO4eXrxKFiV4iMgxJBVK6X9XRbI5wSdtrYenf"
    "d3iLDxezFTkDVOXsMplxL6/KfbliTHYaF2n2ePXY578OcMbtZCqDMATOlMKohHuFzEDfAn"
    "rjkNxqKI7N2Atd1G6US4TGoN/lMY7l7TaDXKY0o9zlUTamlS2bVqjWRPlK9QKRgdS4buzZ"
    "dSNX9Rl9tAjU0jpV1UjncDNPBo56LiF78+4ezkDqc9FkUcmcMjTBuqKLAE6D2KyC0n3SjU"
    "4w7dKwcefBB8KQPeBHyHUFKtX3RSYO7EGb8nZ2SNuqp1qjFgvgWfAnmhrWIqssYFdJUb93"
    "6Fsu7q/NvCbfg/QNVHSeRT45raC5jKqrho90gGqYC1KV5yRaKI4rGYhlQsQE8f318H71+6"
    "fMHV8Kmb32nD6747N3F/mzzY1EbTblo9NsGO8wkzb50BJjRz2YfiOCLPm893iCuIx+qV7I"
    "6C/ilvaMNlV1/6e3CE1ofgbCd1s+mkxDawGCYIl9lyVywEsYWIBdIMtl9dt0Yu6bPXYW3/"
    "CfO+U/XfiEHGiznyoYl8n0y991KpW/61SQv+u0nr/L5D3dct5Tw9u32Y0Nb294e8Pba8Lb"
    "+3AMfUhHhsfZ57Vivj5rJ8nUv55icv4HFh5b9LoTmsw//XsB/SA2wpQ4eCkKbmhCOj/ZjQ"
    "EbhSCYEF5at48QXnMbRM5JXsgwktXjtcBHXtTSwE5xEJvkZH1dc4o9url++34ASXMnbq7R"
    "wm3p5lqm1JDNPNJEeRy2s+aWYLhOw3UarpPLdWauNhyes+iG08xxlnx+1vObd4RNhHP8BZ"
    "V5RnrlHv3VlE5Gnkwqs0yfml9JbyYQtqPK4nh0FPjOjEBDxnP7ymIT7qMbHySTMNgkszHJ"
    "bLoIp4C5NMlsTDIbw7hzGXcHP0F/9Zr6R3CZ90L9GgY+bmlTVwvp5Da0ceytjQJrgrHL/L"
    "L7NEHNYgYcmPLp5D/q4EEfX+Xp23Yi1C0nPgOGr+8mX394J5BDs5c75uwNO2J0XebI5B+Z"
    "NHSUd1QmIaWCI5K0kD4ZaeOX7LyCsWWUxi/N8IR5NS6Twy6Y4qUXV3LOxTZdyDhIpsY5Cg"
    "C7GtM4R3bkXDRm1l1dUa7qEKmvJ+SljCPkZbMf5GXNDTLbRxTx1fVa3sG5VNTeuSBs77wG"
    "cogXyFFBOCPYo4vArnbbaliZFL5DAb5DTlwkkYBD1WlcptJtIm9/qzAWh2bo9bU4sFvv2t"
    "2VZ67Ja+HHlyM/Rn4b6Etk+8P+VCvs4zuVCaqRx9ntGrGvkmkz9bcWJZIg9AT9IPFLkZ/Z"
    "dVpt8D3ELajQC/1Vi9O8RmwO9GM60IHvTNFTKz6uQmrSS3bHY7Y+zinTPVqpZsavEprM4k"
    "KLQo7X/uwK3cR1rVmhNrVKxgXyFtbtp/fv5XL50RMIwQ3z1F3TY+wIz6cmwDm8VjBFiw1R"
    "+pB1pC9U+cVAm+Ckm4PSTpMefiRwNTiup1V9kU0viBspuK0HZC/+CXkW9phTSpw5oWa9E7"
    "aUz2JiDHPdMMyZtBp7TKvBHAfIcuepTZqxLlNpZ/Q4k0L6TID0WR3p+DCWRThurR2y50MJ"
    "YM+HjbjSquplTGOytUxtdTe3OqWGpn0TyGK0UFs0K0GvrQKyQGtG/phG3uSJahz1IxllKf"
    "WjD5/wY6ttvUxplMzdH2Wb7FYBz5onYpYqhPrJV1KeZAJHsrofmYkMMJEBh1bhdzQy4GMI"
    "2HvUNYmsoi/UI2ZNJGIDxqTeAiMchVY4RYFF1U4jEMCXzMMfLrAzrSkUpanWKxcblYqKzo"
    "+beD22UCge3abbrE58ArOIo0hsTviVEWihDhBxL9vK91XbpA+zpzws8RuybrHP21fySuHe"
    "Ei7JC7B2kmaKBxolG5HV74XIAYSOxszSGCHgWcDJPMtK+4skzQa7izFZ7NVkEUDHh0rKx5"
    "xCi12mvKkPpfTnQ4H+fFjXn0OPfnurm5RLlEZA7bKAGusKQ8gxlqz3X0/IjJdpSwd2gGaR"
    "z3OqaHZeL5BoA/vWnKeXAIU2Ocx5t5SJt6wypdmyurxlGYNY84LS1yzSHd3eQaX5LWr2VI"
    "TGdVpAev8uJv/sWAfYBei3rAHcSAInOLq3uOFChbyyL5LAyeu6ZNXJ36dwxZz/oGv5kIxK"
    "EMbprZYgsELwCL04q0dA3oV5BqLA8nAYV1lgAlD9uoVtdCjjdtj6yjSB29AWU1R0SEu4LS"
    "8WQfZbY+XWlVfriHaSnTH8bXGNTpJu4NJ7YZKle4nCqUgFKWpo9I5d4pNEuxadGap+0kUa"
    "7Q6Ks4GM4+6g2W930LVLxjsE7k6uGHdRsJiBlbq7f4VOQzX69lPCgCeyk/h25CvN6DKVfo"
    "4/OzFXjBBWwThpbsCVAneGnSy0TxbhIo1+MO8kOGgJRwEKoep+USHTD+yBFNgDAdiDOtjp"
    "VewtIlk4pPqBfjqQmuEDwQwf1ED38UyJ60jb7zEwK0uzfoS3LQZRsIDk49oYR6q0xgjWNc"
    "UKf6Rb2Ts55Ga8j2C8W0QS1Cn1O6t2kjWVKRZoNjVEOm3lB8XrwCyzLi+zjoVdmpE2XiTG"
    "i2SbXiTmdmzNRp2z2GvZq2IfjDajXqY0O3p3Brm+tlvlzO1GstyTDZbtYfI/A/+RlwxOlJ"
    "04JTE4i3FW8J8oWJoWiN7UsGGCvqsFege1zfc4BZ5L74HcEKS3STdHu9uLUUIuDZMLN04d"
    "ehP3o+1sMtlDpaGi/7s24h3NSjh5aQMdQTIpViVACvEj9DaEiPqqE2b9gXalK05U40s6sW"
    "d4gjbF67e4r/e0K23x8uEY+jB1gt8ArKwjXaHyIWDunBsCdZ90oy9M1TvHN8GqfNO5lnjR"
    "C2jtOXA5/gFKWCVX3WrImRfzebcHqJA6XJd5pBRGUGAmstwjzYimgW3rcS0lPNFk9imGXF"
    "xBHznUHlsLukhq+qKwC5C3WRd30fxlW46laNRmcUMpOKqsZKS763G+lRB8QTaoJqVss8NC"
    "s0pWByfzwVAmJTdpJXBVqCXlpotKAeGkuYbo7sQtlzwx5Cbs//Xj3W2DjTgnqRqNkBNa/7"
    "VmKNiZ2vsw9iIKRslUVMtuVk1k1i/bgGgHB89u9v1/I2962Q=="
)
