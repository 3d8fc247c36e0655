"""Claims of clients whose cursor is ahead of the log: they may raise the epoch, with a limit."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "epoch_claims" (
    "user_id" UUID NOT NULL PRIMARY KEY,
    "epoch" VARCHAR(100) NOT NULL,
    "room_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "last_seq" BIGINT NOT NULL,
    "claimed_at" TIMESTAMPTZ NOT NULL,
    "raised_at" TIMESTAMPTZ
);
COMMENT ON TABLE "epoch_claims" IS 'A client that was ahead of a room: of each user the latest one, and when one raised the epoch';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "epoch_claims" (
    "user_id" CHAR(36) NOT NULL PRIMARY KEY,
    "epoch" VARCHAR(100) NOT NULL,
    "room_id" CHAR(36) NOT NULL,
    "seq" BIGINT NOT NULL,
    "last_seq" BIGINT NOT NULL,
    "claimed_at" TIMESTAMP NOT NULL,
    "raised_at" TIMESTAMP
) /* A client that was ahead of a room: of each user the latest one, and when one raised the epoch */;
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "epoch_claims";
""",
    "sqlite": """
DROP TABLE IF EXISTS "epoch_claims";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtz2za6/iscfWl3Rs3EsuR4M2fPjJO6G7dJ3HGc053tdFiIhCTUFMHyYkWT7X8/AH"
    "gnQQqgKInC4ktiAXhB8sHtvePraI1t6AQvbjz0E9yOXhtfRy5YQ/JHpWZsjIDn5eW0IARz"
    "hzUFHjKf4JYVgnkQ+sAKSfkCOAEkRTYMLB95IcIubf3LCoQGMDwfL32wNvCC/IgC6BsWXs"
    "PAQK6xQeGK9mVji3SG3KUcWeSiPyNohngJwxX0CfGvv5Fi5NrwCwzoz19HlHL0Gy32nswF"
    "go5d+nhk045YuRluPVb2+fPd9z+wlvTV5qaFnWjt5q29bbjCbtY8ipD9gtLQuiV0oQ9CaB"
    "dgcSPHSRBMi+I3JwWhH8Hsle28wIYLEDkU3NH/LCLXopgaq2g+j+YvLOzDF8gOXrhw87/J"
    "Oxbam+bH+0fz0+2jaY5qg0LfpQJ4UmRhlw4ockOK3Ne/4n5zZFjpiD7g7bubh28vr/7GsM"
    "BBuPRZJcNt9BcjBCGISdko5HCz/2uAv10Bnw942r4COXnRLmCnBTna+cxN4UsBOgCkozX4"
    "YjrQXZLZ+9q4ftkC8f/dPDCUr18ylDFZaPEK/JjUTFgVBTsH1/PhAn2RgTen6Afg3bP5aP"
    "BOROCdNMM7qcFroyUMQhl4cwoF5+/VVADgq2kjwLSqDHBgYdqHBMA5hYIAT0Vm8LR5Bk9r"
    "MziAwIG2GUDLh1ITuUbYCe5kMxgm2pOZ0IYxa9kxZjXACVwUDhNw0P6e1IRoDfmIlykrcN"
    "sJ6Yv0jzOc6y1gP959uP30ePPhZ9r9Ogj+dBheN4+3tGbCSreV0m+vKuOSdWL8cvf4zqA/"
    "jX/ff7ytMi1Zu8d/j+g7gSjEpos3JrCLmKTFaVFpmB0QhCZhNLsMdJW2h6Ee2DpTaaThFw"
    "+R7jqMc5lSj/KQR5nKjKacZFgg6VM8HO6g7hACqcC9eOLKgEwir0H7AxFq0dL9CW4ZwHfk"
    "PYBr8YS/RF/xOenmPCHNS/Ol7INNpqEoTijy7eSLYRgzaTef3t58fztiCM+B9bQBvm2WoK"
    "Y1eIIrJVnbetV6sq6WABcsGTj0K+g7p1qiyEbhA7SwX9ajcKrHrZok2tB08FJUlYQNG9nG"
    "ZgXCsYHd5I+Fj9fkT+gTEuDaxgpvDBQakAytzdErdepDRMkUb+pktEgN+WWFOB07UsPKQu"
    "AT+kohYGqdtETrqIaho5I/2zWTfgaHer7YRKXenEJrFwS0CzgKqYZeBuECiYIQX4soeJv1"
    "u1V8fQgCuQmcU6inr+l//haPbdHDtkizx5E7MKT3OVerePrYkdoSylTqzduLK4F5e1E9KP"
    "N5S6uqWt0gIK8kOXPLVHruljFN2PUn8hEyk7dCpt7s7d+qVhKMJHHmzl0FUO7ftIY8GXjj"
    "1sfjyEaHEhArLMNMhGWYNbMMsyqsTEkDCCRS1rQylXIwX74U2SRIq0agWV2V+SXfGcjuE2"
    "Uq5ZC+mIiIGKRVMzcxqYkZC8KBcYzwj/BLyAc5I1BChGtTedz+67Gk7Uhx/PbDzb/+VtJ4"
    "vL//+M+0eQH3t+/v3/CU46fR5d66oc91BYwrxm36W7J5+QgKOgLeu9CwI5/SGvCZkMZOfT"
    "7G67EBAqpu3ZD/gOviyLU4qtsuHXD0tr+OKAWtDOCfscK1oMb9OspxG60Je0xQM2OdLrXe"
    "+THDnMGaa2e/mAkaZuRRZV+MVLIKRoyaAER/GL+8u324TT7hH8Y3yVNex3T2N7FWX1gJ/A"
    "Yt79yGVcnd8lB85BSXZMIIDdera0lf4bu/TyaXl68mLy+vrmfTV69m1y+vSVv2vvWqVy2L"
    "+M3dP+8+VtYlLWjXCdP5IgV/QrAb/zPYEo85BAVT+7MkW5URKHEOVXiqiQhLNWnmqCY1bZ"
    "e2cihq5dBKzB4VQQU+QALRMpXGtOKnDrYOBhxAm2WMAokSu/sxpIyS+Ez4Xsk5XCDRHk3t"
    "Hk2pVLGnR9ND0s15QrrTo6kwoYbk0XTrYWv11gFoPeKJwnntuFUepu1MizYUFIpvDMtBVA"
    "4MabwbE19XENi5ZPua/gmBtYqj34gQazhUuiTCr5v4Km1W0KW/DIJ7AG3Whr1JTYI++NN2"
    "u0k1irbDcbeU8nRiT6L/TM/MwSkbM2HJKiVQ4uyt6FCFtNUXLdrqC462Wh+3fTKMWvtydO"
    "0LC0uRxr1IpcHvDD5jI7qFjZUota5m0LqamI3qMMolQh1KNLQxHoh57x3h2fEzY8VrYk1W"
    "1yrUrJJWwhJNQOTd75AbCxkWeaRBPyUOsWAZPZ6RDf3XBgoDg0jDITQQ+cMjckksYdByi7"
    "yHsQZbY06kiy8WeQfydUTsiCXnilBz+AeK5xihER2FKD8dzzEQcYeNuymfvaFKp1yKjP7d"
    "zOhS6oB0hawXhz71cY7cEDnSDGKJUvMOQ+MdSqO8Ag6dRFL+8yUi9Vxjp5ciPpyXzT6cl9"
    "W1NKCQfi1sKRjTP7DlpEBI/zARPdeI/jsbrj0cQtfaNmSGrLQYt4mMKG8rkSnyxkg8tWNB"
    "jshoc0ggNwgREcUiD7tjA/tMWgNusIlnSUUU7NBDd9mO/rboQcv66Sz1tYRg9OjroCAr3C"
    "zt5aMizDFlFOqxSwfwGwyeoJTrTkaghPHw2I47DgQBh/9vZloyAm1FrEC5otSdhOYypWb0"
    "B83o58e78A6VUahwABx7h9Ly83/FstLys5aftfzMl58JZxA2Sc5x3XiHzExbCYdTfsJrOM"
    "f21kjvSWBGzrGxWWFmx6RGUXpNQoiJrEskYAsT3sWgGe5qYvN+XXFDLFEQRPE0DKL5H9AK"
    "a4GW+lKGYRlI02GXEZqLNEoIdoeWm/NlIawCyigUBHgyE0nGQVq1pFuvpeNINxwJkAskGm"
    "UxlOEa8EToFvfxlEAF8aoKsIhCk7RqAbhu3de3BjSiTz7QvnedbTIxzkTCSubwOV0ioEf+"
    "aCM/nPinYUiC5yxbDxTScxWuf8TzEUeupsXjNpH6DzyXEKbDFTUVExl3Dg2bBjgSaZjaUU"
    "K+27EYyW7jcinhkB+5iWV5V7Ih+m0m3Q2ZWqEtz1Ds8fwP4xvW+psR23UKz2S2otSyIfzk"
    "yHUpEMLPjtvXn84y7Mt8M8VZ+LG0cR/PhHHWAbFnksayOZy0XuNgeg3y0ZGU72RGoKAo2L"
    "9GQzY57l5ZcYcNbv8e3jpHytENmWwbl9IdpQRKwH3QuwtAGMK1x8sr2hhLXCQ5Xizxy0Oh"
    "GwcSTy6mr6bXl1fTLH44K2kLG66HCCfsYg3OHYGjGZWCGoIz0QgIWdtP4vY1ME1rP15fJR"
    "lHcrlUaXW41JDXTCJwP8Uu6qKHeJlKtdDDC6ELGy5abmy4qF/ZwLTN0PexlDmzTKWeKWgm"
    "lEho1pJIaFZPJKRNQf8VW1emlpIc5CKdPpyGNsI1o8RpdOgf4HoO/WCFvBFHlV6oHbdp1N"
    "dZO1kvNeTmqfqT+1UXgGUY3Bor8AwNqp02UMjVs0v30Jr2P/c70+5og1Xbyt4Yt9ddcUM7"
    "1arJCUW4t7bUhFWG4g+M3E5HTYlQQXZCYf+CZOiks/mV6U6og3u5x7CeLnsinVAdUygWSZ"
    "XRfR55DNZRyAtUfYPJcQFcPvgZTQX0OSE6FOpZyXEP6Df39+9L+9ebu6qN5POHN7fkeGEb"
    "F2mEwgakk5RpXYTUEqWWYIYmweicxgfTS2unP30jw6md/nbeyFCdsD1Aqv0oT6MDcpMv5i"
    "iA4qpxu/aHNZJV/dBH2bH6JrkSqVnJw2/LVecU61s0OuPSDM+ufNTXKw7uekXNW+j7Es5x"
    "Rg/mnrihDYLmkQcCZwuPXDhF9+TpPuQ9nSewO9m68kLVzLLizHI8nbnMcjbT25hl1kg492"
    "XSPs5cGaT88MbH9LqC1PRZY5wl6LhMdECdB9jsim+GS646b78jXdtIh2Ej1RzeCS5lSleJ"
    "xEQvEWmGpAIp3a/qaDZHuKTtlbD0Hzu8xYeesyVngKycXSbT7uVVuS9XjIlO4yLN8aby6N"
    "ffTnDGHWQqgzAE1orCKIV7hUxD3wF67ZDcaSjOzdgLbdRtlEuE2qA/5DGO5e0ug1ym1KM8"
    "5FHWppWeTStUayIJaIlIQ6pdN47supGr+rQ+ug3U0jqV1UjncDNPBo56LiH74acH6IDU56"
    "LJopI5ZSiCdUUXAawGsVkGpYekG5VgOqRh496Fj4Qhe8RPkOsKVKoft5k4sAtNytuZIW0r"
    "n2qNWiyAa8DvaGpYg6yygF3NRf3eoW/YeLwz85p4D8K3fNF5FvnktIL6MuehGj7SAaph3p"
    "KqPCdRQnFcyUAsEiLWEt9fD++Xv79Z35EtkdnryOmzBz57D5E/W99I1GVTPjvNxglS5J2R"
    "nuoQyn/tj6cTVZ9aRh+oz9jP0LXJ573HS8QVrUr14zbRyotbmg5tKhtwQe9tWtKMGETSMX"
    "y0XIWGB4Jgg32bpc7AGxgYwLDIY7nCVZdOut+irIWqYQhVmuM/KMdvw2dkQZP9lMG4TKYC"
    "w1LNbiKW3qQtv0lNetWZZnvONKulqS678dlJU5q317y95u35vL0PF9CHdGR4nH1e287XZ+"
    "0Emfq3K0zO/8DAC4NeMEOvT0j/9qAfxGavEgcvRMENBknnJ7ujYa+gDx00TeuOETSt79/I"
    "OckrEUayerwW+MirWuLdFQ5iI6iobjGnOKJj8de/TiBpHka36NkdHYvLlAqymWeampDDdt"
    "YcQTTXqblOzXU2cJ2Y8HIBn+WMq3bwm6yReBjy7wSHZ/j72Ph9g/0n6P9uYJ8UWitoRw79"
    "yXxu/MgNxrTGByxVD6bxNAZY4ho32kuPu5XLjdwp6VdmX0man0yNzJ5E/5memfaYt3233G"
    "qvKg/av95YM/gHZPCf4JZ05i6h7/mJCCqMc51UQy4A+TP0g8RbVxTqAomCEPd/Jydh5fxu"
    "UlSZUkEp6nylprqyPoCwy/V/BTI9wIMeYOQ6yIVmzDbzoiTaspjXiXU6c4l05kQepPer20"
    "gW9zKhxlwGc5eIRgE9f4jY+kXyAr8aqXquEtOZAKcwnTVyCrSKoyo6jWYjC9viqDaKIV3N"
    "uo1S/Nhu3ca9Cw24xn+gsjXMCDH71ZSaWJxMKEvxmLryk970BVQDV2jEoySxBWUECsoo/a"
    "s1dAqZZujP09IjcgmVTpCsEyQPEc4W85lOkKwTJGvTJJeBt/Az9LdvaQQIl4kv1O9g5OOW"
    "Jg0mEbZU0sax7RAFxhJjm8X6j2nSY88BFkz5dfIfDWGhj6/y9l07afWeS6IidNLkYfL1pw"
    "9zOTV7eWDOXrMj2ptHH5n8I5OmI+MdlUmaspYjkrQQPhlp49fsvIKx7zfNiePgJYvb3CSH"
    "XbDCGzeu5JyLXboQCQFNvRMoAOYT3Gp911DORe1nkp2J1wJH4nXjiXhdPRBlQz7VjfW8Fg"
    "n1vG6O9LyuBXpm+4gkvilNLxgPKG55MhXKBDVtSQU1rYEcYg9ZMghnBEcMgjjUbltNVSSE"
    "76wF3xkn1xaRgEPZaVymUm0i979VaItDM/TqWhwcEISm9EVJRSplkgEc+aqkBfK7QF8iOx"
    "72F0phv4brOZGALRzxnJobsa+SKTP1e8uDkSDU6MTcNrPrtMrge+TpzbZn6Ib+tsNpXiPW"
    "B/o5HejAt1bouRMfVyHVV5YM2fk5ZbrnW9nbFquE+ra6VotCjtfx7ArDxHWnWaE2tUrGBf"
    "IWxsfP79+L3Q9BTyAE97z74JYeY2d4PjUBzuG1ghXy9kTpQ9aRulDll03vg5NqDkoHvUjj"
    "E4GrwYE9rRq32fSCuJGE+3pA9uLvkGtglzmlxLkha9a71pbieVq1YW4YhjmdOPSIiUOZ4w"
    "BZ7nKx4GUq5Ywel0JIX7YgfVlHOj6MRRGOWyuHbD8RXeVLtRZka1mZ8m5udUoFTfs6kEVr"
    "oXo0K3UKwK/S6pE/p5HXmbAbR/1MRllM/YjdBfLX3Tb2Cq1WNA95pH34jJ86jXOZUo/y8E"
    "fZJOdSIJd8qkaoniQt5DPY4jJY9xjUMSA6BuTUxpqBxoB8CgF7j7rOmFWMWzXGWROBKJAF"
    "qTfAHEehEa5QYFAF4xwE8DWL5YAetlY11bEw1R4ZWSXdXPfxb+2gOj67TbdZcfwMnIijMm"
    "5OXp8RKKH4aeNe+spdX9ukT7OnPG7wD2TdYp+3r+SVrXtLuCEvwNoJGqQeaTx0RFa/GyIL"
    "EDoaHU2jwWgCZyvzISztL4I0e+wu2jh1VONUAC0fSqmZcwoldpnypj4TspTMWiwls7qlBL"
    "r027sIqGVKLaAOWUCNtcIh5JjFdkcqJGTan7hjqAJATuTz3GeawxQKJMrA3pub/Aag0CSH"
    "OXJkt6wypd6yhrxladNn84JS1wA2HN3eSaX5HjV7MkLjLi3gvQsfMfnnwDrAIUDfswZwLw"
    "mc4Gh/xA2Xg+aV4zYJnLyuTVad+N2gN8zNE9qGD8moBGGcyGwDAiMET9CN87cE5F2YDygK"
    "DBeHcZUBlgQ3jvpv/w5FHEwLlnA5N9Pj3Cg0IC1hX/5KLXmOtT+DqrzaQLST7Izhb4s7dJ"
    "J0AxfeC5O87BsUrtpUkG0Ntd5xSHxS265FZ4asR3yRRrmDov9bpOAa8MT3tgT4gCu1nz+4"
    "k5nIMUxatWT9qTkO2yjwHLCVD+yo0CmoRu8/+Q94JjuJb0a+1IwuU6nn+HMQc8UcYRmMk+"
    "YaXCFwHWxlQZyiCBdp1IP5IGFgGzgPUAhl94sKmXpgT4TAnrSAPamD7YEg2GAiZcjHLHFI"
    "1QP9YiI0wyctM3xSA93HjhTXkbY/YghellD/DG+5DaLAg+TjOl3CWqHVRrChKVb4I93J3s"
    "kh1+N9BuPdIZKgTqneWXWQ/LhMsUDz5iHSaSc/KF4HepkNeZkNLMBWj7T2ItFeJH16kXh2"
    "x1EvU+pRH8qocxZ7LU9Z7IPRZdTLlHpHH84g19d2p+zIw0iL/HKPZXuaTN/Af+Kl/WvLQ5"
    "2SaJzbcZbwnyhYmjxE7+TYMxXjjYd+gspm9lwB16Y3fu4J0rukm7Pd7dtRQjZceziErrXt"
    "YUbd5b2JzawzhcwNUbh3Xt27uB9lF6BOrSsMFf3fNhGPm5HCyU0bqAiSzj8sAFKIn6C7J0"
    "TUvZ/IN4+0K1Vxokpy0onp4CXaF6+f477e066UxcuHC+jDNG5gD7CyjlSFyoeAecDuCdRD"
    "0o26MFmUr96SZva+k+oh6est+aksXvR2ZnMNbI5LhRRWyT3QCnLmxWT33QEq5NVXZR5JRV"
    "4UmIksXUszomks4G5cSzliFJl9klEqN9BHFjVh1+JUkppxW6QKyNvsClVp/rKew08aFYDc"
    "6BOO9i8Z6bZVdVon/V6yFrQk0GrSYzf7eDRrsVXwy5/MRPLVk1Yt3h21jPV0UUkgnDRXEN"
    "2DeDKTJ4bc2yx+/HT/scGsnpNU7WzICo3/GA4KDmYpOI2JjYJRsq7VEsJVc7+Ny2Yz2sHJ"
    "E8L99f+FMlmh"
)
