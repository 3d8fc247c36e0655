"""Stored responses, which are repeated for the same `Idempotency-Key`."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "idempotency_keys" (
    "id" VARCHAR(64) NOT NULL PRIMARY KEY,
    "asked" TEXT NOT NULL,
    "lease" UUID NOT NULL,
    "held_until" TIMESTAMPTZ NOT NULL,
    "answer" TEXT,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_idempotency_user_id_966688" ON "idempotency_keys" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_idempotency_expires_ae52bb" ON "idempotency_keys" ("expires_at");
COMMENT ON TABLE "idempotency_keys" IS 'A request that is being acted upon, or its answer';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "idempotency_keys" (
    "id" VARCHAR(64) NOT NULL PRIMARY KEY,
    "asked" TEXT NOT NULL,
    "lease" CHAR(36) NOT NULL,
    "held_until" TIMESTAMP NOT NULL,
    "answer" TEXT,
    "expires_at" TIMESTAMP NOT NULL,
    "user_id" CHAR(36) REFERENCES "users" ("id") ON DELETE CASCADE
) /* A request that is being acted upon, or its answer */;
CREATE INDEX IF NOT EXISTS "idx_idempotency_user_id_966688" ON "idempotency_keys" ("user_id");
CREATE INDEX IF NOT EXISTS "idx_idempotency_expires_ae52bb" ON "idempotency_keys" ("expires_at");
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "idempotency_keys";
""",
    "sqlite": """
DROP TABLE IF EXISTS "idempotency_keys";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtv27Ya/iuCv3QD3KJx4jSnODtA2qVr1kuGNj0bVgwCLTE2G1v0JCqu0dP/fkjdLx"
    "RNyrItc/zSxiRfSnp4e+/8NlhgF86DJ5dL9AauB8+tbwMPLCD9o1IztAZguczLWQEBk3nU"
    "FCyRfQ/XUSGYBMQHDqHld2AeQFrkwsDx0ZIg7LHWv88AsYC19PHUBwsL39EfYQB9y8ELGF"
    "jIs1aIzFhfLnZoZ8ibqpGFHvo7hDbBU0hm0KfEn/+ixchz4VcYsJ+fB4xy8BcrXt7bdwjO"
    "3dLHI5d1FJXbZL2Myj59uv75VdSSvdrEdvA8XHh56+WazLCXNQ9D5D5hNKxuCj3oAwLdAi"
    "xeOJ8nCKZF8ZvTAuKHMHtlNy9w4R0I5wzcwb/vQs9hmFqzcDIJJ08c7MMnyA2eeHD1n+Qd"
    "C+1t+/3Nrf3x6ta2B7VBYe9SATwpcrDHBhR5hCH37Xvcb45MVDpgD3j5+vLDD6fnP0ZY4I"
    "BM/agywm3wPSIEBMSk0SjkcEf/1wB/OQM+H/C0fQVy+qJtwE4LcrTzmZvClwK0A0gHC/DV"
    "nkNvSmfvc+viqQDi/15+iFC+eBqhjOlCi1fg+6RmFFUxsHNwlz68Q19V4M0pugF482zeG7"
    "wjGXhHzfCOavC6aAoDogJvTqHh/D0/kwD4/KwRYFZVBjhwMOtDAeCcQkOAz2Rm8FnzDD6r"
    "zeAAgjl07QA6PlSayDXCVnAnm0E/0R6NpTaMsWDHGNcAp3AxOGzAQftnWkPQAvIRL1NW4H"
    "YT0ifpH0c41wVg316/u/p4e/nuN9b9Igj+nkd4Xd5esZpRVLqulP5wXhmXrBPr9+vb1xb7"
    "af158/6qyrRk7W7/HLB3AiHBtodXNnCLmKTFaVFpmOcgIDZlNNsMdJW2g6Hu2TrTaaTh1y"
    "Wi3bUY5zKlGeU+jzKTGW01ybBA0qV42N9B3SAEMoH77p4rA0YSeQ3aV1SoRVPvDVxHAF/T"
    "9wCewxP+En3Fp6Sb44Q0L82Xsg9WmYaiOKHot9MvhiRm0i4/vrz8+WoQITwBzv0K+K5dgp"
    "rV4BGulGRt61WL0aJaAjwwjcBhX8HeOdUShS4iH6CD/bIehVM9FGqSWEN7jqeyqiRsuci1"
    "VjNAhhb2kj/ufLygf0KfkgDPtWZ4ZSFiQTq0Lkev1KoPGSVTvKnT0aI19JdDcDp2tCYqI8"
    "Cn9JVCEKl10hKjo+qHjkr9bDdM+hEc6vlik5V6cwqjXZDQLuCQMA29CsIFEg0hvpBR8Dbr"
    "d6v4+hAEahM4p9BPX9P9/C0e27KHbZFmiyO3Z0hvc65W8fTxXGlLKFPpN29PziXm7Un1oM"
    "znLauqanWDgL6S4swtU5m5W8Y0Ydfv6UeoTN4KmX6zt3urWkkwUsSZO3c1QLl70xpaqsAb"
    "t94fRzbYlYBYYRnGMizDuJllGFdhjZQ0gEKiZE0rU2kH8+lTmU2CtmoEOqqrMr/0OwPVfa"
    "JMpR3SJyMZEYO2auYmRjUx445yYBwj/C38SvggZwRaiHAilcfVH7clbUeK4w/vLv/4saTx"
    "eHvz/pe0eQH3l29vXvCU44fR5V55xOe6AsYVQ5H+lm5ePoKSjoA3HrTc0Ge0FnygpLFTn4"
    "/xYmiBgKlbV/Q/4Hk49ByO6rZNBxy97ecBo2CVAfw7VrgW1LjfBjlugwVljylqdqzTZdY7"
    "P2aYM1hz7exXO0HDDpdM2RcjlayCQURNAWI/rN9fX324Sj7hJ+tR8pTnMZ37KNbqSyuBX6"
    "DptdewKrlbHoqPnOKSTBih/np1TdkrPP7XaHR6+mz09PT8Ynz27Nn44ukFbRu9b73qmWAR"
    "v7j+5fp9ZV2yArFOmM0XJfgTgs34H8GWuM8hKJjaHxTZqoxAi3OowlONZFiqUTNHNappu4"
    "yVQ1Mrh1FidqgIKvABCoiWqQymFT91sJ5jwAG0WcYokGixu+9DyiiJz5TvVZzDBRLj0ST2"
    "aEqlii09mj4k3RwnpBs9mgoTqk8eTa+B5+KHSECsCcJZ3VAkC8+SVpLS8KUV0GnxGHkWYZ"
    "FuDn2kxT4l9kSKAt8ekAv951SsDSw6aQi0EP1jSdnb2EWJlTv0PawFWFsTKhJ/deg70K+z"
    "cDLBStLzPh4oH4rHHJ8KzrDG7aknbk/RuNvqQU5VOu0iybq3xrCl1ALpClkndi/9cQ49gu"
    "aqsm6Z0njr91nkpUfRnE0iJTeTEpF+FuSzUxlT52mzqfO0upZ6FPnSUwZYi8V0sNCXni0n"
    "DSJf+onosQa+XLtwscQEes66IYFKpcVQJDKivK1CQpVLK3FoiAU5KqNNIIXcokRUFAuX2B"
    "ta2I+kNeAFq3iWVETBFj3sSbYT+CN1qPjTkOEVhLIE91BJz5oRGC1rCy3rHIKAw4U2H50Z"
    "gdGwVqCcMepWoluZ0rCbvWY380NGeofKKHSQ2va9Qxkp7h+xrIwUZ6Q4I8XxpTjKGZAm+S"
    "2uG26Q3Fgrad/Xj3gBJ9hdW2lSy8jUNrRWMxxZ05hpjuW0JJhKXFQOczDlXSyWjqAmvG3X"
    "FdcfFgVBGE/DIJx8gQ6pecWaDJr9MtOlw64iPxdptBDsdu0cmS8LaRVFRqEhwKOxTOQUbS"
    "XIjVeLnUo3HAWQCyQGZTmU4QLwRGiBF3VKoIN4VQVYRuFGWwkArtuYTYrHRvTpB7o33nyd"
    "TIwjkbCSOXxMGR/NyO9t5E1uQH1k655CeqzC9a94MuDI1ax4KBKpv+CJgjBNZsxgSWXcCb"
    "Rc7EEmDTM7CuE7v8qRbDZxlqJD/dCz4yR+myJD2bfZbDeM1AqioNDY7/Yn61HU+tEg2nUK"
    "z4xsRallQ/rJoecxIKSfHbevPz1Kh6jyzQxn6ceyxl08E8YhInLPpI1VA26NXmNneg360a"
    "GSB19GoKEo2L1GQzWT0VYpjPoNbvd+xiagbe+GzGgbV9IdpQRawL3TRJOAELhY8pLANKY7"
    "KJLsL+fB012hGyc8GJ2cPTu7OD0/y/IcZCWi9Ab1VAYJu1iDU6wnyKk01BAciUZAytp+EL"
    "evnmlau/H6Ksk4isulSmuCdvq8ZhKB+z52lJY9xMtUugXAnUhl1zwRpNc8qefXjLTN0Pex"
    "kjmzTKWfKWgslaNwLMhROK7nKDSmoH/E1pWppRQHuUhnDqe+jXDNKHEYHfo7uJhAP5ih5Y"
    "CjSi/UDkUa9UXWTtVLDXl5XsXkMpw74FtkBtfWDDxAi2mnLUS4enblHoQ5GnO/M+OO1lu1"
    "rWp6/60S+/ftVKuwb1Lcm4B5qzEUXzDyWh01JUIN2QmN/QuSoVNOOFqmO6AO7ukWw3qQRK"
    "ORrMMmlDroNVJtdJ97HoNFSHiBqi8wPS6Axwc/o6mAPqFEu0I9K9nvAf3i5uZtaf96cV21"
    "kXx69+KKHi/RxkUbIdKAdJK4q42QWqI0EkzfJBiT73Fnemnj9GfSZx7a6W9j+szqhO0AUu"
    "NHeRgdkJd8MUcB5GVXBgu0P1EjVdUPe5Qbq2+S/NXNSh5+W646p1gv0OgMSzM8u5/D3IXR"
    "u7swDG/RKW9hrhbZv7R52KT+fRsEwyP3BE4Bj1w4Rbfk6d7lPR0nsBvZuvJCNcyy5sxyPJ"
    "25zHI200XMctRIOgNj0j7Onxik/PDKxyxpfmr6rDHOCnRcJjpgzgPR7HLmiLL3yb104gvt"
    "jI20HzZSw+HtncPLV4nCRC8RGYakAinbr+poNke4pO21sPTvO7zFh8v5mp4BqnJ2mcy4l1"
    "flvlwxJjuNizR7vED6818HOON2MpUBIcCZMRiVcK+QGehbQG8cklsNxbEZe6GL2o1yidAY"
    "9Ps8xrG83WaQy5RmlPs8ysa00rFphWlNFAEtERlIjevGnl03clWf0UeLQC2tU1WNdA535M"
    "nAUc8lZK/efIBzkPpcNFlUMqcMTbCu6CKA0yA2q6D0IelGJ5h2adi48eAtZchu8T3kugKV"
    "6ociEwf2oM14O5uwtuqp1pjFAngWfMxSw1p0lQXRBVHM7x36louHGzOvyfcgfdcUm2ehT0"
    "8raK4U7qvhIx2gGuaCVOU5iRaK40oGYpkQMUF8fz28X/0WYXNTs0Jmrz2nz+757N1F/mxz"
    "I1GbTfnoNBvGO8ykTT60xNhTD6bfqCBLP+8tniIuo1+qFzL6y7ilPWdNVd3/2S1CU5afgf"
    "Ldlo+mM2ItQRCssO9GiRzwCgYWsBz6WC6r36aTPd0sa1j8nbH4hv/cKf/pwgfkQDv6qYJx"
    "mUy//F0nUvm7TgT5u07q+btM3tOO854a3r7Nbmx4e8PbG95eE97eh3fQh2xkeJx9Xivm67"
    "N2kkz9yxmm539g4TuLXXfCkvmnfy+hH8RGmBIHL0XBDU1I52d0Y8BWIQgmhJfV7SOE19wG"
    "kXOS5zKMZPV4LfCR57U0sDMcxCY5WV/XnGKPbq7fvh9A0tyJm2u4dFu6uZYpNWQzjzRRHo"
    "ftrLklGK7TcJ2G6+RynZmrDYfnLLrhNHOcJZ+fzfzmDWUT4QJ/QWWekV25x341pZORJ5PK"
    "LDNk5lfamwmE7amyOB4dBb4zI9CQ8exeWWzCfXTjg2QSBptkNiaZTR/hFDCXJpmNSWZjGH"
    "cu4+7gB+ivXzL/CC7zXqjfwMDHLW3maiGd3IY1jr21UWBNMXYjv+whS1CznAMHpnw6/Y85"
    "eLDHV3n6tp0IdcuJz4Dh6/vJ1x/eCeTQ7OWOOXvDjhhdlzky+UcmCx3lHZVJSKngiKQtpE"
    "9G1vh5dF7B2DLK4pfmeBp5Na6Swy6Y4ZUXV3LOxTZdyDhIpsY5BkB0NaZxjuzJuWjMrLu6"
    "olzVIVJfT8gLGUfIi2Y/yIuaG2S2jyjiq+u1vKMzqai9M0HY3lkNZIKXyFFBOCPYo4vArn"
    "bbaliZFL5jAb5jTlwklYCJ6jQuU+k2kbvfKozFoRl6fS0O0a137e7KM9fktfDjy5G/Q34b"
    "6Etk+8P+RCvs4zuVKaqhx9ntGrGvkmkz9TuLEkkQeoB+kPilyM/sOq02+B7iFlToEX/d4j"
    "SvEZsD/ZgOdOA7M/TQio+rkJr0kv3xmK2Pc8p0T9aqmfGrhCazuNCikOO1P7tCP3HdaFao"
    "Ta2ScYG+hfX+09u3crn82AmE4JZ56q7YMXaE51MT4BxeK5ih5ZYovcs60heq/GKgbXDSzU"
    "Fpp0kPP1K4GhzX06qhyKYXxI0U3NYDuhc/Rp6FvcgpJc6cULPeCVvKZzExhrl+GOZMWo09"
    "ptWIHAfocuepTZqxLlNpZ/Q4lUL6VID0aR3p+DCWRThurR2yZ2MJYM/GjbiyquplTHd0a5"
    "nZ6m5udUoNTfsmkMVooTo0K0GvrQKyQGtG/phG3uSJahz1IxllKfWjDx/wfattvUxplMz9"
    "H2Wb7lYBz5onYpYqhPrJV1KeZAJHsrofmYkMMJEBh1bh9zQy4CMB0XvUNYlRxVCoR8yaSM"
    "QG3NF6C0xwSCwyQ4HF1E4TEMDnkYc/XGJnVlMoSlNtVi42KhUVnR+38XpsoVA8uk23WZ34"
    "AOYhR5HYnPArI9BCHSDiXrrK91XbpA+zp9yu8Cu6brHP21fySuHeQlb0BaJ2kmaKWxYlG9"
    "LV7xHkAErHYmZZjBDwLOBknmWl/UWSZovdxZgs9mqyCKDjQyXlY06hxS5T3tTHUvrzsUB/"
    "Pq7rz6HHvr3VTcolSiOg9llAjXWFBHKMJZv91xMy42Xa0oEdoHno85wqmp3XCyTawN6Z8/"
    "QKIGLTw5x3S5l4yypTmi2rz1uWMYg1Lyh9zSL90e0dVJrvULOnIjRu0gKy+3cx/WfHOsA+"
    "QN+xBnArCZzi6L7HDRcq5JVDkQROX9elq07+PoXLyPkPupYP6agEJE5vtQKBRcA99OKsHg"
    "F9l8gzEAWWh0lcZYEpQPXrFrroUMbtsPWVaQK3oQ5TVPRIS9iVF4sg+62xcuvKq/VEOxmd"
    "MfxtcYNOkm3g0nthkqV7hchMpIIUNTR6xz7xSaJdi80MVT/pIo12B8XpSMZxd9Tstzvq2y"
    "XjPQJ3J1eMuyhYzsFa3d2/QqehGr37lDDgge4kvh36SjO6TKWf489OzBUThFUwTpobcKXA"
    "nWMnC+2TRbhIox/MOwkOWsFJgAhU3S8qZPqBPZICeyQAe1QHO72KvUUkC4dUP9BPRlIzfC"
    "SY4aMa6D6eK3Edafs9BmZladaP8LbFIAyWkH5cG+NIldYYwfqmWOGPdCt7J4fcjPcRjHeL"
    "SII6pX5n1U6ypkaKBZZNDdFOW/lB8Towy6zPy6xnYZdmpI0XifEi6dKLxNyOrdmocxZ7LX"
    "tV7IPRZtTLlGZH788g19d2q5y5/UiW+3SLZXuY/M/Av+clgxNlJ05JDM5inBX8JwqWpiVi"
    "NzVsmaDvconeQG3zPc6A57J7ILcE6XXSzdHu9mKUkAsXS0yg56w7mFHXeW9yM+tIIfMIIl"
    "tnW72O+9F2AZqEq9JQsf9dG/G4GSWcvLSBjiCZrLQSIBF8D70tIWLu/VS+uWVd6YoTU5LT"
    "Tuw5nqJt8fot7ust60pbvHx4B32Yxg1sAVbWka5Q+RBEHrBbAvUh6UZfmKrXtG+DVflyeC"
    "3xYnf22gvgclwqlLBKbgfWkDMvpkBvD1Ah27ou80gp8qLATGTpWpoRTWMBN+NayhGjyexT"
    "jFK5hD5ymAm7FqeS1AxFkSogb7MpVKX5yzoOP2lUAHKjTzjav2SkRavqsE76nWQtECTQat"
    "JjN/t4NGuxdfDLH41lspjTVgLvjloec7aoFBBOmmuI7k48mekTCfeOg18/3rxvMKvnJFU7"
    "G3KI9T9rjoKdWQoOY2JjYJSsa7WEcNXcb8Oy2Yx1cPCEcN//D65xT/I="
)
