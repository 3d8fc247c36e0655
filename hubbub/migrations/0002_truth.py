"""Counters by which an instance finds the users that changed, when it received no signal.

`users.version` and `users.marks` are counters that it compares about once a second; `memberships.joined_seq`
distinguishes a membership from an earlier one of the same user; a client that reconnects is informed by `changed_at`.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
ALTER TABLE "memberships" ADD "joined_seq" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "memberships" ADD "changed_at" TIMESTAMPTZ;
ALTER TABLE "users" ADD "version" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "users" ADD "marks" BIGINT NOT NULL DEFAULT 0;
""",
    "sqlite": """
ALTER TABLE "memberships" ADD "joined_seq" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "memberships" ADD "changed_at" TIMESTAMP;
ALTER TABLE "users" ADD "version" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "users" ADD "marks" BIGINT NOT NULL DEFAULT 0;
""",
}

DOWN = {
    "postgres": """
ALTER TABLE "memberships" DROP COLUMN "joined_seq";
ALTER TABLE "memberships" DROP COLUMN "changed_at";
ALTER TABLE "users" DROP COLUMN "version";
ALTER TABLE "users" DROP COLUMN "marks";
""",
    "sqlite": """
ALTER TABLE "memberships" DROP COLUMN "joined_seq";
ALTER TABLE "memberships" DROP COLUMN "changed_at";
ALTER TABLE "users" DROP COLUMN "version";
ALTER TABLE "users" DROP COLUMN "marks";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXetv27YW/1cEfVkHeEEix0luce8F0tZds+UxJM7dsKIQaImxuciSKlFxjN7+7yOpJ/"
    "UKpfgha/xkm+Shpd+hDs+T+qYuHBNa/sHYxt5Kfat8U22wgOQL3zFQVOC6aTNtwGBqsZGQ"
    "DEGQtYGpjz1gYNL8ACwfkiYT+oaHXIwcmw6+saFiBh6lVeATIVWcBwUonuMsBgrwFYSVJf"
    "kAtu0EtgFNOqvpGGRaZM/aThDY6GsAdezMIJ5Dj0zz+bNKKWinD7+qX76QL8g24TO5D9L7"
    "TX1A0DLZd3UBfR/MoI5MlQ6Dz65HWsj9sG7aFGOGzGc9QkMPXBPgEBW8clm3yqgJQPSH8v"
    "un8e04uoX/KD9E//I2pDN/UL/Tmd1HnV0JxxrEboq16/Hc79DswsYf2VgK2VQ3HCtY2Ol4"
    "d4Xnjp0QIBvT1hm0oUf/kLRhL6AcswPLingbMzEEMB0SQpWhMeEDCCzKd0odXkDapur69c"
    "1EvxtPdF0trImYIsPlqMkgGBO4yKX6DIAZvYSf/qVpw+Gpdjg8ORsdn56Ozg7PyFh2vcWu"
    "0+/hxaRohVMxzC5+vrie0AtyyKINFzNt+M5oAAZ6ugpS9Ol6aQR/RPAy/jHadQyIG1IOpA"
    "9az1iQQs4ekiLo7+fAK4c8IciBTm5lH0FfgGfdgvYMz8nPoVaD5//Ob99/Or99M9R+5EG9"
    "jno01sXDC0qw/UDgwWgBy/EFZeCaEclB/GUPoa6BdnJxNb6bnF/9Rqdf+P5Xi+F0PhnTHo"
    "21rnKtb05ybEgmUX6/mHxS6E/lz5vrMYPT8fHMY/+Yjpv8qdJrAgF2dNtZ6sDMYhI3x008"
    "Ww3seHrZZnF/f/GhgrEZmhx7gwCZB5RSgK3RrrAHXA2flpBNWQawG+Ufk4we0ABRnkpiym"
    "PqgpXlgBJAJ0RRKgc0Q9IL6V4ncsZ/TDhpE0vxN1fnf/zISZzLm+uf4+EZqf/+8uZdDnKq"
    "9zZcwxmSVyzgPQL+hRVMNfOHx1LtMLYqeGg/Oh5EM/tXuGIAX5DrAMQ4KQE0Mrtuo2n2E9"
    "K0NZVbHlgmpkx2QZF7J3cMcajRnd+9P/8wDm2fKTAel8AzdQ5q2uNoTq4lGVvsWmiLfAuw"
    "iUQ2o7ug1xyhfgUXU+j5c+SqJaZwpndQZw8vknGCNvGds4BTx1wpyE4tWdtU5s6SkHgKsV"
    "lXyhw8QcWDwCQWbsEobjVDrVUc+KQlbxZ/zjQLW6bVYmX9EuVl81T990NgGxR5ZR5Mp8H0"
    "wCDP5gEy/QMbLv+rdk7WDGpMUc+xYBOzKB7fi32Tt4qODgWsoqPDSquIdvH75F8OsqGpNz"
    "eOOMIe2kgqlSE3trWKnq89sZkiUVBrMkWsa+zi4em25+k5zLP48BVs3YlrxwI+1umCag56"
    "gXSHuO+1e20RYFjmUnbIdgHsCrM2psmBPiVEm0I9adnuBv3u5uaSk1/vLvJm1v3VuzHZXp"
    "jgIoMQrkDamAN71mpT4SnXsKvsjzuhS5uIkONNWthr9RFRm6MhnBkSCad0WGzBYZFfsGuA"
    "9D6apqeQZp7RbvmA7OiOSxxAYdeg3vvDBjV1/dC/MkP3TRQxqHbylI8tdedk+2s8OgNuhS"
    "cZETL7oHPZB1K3WKtuIZM5tm9t7jaM2jUmSB25I3DW6MiZXfSVOt1VOtN+AvuiWsc/qFJZ"
    "7rmyHC7nUmU5Wel1yjIbJKgsn8fqroLnACt+rA8vPQfDNPRZUJwb0JUq0T4ki4OtLsNCRL"
    "2PMoHrU4hljLQbMVKp4W1dw0ufkgYLnSOSCkkOUiqvimhWJ8nF43sR6d96hhx0rRXZA5ra"
    "2TyZTPXM232pY0x0GWdptreU1c9fdrDHbWQpA4yBMacwNsI9RyahbwG94UEKTptYL0fZww"
    "yiPgV7oYnacZkjlAH9LvM4tLfbMJmnlFzuMpdlaGXNoRXqNWkIKEckIZWpG1tO3UhdfdIf"
    "XQcq95w29UincLNMhhL3XET28ddbaIE456IqopIkZfQE65wvAhgVZnMTlG6jafoE0yYDGw"
    "leJZGNLJbVoQ2OcWLnosCF8xeix5k45IcLPd+xFeywX1U5QeJkQulB5JPNJqMZHY1mhNwp"
    "IF5zEkZM0AtPMF/zdXIsUPN1clxZ80W7pM9GVn3JjCSZkdRFOGVGksxI6iyqHc1IYs6MMq"
    "U9cnLUKOxkhHAiEh38lh6roBBDmOreCPuK5czYqQtLmmWEfMWfO0s77Cwo7u2mKFHiCwn9"
    "j+QXHUsB0B/hSh7X0BXlPeaMqO4ej++h6n4moLmfVSruZ3m9nX02QDYe3wrZjoVgcsCKnI"
    "NxVn0OxlnhHIxEjjTEN6ZZC8a7rfzhENaORSAmoyoxZn08yNhxkdEE4YRgi7kZm5K2OXxH"
    "QviOavAdFfA1kQcN3HQZ81R9W8jrFxXSfVINfX/dJ+wclnant8iDW16VaP2AvDbQc2Tbw/"
    "6oV9iHp/wRVIOyo6krsc+T9Wbpa0fHp8dnw5PjBPWkpQ7sSmCfoOdHQTbxlV2k7Q2+uziX"
    "i77LYNViNy8Qyw19nzZ04Blz9NRKj8uRyoTHLic8xkr3dNW0VitPKGtdaqM1KV7biyt0E9"
    "cXwwqFpcUFF8hVKNf3l5di2WWZFxO1z5xKXoC0Z/uTUHZZ7qjq12ThZc/G7idUaan6a3Dq"
    "W7R1o2l4d+GLttSSgF7cNaiL6fnxi7oGojl4PpHFPyFbcWyWQGfCJ2SUp91VjhQJ0slz1L"
    "sUmAt5pzeNIuXI+hdMOjoUO1W97lj1gpOYJQ6Qx73ZG714qt4FPYZCSA9rkB4WkQ43Y1GE"
    "w9G9Q/Z4JADs8agSV9qVPx7ggYiWuW4iog40WsRFyh6G9mVWrvRCrTGsBO22DsgMreT8Pn"
    "EePruIzNampp6j7CHX94TLQu5HDz45j63EOk8pnczd5zJ9T4tfFs2rU5ZyhP2zr4QyyWoS"
    "yYp5ZLLqYpN+fFkZsMeVAXcYsOsoehJZx6DWj5gMEagNeCD9Cpg6AVbwHPkKdTtNgQ/fsg"
    "x/6DrGvOBQFKZ62blY6VRsmPz4mqzHFg7FvRO61e7EJ2AFJY7E6uPWEoJeuAPqtJd1HbRW"
    "ENK7kSlMkpeIlFjCV0sUKiSFq42iov4lwnMF2AowkvSxnBCpHvgKuSGDEVsNRtCV0TQSka"
    "XpncAeaiKuca3aM67ltWS4AMhqgm9C0DtwtZGIu5aMqqm2KDhsTeS7Flg1D6jl6HqxHW66"
    "6AI8EUni6YHXaEXzVP0zrUdCAbVRTUBtVAyoucD3lw5RGpqHfkpI+wf6kSYUL9Zq4sVaAf"
    "Tuv+Q88QtsAeETEYDz/r4Mvid5eP3Ad+lhbm38sHla6Yntsic25RaxCcr0H1FmJ+SS33vA"
    "7xau9yJl//aqjZQZMzuBlh8hMmmrQ8HLJpCPWZcfs47lKUhOb7xeRuYh/ZOyUQLXbMl1nl"
    "JyvStcL3nYC+Ue8pUP/wSJ3qrIvBvV5YeveGx3c2AC8B7LqqfqyvljEolzPc4NwqGy+K9F"
    "8R97T4GOygSFfFWBrJCU73NYO0z0MFZ9AcwS138jnMTebdNNFaseomxta3uAMmW0fVlHm0"
    "z4OYceMuZqScpP1DOoS/oB6ZiXsn6qYVhzJk+l8lWayFOieUXPTnfzHdZyPlVNtl+VDVHt"
    "X6+2IPqQ4qCNREouyagaz3qh6JI+VA0Qjob3EN2N1GSTf8SlBdm/3N1cV7g0U5K8jwMZWP"
    "m/YiF/Y1babtwbFAzOs1HIXs0nqg54lwWdYOfZq9//Bi6zY4Q="
)
