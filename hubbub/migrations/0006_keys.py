"""API keys, and the nonces by which a signed request is accepted once."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "used_nonces" (
    "id" VARCHAR(64) NOT NULL PRIMARY KEY,
    "expires_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_used_nonces_expires_3f6638" ON "used_nonces" ("expires_at");
COMMENT ON TABLE "used_nonces" IS 'A signed request that was taken: the same one is not taken again';
CREATE TABLE IF NOT EXISTS "api_keys" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" VARCHAR(80) NOT NULL,
    "prefix" VARCHAR(20) NOT NULL UNIQUE,
    "digest" VARCHAR(64) NOT NULL,
    "scopes" VARCHAR(40) NOT NULL,
    "sealed_secret" VARCHAR(250),
    "created_at" TIMESTAMPTZ NOT NULL,
    "last_used_at" TIMESTAMPTZ,
    "expires_at" TIMESTAMPTZ,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_api_keys_user_id_6285a8" ON "api_keys" ("user_id");
COMMENT ON TABLE "api_keys" IS 'What a program of a user comes in with';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "used_nonces" (
    "id" VARCHAR(64) NOT NULL PRIMARY KEY,
    "expires_at" TIMESTAMP NOT NULL
) /* A signed request that was taken: the same one is not taken again */;
CREATE INDEX IF NOT EXISTS "idx_used_nonces_expires_3f6638" ON "used_nonces" ("expires_at");
CREATE TABLE IF NOT EXISTS "api_keys" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "name" VARCHAR(80) NOT NULL,
    "prefix" VARCHAR(20) NOT NULL UNIQUE,
    "digest" VARCHAR(64) NOT NULL,
    "scopes" VARCHAR(40) NOT NULL,
    "sealed_secret" VARCHAR(250),
    "created_at" TIMESTAMP NOT NULL,
    "last_used_at" TIMESTAMP,
    "expires_at" TIMESTAMP,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
) /* What a program of a user comes in with */;
CREATE INDEX IF NOT EXISTS "idx_api_keys_user_id_6285a8" ON "api_keys" ("user_id");
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "api_keys";
DROP TABLE IF EXISTS "used_nonces";
""",
    "sqlite": """
DROP TABLE IF EXISTS "api_keys";
DROP TABLE IF EXISTS "used_nonces";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXW1v27YW/iuCv2wDvCJ27DQr7r1A2mVb1jYZEvduWDEItETbXGTRlai4Rm//+yX1/k"
    "IppPwmc/yUmOSR5Ydv5zzn8PBLb4lt6PgvrlboLdz0Xhlfei5YQvpPqaZv9MBqlZWzAgKm"
    "TtgUrJD5CDdhIZj6xAMWoeUz4PiQFtnQtzy0Igi7rPXvC0AMYKw8PPfA0sAz+iHwoWdYeA"
    "l9A7nGGpEFe5aNLfow5M7lxAIXfQqgSfAckgX0qPDHv2gxcm34Gfrs48cek+z9xYpXj+YM"
    "Qccu/HhksweF5SbZrMKyDx9ufvwpbMlebWpa2AmWbtZ6tSEL7KbNgwDZL5gMq5tDF3qAQD"
    "sHixs4ToxgUhS9OS0gXgDTV7azAhvOQOAwcHv/mgWuxTA1FsF0GkxfWNiDL5Dtv3Dh+j/x"
    "O+bam+bt3cR8uJ6YZq/SKexdSoDHRRZ2WYcilzDkvnyNnpshE5b22Be8+eXq/tvzi+9CLL"
    "BP5l5YGeLW+xoKAgIi0bAXMrjDvxXA3yyAxwc8aV+CnL5oG7CTggztbOQm8CUA7QHS3hJ8"
    "Nh3ozunofWVcnjVA/N+r+xDly7MQZUwnWjQDb+OaYVjFwM7AXXlwhj7LwJtJ7Abg50fzwe"
    "AdisA7rId3WIHXRnPoExl4MwkFx+/FSADgi1EtwKyqCLBvYfYMCYAzCQUBHomM4FH9CB5V"
    "RrAPgQNt04eWB6UGckWwFdzxYtBNtIdjoQVj3LBijCuAU7gYHCbgoP0jrSFoCfmIFyVLcN"
    "ux6IvknxMc6w1gT27eXz9Mrt7/xh6/9P1PTojX1eSa1QzD0k2p9NuLUr+kDzF+v5n8YrCP"
    "xp93t9dlpSVtN/mzx94JBASbLl6bwM5jkhQnRYVudoBPTKpotunosuwOurpj80ylnoafV4"
    "g+rkU/FyV1L3e5l5nNaMpZhjmRXZqH3e3UZ4xAZnDPHrk2YGiRV6D9iRq1aO6+hZsQ4Bv6"
    "HsC1eMZfzFd8iB9zmpBmpdlU9sA6ZSjyA4r+dvqLIYmUtKuHN1c/XvdChKfAelwDzzYLUL"
    "MaPMSlkrRttWo5XJZLgAvmITjsV7B3TliiwEbkHlrYK/IonOp+I5PEGpoOnotSSdiwkW2s"
    "F4D0DezG/8w8vKT/Qo+KANc2FnhtIGJA2rU2h1dq9QwRkila1Glv0Rr6ySI46TtaE5YR4F"
    "H5UiEIaZ2kRHNU3eCo5Pd2raSfwKaeTTZRqzeT0OyCALuAA8IYehmEcyIKQnwpQvDW87tl"
    "fD0IfLkBnEmox9fsfvzmt23RzTYvs8WW2zGkt9lXy3h62JFaEopS6o3bwYXAuB2UN8ps3L"
    "KqMqvr+/SVJEduUUqP3SKmsbr+SH+EzOAtiak3enfvVSsYRpI4c8euAijv3rWGVjLwRq0P"
    "p5H19mUgllSGsYjKMK5XGcZlWEOSBlBIpLxpRSnlYD4/E1kkaKtaoMO6svJLf6cvu04UpZ"
    "RDejAUMTFoq3ptYlgxM2ZUA+M44SfwM+GDnAooYcI1UR7Xf0wKbEeC47fvr/74rsB4vLu7"
    "/TlpnsP9zbu71zxy/Dhc7rVLPG4oYFTRb+Jv6eLlISgYCHjnQsMOPCZrwCcqGgX1eRgv+w"
    "bwGd26pn+A6+LAtTjUbZsHcHjbjz0mwSp9+CkiXHM07pdehltvSdVjipoZcbrMe+dFCnMK"
    "a8bOfjZjNMxgxci+CKl4FvRCaQoQ+2D8/sv1/XX8E/5tfBN/y6tIzv4mYvWFSeDXaH7j1s"
    "xK7pKHoi0nPyVjRai7UV1z9grf/zAcnp+/HJ6dX1yORy9fji/PLmnb8H2rVS8bJvHrm59v"
    "bkvzkhU0c8JsvEjBHws8j/8JLImH7IKcq/1JUq1KBZTYh0o61VBEpRrWa1TDCtulvRyKej"
    "k0iblDIiinB0ggWpTSmJbi1MHGwYADaL2NkRNRYnU/hJVRMJ+p3is5hnMiOqKpOaIpsSq2"
    "jGi6jx9zmpA+G9GUG1Bdimj6FU97HBuYFfebLOC/8VTQ/H3AS2qCUggNgo0ptWQxNWcBMR"
    "wIfGrJxmOiYPCKiTwfmlSwab3ANaPQo+fsWfbbTA8Ce/OcKUvHNIHMlA1bf9MLV53cd7IX"
    "hrYZuAQ54t8cuC4DQvi7o/bVbw+DuGR+M8NZ+GtZ4118J4w2NrHvpI1laQIdK7a3WDH6ow"
    "Mp93YqoIQas28jVdb/upXjtdvg7t4nqNXwg6vh4TIuM6BTASXg3mt4HCAELlc811UtSZsX"
    "ORxTe7YvdCOadjgYvRxdnl+MUnY2LWkiZasEbKwuVuBsZgkzKc0UdpopDDVzGWUxFdB81t"
    "cqkomNIzldyrL6YGCX50xscD9GeXKE430KUjsJV+tQoo2BUEzgoCEocFCNCgxPRUPPw5yT"
    "gvVAF6XUiwscC0VWjRsiq8bVyCqdo+AfsXSltJRkJ+fl9ObUtR7uSCTZe7icQs9foFWPQ6"
    "XnavtNjPoybSdBrE+xvWE54dJosPgI7wx4BlnAjbEAT9Bg7LSBCJdnl35CY2RZlm9Op6Hr"
    "LG0reyhpq+NIXdvVSuqbkPbWoLxVFIq/MXJbbTUFQQXVCXYe075znU08v05k84mXgkbtIu"
    "466TDJotwRObizLbr1KOGRoa3DBpQ86BVRZbjPA/fBMiCQF5aN6XYB3JrQsESmBPqUCu0L"
    "9bTksBv067u7d4X16/VN2Ufy4f3ra7q9hAsXbYRIDdLWArjzdkZqQVJbMF2zYHSU2t54aZ"
    "3GTAf9dT7orzxgdwCpzgx3HA7IjX8xhwBy00RnDexP2EiW+mFfZUf0TRx1X0/y8Nty6Zx8"
    "fQOj0y+M8PRUoT7B17kTfFq32KluoQ9EHt7aPO5RpK51gtaROwJng46c20W31OneZ086TW"
    "CfVeuKE1Ury4ory9Fw5irL6UhvUpbDRoLK8lWi7hqE3a3lJ/rw2sMEZq7PiuIsIcdVon0W"
    "PBCOLstBVL03kwzJTWk4tI+0Gz5SreEdXMPLZonEQC8IaYWkBClbr6po1p9wSdor4ek/+C"
    "lzuHI2dA+QtbOLYjq8vGz3ZcSY6DDOyxww7d3Hv46wx+1lKANCgLVgMErhXhLT0LeAXgck"
    "t+qKU3P2Qhu16+WCoHbod7mPI3u7TScXJXUvd7mXtWtlx64VxppIp/PPCWlIdejGgUM3Mq"
    "pP89FNoBbmqSwjncEdRjJw6LlY7Ke399ABNbdXVYMyFMG6xEVE13dxzDcZlO5hdguYKjDt"
    "07Fx58IJVcgm+BFyQ4EK9f0mFwd2ocl0O5OwtvKp1pjHArgG/H4JkGPQWcbShPvhOS7oGT"
    "buP5t5TfwJIndEJv66VeDR3QpGjpDcrcD6cFhHHB9JB1Uwrz8flhNRgjje96U/NppDXyq5"
    "dyaxG4A7lEBh95m9IFuwZNBNBVQcvWMRfGmr+vE7riLcnXvgu4a+SsyGjg7TF8Ef22LsaA"
    "TTbx6cQQ+ynuGo+bnaRiV/lbYTVPDfLDCijdn9PywlMkv4mfy/gl58221BoReS4IYvJeMz"
    "zCq6VZiSDvNndYcI89cZY/d406y1oEYO5wbqen94JnFAV/iXr0cwOPfiCo/vBWuhZhYlFV"
    "QzTzSZBkftrFCXWuvUWqfWOrlaZ0rHc3TOPFVfr3EW/AJiV1fCJf4bFXVGdi0H+1R35FRc"
    "TOj0aZ9RNPRpOli+o5xx1DsSemcqoKDiuXtCU4cEqqYHiSQV0wde9YHXLsKpD7zqA6+dRb"
    "WrijuLleMp7XEMXYPCTlsIn3NljV+xrL0GjGheFrDh4HmY1HfNAjqQb/gLvHajyori3u4R"
    "IvEfCdPIAAjvAtABHx1R3jVnvK87mcK/Esgm7dW7uuFSJIbmsj6G5rISQ5OuI5L4qnoPyX"
    "AkFKY0aohTGlVAJniFLBmEU4ED+jv2tdqW42iE8B034DvmBIJ50CKyw7gopdpA3v1SoemT"
    "eujVpU/CNN/tkoPrvOBb5fGYIa8N9AWxw2E/UAr76BIZimrgcla7WuzLYsoM/Z1dBxoj9A"
    "Q9P3ayiY/sqqwy+B7j2gfoEm/TYjevCOsN/ZQ2dOBZC/TUSo8rierz9N0J/6n2c6J0Tzey"
    "qcDKgjqVUqO3JsPrcH6FbuL6rFuhMrQKzgX6Fsbth3fvxA4vsx0IwS0P5l6zbewE9yehw8"
    "ulmxDbo1S8elFNqLJMqNvgpJq3da+nvB8oXDVReElVv8mn50eNJGLwfLoWf49cA7thAJ0N"
    "nxDn8HZjS+FD2tox1xHHXNR3pqwXqSSmnjNpIHQP+KDhHvBB9R7wMHCATncebdJwt31BSj"
    "mnx7kQ0ucNSJ9XkY42Y1GEo9bKITsaCwA7GtfiyqrK2WdndGlZmPLJBaqSCrr2dVSuZqF2"
    "6FaCblsCMiere/6Uel4nvajt9RPpZSH60YNP+LHVsl6U1CRz93uZXQPu87x5TcpSSVA9+0"
    "ookqwhkKwaR6ZPXegjvcem8Dt6MuCBgPA9qkxiWNFv5BHTJgJnA2a03gBTHBCDLJBvMNpp"
    "Cnz4KozwhytsLSqEorDU8+RiLakoGfy4TdRjC0Lx5BbdejrxCTgBh0isz16SCihBBxwieU"
    "llkT7OmkJXcvsW1+Smyiob1xa6XNpUexJPTXUVuh6gbXiQ9rdPogSya+AbBDxCNzpT5NN3"
    "Cf0SdClxMYmqDDCnvcRZfLZ/oIjTo3US2gbScocHZDq0Ru2KQ2tIJKBtbFWtr+6sjV7Nsu"
    "g9uyJ6wmthnPBkjciCJdEGVhpaW1rj6htuoVNpR+1BHbVsZMh6afMyym0U50MRt+Gw3ms4"
    "7FpO5w6Bu5eMzjbyVw7YyAcblOSUMBX2fSANPNGVxDMDT2pEF6XUox3HQsEG44Zgg3E12G"
    "CKsAzGcXMNrhC4DrbSwEJRhPMy6sG8l9CkNZz6iEDZ9aIkph7YQyGwhw1gD6tgr4DvrzG1"
    "MuTjaDii6oE+ELoOZdBwH8qgeiGKhx0prSNpf8CwsMTJcgCEd5642g/8Fbt4rY1Tuyyr3d"
    "pdI1b4PR24hGcwiXZ2Kq77+wT6u0UcQ1VSvb1qLzlbQmKBneVG9KGtLvDmPUBPsy5Ps44F"
    "feqe3vvhYx3U/U8K7dUXjajW65zJXjk7G8WAten1oqRe0bvTydW53SpjTzdS9ZxtMW2Pk3"
    "0KeI+8o+hNuZESEY1zM84S8RM5T9MKsTyRW6YHuFqht1Bnm9DZJthf20S8xVQKJzdpoCJI"
    "OiWHAEgEP0J3S4juXDih6tWEPUpVnEo3xLYHq3glrYpQFa42aw9U/h41JWFiF0qYS2BzPG"
    "5SOMVXV5ykZdMMUT4/T3uAcqmAVBlH+wzMvYIeshY9TmhuXNNvCs4FWZvnonPrYdhxxO0/"
    "5c7rLXPsNpxYqjPd691a9Ya7CqGIw7FI2hjaqsGhVUkcwyaVBMJxcwXR3UvwFv1Gwk0q9e"
    "vD3W2NJyETKVOLyCLG/wwH+XsjR47DKjIwCoRi5QRe+bBdv8gUsgcc/QTe1/8DLZHkEA=="
)
