"""Running processes: the rows by which `serve`, `worker` and commands find each other on all machines."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "processes" (
    "run" UUID NOT NULL PRIMARY KEY,
    "id" VARCHAR(64) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "key_fingerprint" VARCHAR(16) NOT NULL,
    "version" VARCHAR(32) NOT NULL,
    "started_at" TIMESTAMPTZ NOT NULL,
    "seen_at" TIMESTAMPTZ NOT NULL,
    "inline_workers" BOOL NOT NULL,
    "uses_redis" BOOL NOT NULL,
    "untrusted_proxy" VARCHAR(45)
);
COMMENT ON TABLE "processes" IS 'A `serve`, `worker` or `scheduler` that runs, or ran a moment ago';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "processes" (
    "run" CHAR(36) NOT NULL PRIMARY KEY,
    "id" VARCHAR(64) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "key_fingerprint" VARCHAR(16) NOT NULL,
    "version" VARCHAR(32) NOT NULL,
    "started_at" TIMESTAMP NOT NULL,
    "seen_at" TIMESTAMP NOT NULL,
    "inline_workers" INT NOT NULL,
    "uses_redis" INT NOT NULL,
    "untrusted_proxy" VARCHAR(45)
) /* A `serve`, `worker` or `scheduler` that runs, or ran a moment ago */;
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "processes";
""",
    "sqlite": """
DROP TABLE IF EXISTS "processes";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtz2za6/isYfWl3Rs3EsuV4M2fPjJO6G7dJ3HGc053tdFiIhCXUFKGCpBVNtv/9AL"
    "xfQAqgKInC4ktiAXhB8sHtvePraEkc5Povrlf4J7QZvQZfRx5cIvZHpWYMRnC1yst5QQBn"
    "btQUrrD1hDZRIZz5AYV2wMofoesjVuQg36Z4FWDi8da/LGAAIFhRMqdwCcgj+xH6iAKbLJ"
    "EPsAfWOFjwvhxis86wN1cjCz38Z4isgMxRsECUEf/6GyvGnoO+IJ///HXEKUe/8eLVk/WI"
    "keuUPh47vKOo3Ao2q6js8+fb73+IWvJXm1k2ccOll7debYIF8bLmYYidF5yG182RhygMkF"
    "OAxQtdN0EwLYrfnBUENETZKzt5gYMeYehycEf/8xh6NscULMLZLJy9sAlFL7Djv/DQ+n+T"
    "dyy0t6yPdw/Wp5sHyxrVBoW/SwXwpMgmHh9Q7AUcua9/xf3myESlI/6At++u7789v/xbhA"
    "XxgzmNKiPcRn9FhDCAMWk0Cjnc0f81wN8uIBUDnravQM5etAvYaUGOdj5zU/hSgPYA6WgJ"
    "v1gu8uZs9r4GVy9bIP6/6/sI5auXEcqELbR4BX5MaiZRFQc7B3dF0SP+ogJvTtEPwNtn88"
    "HgncjAO2mGd1KD18Fz5Acq8OYUGs7fywsJgC8vGgHmVWWAfZvwPhQAzik0BPhCZgZfNM/g"
    "i9oM9hF0kWP5yKZIaSLXCDvBnWwGw0R7MpXaMKYtO8a0BjiDi8NhQQHa37OaAC+RGPEyZQ"
    "VuJyF9kf5xgnO9BeyH2w83nx6uP/zMu1/6/p9uhNf1ww2vmUSlm0rpt5eVcck6Ab/cPrwD"
    "/Cf4993HmyrTkrV7+PeIvxMMA2J5ZG1Bp4hJWpwWlYbZhX5gMUazy0BXaXsY6oGtM51GGn"
    "1ZYdZdh3EuU5pRHvIoc5nRUpMMCyR9iofDHdQtQiAXuB+fhDJgJJHXoP2BCbV47v2ENhHA"
    "t+w9oGeLhL9EX/E56eY0Ic1L86VM4TrTUBQnFPt29sUoiJm0609vr7+/GUUIz6D9tIbUsU"
    "pQ8xoyIZWSrG29ajlZVkugB+cROPwr+DunWqLQwcE9sgkt61EE1eNWTRJvaLlkLqtKIsDB"
    "DlgvYDAGxEv+eKRkyf5ElJFAzwELsgY4AIgNrSPQK3XqQ0bJFG/qbLRYDftlByQdO1YTlQ"
    "WQMvpKIYzUOmmJ0VENQ0elfrYbJv0EDvV8sclKvTmF0S5IaBdIGHANvQrCBRINIb6SUfA2"
    "63er+FIEfbUJnFPop6/pf/4Wj23Zw7ZIs8OROzCkdzlXq3hS4iptCWUq/ebt2aXEvD2rHp"
    "T5vOVVVa2u77NXUpy5ZSozd8uYJuz6E/sIlclbIdNv9vZvVSsJRoo4C+euBij3b1rDKxV4"
    "49aH48hG+xIQKyzDVIZlmDazDNMqrJGSBjJIlKxpZSrtYD5/KbNJsFaNQEd1VeaXfaevuk"
    "+UqbRD+mwiI2KwVs3cxKQmZjwyDkxghH9AXwIxyBmBFiJcm8rj5l8PJW1HiuO3H67/9beS"
    "xuP93cd/ps0LuL99f/dGpBw/ji73xguo0BUwrhi36W/Z5kUxknQEvPMQcELKaQF6ZqSxUx"
    "8lZDkG0Ofq1jX7D3oeCT1boLrt0oFAb/vriFPwSh/9GStcC2rcr6Mct9GSsccMNSvW6XLr"
    "HY0Z5gzWXDv7xUrQsMIVV/bFSCWrYBRRM4D4D/DLu5v7m+QT/gG+SZ7yOqZzvom1+tJK4D"
    "d4fus1rErhlofjI6e4JBNGaLheXXP+Ct/9fTI5P381eXl+eTW9ePVqevXyirWN3rde9apl"
    "Eb+5/eftx8q65AXtOmE+X5TgTwi2438CW+Ihh6Bgan9WZKsyAi3OoQpPNZFhqSbNHNWkpu"
    "0yVg5NrRxGidmjIqjAByggWqYymFb81OHGJVAAaLOMUSDRYnc/hJRREp8Z36s4hwskxqOp"
    "3aMplSp29Gi6T7o5TUi3ejQVJtSQPJreQc8hz5GAWBOEs7pxmyy8SFpJSsPXwGfT4jvsgY"
    "BHutnskYB/SuyJFAW+PWMH0ddMrPUBmzQBApj9sWLsbeyixMtt9h5gCTdgxkTiLzZ7B/Z1"
    "gCQTrCQ9H+KB8qF43PGp4Axr3J4G4vYUjbulHuRUpdMukqx/awxfSh2QrpD1YvfSH+fQC7"
    "CrKuuWKY23/pBFXnYUuXwSKbmZlIj0syBfnMuYOs+bTZ3n1bU0oMiXgTLAWiymo4W+DGw5"
    "aRD5MkxETzXw5dZByxUJkGdvGhKoVFqM20RGnLdVSKhyDRKHhliQYzLaDDHIASNioli4It"
    "4YEBpJa9Dz1/EsqYiCHXroLtvx3zY/aGlsBu0o9bV4KvWoEtSQFW6W9vJRkeaYMgr92KU9"
    "mNf8J6Sk4c4IjH67g37bRdAX8P/NTEtGYHTbFSgXnLqT0FymNIz+oBn9/HiX3qEyCh0OgE"
    "PvUEZ+/q9YVkZ+NvKzkZ/F8jPjDIImyTmuG2+RmXkraa/jT2SJZsTZgDSdaGTkHIP1gkR2"
    "TG4U5dlEA8JkXSYB24TxLoAngqiJzbt1JfRExr4fxtPQD2d/IDuo+SOb3KXDMpCmw64iNB"
    "dptBDs9i0358tCWgWUUWgI8GQqE7PGWrVkJaxFraUbjgLIBRKDshzKaAlFInSL/3pKoIN4"
    "VQVYRqHJWrUAXLfum+SajeizD3TuPHeTTIwTkbCSOXxKuTbNyB9s5E1WRn1k64FCeqrC9Y"
    "9kNhLI1bx43CZS/0FmCsJ0sOCmYibjzhBwiIe4NMztKIHY7ViOZLtxuRSXS0MvsSxvi8nl"
    "32bx3TBSK7SF48Yez/8A30StvxlFu07hmZGtKLVsSD859DwOhPSz4/b1p0eJKFW+meMs/V"
    "jeuI9nojg4R+6ZrLFqqLPRa+xNr8E+OlTyncwINBQF+9doqOaQ2il51LDB7d/D24QSHtyQ"
    "GW3jSrqjlEALuPea4hMGAVquROl3GhNNFEkOl23i5b7QjVNNTM4uXl1cnV9eZBkmspK2xB"
    "L1JBIJu1iDs11PkFNpqCE4EY2AlLX9KG5fA9O09uP1VZJxFJdLldaESw15zSQC91Psoi57"
    "iJepdAs9PJPKa3rWktj0rJ7ZNNI2I0qJkjmzTKWfKWgqlR1y2pIdclrPDmlMQf8VW1emll"
    "Ic5CKdOZyGNsI1o8RxdOgf0HKGqL/Aq5FAlV6oHbdp1JdZO1UvNezlGS2Ta4geIQXBAm3A"
    "Aj4jwLXTAAdCPbtyD63ZMXO/M+OONli1rerFCjtdqTC0U63Cvklxby3MW42h+INgr9NRUy"
    "LUkJ3Q2L8gGTrlVK9luiPq4F7uMKxHSfEayTp8QqmDXiPVRvd54DFYhoEoUPUNYccF9MTg"
    "ZzQV0GeMaF+oZyWHPaDf3N29L+1fb26rNpLPH97csOMl2rhYIxw0IJ2kTOsipJYojQQzNA"
    "nGZNrcm17aOP2ZxKXHdvrbmri0OmF7gNT4UR5HB+QlXyxQAHnZZc0t2p+okarqhz/KidU3"
    "SebwZiWPuK1QnVOsb9HojEszPLsZxdxCMrhbSAxv0StvYS51Oby0edzrFIY2CIZHHgicLT"
    "xy4RTdkaf7kPd0msBuZevKC9Uwy5ozy/F0FjLL2UxvY5ajRtK5L5P2ceZKP+WH15Tw6wpS"
    "02eNcVagEzLRPnceiGaX7WLG3ic3ArZfJWhspMOwkRoO7+AcXr5KFCZ6icgwJBVI+X5VR7"
    "M5wiVtr4Wl/9DhLRSt3A07A1Tl7DKZcS+vyn25Ykx2GhdpDnh196+/HeGM28tUhkEA7QWH"
    "UQn3CpmBvgP0xiG501CcmrEXObjbKJcIjUF/yGMcy9tdBrlMaUZ5yKNsTCs9m1a41kQR0B"
    "KRgdS4bhzYdSNX9Rl9dBuopXWqqpHO4Y48GQTquYTsh5/ukQtTn4smi0rmlKEJ1hVdBLQb"
    "xGYVlO6TbnSCaZ+GjTsPPTCG7IE8IaErUKl+3GbiIB6yOG9nBbyteqo1brGAHkDf8dSwgK"
    "0yP7qai/u9IwocMt6aeU2+B+lbvvg8Cyk7rZC5zHmoho90gGqYt6Qqz0m0UBxXMhDLhIi1"
    "xPfXw/vV7282d2QrZPY6cPrsgc/efeTPNjcSddmUT06zcYQUeSekp9qH8t/445lE1ceW0Q"
    "fqM/Yz8hz2ee/JHAtFq1L9uE20WsUtLZc3VQ244Pc2zXlGDCbpAIrniwCsoO+vCXWi1Blk"
    "jXwAgc0eKxSuunTS/RZlI1QNQ6gyHP9eOX4HPWMbWdFPFYzLZDowLNXsJnLpTdrym9SkV5"
    "NptudMs0aa6rIbn5w0ZXh7w9sb3l7M21P0iCjiIyPi7PPadr4+ayfJ1L9dEHb++4A8An7B"
    "DL8+If17hagfm71KHLwUhTAYJJ2f0R0NOwV9mKBpXneIoGlz/0bOSV7KMJLV47XAR17WEu"
    "8uiB8bQWV1iznFAR2Lv/51BElzP7rFldPRsbhMqSGbeaKpCQVsZ80RxHCdhus0XGcD10kY"
    "L+eLWc64agu/GTWSD0P+neHwjH4fg9/XhD4h+jsglBXaC+SELv8Z+dzQ0PPHvIbCKFUP4f"
    "E0AM5JjRvtpcftyuVG7pT1q7KvJM2PpkaOnsT/uTgx7bFo+2651V5XHrR/vbFh8PfI4D+h"
    "DevMmyO6ookIKo1zndRALgH5M6J+4q0rC3WBREOI+7+Tk7FytJsUVabUUIo6Xamprqz3Ee"
    "py/V+BzAzwoAcYey72kBWzzaIoibYs5nVik85cIZ05kwf5/eoOVsW9TGgwV8HcY6KRz88f"
    "JrZ+UbzAr0aqn6vExVSCU7iYNnIKvEqgKjqOZiML2xKoNoohXc26jVL82Hbdxp2HAFqSP3"
    "DZGgYCEv1qSk0sTyaVpXjMXflZb+YCqoErNOJRUtiCMgINZZT+1RomhUwz9Kdp6ZG5hMok"
    "SDYJkocIZ4v5zCRINgmSjWlSyMDb5BnRzVseASJk4gv1Wxj5uKXFg0mkLZW8cWw7xD6YE+"
    "JEsf5jnvR45UIbpfw6+4+HsPDHV3n7rp20es8lUREmafIw+frjh7kcm73cM2dv2BHjzWOO"
    "TPGRydORiY7KJE1ZyxHJWkifjLzx6+i8QrHvN8+J45J5FLe5Tg47f0HWXlwpOBe7dCETAp"
    "p6J3AArCe0MfquoZyLxs8kOxOvJI7Eq8YT8ap6IKqGfOob63klE+p51RzpeVUL9Mz2EUV8"
    "U5peMB5Q3PLkQioT1EVLKqiLGsgBWWFbBeGM4IBBEPvabaupiqTwnbbgOxXk2mIScKA6jc"
    "tUuk3k/rcKY3Fohl5fi4ML/cBSviipSKVNMoADX5X0iGkX6Etkh8P+TCvsl2g5YxKwTUKR"
    "U3Mj9lUybaZ+b3kwEoQanZjbZnadVht8Dzy9o+0ZeQHddDjNa8TmQD+lAx1Se4GfO/FxFV"
    "JzZcmQnZ9Tpnu2Ub1tsUpobqtrtSjkeB3OrjBMXLeaFWpTq2RcYG8BPn5+/17ufgh+AmG0"
    "490HN/wYO8HzqQlwAa/lL/BqR5Q+ZB3pC1V+2fQuOOnmoLTXizQ+MbgaHNjTqnGbTc+PGy"
    "m4r/tsL/4Oe4B4kVNKnBuyZr1rbSmfp9UY5oZhmDOJQw+YODRyHGDLXS0WvEylndHjXArp"
    "8xakz+tIx4exLMJxa+2Q7Seiq3yp1iPbWhaWuptbnVJD074JZDFaqB7NSp0C8Ku0ZuRPae"
    "RNJuzGUT+RUZZTPxLvEdNlt429QmsUzUMeaYqeyVOncS5TmlEe/ihb7Fzy1ZJP1Qj1k6Sl"
    "fAZbXAbrHoMmBsTEgBzbWDPQGJBPAYzeo64zjirGrRrjrIlEFMgjqwdwRsIABAvsA65gnE"
    "EfvY5iOdCK2Iua6liaaoeMrIpurrv4t3ZQHZ/cptusOH6GbihQGTcnr88ItFD8tHEvfeWu"
    "r23Sx9lTHtbkB7ZuCRXtK3ll694SrNkLRO0kDVIPPB46ZKvfC7ANGR2PjubRYDyBs535EJ"
    "b2F0maHXYXY5w6qHHKRzZFSmrmnEKLXaa8qU+lLCXTFkvJtG4pQR7/9i4CapnSCKhDFlBj"
    "rXCABGax7ZEKCZnxJ+4YqgCxG1KR+0xzmEKBRBvYe3OTX0McWOwwx67qllWmNFvWkLcsY/"
    "psXlD6GsCGo9s7qjTfo2ZPRWjcpgW889ADYf/sWQc4BOh71gDuJIEzHJ2PpOFy0Lxy3CaB"
    "s9d12KqTvxv0OnLzRA6giI2KH8SJzNbQBwF8Ql6cv8Vn7xL5gGIfeCSIqwCcM9wE6r/dO5"
    "RxMC1YwtXcTA9zo9CAtIR9+Su15Dk2/gy68moD0U5GZ4x4W9yik+QbuPRemORlX+Ng0aaC"
    "bGto9I5D4pPadi0+M1Q94os02h0U/d8ihZZQJL63JcCHQqn99MGdTGWOYdaqJetPzXHYwf"
    "7KhRv1wI4KnYZq9P6T/8BntpNQK6RKM7pMpZ/jz17MFTNMVDBOmhtwpcB1iZ0FccoiXKTR"
    "D+a9hIGt0czHAVLdLypk+oE9kQJ70gL2pA72Cvr+mjApQz1mSUCqH+hnE6kZPmmZ4ZMa6J"
    "S4SlxH2v6AIXhZQv0TvOXWD/0VYh/X6RLWCq0xgg1NsSIe6U72TgG5Ge8TGO8OkQR1Sv3O"
    "qr3kx40UCzxvHmaddvKDEnVgltmQl9nAAmzNSBsvEuNF0qcXycrpOOplSjPqQxl1wWKv5S"
    "mLfTC6jHqZ0uzowxnk+trulB15GGmRX+6wbI+T6RvSJ1Hav7Y81CmJwbkdZwX/iYKlaYX5"
    "nRw7pmK8XuGfkLaZPRfQc/iNnzuC9C7p5mR3+3aUsIOWKxIgz970MKNu897kZtaJQuYFON"
    "g5r+5t3I+2C9Ck1pWGiv/vWFjEzSjh5KUNdATJ5B+WACkgT8jbESLu3s/kmwfela44cSU5"
    "68RyyRzvitfPcV/veVfa4kXRI6IojRvYAaysI12hoghGHrA7AnWfdKMvTDbnqzesmbPrpL"
    "pP+nrLfmqLF7+d2VpCR+BSoYRVcg+0hpx5Mdl9d4AKefV1mUdKkRcFZiJL19KMaBoLuB3X"
    "Uo4YTWafYpTKNaLY5ibsWpxKUjNui1SBeZttoSrNX9Zz+EmjAlAYfSLQ/iUj3baqjuuk30"
    "vWgpYEWk167GYfj2Yttg5++ZOpTL561qrFu6OWsZ4vKgWEk+YaorsXT2b2xEB4m8WPn+4+"
    "NpjVc5KqnQ3bAfgPcLG/N0vBcUxsHIySda2WEK6a+21cNpvxDo6eEO6v/wfoK0Pr"
)
