"""The user of each idempotency key, so that keys can be counted; an index of reactions by user, for deletion and export."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
ALTER TABLE "idempotency_keys" ADD "caller" VARCHAR(32);
CREATE INDEX IF NOT EXISTS "idx_idempotency_caller_90cb4f" ON "idempotency_keys" ("caller", "expires_at");
CREATE INDEX IF NOT EXISTS "idx_reactions_user_id_5e79c4" ON "reactions" ("user_id");
""",
    "sqlite": """
ALTER TABLE "idempotency_keys" ADD "caller" VARCHAR(32);
CREATE INDEX "idx_idempotency_caller_90cb4f" ON "idempotency_keys" ("caller", "expires_at");
CREATE INDEX "idx_reactions_user_id_5e79c4" ON "reactions" ("user_id");
""",
}

DOWN = {
    "postgres": """
DROP INDEX IF EXISTS "idx_reactions_user_id_5e79c4";
DROP INDEX IF EXISTS "idx_idempotency_caller_90cb4f";
ALTER TABLE "idempotency_keys" DROP COLUMN "caller";
""",
    "sqlite": """
DROP INDEX IF EXISTS "idx_reactions_user_id_5e79c4";
DROP INDEX IF EXISTS "idx_idempotency_caller_90cb4f";
ALTER TABLE "idempotency_keys" DROP COLUMN "caller";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXW1v27YW/iuCv3QD3KJx4jS3uLtA2qVr1pcMbXo3rBgEWmJsNrboSVRco7f//ZJ6f6"
    "FoUpZtmeOXNhZ5aPnh2znPOTz8NlhgF86DJ5dL9AauB8+tbwMPLCD9o1IytAZgucyfswcE"
    "TOZRVbBE9j1cRw/BJCA+cAh9fgfmAaSPXBg4PloShD1W+/cZIBawlj6e+mBh4Tv6IQygbz"
    "l4AQMLedYKkRlry8UObQx5UzWx0EN/h9AmeArJDPpU+PNf9DHyXPgVBuzj5wGTHPzFHi/v"
    "7TsE527pxyOXNRQ9t8l6GT379On651dRTfZqE9vB83Dh5bWXazLDXlY9DJH7hMmwsin0oA"
    "8IdAuweOF8niCYPorfnD4gfgizV3bzBy68A+GcgTv4913oOQxTaxZOJuHkiYN9+AS5wRMP"
    "rv6TvGOhvm2/v7m1P17d2vag1insXSqAJ48c7LEORR5hyH37HrebIxM9HbAvePn68sMPp+"
    "c/RljggEz9qDDCbfA9EgQExKJRL+RwR//XAH85Az4f8LR+BXL6om3ATh/kaOcjN4UvBWgH"
    "kA4W4Ks9h96Ujt7n1sVTAcT/vfwQoXzxNEIZ04kWz8D3SckoKmJg5+AufXiHvqrAm0t0A/"
    "Dm0bw3eEcy8I6a4R3V4HXRFAZEBd5cQsPxe34mAfD5WSPArKgMcOBg1oYCwLmEhgCfyYzg"
    "s+YRfFYbwQEEc+jaAXR8qDSQa4Kt4E4Wg36iPRpLLRhjwYoxrgFO4WJw2ICD9s+0hKAF5C"
    "NelqzA7SaiT9I/jnCsC8C+vX539fH28t1vrPlFEPw9j/C6vL1iJaPo6bry9IfzSr9kjVi/"
    "X9++tthH68+b91dVpSWrd/vngL0TCAm2PbyygVvEJH2cPip18xwExKaKZpuOrsp20NU9m2"
    "c69TT8ukS0uRb9XJY0vdznXmY2o61mGRZEujQP+9upG4xAZnDf3XNtwMgir0H7ihq1aOq9"
    "gesI4Gv6HsBzeMZfwld8Spo5Tkjzp/lU9sEqYyiKA4r+dvqLIYmVtMuPLy9/vhpECE+Ac7"
    "8CvmuXoGYleIQrT7K69aLFaFF9AjwwjcBhv4K9c8oShS4iH6CD/TKPwikeCpkkVtGe46ks"
    "lYQtF7nWagbI0MJe8sedjxf0T+hTEeC51gyvLEQsSLvW5fBKrdqQIZniRZ32Fi2hnxyC07"
    "6jJdEzAnwqX3kIIlonfWI4qn5wVOp7u1HSj2BTzyebrNWbSxh2QYJdwCFhDL0KwgURDSG+"
    "kCF4m/ndKr4+BIHaAM4l9ONruh+/xW1bdrMtymyx5fYM6W321SqePp4rLQllKf3G7cm5xL"
    "g9qW6U+bhlRVVWNwjoKymO3LKUGbtlTBN1/Z7+CJXBWxHTb/R271UrGUaKOHPHrgYod+9a"
    "Q0sVeOPa+9PIBrsyECsqw1hGZRg3qwzjKqwRSQMoJEretLKUdjCfPpVZJGitRqCjsqryS3"
    "9noLpOlKW0Q/pkJGNi0FrN2sSoZmbcUQ2M44S/hV8JH+RMQAsTTkR5XP1xW2I7Uhx/eHf5"
    "x48lxuPtzftf0uoF3F++vXnBI8cPw+VeecTnhgLGBUMRf0sXLx9ByUDAGw9abugzWQs+UN"
    "E4qM/HeDG0QMDo1hX9D3geDj2HQ922aYDD234eMAlWGMC/Y8K1QON+G+S4DRZUPaao2TGn"
    "y7x3fqwwZ7Dm7OxXO0HDDpeM7IuRSmbBIJKmALEP1u+vrz5cJT/hJ+tR8i3PYzn3UczqS5"
    "PAL9D02muYldwlD8VbTnFKJopQf6O6puwVHv9rNDo9fTZ6enp+MT579mx88fSC1o3et170"
    "TDCJX1z/cv2+Mi/ZAzEnzMaLEvyJwGb8j2BJ3GcXFFztD4pqVSagxT5U0alGMirVqFmjGt"
    "XYLuPl0NTLYUjMDomggh6ggGhZymBaiVMH6zkGHECbbYyCiBar+z6sjJL5TPVexTFcEDER"
    "TeKIptSq2DKi6UPSzHFCujGiqTCg+hTR9Bp4Ln6IDMSaIZyVDUW28CypJWkNX1oBHRaPkW"
    "cRdtLNoV9psZ8SRyJFB98ekAv959SsDSw6aAi0EP1jSdXbOESJPXfoe1gLsLYm1CT+6tB3"
    "oL/OwskAK1nP+/hC+aN4LPCpEAxrwp56EvYU9butfsipKqfdSbLuvTFsKrVAuiLWid9Lf5"
    "xDj6C5qq1bljTR+n02eelWNGeDSCnMpCSknwf57FTG1Xna7Oo8rc6lHp186akCrMVkOtjR"
    "l55NJw1OvvQT0WM9+HLtwsUSE+g564YEKpUaQ5HJiPK6CglVLq0koCE25KiNNoEUcosKUV"
    "MsXGJvaGE/staAF6ziUVIxBVu00N62Y58dttH6sRu0pdUniFTqkBLUUBVutvbyXpHWmDIJ"
    "/dSlHbjXgnuoxHBnAobfbsFvzyEIOPp/s9KSCRhuuwLljEm3MprLkkbR77Win2/v0itUJq"
    "HDBrDvFcrYz/+IaWXsZ2M/G/uZbz9TzYA0Wc5x2XCDzcxqSUcdf8QLOMHu2krTiUZOzqG1"
    "muHIj8mcoiybKMHU1qUWsIOp7mKxRBA1s3m7priRyCgIwngYBuHkC3RILR7Z5C7tl4M07X"
    "YVo7koo4Vht2u7OZ8W0hRQJqEhwKOxzJk1WkuQlbB2ai1dcBRALogYlOVQhgvAM6EF8eup"
    "gA7mVRVgGUKT1hIAXPfum+SajejTH+jeePN1MjCOxMJKxvAx5do0Pb+3njdZGfWxrXsK6b"
    "Ea17/iyYBjV7PHQ5FJ/QVPFIxpMmOuYmrjTqDlYg8ya5j5UQg/7FhOZLNzuXQu1w+9xLO8"
    "6Uwu+202Ww0jWkF0HDeOeP7JehTVfjSIVp3Cd0a+otSzIf3NoecxIKS/O65f//YoEaXKb2"
    "Y4S38tq9zFd8L4cI7cd9LKqkedDa+xM16D/uhQKXYyE9DQFOye0VDNIbVV8qh+g9t9hLc5"
    "Srh3R2a0jCtxR6mAFnDvNMUnIAQulrz0O42JJooi+8s28XRX6MapJkYnZ8/OLk7Pz7IME9"
    "kTUWKJehKJRF2swSnmCXIpDRmCI2EEpLztBwn76hnT2k3UV8nGUZwuVVlzXKrPcyYxuO/j"
    "EHXZTbwspdvRwxOpvKYngsSmJ/XMphHbDH0fK7kzy1L6uYLGUtkhx4LskON6dkjjCvpHLF"
    "0ZLaXYyUU5szn1rYdrTonDcOjv4GIC/WCGlgMOlV4oHYoY9UVWTzVKDXl5RsvkGqI74Ftk"
    "BtfWDDxAi7HTFiJcnl25BWF2zDzuzISj9Za2Vb1YYasrFfq2q1XUNyntTaC81RSKLxh5rb"
    "aakqCG6oTG8QVJ1ymnei3LHZCDe7pFtx4kxWtk67ABpQ56TVQb7nPPfbAICe+g6gtMtwvg"
    "8cHPZCqgT6jQrlDPnux3g35xc/O2tH69uK76SD69e3FFt5do4aKVEGlAOkmZ1sZILUkaC6"
    "ZvFozJtLkzXtoE/ZnEpYcO+tuYuLQ6YDuA1MRRHoYD8pJfzCGAvOyyZgH7E1VSpX7YV7kx"
    "fZNkDm8mefh1uXROsVzA6AxLIzy7GcXcQtK7W0iMbtGpbmEuddm/tXnY6xT61glGR+4JnA"
    "IdubCLbqnTvctbOk5gN6p15YlqlGXNleV4OHOV5Wyki5TlqJJ07sukfpy5Mkj14ZWP2XUF"
    "qeuzpjgryHGV6IAFD0Sjy5kjqt4nNwKKrxI0PtJ++EiNhrd3DS+fJQoDvSRkFJIKpGy9qq"
    "PZfMIlra+Fp3/fx1t8uJyv6R6gameXxUx4edXuy4kx2WFclNnj1d2f/zrAHreToQwIAc6M"
    "waiEe0XMQN8CehOQ3Korjs3ZC13UrpdLgsah3+c+ju3tNp1cljS93OdeNq6Vjl0rjDVRBL"
    "QkZCA1oRt7Dt3IqT7DR4tALc1TVUY6hzuKZODQc4nYqzcf4BykMRdNHpUsKEMTrCtcBHAa"
    "zGYVlD4kzegE0y4dGzcevKUK2S2+h9xQoFL5UOTiwB60mW5nE1ZXPdUa81gAz4KPWWpYi8"
    "6yILqai8W9Q99y8XBj5jX5FqRv+WLjLPTpbgXNZc59dXykHVTDXJCqPBfRgjiuZCCWOSIm"
    "ON9fP96vfn+zuSNbIbPXntNn93z07iJ/trmRqM2ifHTMhokOM2mTD20x9jSC6TdqyNKf9x"
    "ZPEVfRL5ULFf1lXNOes6qq4f/sFqEpy89A9W7LR9MZsZYgCFbYd6NEDngFAwtYDv1arqrf"
    "ppH2d/oaFb8fKr7RP3eqf7rwATnQjj6qYFwW0y9/14lU/q4TQf6uk3r+LpP3tOO8p0a3b7"
    "MaG93e6PZGt9dEt/fhHfQh6xmeZp+XivX6rJ6kUv9yhun+H1j4zmLXnbBk/unfS+gHsROm"
    "pMFLSXCPJqTjM7oxYKsjCOYILyvbxxFecxtErkmeyyiS1e21oEee19LAznAQu+RkY11ziT"
    "2GuX77fgBLcydhruHSbRnmWpbUUM080kR5HLWzFpZgtE6jdRqtk6t1ZqE2HJ2zGIbTrHGW"
    "Yn4265s3VE2EC/wFlXVGduUe+9SUTkZeTCqzzJC5X2lrJmlwD9YWkfoZ95KC/pkJaKiAdk"
    "8am2M/uulDMomDTVIbk9Smj3AKlEyT1MYktTEKPFeBd/AD9NcvWZwEV4kvlG9Q5OOaNgu5"
    "kE5ywyrHUdsosKYYu1F89pAlqlnOgQNTfZ3+xwI92NdXdfu2jQg55iR2wCS66adef/hgkE"
    "OrlzvW7I06Yjgvs2Xyt0x2hJS3VSZHSwVbJK0hvTOyys+j/QrGHlJ2jmmOp1F04yrZ7IIZ"
    "XnlxIWdfbNOETKBk6qRjAERXZBq+qyf7onG37uqqctXASH0jIi9kAiIvmuMhL2rhkNk6oo"
    "ivrtfzjs6kTu+dCY7vndVAJniJHBWEM4E9hgrsarWtHi+TwncswHfMOR9JLWCiOozLUroN"
    "5O6XCuNxaIZeX49DdPtduzvzzHV5LeL5cuTvkN8G+pLY/rA/0Qr7+G5limrocVa7RuyrYt"
    "oM/c5OiyQIPUA/SOJT5Ed2XVYbfA9xGyr0iL9usZvXhM2GfkwbOvCdGXpopcdVRE2ayf5E"
    "ztb7OVW6J2vVDPlVQZNhXOhRyPHan1+hn7hudCvUhlbJuUDfwnr/6e1buZx+bAdCcMt8dV"
    "dsGzvC/akJcI6uFczQckuU3mUN6QtVfkHQNjjpFqC00+SHHylcDQHsadFQ5NML4koK4esB"
    "XYsfI8/CXhSUEmdQqHnvhDXls5kYx1w/HHMmvcYe02tEgQN0uvNok2asy1LaOT1OpZA+FS"
    "B9Wkc63oxlEY5ra4fs2VgC2LNxI66sqHop0x1dWma2ephbXVJD1745yGJYqA7dStBrS0AW"
    "ZE3PH1PPm3xRjb1+JL0sRT/68AHft1rWy5KGZO5/L9t0tQp43jyRslQR1M++kookEwSS1e"
    "PIzMkAczLg0BR+T08GfCQgeo86kxgVDIU8YlZF4mzAHS23wASHxCIzFFiMdpqAAD6PIvzh"
    "EjuzGqEoLbWZXGwkFRWDH7eJemxBKB7dottMJz6AecghEpsTf2UCWtABIu2lq7xftUX6MG"
    "vK7Qq/ovMW+7x1JS8Uri1kRV8gqifpprhlp2RDOvs9ghxA5diZWXZGCHgWcLLIstL6Iimz"
    "xepiXBZ7dVkE0PGhEvmYS2ixypQX9bEUfz4W8OfjOn8OPfbbW92oXJI0BmqfDdSYKySQ4y"
    "zZHL+eiJko05YB7ADNQ58XVNEcvF4Q0Qb2zoKnVwARm27mvNvKxEtWWdIsWX1esoxDrHlC"
    "6esW6Q+3d1BrvkNmT8Vo3MQCsnt4Mf1nxxxgH6DvmAHcygKnOLrvccPFCnnhUGSB09d16a"
    "yTv1fhMgr+g67lQ9orAYnTW61AYBFwD704q0dA3yWKDESB5WESF1lgClD92oUuGpQJO2x9"
    "dZogbKjDFBU9Ygm7imIRZL81Xm5ddbWesJPRHsNfFjdwkmwBl14Lk2zdK0RmIgpSVNHwjn"
    "3Sk0SrFhsZqnHSRRntNorTkUzg7qg5bnfUt8vGewTuTq4ad1GwnIO1erh/RU5DGr37lDDg"
    "ga4kvh36SiO6LKVf4M9O3BUThFUwTqobcKXAnWMnO9oni3BRRj+Yd3I4aAUnASJQdb2oiO"
    "kH9kgK7JEA7FEd7PRK9hYnWTii+oF+MpIa4SPBCB/VQPfxXEnrSOvv8WBWlmb9CG9dDMJg"
    "CemPa+McqcoaJ1jfiBV+T7fyd3LETX8fQX+3OElQl9Rvr9pJ1tSIWGDZ1BBttFUcFK8BM8"
    "36PM16duzS9LSJIjFRJF1GkZhbsjXrdc5kr2WvimMw2vR6WdKs6P3p5PrcbpUztx/Jcp9u"
    "MW0Pk/8Z+Pe8ZHCi7MSpiMFZjLNC/ETB07RE7KaGLRP0XS7RG6htvscZ8Fx2D+SWIL1Omj"
    "na1V6MEnLhYokJ9Jx1ByPqOm9NbmQdKWQeQWTrbKvXcTvaTkCTcFUaKva/ayOeNqOEk5dW"
    "0BEkk5VWAiSC76G3JUQsvJ/aN7esKV1xYiQ5bcSe4ynaFq/f4rbesqa0xcuHd9CH6bmBLc"
    "DKGtIVKh+CKAJ2S6A+JM3oC1P1mvZtsCpfDq8lXuzOXnsBXE5IhRJWye3AGmrmxRTo7QEq"
    "ZFvXZRwpnbwoKBNZupZmRNOzgJtxLeWI0WT0KZ5SuYQ+cpgLu3ZOJSkZik6qgLzOpqMqzb"
    "+s4+MnjQQg9/QJh/1Lelo0qw4bpN9J1gJBAq0mHrs5xqOZxdYhLn80lsliTmsJojtqeczZ"
    "pFJAOKmuIbo7iWSm30i4dxz8+vHmfYNbPRep+tmQQ6z/WXMU7MxTcBgXGwOj5F2rJYSr5n"
    "4blt1mrIGDJ4T7/n/FLMrQ"
)
