"""Confirmations of sessions, and the change that a token of an e-mail undoes."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
ALTER TABLE "one_time_tokens" ADD "payload" TEXT;
ALTER TABLE "sessions" ADD "confirmed_at" TIMESTAMPTZ;
""",
    "sqlite": """
ALTER TABLE "one_time_tokens" ADD "payload" TEXT;
ALTER TABLE "sessions" ADD "confirmed_at" TIMESTAMP;
""",
}

DOWN = {
    "postgres": """
ALTER TABLE "one_time_tokens" DROP COLUMN "payload";
ALTER TABLE "sessions" DROP COLUMN "confirmed_at";
""",
    "sqlite": """
ALTER TABLE "one_time_tokens" DROP COLUMN "payload";
ALTER TABLE "sessions" DROP COLUMN "confirmed_at";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtv27Ya/iuCv2wDvKJx4jSnODtA2mVr1kuGND0bNgwCLdE2F1v0JCqu0bP/fkjdLx"
    "RNyrItc/zSxiRfSnp4e+/8MlhiFy6CZ9cr9BZuBi+tLwMPLCH9o1IztAZgtcrLWQEBk0XU"
    "FKyQ/Qg3USGYBMQHDqHlU7AIIC1yYeD4aEUQ9ljrX+aAWMBa+Xjmg6WFp/RHGEDfcvASBh"
    "byrDUic9aXix3aGfJmamShh/4KoU3wDJI59Cnx73/QYuS58DMM2M/fB4xy8AcrXj3aUwQX"
    "bunjkcs6isptsllFZZ8+3X7/Q9SSvdrEdvAiXHp569WGzLGXNQ9D5D5jNKxuBj3oAwLdAi"
    "xeuFgkCKZF8ZvTAuKHMHtlNy9w4RSECwbu4N/T0HMYptY8nEzCyTMH+/AZcoNnHlz/J3nH"
    "Qnvb/nD3YH+8ebDtQW1Q2LtUAE+KHOyxAUUeYch9+TvuN0cmKh2wB7x+c33/9fnlNxEWOC"
    "AzP6qMcBv8HRECAmLSaBRyuKP/a4C/ngOfD3javgI5fdE2YKcFOdr5zE3hSwHaA6SDJfhs"
    "L6A3o7P3pXX1XADxf6/vI5SvnkcoY7rQ4hX4IakZRVUM7BzclQ+n6LMKvDlFNwBvn80Hg3"
    "ckA++oGd5RDV4XzWBAVODNKTScv5cXEgBfXjQCzKrKAAcOZn0oAJxTaAjwhcwMvmiewRe1"
    "GRxAsICuHUDHh0oTuUbYCu5kM+gn2qOx1IYxFuwY4xrgFC4Ghw04aH9PawhaQj7iZcoK3G"
    "5C+iz94wTnugDsh9v3Nx8frt//zLpfBsFfiwiv64cbVjOKSjeV0q8vK+OSdWL9cvvwxmI/"
    "rd/uPtxUmZas3cNvA/ZOICTY9vDaBm4Rk7Q4LSoN8wIExKaMZpuBrtJ2MNQ9W2c6jTT8vE"
    "K0uxbjXKY0o9znUWYyo60mGRZIuhQP+zuoW4RAJnBPH7kyYCSR16D9gQq1aOa9hZsI4Fv6"
    "HsBzeMJfoq/4lHRzmpDmpflS9sE601AUJxT9dvrFkMRM2vXH19ff3wwihCfAeVwD37VLUL"
    "MaPMKVkqxtvWo5WlZLgAdmETjsK9g7p1qi0EXkHjrYL+tRONVDoSaJNbQXeCarSsKWi1xr"
    "PQdkaGEv+WPq4yX9E/qUBHiuNcdrCxEL0qF1OXqlVn3IKJniTZ2OFq2hvxyC07GjNVEZAT"
    "6lrxSCSK2TlhgdVT90VOpnu2HST+BQzxebrNSbUxjtgoR2AYeEaehVEC6QaAjxlYyCt1m/"
    "W8XXhyBQm8A5hX76mu7nb/HYlj1sizQ7HLk9Q3qXc7WKp48XSltCmUq/eXt2KTFvz6oHZT"
    "5vWVVVqxsE9JUUZ26ZyszdMqYJu/5IP0Jl8lbI9Ju93VvVSoKRIs7cuasByt2b1tBKBd64"
    "9eE4ssG+BMQKyzCWYRnGzSzDuAprpKQBFBIla1qZSjuYz5/LbBK0VSPQUV2V+aXfGajuE2"
    "Uq7ZA+G8mIGLRVMzcxqokZU8qBcYzwD/Az4YOcEWghwolUHje/PpS0HSmOX7+//vWbksbj"
    "3d2HH9PmBdxfv7t7xVOOH0eXe+MRn+sKGFcMRfpbunn5CEo6At550HJDn9Fa8ImSxk59Ps"
    "bLoQUCpm5d0/+A5+HQcziq2zYdcPS2vw8YBasM4F+xwrWgxv0yyHEbLCl7TFGzY50us975"
    "McOcwZprZz/bCRp2uGLKvhipZBUMImoKEPth/fLm5v4m+YTvrK+Sp7yM6dyvYq2+tBL4FZ"
    "rdeg2rkrvlofjIKS7JhBHqr1fXjL3Ct/8ajc7PX4yen19ejS9evBhfPb+ibaP3rVe9ECzi"
    "V7c/3n6orEtWINYJs/miBH9CsB3/E9gSDzkEBVP7kyJblRFocQ5VeKqRDEs1auaoRjVtl7"
    "FyaGrlMErMDhVBBT5AAdEylcG04qcONgsMOIA2yxgFEi1290NIGSXxmfK9inO4QGI8msQe"
    "TalUsaNH033SzWlCutWjqTCh+uTR9AZ4Ln6KBMSaIJzVDUWy8DxpJSkNX1sBnRbfIs8iLN"
    "LNoY+02KfEnkhR4NsTcqH/koq1gUUnDYEWon+sKHsbuyixcoe+h7UEG2tCReLPDn0H+nUW"
    "TiZYSXo+xAPlQ/GY41PBGda4PfXE7Skad1s9yKlKp10kWffWGLaUWiBdIevE7qU/zqFH0E"
    "JV1i1TGm/9Pou89ChasEmk5GZSItLPgnxxLmPqPG82dZ5X11KPIl96ygBrsZiOFvrSs+Wk"
    "QeRLPxE91cCXWxcuV5hAz9k0JFCptBiKREaUt1VIqHJtJQ4NsSBHZbQJpJBblIiKYuEKe0"
    "ML+5G0BrxgHc+SiijYoof2sh377bCD1o/NoC2lPoGnUocqQQ1Z4WZpLx8VaY4po9CPXdqD"
    "eS14hEoa7ozA6Ldb6LcXEAQc/r+ZackIjG67AuWcUbcSmsuUhtHvNaOfH+/SO1RGocMBcO"
    "gdysjP/4hlZeRnIz8b+ZkvP1POgDRJznHdcIvMzFpJex1/xEs4we7GStOJRkbOobWe48iO"
    "yYyiLJsowVTWpRKwgynvYrFEEDWxebeuuJ7IKAjCeBoG4eRP6JCaP7LJXdovA2k67CpCc5"
    "FGC8Fu33JzviykVUAZhYYAj8YyMWu0lSArYS1qLd1wFEAukBiU5VCGS8AToQX+6ymBDuJV"
    "FWAZhSZtJQC4bt03yTUb0acf6N55i00yMU5Ewkrm8Cnl2jQjf7CRN1kZ9ZGtewrpqQrXP+"
    "HJgCNXs+KhSKT+E08UhGkyZ6ZiKuNOoOViDzJpmNlRCN/tWI5ku3G5FJfrh15iWd4Wk8u+"
    "zWa7YaRWEIXjxh7P31lfRa2/GkS7TuGZka0otWxIPzn0PAaE9LPj9vWnR4koVb6Z4Sz9WN"
    "a4i2fCODhH7pm0sWqos9Fr7E2vQT86VPKdzAg0FAW712io5pDaKXlUv8Ht3sPbhBIe3JAZ"
    "beNKuqOUQAu495riExAClyte+p3GRBNFksNlm3i+L3TjVBOjs4sXF1fnlxdZhomsRJRYop"
    "5EImEXa3CK9QQ5lYYaghPRCEhZ24/i9tUzTWs3Xl8lGUdxuVRpTbhUn9dMInA/xi7qsod4"
    "mUq30MMzqbymZ4LEpmf1zKaRthn6PlYyZ5ap9DMFjaWyQ44F2SHH9eyQxhT0j9i6MrWU4i"
    "AX6czh1LcRrhkljqNDfw+XE+gHc7QacFTphdqhSKO+zNqpeqkhL89omVxDNAW+ReZwY83B"
    "E7SYdtpChKtnV+5BmB0z9zsz7mi9VduqXqyw05UKfTvVKuybFPcmYN5qDMWfGHmtjpoSoY"
    "bshMb+BcnQKad6LdMdUQf3fIdhPUqK10jWYRNKHfQaqTa6zwOPwTIkvEDVV5geF8Djg5/R"
    "VECfUKJ9oZ6VHPaAfnV39660f726rdpIPr1/dUOPl2jjoo0QaUA6SZnWRkgtURoJpm8SjM"
    "m0uTe9tHH6M4lLj+30tzVxaXXCdgCp8aM8jg7IS76YowDyssuaBdqfqJGq6oc9yo3VN0nm"
    "8GYlD78tV51TrBdodIalGZ7djGJuIendLSSGt+iUtzCXuhxe2jzudQp9GwTDI/cETgGPXD"
    "hFd+Tp3uc9nSawW9m68kI1zLLmzHI8nbnMcjbTRcxy1Eg692XSPs5cGaT88NrH7LqC1PRZ"
    "Y5wV6LhMdMCcB6LZ5SwQZe+TGwHFVwkaG2k/bKSGwzs4h5evEoWJXiIyDEkFUrZf1dFsjn"
    "BJ22th6T90eIsPV4sNPQNU5ewymXEvr8p9uWJMdhoXaQ54dffvfxzhjNvLVAaEAGfOYFTC"
    "vUJmoG8BvXFIbjUUp2bshS5qN8olQmPQ7/MYx/J2m0EuU5pR7vMoG9NKx6YVpjVRBLREZC"
    "A1rhsHdt3IVX1GHy0CtbROVTXSOdyRJwNHPZeQ/fD2Hi5A6nPRZFHJnDI0wbqiiwBOg9is"
    "gtJ90o1OMO3TsHHnwQfKkD3gR8h1BSrVD0UmDuxBm/F2NmFt1VOtMYsF8Cz4LUsNa9FVFk"
    "RXczG/d+hbLh5uzbwm34P0LV9snoU+Pa2gucy5r4aPdIBqmAtSleckWiiOKxmIZULEBPH9"
    "9fB+9fubzR3ZCpm9Dpw+u+ezdx/5s82NRG025ZPTbBwhRd4J6an2ofw3/ngmUfWxZfSe+o"
    "z9DD2Xft47PENc0apUPxSJVqu4pb1gTVUDLti9TTOWEYNKOpaPZnNirUAQrLHvRqkz8BoG"
    "FrAc+liucNWmk/a3KBuhqh9CleH498rxu/AJOdCOfqpgXCbTgWGpZjeRS28iym9Sk15Npt"
    "mOM80aaarNbnxy0pTh7Q1vb3h7Pm/vwyn0IRsZHmef14r5+qydJFP/eo7p+R9YeGqxC2bY"
    "9Qnp3yvoB7HZq8TBS1Fwg0HS+Rnd0bBT0IcJmmZ1hwiaNvdv5JzkpQwjWT1eC3zkZS3x7h"
    "wHsRFUVreYUxzQsfjL30eQNPejW1y5LR2Ly5QaspknmpqQw3bWHEEM12m4TsN1crnOzLmJ"
    "w3MWHZ+aOc6Sl9V2fvOOsolwif9EZZ6RXXLIfjUl8JEnk8rlM2QGb9qbSdPcg71FxH7Go6"
    "TAf2YEGjKg3SuNTaCVbvyQTKpmk0bIpBHqI5wCJtOkETJphAwDz2XgHfwE/c1r5ifBZeIL"
    "9VsY+bilzVwupNMKscaxnzwKrBnGbuQRP2SpgVYL4MCUX6f/MUcP9vgqb9+2E6GOOfEdMK"
    "mF+snXH98Z5Njs5Z45e8OOGJ2XOTL5RyYL2uUdlUkwr+CIpC2kT0bW+GV0XsHYQsoixxZ4"
    "Fnk3rpPDLpjjtRdXcs7FNl3IOEqmRjoGQHQpqdF39eRcNObWfV0Or+oYqa9H5JWMQ+RVsz"
    "/kVc0dMttHFPHV9ULk0YVUvOSFIGDyogYywSvkqCCcERzQVWBfu201oE8K37EA3zEnIpVK"
    "wER1GpepdJvI3W8VxuLQDL2+FofovsF2txSaCwpb+PPlyE+R3wb6EtnhsD/TCvv4NmuKau"
    "hxdrtG7Ktk2kz9zqJFEoSeoB8k/inyM7tOqw2+x7h/FnrE37Q4zWvE5kA/pQMd+M4cPbXi"
    "4yqkJrFnfzxn6+OcMt2TjeqdBFVCk9NdaFHI8TqcXaGfuG41K9SmVsm4QN/C+vDp3Tu5LI"
    "rsBEJwxwyBN+wYO8HzqQlwDq8VzNFqR5TeZx3pC1V+JdMuOOnmoLTXdJMfKVwNDuxp1VBk"
    "0wviRgru6wHdi79FnoW9yCklzqBQs94JW8pnMzGGuX4Y5kx6jQOm14gcB+hy56lNmrEuU2"
    "ln9DiXQvpcgPR5Hen4MJZFOG6tHbIXYwlgL8aNuLKq6jVYU7q1zG11N7c6pYamfRPIYrRQ"
    "HZqVoNdWAVmgNSN/SiNv8kU1jvqJjLKc+hF7U+Qv223sFVqjaO7zSPvwCT+2GucypRnl/o"
    "+yTc+lgGe3FbHFFUL9JGkpn0GBy2DdY9DEgJgYkGMba3oaA/KRgOg96jrjqGIo1BhnTSSi"
    "QKa03gITHBKLzFFgMQXjBATwZRTLAVfYmddUx9JU29XIjepjRTfXXfxbW6iOT27TbVYcP4"
    "FFyFEZN6d4ywi0UPyIuJeuMrzVNunj7CkPa/wDXbfY5+0reaVwbyFr+gJRO0mD1AOLhw7p"
    "6vcIcgClY9HRLBoMeBZwMh/C0v4iSbPD7mKMUwc1TgXQ8aGSmjmn0GKXKW/qYylLyVhgKR"
    "nXLSXQY9/e6rbyEqURUPssoMZaYQI5ZrHtkQoJmfEnbhmqANAi9HnuM81hCgUSbWDvzE1+"
    "DRCx6WHOuwlQvGWVKc2W1ecty5g+mxeUvgaw/uj2jirNd6jZUxEat2kB2R3XmP6zZx1gH6"
    "DvWAO4kwROcXQ/4IYrNPLKoUgCp6/r0lUnf4PGdeTmCV3Lh3RUAhInMluDwCLgEXpx/paA"
    "vkvkA4oCy8MkrrLADKD6BRtddCjjYNr6kjyBg1iHyUh6pCXsyl9JkOfY+DPoyqv1RDsZnT"
    "H8bXGLTpJt4NJ7YZKXfY3IXKSCFDU0esc+8UmiXYvNDFWP+CKNdgfF+UjGRXvU7KE9qqkd"
    "l4AnvosS4AOu1H764I7GMscwbSXI+lO/NhUFqwXYqAd2VOg0VKN3n/wHPNGdxLdDX2lGl6"
    "n0c/zZi7ligrAKxklzA64UuAvsZEGcsggXafSDeS9hYGs4CRCBqvtFhUw/sEdSYI8EYI/q"
    "YK9AEKwxlTLUY5Y4pPqBfjaSmuEjwQwf1UD38UKJ60jbHzAEL0uof4L3awZhsIL049oYR6"
    "q0xgjWN8UKf6Rb2Ts55Ga8T2C8W0QS1Cn1O6v2kh83UiywvHmIdtrKD4rXgVlmfV5mPQuw"
    "NSNtvEiMF0mXXiTmPnTNRp2z2Gt5ymIfjDajXqY0O3p/Brm+tltlR+5HWuTnOyzb42T6Bv"
    "4jL+2fKA91SmJwFuOs4D9RsDStELuTY8dUjNcr9BZqm9lzDjyX3fi5I0hvkm5OdrcXo4Rc"
    "uFxhAj1n08GMus17k5tZJwqZRxDZOa/ubdyPtgvQpNaVhor979qIx80o4eSlDXQEyeQflg"
    "CJ4Efo7QgRc++n8s0D60pXnJiSnHZiL/AM7YrXz3Ff71hX2uLlwyn0YRo3sANYWUe6QuVD"
    "EHnA7gjUfdKNvjA5jK/e0GburpPqPunrNf2pLV7sdmZ7CVyOS4USVsk90Bpy5sVk9+0BKu"
    "TV12UeKUVeFJiJLF1LM6JpLOB2XEs5YjSZfYpRKtfQRw4zYdfiVJKaoShSBeRttoWqNH9Z"
    "x+EnjQpAbvQJR/uXjLRoVR3XSb+TrAWCBFpNeuxmH49mLbYOfvmjsUy+etpK4N1Ry1jPFp"
    "UCwklzDdHdiyczfSLh3mbx08e7Dw1m9ZykamdDDrH+Zy1QsDdLwXFMbAyMknWtlhCumvtt"
    "WDabsQ6OnhDu7/8DhQncTQ=="
)
