"""Accounts get names and metadata, their URL of the avatar may be longer, and tokens are found by their address.

The path of an avatar contains the name of its file, percent-encoded. SQLite cannot change the type of a column.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
ALTER TABLE "users" ADD "username_changed_at" TIMESTAMPTZ;
ALTER TABLE "users" ADD "metadata" TEXT;
ALTER TABLE "users" ADD "last_name" VARCHAR(50);
ALTER TABLE "users" ADD "first_name" VARCHAR(50);
ALTER TABLE "users" ALTER COLUMN "avatar_url" TYPE VARCHAR(2000);
CREATE INDEX IF NOT EXISTS "idx_one_time_to_email_ac67aa" ON "one_time_tokens" ("email");
""",
    "sqlite": """
ALTER TABLE "users" ADD "username_changed_at" TIMESTAMP;
ALTER TABLE "users" ADD "metadata" TEXT;
ALTER TABLE "users" ADD "last_name" VARCHAR(50);
ALTER TABLE "users" ADD "first_name" VARCHAR(50);
ALTER TABLE "users" RENAME COLUMN "avatar_url" TO "former_avatar_url";
ALTER TABLE "users" ADD "avatar_url" VARCHAR(2000);
UPDATE "users" SET "avatar_url" = "former_avatar_url" WHERE "former_avatar_url" IS NOT NULL;
ALTER TABLE "users" DROP COLUMN "former_avatar_url";
CREATE INDEX "idx_one_time_to_email_ac67aa" ON "one_time_tokens" ("email");
""",
}

DOWN = {
    "postgres": """
DROP INDEX IF EXISTS "idx_one_time_to_email_ac67aa";
ALTER TABLE "users" DROP COLUMN "username_changed_at";
ALTER TABLE "users" DROP COLUMN "metadata";
ALTER TABLE "users" DROP COLUMN "last_name";
ALTER TABLE "users" DROP COLUMN "first_name";
UPDATE "users" SET "avatar_url" = NULL WHERE length("avatar_url") > 500;
ALTER TABLE "users" ALTER COLUMN "avatar_url" TYPE VARCHAR(500);
""",
    "sqlite": """
DROP INDEX IF EXISTS "idx_one_time_to_email_ac67aa";
ALTER TABLE "users" DROP COLUMN "username_changed_at";
ALTER TABLE "users" DROP COLUMN "metadata";
ALTER TABLE "users" DROP COLUMN "last_name";
ALTER TABLE "users" DROP COLUMN "first_name";
ALTER TABLE "users" RENAME COLUMN "avatar_url" TO "former_avatar_url";
ALTER TABLE "users" ADD "avatar_url" VARCHAR(500);
UPDATE "users" SET "avatar_url" = "former_avatar_url" WHERE "former_avatar_url" IS NOT NULL;
ALTER TABLE "users" DROP COLUMN "former_avatar_url";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtz4zaW/SsofZlJlaarLT/am9rdKrvjTDxxt7Nu92ZqUykFIiEJMUUofFjWzua/L8"
    "D3A4QAiqIpGF+6LRIXog5A4N5zH/jXaEVs5PjvrlyXhK6FVsgNRt+Cf41cuEL0D+79MRjB"
    "9Tq/yy4EcOZEArDQMroDZ37gQYt1O4eOj+glG/mWh9cBJi4TeUQvAZgTD0DHAdCyqHzgg2"
    "AJA4BesB+AzRK5AAcA+8APiIds1q9NLNoxdhftuwhd/EeIpgFZoGCJPNrRL7/Sy9i10Qvy"
    "04/rp+kcI8cu4YKjDqLr02C7jq59/Xr73fdRS/Z4s6lFnHDl5q3X22BJ3Kx5GGL7HZNh9x"
    "bIRR4MkF2AyQ0dJ4E1vRQ/Mb0QeCHKHtXOL9hoDkOHgT369zkdB4YxWIazWTh7Z9Hf/Q7b"
    "/jv2zR/+M3nKgsR0+vn+cfrl5nE6HdWGiT1NBfbkkkVcNsSYDTjF6M+43xyb6OqIfcHHH6"
    "4e/np68U2EBvGDhRfdjJAb/RkJwgDGohH+OeBuuJrRIaqBfo0Xt27Ahz2XqUCP41ncPegp"
    "SAeAlT4t/e9v/zaZnJ5+mLw/vbg8P/vw4fzy/SVtGz1v/dYHwVhc3/799vMjeyBCX8/45W"
    "UX2DDksAc4oLdqqH9cQo+PeSZQgZz+lDaQpxdyzPNFpA/QV/Bl6iB3ESzpx5PJewGg/331"
    "EM1v2uqbMqyfk1uT+F4Z4RmxtyoAp+01xPfs/XsZgFmzRoTjm2WIQ89RQThp3grgZEUYJr"
    "7nUvCeC9A9r4NreYjBMYVBHePv6J0ArxAf57JkBW47EX2X/nGEs1sA9uPtp5svj1effmLd"
    "r3z/DyfC6+rxht2ZRFe3lat/vaiMS9YJ+Pn28QfAPoL/uf98U91es3aP/zNizwTDgExdsp"
    "lCu4hJejm9VBpmenNJvKma3lMS2kP9Gdhb1V7DYfrk/Imr4MRY1dH9nmpteOH+iLYRxrf0"
    "SSDVrzmIJrr6Vx8d4Ur1Zzp30qv5I3pwk2ng5SlFfzz9ySiIfj59AvD5693dKEJ5Bq2nDf"
    "TsaQPcLgnwHFuQPafPUSsT8e9/fEBO1KgZ8M+FrvQBPkKRTEgBvRKu9Vuryap6BbpwEf0k"
    "9t3sm1J7co3phB7xLM34zlhoY67x9AltJc3Ln5kVCMHaIwsPrgCZ0w8hfUeARVbIB9gFG0"
    "y3xwpYCmK7zchfRkxy9KsxJwdjTsKVklmTttdQ676UUQovm3XCy5pKuPbQHL+owJtLdAPw"
    "61rqJXilbEaByVi3GG28QD5H226GN5fQcP5enEkAfHHWCDC7VQbYtwjrQwHgXEJDgM/kjH"
    "KBSV4DGEGHGn4+oiag0kSuCepnpE/OpRaMc8GKcW6M9LdppDvQD6ZU1Wwz0FXZDoZ6YO+Z"
    "TiONXtaYdtdinMuSZpSHPMrMalSk3AoiXRqIwx3U9oxb6PMciofi2wYK6U7CrTChSnTbx6"
    "svH6++uxGxbQdlkIIAWsvGeIX87ljEJK2Q79P+6WKYtpckla5cEK4dAu04yACCpCdADVnk"
    "+SAgNUJJToRDJv2SPmZ0P+qCDcivdZKpfE+aaRL50LlLCcd/nkyd4RrlPbrPm2knj5CV4o"
    "JeEDELetWxm014lR2yKGQgrXJ3xMepI6OMaOMSURTpJtDmtQ3yeK2YnJx9OLs8vTjLlojs"
    "imhlqAfRpLuM2jwtS5mJKlbmClvknvrcp7yn4wR2p0pXnlmD0upCGwcPyCJeWWvh3BbqdZ"
    "A1nDpkIesiJMDGNthQxWwMiJv8MffIikWOelQEujZYkg2LIUV0dOshqC37kHEexqY6U+vG"
    "gH6ygswBTu9E1wLoUfnKRWilqzK7YnyPQ/E9qnM2hnw9ArImf91kvRm5hPEaSXiNSBiw2A"
    "sVhAsiGkJ8KeO4b/bbV/H1EPTVJnAuoZ8frvv5W9y4pSMoCzImgJKHp0fUEhTKUvrN25ML"
    "mRyF6kZZSFG4qHvrfZ8+kuLMLUuZuVvJq4kV9if6I1Qmb0VMv9nbfbRUyTRSxJk7dzVAuf"
    "uQKbxWgTdu3Z9GNjqUgVhRGc5lVIbzZpXhvJa5xJxvcJH4saQTmEpS2sF8KpXGdCpIYzqt"
    "pzF5iP5OX3WdKEtph/TJRMbEoK0ECY81M2NONTBOcCVL4eaDnAloYcKJKI+bfz6W2I4Ux7"
    "9+uvrnNyXG4+7+89/T5gXcP97dX/N48tdhc7+DAZxBH31CARxx6NzS/bGIz/UDOsByXO4V"
    "YPMFwBm1/UGwxD6wk6/5FuDAB2hNrHq2h7TUHjUDnpBSom/SXLuA+K4M62aC9Rk6IccmbF"
    "5hMgGzwhzXCnPDXsuPDsQr3vpSuCtcXaKXe2qxhrLhP8ByMNWv4lCeDfQBXCJox1liLGLj"
    "W/YngtYyzhmjSwVw6AzyA0DcxBMUlSShnwAdOR/ZUZumxenA37bHojacEEUlP1L0Teyfsy"
    "NzHmVjJruNZAJarG0V/VTKEjgRWAInHEvAxGh1yXT56I86lKKIw0RAp0iinov2RKkcyrgX"
    "pQz4rcGP1Ih2qVYlSePtH7S3P1ajWoxySdCk3wxtjAdi2NzaaLUmAXKtbUOhjEoLoYGD87"
    "YKhTOuQEJvxnYH9sEM0aEHVIgaEOGauGNAvIgega6/ibNgKoZLix7ky2mwILdCOlv02YKO"
    "E/dTvKMU/CbwW3RI8w6IkenKHdRsteSjIgt1LqGf++10IuO/mDS7Lya10BL/CXFmcjPjlQ"
    "loYRX2wXiVFGwEfQ7B2GwgZgLGPKxAuWTSoRtgTolGsSJVljTq8uBUqdIClW3v0itUJqHD"
    "BtD3CjWg+gDmtdKwQMDxvF7HUh9gmIgea3kAah1TzSBospzje+MdNjNrhZGktfyFrBCrzQ"
    "3SspHPtAdvDDZLAlZwC3w6aVjVyIBQWzc9owCwxLCa2bxfV9wKAtj3w3ga+uHsd2QFvPIB"
    "pkbloFx96cCrmM1FGS1Mu0NbzvmLIU0CZRIaAjw5l4lhpa0E1edqUazpkqMAckHEoCyHMl"
    "pBnhEtiAxIBXQwsKoAy1CatJUA4FqMuymi2Iw+/YH2vetsk4lxJDZWMoePqaaiGfneRn44"
    "oW3DsAWP2boeKKRHa167M/Iy4tnW0Y2x0LBmTWSt6kcWpupGoa5RVCtZ5Ccx/MUHpVM83o"
    "HbwAce2dBm1hMgns3K6rETAa0ldBfIL/RSs7kP+UVvJLx2kCvQWGBgH1Oc3PtD7d+vEiQX"
    "ukxtqOPeCHouoA3knZWXKx65Om1zTmZDB9og3fPkjk/bmG7oL6aaZW0kdh3TURDUzzDvpj"
    "rFXkF6u1TQexc9EvrPgRXQIeynHaufe6mU/yAznkLJLgvVyd/JTMFDEyxZ/GFAwAwBm6VD"
    "wQCw4ByWKWXxPTG7RXbrd/8a5SiMsuodHiZe4ofyQjcJYWQOeC+unZKBlrtgXqbs907ZZh"
    "jJpZNxFAlSANgH8PMPNw83IEqaBf8B/hK1/ssoWqQKzxEFJaUhNNLfHLouA0f6u+P29W+P"
    "KiAmvAhFj74Tso/ABkH6+1njTr88UUPkvpw2/kv8khiX2hA0/nisFbbkTEBDL0T3zjTVck"
    "Z71TEaNrjdl9hZwy0rXF7HtzmGriCiBcR9R9FlZSek3ZapQI+lYDJdoIx4fnmApSZhEKDV"
    "mlcGptlILYi8omX6fg9EO7b7E52xBuGO/LNMSkNv1JF4n6RiO18lyWBg5EE3OQYlQ0fxda"
    "nKmozNIb8ziSWuWGmpLNUJ6Tag7L4TqZqaJ4Kimif1qpqREwR5HlEKnStL6cdunkvVIzkX"
    "1CM5r9cjMWFHb2LpKlJSSvk6BTmzOQ15hJ+R53NPiPiygo7TaPgUxPqze06q43myxxoZ2z"
    "2nkw8XmcnDPoisnS+fru7u6iZPkTJXwbAo9yZBHEhZi3+Q2X9FjCrf0/NfKdsqdPdMI1JW"
    "uohF1Do5c9MF0F5hF6whi8qMik/Ef/LdP6rCewT6RP8rqFJpe+2KUXTFSgvyaqJBq4N9TQ"
    "i19twmKjUVqiA+o1J6qU7X9/d3pT31+rbKlX79dH1DbYZoEGgjHHuFB7XU3EVsCGeduUtp"
    "kuZFJjL6pReYAPpP8RLBvMNrj1jI9+PcPaZ0gTXy5sSLS4tWlhcVUbO4HMPi4oUcBU9QOT"
    "LkKXZvM1i8lJaXxN0o1uOviGnh9Dq0X9GUimgzl4/C+hzIVvwJsZBSf4nXvP24cFe4Ka+y"
    "dqoZ+VRnj+tk50ewzmFUJnsLlvAZAeYrBTiobdCteuDm3zPZ6GaWY29S7199uxHs4oqHyu"
    "11nNzQVr1qjW0Z74GownZ1w/mdYLcV1VkS1HC70TiXMhk65WSbstxRx328RhFwNqFaZjgV"
    "RU0mSLsxWIWBMtGUyfTIM2VXjopoKjlJo8TLVk7SkqTxoA3NhjFHcxyMZBlOcvHRwlmzsM"
    "uTtQ6tcoGDh6Sb44R0Z4ZZ4f3kZ5hVJ2wHkJqaEa/DArnJL+ZQQPGtsZj/iRqpkj/sq+yY"
    "wFkh36fP1kzz8NtyCZ3ifQGnMy7NcKZOq7E8IjWduwxzdPNkjgzXRdOjbi6ifIxu0aFuYY"
    "796t/ajJckxUlcljLz2OjIPerIhV10T53uU97TcQK7U60rv6hGWdZcWY6nM1dZzma6SFmO"
    "GknHMCXt41gkP9WHNx4JUO78rCnOCnJcJdpnwevR7IoPOGYD8Ss7xSuVyhRmmSgn4yU9yF"
    "7YrDIbHe8VThdN3xOFqV4SMipJBVK2YtXRbC6qkLbXwtffd0UFD62dLd0FVC3tsphJcK5a"
    "fjk1JjuNizI9Vqv45ddX2OMOMpVhEEBryWBUwr0iZqBvAb1JiW01FMfm7kU2bjfKJUHj0h"
    "/yGMcWd5tBLkuaUR7yKBvnSsfOFcabKAJaEjKQmuANNfI0fYD20Rs522coaSGqpTdVlZWu"
    "GijcANRE8vsfH5AD09ALPthXmb2iCeRJZH05O3ZPkAoBLDoiRI0mq4FgUEHpIelGJ5gO6g"
    "Saw49L6LBUHL4nqHh/LHIHremKQn/e1CELrBxBxY6dXbAkN3akjYcXywCsoe9viGdH2XBk"
    "g3wAgUW/tuYhatvJ7mT3NGmOuYsKiagmiW4w7qH4OIs66LsOwOiOFhtQ5YHu87Zt9IwtNF"
    "Wt7VAR068I34lUEb4TQRG+k3oRvuMtWDzQQ4tM1YE2q/HRET8mfM6coWlCvLja/efCkZIj"
    "jnZfui/U7kuHU8op91elEy3zoy7fgZ8xnSIhq0Dloz8ADgCOTr9k0VxMdY9O74yrYBDX2Q"
    "ILeh6mqjsOfGAjC/vpM1QCxQ79ddz4svT9iMLImKGQXSChR9+IamhZ6YygwrRJ5HcdEFQa"
    "h2l+ZGH6uo3G9bOCojRrGIDbL+Dz17u72klFyX31r1f98vtH/gMUPKbKz0AH1sf27sOa6M"
    "gXfn89dSYau0L8qzHyBmPk9RoDODS741VCAM0hS5mpdyZj6Z01G3pnNTsv2RgU4M0lNAT4"
    "Ugbgy2aAL2sAv5oneGBrR1eBf6+a8qUlprTTIPF2ycb0FUR6jOf715+voCocKCoYtokAKo"
    "iZ8J8hs0AmXvNNDDO0AqLK9hVlzE5UcTq4LqG2Ilqpp/xwRA26JrPbUNNHRk3Xltf+MB3m"
    "S78T0uKGUsKUPkCB4eStsR1ge1XpTlOM67tL+zDFEo3fPris6C75LulSo5XjoIFmXOx2uK"
    "SKGMu5pqalkd7to/p5GblyACw7jzaQuX4c/Iw8ZIPZlkWNLemMRE50JNNmuWVuJNaKitU8"
    "UV11yvU3uRWXXdLFfiUMTAmwbpn0Zl9GOly1IWhmfwsiGtK/JxcykVRVk7MQSHVRo38R9H"
    "lHIApK62cSGoaqdY6vOsNimJUjYFZK26iazcoRNbar2HatbuN72gTVQJ7jhHinUcCZaEMK"
    "t7q/CoPlD9C1yXzO021L94U67ZI1YqfyyqmxV8Cn0+VvUUATDIBFvxawnwTmHllRPXPtkW"
    "dsI+/bKKiJTiZWOov+sabGVRz5xK6zxAiwglswQwC9JEXrm04tPfwXmvwMDUJ32MhP1bM0"
    "qnImV6OiltVzNdjL1ALpilgnCrD+OIdugDlG3A5HY0nSuJOHrA1bxaRHBUs9F9LPlDw7lQ"
    "mFO20OhTs154K+yZfp1dygA3udNPCCDhPRY83PuXfRI12eHskT4jpDSvfHIoORuNRSok2p"
    "uUTbKqTfB0uKb2zFQRegv60gdgCFJ85/YeFvyAM2GfPtwFY9SBt2bLKGHn0dUN3Giz6zrz"
    "Lm3nDMvXS0FHSmgoiG3o2JTHD7pDm4fVILbjcVDw57Un20pCigmwnoOHvPZfClrZrn73kd"
    "YaPzvwWdfw23DoGcDbg5xaEgooPx3HeGgwk21cfMGiikx2pn/US8YE4cTH7yyBxHCNdsrV"
    "qbsbDaWdp6uo6bS5pcj0sEEom4REHW0Ttwy8wlsmGOModYT8gGc+z5AQsVQ9BagthBxsRY"
    "2YJMsGaUHeg7dpttJuZskDFnzI/MDTMQDUFB6BUrS70/DuwL28TabpmGVpY02u2gtdtZvC"
    "TKarZJc6PVtsnb9cMVmoYexypvBrwsZXBXx51qBw3Bac1cSFFGB8z7KPr4DHH066dz4k2X"
    "2OOQp9eEOAi6DbG13A4q6M9oD4faMbIrxQHga79dTPbr+/u70mS/vq3O5q+frm/oQETDQB"
    "vhoGGvznV47uoi4KyrgvpN9onUZJ8IJvukPtmp2aBWSDYT6LHkhb/1A7Sq+10K17sA+HQi"
    "ge/ppBFedquylFgWN8GwGd5cQr8JLFLlU3g/NKL7oQou9qfrcOZgS3F5LsmZVVliVfaXVB"
    "Vfe+R3ZPFqIQvRrsn2iHjKKxQBz7iGoeNtkdUauhi1ArwkbBCXQ9x/wo7TCu5c0mAthzV6"
    "WSMPI9dqN78r4gZ1SdTtsMmElMC8KGwQl1zFkVep0qy8lNd6MNjLYT9zyKIN4qmcwVkO5w"
    "D5AV4RF8N2u2dV3uAuqyG6AWypkRdlDd478R5OIMerOk87DONQiTrYFfLBYrIJ/efAAR9D"
    "gL7jcI9uQji+IOhZyxs38LYjURhHsd1YLpTDj0Si1rtTrl1AX+BVeohELAqi4WLRE1mnfh"
    "xzwQ6h8wH0ENgsEf13hRdeXBZocgLWIW3BuM5RZXQO9y3yydUmqGOQQR1sWihuEgURs0kM"
    "dMcdrpfZhE4OaS/tL3TSQ3O6lbCR4e22+V3xHpu1k4yT/LgkmDZmmxxxEWAHjKR/r5GXVO"
    "sqbZVSEsIjnKJTTEwdvaPY/swJNQes8GYtiY84tK3gdIpMwhxO0SZ1w0SNNs51lkB87zrb"
    "UXZo/JFGkdaOvDdap9E6jdbZoHUSqsv5fJUzvrVD34wayWqbV+A3isMz+m0MftsQ7wl5v7"
    "GSzL/51hLZocM+RvUNvND1o2LNHnQBBCvCqpMDuKjn4HTS4x4ZN7RflXUlaf5qxQ+ib2L/"
    "nB1ZxQPe8t2shXJXbh100O4T8Y2Cf0AF/wltaWfuAnlrD6vFjHJEDeQSkDcm4TVD3ZyCpw"
    "PE3QdAU1XOa2dFlSU1tKKO12qKLpWHGSG3zRjnYmaABz3A2HWwi6ax2qwacFIXfu2o+8OP"
    "cLexJ/7UQzZWxb0saDBXwdylppHP9h9qtr5sVVQEjqh+qTxn5xKawtl5c93Z82/2DQrqjt"
    "l4QNAKGs6+yu6NRdyGl7SS5DbuXQTQivyOy94wEJDoU3JQd43AkBfj+tSK9xMGLeqt5l9r"
    "FWZiijgekNKIx0lhEcoENLRSDlA/3hxUrZmvJ1kQhDptsh4qunvKUsbjY8K2enSgFbbwPX"
    "1on/KejhPYnW608ou6+5xl45w8YufkA7LY2Vzbj/TjiKvGF+7vUOXjllN2NIy0rzI6Nivy"
    "HmIfLAiJj8wasyDxtQMtlGrsSRE/9vVV7b5tJ8L4uaTQ9F4RdEazP6Bm//q1w19bwTywbm"
    "8UEhPRYzZN/qZJyIq7WbLr4k2StpDeG1njb6MdC8Xx3+wMEocsojMnN8l2x5JS3fgmZ2ds"
    "04VMOlUaocAAmD6hreG8hrMzmmiTbFe8lNgULxv3xMvqlhj9r4Bs2l4/N8alTEW9y+aCep"
    "e1enrZSqKIbyqj22GfkzOpooVngqKFZ/WihWTNq/omKFqYCvSYCnGo1bZ6HowUvucCfM85"
    "BxpRKzhQncZlKd0mcvdLhfE6NEOvr9fBgX4w9dEf9TEXZSoWpV6x9v8R5ivmyEenaqhDXx"
    "LrD/sTrbBfodWM2sAWCXmhzY3YV8W0mfqTk7MPZ5enF2cZ6tkVEdiNwLY6T6Quqw2+PU/v"
    "aHlGrK5Ni928Jmw29GPa0Fn5H/zcSo+riHYw7gOzto9kmKVCoFOle7ZVdCfUBM3p6UKfQo"
    "5Xf56FYeK607FQm1ol9wJ9CvD5692dyL9Q1ST8JV7z4swT4e9/fEBOUxHgLLQk7egIN6om"
    "5HmRY3vjpFsIzp+H9FZ9SdK0RxyPVXZvLPJapYnekp6rn5lfiaWA2yvsgqicCpgTD0CQdj"
    "SO/E/hmkVgb5bIjdxSLH0cbFipP+TS0QqRXXNoddrzHhnpvToCWni0eiP3ukp8FERwuwwG"
    "Xn0qUQZPQapd+s4w97UDJ+9YnlpSb9peP//WQc5HW9KliU7KaegGmHNGl9jkqQlraOzqZP"
    "WsHaj0LqXtNfTCd3b+2kDS3lKl6SHkZr4Vb0upVVOmn8ipVldMl4kPwvYLqls16ofXRias"
    "p9ge2yaoZzhBPcWRkV1SijIaLivdF934ncwUKapcwgS8Vo9wVGd1dSXxddJrVhzyptlRxi"
    "ugIOccG5p50LH7kYSBRdRIhIKIhqt5x6GayPMIJ8BekPidCuhnzJ5L6d/nAv37fFj6N/L9"
    "hqoT6S2x3h03Uqg54eOF+zdMlWo3yiOz0TO2+GUmGlse6JASo3QfMscsGr2pKttbEdNvQT"
    "kIOxbl+tAXXq2EY1lKuyjlUymkTwVIn9aRjv2LsgjHrbVDtptCTEVYPTSnS8tyqp6ZWpfU"
    "UMEz1WdM2FiHceCt6mZWZc3IH9PIo5c1pr21GPeypIajfiSjLBcvSNw59lbtFvaKrIkMHf"
    "JIe+iZPLUa57KkGeXhj/KU7ku+WnhJTVA/S1oqyVeQ41tP8TVlW0zZlteOrh5o2ZYvAR0n"
    "+372O4r43jp5XLw/FjLIUcspiZpK8sjX2wD52eHXtAP6kOOoUFkcwuo4IFw7BNo+2OBgGT"
    "ejDwgo3EHCb5Xo5i46lGGlPbQiSa6N4aaHw02b+meHZZeSd1wd55qgbhUdDoA1/l+Oh0WU"
    "gptK9Jd4e/jggp5zbw192mbJPkLzK9u+FYe5LGmM7KGNskI4RrGYh7Nv/t3XSKv8HjtH/G"
    "r3m4L3uCHfU+OAeCOO2ZHfFNocwYY+QNRO0uB4ZKWOQ6rWuwG2YMBMgvU6igt3AbSy0iAl"
    "m0JSZo/UOWMotFmP9okcR3S7VlNgMwkNDYXOguFKnqk43bCNZ6okafbYoe2xdc9zgDjhM7"
    "tLkCViplBQyxpkEDuhx9NcmuuPFUS0gb2zAPQNxEG7TNSypFmyhrxkGRu/+YXSN1BmOD7A"
    "V2UtO/QAqjisdnkL7130SOg/B/YVDgH6jj2Fe9ngMWsx4hjgyZ2xyPpOPGlylvcVYCxLfC"
    "IRBOw3Jp44TkmbHW2l00bGpSWbtqHXXQ/NkYfo9LKnPmazzDjwBmOXm2Ma8nySC5l0kuqG"
    "WsgmuXjVkxqGDq5Uss6FIFnnol6CPQ4hiIFSwLkqpyPeh0iOMg7SUf+cwwbbdERrqDdCnr"
    "U3Ce91MJcIL5YqJcxzAQOncd6/Uf6Go8IrDje/B8PaDXrUB8PfDHdQTQz3kJgZE2yiFmxS"
    "yRuP1+dOkHpIe9MJrkPG5hQmWCM3mE6/XfzgNJvwcuE5EfUXR9fEHYwB8dKjylnl6mAZrm"
    "YuxPG31UJ1FOX5J55n7Gf006snnv9STnYwDOJwGERDchmSSyeSK1uspqrMC0fSkAZ10qC0"
    "kisaGDxZY2lUk29jLUDRdCsKGUh3GG+ZtrKv+ZZ1dJyw7jbgitOKb8I1rg0d4FtNptUUZd"
    "6yWAL74ebL48Ptx8fXSnquWoWNNk7JcNxp6JSNVskzgfwl2fhFY2WzxNYSYB88oXUAoA8c"
    "4i7Y/8w8QeyGH9IGEHhkUzOAuulyh02Uet0D6NEG07QofslAamhjjKQhGEkmzOKAYRb5jF"
    "eY1CUho+8YFdKokANVbiRUyFdSanxkfyZN6kx2U6zI0GZTl8irMFdRcW9kAw/RUfSDOGZz"
    "w1QL+ITcb/MCK4yApYqGS4L4FoALinJNgemiQ5n40EL1QzXFRFAUuMM9UsPKFoLjDE0NS1"
    "09+HslDXS6NnLTzFN/tXBFlM0tvwJr2paaCFFlKUFCuaihySIfls4kWrfY3FD1NxVltNsq"
    "uj99DK0gLxlTcGRNKqAduJNzmY2Ytmo+MfK8VmQqnY5TawndRavYyYYuTDTd0Pbi4rjb2F"
    "87cKt+jEtFTkNG6FLGi3vZ7MS9rPlw59jzA2Woy1L6lfk9l6s5Iig5UsU5KiqhCnNJyKC8"
    "G2X4TPUhbxp6SvtyWUo/nCfvZQ90Fp7oXEN7hokKzElz/fA9SIkih1hZ/Kj0elGQ0Q/mg8"
    "QwbdDMxwFSXTIqYvqB3dkZ8KWzaFEAmcVaR/oRvTQdSVuQ0QFmkaZ+88/HkpKegvnXT1f/"
    "/KakqN/df/572rwA/se7++sK5mvo+xvitSmMzBHVYQQqq8pEalWZCFaVSW2ie8RRUvTS9j"
    "2e2pdm1RyjG9sP/TWiP64NJVCVNVzAkLmAfLRalT7jiJvxPoLxbnH4UF1Sv71qImUxTwQm"
    "86RuM0es9PQZeZh22qokKq8D85oN+TUb2JmcZqRNQUlTULLLgpJru+WolyXNqA9l1Dkvey"
    "0xPQ73azPqZUmzog9nkOvvNlW0fC4vLKouVhB6xdLa7/d4bV+lotgKek+8Kg8CpDMRg7MY"
    "Z4Xwu4KDz3VJ6Fpohdxgz/IbV4WujnZFE1cqgWs8fULbfYFa4x/R9gi3eimMsI1WaxIg19"
    "p2gNVt3pscZsc4rShkboADvG8BnNu4H22n1gqtZnTfXeL1nkB9yjrSFSr2vz3FPK1GCSc3"
    "baAjSCvk+3Cx71v3Ke5FV5AYCUw7mTpkgd19oZrDj0voMP5VW7wsmCRWBXiO4/CRPVH7XO"
    "hK0x3w9dA6yjm2hK5NnpNklfZQ3V+FwfIH1td8runECsgT2ndGsfNK8Ao9sq50nVHrroow"
    "/uTpWH+xXK4SWh2sUw9JN/rCZLElakub2ftOqoekr4/0o7Z4EbLypyto8845UMGK9qPpYu"
    "5TTXv/F+9L3Iuu86hwUFN7jLSr7KBWQbdAzbgz8tKMZXqUmQQ3k3ak4Xu5Jl4wJw4m07VH"
    "5pgXqqkO2E9ppz/lfWqIXX6qeReglY5S1wQtxfT/4rxhNeli10mlFkC90VhUGKA0wfP2u6"
    "sEuAAHaMWKUbNSJh7ySehZCKS9RKWrQdb7qAJUG3np8/J+ZbMwx7TosmYC6IWaBMl2m/SR"
    "09Uv0zoiSXGcuBBcMitHUUcUJPYB/PzDzcMNyL8H3H4BdOaAz1/v7uJCOqbUwRBKHZgQpz"
    "aAH13cg4lpehPDbIKY3sIoBzhQy5DKBDSs6nCQFLTik9Vwbk63rIjpkEPRd8YlXiXuVVnM"
    "MwGDtjraionb2iZsH6QIwQIH1EJQTY4vSxmopaAO4IJDgjYvGmn7HlOGf/m1bhgm145jrQ"
    "iQtXQJiwzheXgEWFfkDObymPsB9IIp07r5+nxDNmdJSqTLH99iIhgBpptX0zNdWxm9osxb"
    "xm6OYBB6iEPIXRPiIOg2VDcriFXgm1G5Q73r2ZUibnymtgu8ru/v70pv+/Vt9XX++un6hh"
    "oe0atPG+G4lng9TYJ4Nu+I1sYciay9Tofdd3bqlzlN2Jwm3LfXatzdacJKnuu2zrKPZLWG"
    "LkZib1neaiznLrNKAq39ZVk3bR1mog5695hlD2NcZsZlZlxmR8SyG5fZmxhm4zJ7C6NsTg"
    "8/rMPMIQtOOeNmUjBtrwO/3TcpmJTPVZnOBREdEO/Bo2A8wK/mAXbtkH7/VmV+F2V0wLyH"
    "2t2mRHovMM9JGJVQ3SKoQvJWxVpxvUND21C9Q6M5DNWrOdX75Qk7jpjnTZqM5UheP2/dmu"
    "GN+2hL7zZK987txk9iiF1D7Bpi94i4IEPsvolhNsTuWxhlQ+zm57nLmK8XzdbrRc14pdY+"
    "WhA1KqYooyHI3Z+E7KBnxIkQb6QGsvaGE6hzAthSY7TS9obNkmKzKHC82gWC1SAV0A9g0c"
    "RM4f3QCO6HKrQmDNRwg4OylA03qDk3ePOyRh6OywCKCMJiu7EcS4gqIq2pwkJHbflCcRe9"
    "k4aFxzHMoWEODXN4RGSDYQ7fxDAb5vAtjLKponLooNA490WNPcxF9GMMDgmyorFbltpD9x"
    "sY4PuodyY2rmc2cQDVDYa2KpvyBn1hZ4WelxxeV4ZOWN2gIGWKG0gUNzBh9K8VRg+tJUbP"
    "TWc9NkNflTPlekyJpCFjbjw9xtNjPD07PD12mBgnQj9P1mos6eUpCbT38aTdtPbwCDro37"
    "+TPozx7hjvjvHuHBEhbLw7b2KYjXfnLYwypr8MB6Eqi1sR09HTIxUmfiKIEz+pB4rbiI6d"
    "kjMtl9CB3OnBzzNPYZRFOBMwAEsBPABvxMBAN86IvrBbrCGHZXEIbCAMk/YVyOZMQC+o7r"
    "9e392Anx5uPt5+ub3/XNYzoptlD8TDzdWdcUEYanZYGpihZg0120DNfkRegOc4pgzFcfiV"
    "pmPJqsx1qfalmUt9ta7PvKuX/os0l57IELeGuDXE7RFxPYa4fRPDbIjbtzDKpqDHYala7P"
    "shz3AQcOKZhA5GcF8QK3NhZam3zIZRvR17W3UysSz2lhGk6quN3ABDh8u/CPJvqoIavvIH"
    "KYyS46Z43mtdUj/ID1Kh3bCLhl007KKYXbx2yGIk4hSjBmM5JnGWtm3NH7Ie2rKGDbK9c4"
    "XsOfZlCCuPUphFvhMudj0PXaqqzxOJqT2MoSoNVXlUi7EW7IahKt/EMBuq8i2MsqkgUrDx"
    "JlI23kRg4004FQISvUYW4LS9hvgeqJ6rG3CT4JvjogoiOhAVfcdEoRcLeWsO4s2TuiCiA+"
    "I9UEMWeWYW1Ypax2pTuySmA9i9Z8DDhVrme9LeZLzLY7wOZw72l4hjogtrl5TkTPUSieol"
    "GWItFPmqrFHlh6zKG2eCcSYYZ4LYmfCIfLpQERfDHScKlhqO5ZwLQVWmtZOh2FNbZ8OOPn"
    "p3OhSfx4QnG87fcP7HpFsYzv8tDLPh/N/CKJvw5MNm4XtEzaWStteBrDMl2XUBuXevytBW"
    "ir45UfhMlWwOxyCoc5tJ6DCr+8abIsMep4Z343GFuYA5trRONM+pORd6yox+UcwQ+hKEvj"
    "lk0xyyOSh6yJDmmpPmH6liB61gR2WPtNFYsqZHsX37ah5JL63reDTL91/BI3kWQ44bctyQ"
    "40fEpxly/E0MsyHH38Iorx1I92NvpUIvFmW0oL6q8a1S4a2C6NZa3rNafvk+SeVDh/YAoc"
    "PYUiwYbulTH7SHhANDwHRJwFCLBz9z3GVC0jAX6pEyTK2VIqiZBTNgwtBQXIbiMhQXl+K6"
    "Qh62liMOr5XcGYvILJi32UVgNQO6m2ZS4nMadyHu28zZgpLR24/HGfz+08zZPCPPVzxwpS"
    "CioYo6OT+XSYo9P29OimX3Krs+fakUEE6aa4huvymx//hy/1k1eMPGVgD+DzjYP0Z1VQAu"
    "A6OkYtWCCqrxAxXlgHVwzdMO+tzM/vx/P9qc/w=="
)
