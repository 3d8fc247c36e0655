"""Names of public rooms are unique without regard to case and spacing; reactions are stored in one spelling.

No row is deleted except reactions that become equal. Of rooms whose names are now equal the oldest keeps the
name; the others keep the displayed one, with a key that no name has. In steps of PAGE rows, each safe to repeat.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tortoise import BaseDBAsyncClient

from hubbub.core.text import emoji, names

RUN_IN_TRANSACTION = False  # so that no writer waits for more than a page

PAGE = 1000
NO_ID = "00000000-0000-0000-0000-000000000000"


async def upgrade(db: BaseDBAsyncClient) -> str:
    await _rooms(db)
    await _reactions(db)
    return "SELECT 1;"


async def downgrade(db: BaseDBAsyncClient) -> str:
    return "SELECT 1;"  # earlier releases find rooms by their new keys, and show the reactions


async def _run(db: BaseDBAsyncClient, sql: str, *values: object) -> list[dict[str, Any]]:
    """A statement with `{}` for each value, and for each list of values."""
    flat: list[object] = []
    marks: list[str] = []
    for value in values:
        items = value if isinstance(value, list) else [value]
        places = range(len(flat) + 1, len(flat) + len(items) + 1)
        flat += items
        marks.append(
            ", ".join(f"${place}" if db.capabilities.dialect == "postgres" else "?" for place in places)
        )
    return list(await db.execute_query_dict(sql.format(*marks), flat))


async def _rooms(db: BaseDBAsyncClient) -> None:
    """Give each public room its new key, the oldest first."""
    changed: list[tuple[Any, Any, str]] = []
    last: Any = NO_ID
    while True:
        rows = await _run(
            db,
            "SELECT id, name, name_key, created_at FROM rooms WHERE id > {} AND name_key IS NOT NULL ORDER BY id LIMIT {}",
            last,
            PAGE,
        )
        for row in rows:
            key = _key(row)
            if key != row["name_key"]:
                changed.append((row["created_at"], row["id"], key))
        if len(rows) < PAGE:
            break
        last = rows[-1]["id"]
    for created_at, room_id, key in sorted(changed):
        await _give(db, created_at, room_id, key)


def _key(row: dict[str, Any]) -> str:
    key = names.key(row["name"] or "")
    return key if key and len(key) <= names.MAX_KEY_CHARS else _apart(row["id"], key)


def _apart(room_id: object, key: str) -> str:
    """A key beside those of names: they have no two spaces in a row."""
    mark = "  " + str(room_id).replace("-", "")
    return key[: names.MAX_KEY_CHARS - len(mark)] + mark


async def _give(db: BaseDBAsyncClient, created_at: object, room_id: object, key: str) -> None:
    """Give a key to a room unless an older one has it; a newer one that has it gets another."""
    for other in await _run(
        db, "SELECT id, created_at FROM rooms WHERE name_key = {} AND id <> {}", key, room_id
    ):
        if (other["created_at"], other["id"]) < (created_at, room_id):
            key = _apart(room_id, key)
        else:
            await _run(
                db, "UPDATE rooms SET name_key = {} WHERE id = {}", _apart(other["id"], key), other["id"]
            )
    await _run(db, "UPDATE rooms SET name_key = {} WHERE id = {}", key, room_id)


async def _reactions(db: BaseDBAsyncClient) -> None:
    """Spell each emoji as it is now stored; of one user's reactions that become the same the first stays."""
    spelled = [row["emoji"] for row in await _run(db, "SELECT DISTINCT emoji FROM reactions")]
    kinds = {text: kind for text in spelled if (kind := emoji.canonical(text)) not in (None, text)}
    others = defaultdict(list)
    for text, kind in kinds.items():
        others[kind].append(text)
    last: Any = NO_ID
    while kinds:
        rows = await _run(
            db,
            "SELECT id, message_id, emoji FROM reactions WHERE id > {} AND emoji IN ({}) ORDER BY id LIMIT {}",
            last,
            list(kinds),
            PAGE,
        )
        messages = defaultdict(set)
        for row in rows:
            messages[kinds[row["emoji"]]].add(row["message_id"])
        for kind, of in messages.items():
            await _spell(db, kind, others[kind], of)
        if len(rows) < PAGE:
            break
        last = rows[-1]["id"]


async def _spell(db: BaseDBAsyncClient, kind: str, others: list[str], messages: Iterable[Any]) -> None:
    of = list(messages)
    await _run(
        db,
        "DELETE FROM reactions WHERE id IN (SELECT later.id FROM reactions later JOIN reactions earlier ON "
        "earlier.message_id = later.message_id AND earlier.user_id = later.user_id AND earlier.id < later.id "
        "WHERE later.message_id IN ({}) AND later.emoji IN ({}) AND earlier.emoji IN ({}))",
        of,
        [kind, *others],
        [kind, *others],
    )
    await _run(
        db,
        "UPDATE reactions SET emoji = {} WHERE message_id IN ({}) AND emoji IN ({})",
        kind,
        of,
        others,
    )


MODELS_STATE = (
    "eJztXWuP2za6/iuCv7QLuEHGM05mg7MHmKTTzbRJpkgmp4stCpWWaJsdWXQlahwj2/9+SO"
    "ouUTIpy7bM5ZdkTPKlpIe3986voxV2oRc+u1mjn+B29Mr6OvLBCtI/KjVjawTW67ycFRAw"
    "83hTsEb2I9zyQjALSQAcQsvnwAshLXJh6ARoTRD2WetfloBYwFoHeBGAlYXn9EcUwsBy8A"
    "qGFvKtDSJL1peLHdoZ8hdqZJGP/oygTfACkiUMKPGvv9Fi5LvwCwzZz19HjHL0GyteP9pz"
    "BD239PHIZR3xcpts17zs8+e773/gLdmrzWwHe9HKz1uvt2SJ/ax5FCH3GaNhdQvowwAQ6B"
    "Zg8SPPSxBMi+I3pwUkiGD2ym5e4MI5iDwG7uh/5pHvMEytZTSbRbNnDg7gM+SGz3y4+d/k"
    "HQvtbfvD/YP96fbBtke1QWHvUgE8KXKwzwYU+YQh9/WvuN8cGV46Yg948/bm47eXL/7Gsc"
    "AhWQS8kuM2+osTAgJiUj4KOdz8/xrgb5YgEAOetq9ATl+0C9hpQY52PnNT+FKADgDpaAW+"
    "2B70F3T2vrKun7dA/H83HznK1885ypgutHgFfkhqJryKgZ2Duw7gHH1RgTen6Afg3bP5aP"
    "BOZOCdNMM7qcHrogUMiQq8OYWG8/fFlQTAL64aAWZVZYBDB7M+FADOKTQE+EpmBl81z+Cr"
    "2gwOIfCga4fQCaDSRK4RdoI72QyGifZkKrVhTFt2jGkNcAoXg8MGArS/pzUEraAY8TJlBW"
    "43IX2W/nGGc70F7Ie797efHm7e/8y6X4Xhnx7H6+bhltVMeOm2Uvrti8q4ZJ1Yv9w9vLXY"
    "T+vf9x9uq0xL1u7h3yP2TiAi2PbxxgZuEZO0OC0qDbMHQmJTRrPLQFdpexjqga0znUYafl"
    "kj2l2HcS5TmlEe8igzmdFWkwwLJH2Kh8Md1B1CIBO4549CGZBL5DVof6BCLVr4P8EtB/iO"
    "vgfwHZHwl+grPifdnCekeWm+lAOwyTQUxQlFv51+MSQxk3bz6c3N97cjjvAMOI8bELh2CW"
    "pWgye4UpK1rVetJqtqCfDBgoPDvoK9c6olilxEPkIHB2U9iqB63KpJYg1tDy9kVUnYcpFr"
    "bZaAjC3sJ3/MA7yif8KAkgDftZZ4YyFiQTq0rkCv1KkPGSVTvKnT0aI19JdDcDp2tIaXER"
    "BQ+koh4GqdtMToqIaho1I/2w2TfgaHer7YZKXenMJoFyS0CzgiTEOvgnCBREOIr2UUvM36"
    "3Sq+AQSh2gTOKfTT1/Q/f4vHtuxhW6TZ48gdGNL7nKtVPAPsKW0JZSr95u3FC4l5e1E9KP"
    "N5y6qqWt0wpK+kOHPLVGbuljFN2PVH+hEqk7dCpt/s7d+qVhKMFHEWzl0NUO7ftIbWKvDG"
    "rY/HkY0OJSBWWIapDMswbWYZplVYuZIGUEiUrGllKu1gvnwus0nQVo1A87oq80u/M1TdJ8"
    "pU2iF9MZERMWirZm5iUhMz5pQDExjhH+AXIgY5I9BChGtTedz+66Gk7Uhx/Pb9zb/+VtJ4"
    "vLv/8M+0eQH3N+/uX4uU46fR5d76JBC6AsYV4zb9Ld28AgQlHQHvfWi5UcBoLfhESWOnvg"
    "Dj1dgCIVO3buh/wPdx5DsC1W2XDgR6219HjIJVhvDPWOFaUON+HeW4jVaUPaao2bFOl1nv"
    "gphhzmDNtbNf7AQNO1ozZV+MVLIKRpyaAsR+WL+8vf14m3zCP6xvkqe8iuncb2KtvrQS+D"
    "Va3PkNq1K45aH4yCkuyYQRGq5X14K9wnd/n0wuL19Onl++uJ5evXw5vX5+Tdvy961XvWxZ"
    "xK/v/nn3obIuWUG7TpjNFyX4E4Ld+J/BlnjMISiY2p8U2aqMQItzqMJTTWRYqkkzRzWpab"
    "uMlUNTK4dRYvaoCCrwAQqIlqkMphU/dbD1MBAA2ixjFEi02N2PIWWUxGfK9yrO4QKJ8Whq"
    "92hKpYo9PZo+Jt2cJ6Q7PZoKE2pIHk23a+ws33gArUYiUTivHbfKw6yd7bCGkkLxjeV4iM"
    "mBhMW7cfF1CYGbS7av2J8QOMs4+o0KsZbHpEsq/PqJr9JmCX32y6K4h9Dlbfib1CTogz9t"
    "t5tUo2g7HHdLJU8n/iT2z9WZOThlYyYtWaUEWpy9FR2qlLb6okVbfSHQVpvjtk+G0Whfjq"
    "594WEpyrgXqQz4ncHnbES3sLESpdHVDFpXE7NRHUa5RGhCiYY2xgMx793fRGT5ljLueD4f"
    "CUSbUn2rcLNkjZ5gIC3ZhFTu/Q75sbDh0Mda7JPiUAue2eMJuTB4ZSESWlQqJtBC9I81lU"
    "9iSYOVO/Q9rBXYWjMqZXxx6DvQr6TiRyxBV4Sbwz9QPtcIi+woRPuZuI6BiD183G31LA5V"
    "Ou1SZfTvbsaWUgekK2S9OPbpj3PkE+QpM4olSsNDDI2HKI3yEnhsEin50ZeI9HORvbqU8e"
    "W8bPblvKyupQGF9huhS8PY/oEtJw1C+4eJ6LlG9t+5cLXGBPrOtiFDZKXFuE1kRHlbhYyR"
    "N1bisR0LclRGm0EKuUWJqCgWrbE/tnDApTXgh5t4llREwQ49dJft2G+HHbS8n85SX0soRo"
    "8+Dxqyws3SXj4q0hxTRqEfu3QA/8HwESq58GQEWhgRj+3A40EQCvj/ZqYlIzDWxAqUS0bd"
    "SWguUxpGf9CMfn68S+9QGYUOB8CxdygjP/9XLCsjPxv52cjPYvmZcgakSXKO68Y7ZGbWSj"
    "qs8hNewRl2t1Z6XwI3co6tzRJzOyYzirLrEgimsi6VgB1MeReLZbqric37dSUMtURhGMXT"
    "MIxmf0CH1AIuzeUMwzKQpsOuIjQXabQQ7A4tN+fLQloFlFFoCPBkKpOUg7ZqSbteS8uRbj"
    "gKIBdIDMpyKMMVEInQLW7kKYEO4lUVYBmFJm3VAnDdum9uD2hEn36ge+9722RinImElczh"
    "c7pMwIz80UZ+OHFQw5AEz1m2Hiik5ypc/4hnI4FczYrHbSL1H3imIEyTJTMVUxl3Bi2XBT"
    "pSaZjZUYjY7ViOZLdxuZR4KIj8xLK8K+kQ+zab7YZcrdCWbyj2eP6H9Q1v/c2I7zqFZ3Jb"
    "UWrZkH5y5PsMCOlnx+3rT+eZ9lW+meEs/VjWuI9nwjj7gNwzaWPVXE5Gr3EwvQb96EjJdz"
    "Ij0FAU7F+joZokd6/suMMGt38Pb5Mr5eiGTL6NK+mOUgIt4D7oHQaAELhai/KLNsYUF0mO"
    "F1P8/FDoxgHFk4url1fXly+usjjirKQtfLgeKpywizU4dwSQZlQaagjORCMgZW0/idvXwD"
    "St/Xh9lWQcxeVSpTXhUkNeM4nA/Ri7qMse4mUq3UIPL6Qubrhoubnhon51A9c2wyDASubM"
    "MpV+pqCpVEKhaUtCoWk9oZAxBf1XbF2ZWkpxkIt05nAa2gjXjBKn0aG/h6sZDMIlWo8Eqv"
    "RC7bhNo77K2ql6qSE/T9mf3LM6BzzT4NZagidoMe20hYhQz67cQ2v6/9zvzLijDVZtq3pz"
    "3F53xg3tVKsmKZTh3tpSFFYZij8w8jsdNSVCDdkJjf0LkqFTzupXpjuhDu75HsN6uiyKbE"
    "J1TKVYJNVG93nkMVhFRBSo+hrT4wL4YvAzmgroM0p0KNSzkuMe0K/v79+V9q/Xd1Ubyef3"
    "r2/p8cI3LtoIkQakk5RpXYTUEqWRYIYmwZjcxgfTSxunP3Mzw6md/nbezFCdsD1AavwoT6"
    "MD8pMvFiiA4qpxu/aHN1JV/bBHubH6JrkaqVnJI24rVOcU61s0OuPSDM+ufjTXLA7umkXD"
    "W5h7E85xRg/mvrihDYLhkQcCZwuPXDhF9+Tp3uc9nSewO9m68kI1zLLmzHI8nYXMcjbT25"
    "hl3kg692XSPs5cGab88CbA7LqC1PRZY5wV6IRMdMicB/jsim+IS648b78r3dhIh2EjNRze"
    "CS5nSleJwkQvERmGpAIp26/qaDZHuKTttbD0Hzu8JYBrb0vPAFU5u0xm3Murcl+uGJOdxk"
    "Wa403l0a+/neCMO8hUBoQAZ8lgVMK9Qmag7wC9cUjuNBTnZuyFLuo2yiVCY9Af8hjH8naX"
    "QS5TmlEe8igb00rPphWmNVEEtERkIDWuG0d23chVfUYf3QZqaZ2qaqRzuLkng0A9l5D98N"
    "NH6IHU56LJopI5ZWiCdUUXAZwGsVkFpY9JNzrBdEjDxr0PHyhD9oAfodAVqFQ/bjNxYB/a"
    "jLezCWurnmqNWSyAb8HvWGpYi66ykF/NxfzeYWC5eLwz85p8D9K3fLF5FgX0tILmMuehGj"
    "7SAaph3pKqPCfRQnFcyUAsEyLWEt9fD+9Xv7/Z3JGtkNnryOmzBz57D5E/29xI1GVTPjvN"
    "xglS5J2RnuoQyn/jj2cSVZ9aRh+qz9gc0BPcYwcbHIkcx4r14zbRag19lwJle3iBlAMu2L"
    "1NC5YRg0o6VoAWS2KtQRhucODy1Bl4A0MLWA59rFC46tJJ91uUjVA1DKHKcPwH5fhd+IQc"
    "aPOfKhiXyXRgWKrZTeTSm7TlN6lJrybTbM+ZZo001WU3PjtpyvD2hrc3vL2Qt/85gHMYQD"
    "YyAs6+UNvO12ftJJn6N0tMz//QwnOLXTDDrk9I/17DIIzNXiUOXopCGAySzk9+R8NeQR8m"
    "aJrVHSNo2ty/kXOSL2QYyerxWuAjX9QS7y5xGBtBZXWLOcURHYu//nUCSfMwusW129GxuE"
    "ypIZt5pqkJBWxnzRHEcJ2G6zRcZwPXiSkvF4pZzrhqB7/JG8mHIf9OcXiCv4+t3zc4eITB"
    "7xYOaKGzhG7ksZ/c5yaI/HDMagLAU/VgFk9jgQWucaO99LhbudzIndJ+VfaVpPnJ1Mj8Se"
    "yfqzPTHou275Zb7XXlQfvXGxsG/4AM/iPc0s78BQzWQSKCSuNcJzWQS0D+BIMw8daVhbpA"
    "oiHE/d/JSVm5oJsUVabUUIo6X6mprqwPIexy/V+BzAzwoAcY+R7yoR2zzaIoibYs5nVik8"
    "5cIZ05lQfZ/eouUsW9TGgwV8Hcp6JRyM4fKrZ+UbzAr0aqn6vE1VSCU7iaNnIKrEqgKjqN"
    "ZiML2xKoNoohXc26jVL82G7dxr0PLbjCf6CyNcwimP9qSk0sTyaVpXjMXPlpb+YCqoErNO"
    "JRUtiCMgINZZT+1RomhUwz9Odp6ZG5hMokSDYJkocIZ4v5zCRINgmSjWlSyMA7+AkG2zcs"
    "AkTIxBfqdzDycUubBZNIWypZ49h2iEJrgbHLY/3HLOnx2gMOTPl1+h8LYWGPr/L2XTtp9Z"
    "5LoiJM0uRh8vWnD3M5NXt5YM7esCPGm8ccmeIjk6UjEx2VSZqyliOStpA+GVnjV/y8grHv"
    "N8uJ4+EFj9vcJIdduMQbP64UnItdupAJAU29ExgA9iPcGn3XUM5F42eSnYnXEkfideOJeF"
    "09EFVDPvWN9byWCfW8bo70vK4Femb7iCK+KU0vGA8obnlyJZUJ6qolFdRVDWSC18hRQTgj"
    "OGIQxKF222qqIil8py34TgW5tqgETFSncZlKt4nc/1ZhLA7N0OtrcfBASGzli5KKVNokAz"
    "jyVUlzFHSBvkR2POwvtMJ+BVczKgE7OBI5NTdiXyXTZur3lgcjQajRibltZtdptcH3yNOb"
    "b8/QJ8G2w2leIzYH+jkd6CBwluipEx9XITVXlgzZ+Tllumdb1dsWq4TmtrpWi0KO1/HsCs"
    "PEdadZoTa1SsYF+hbWh8/v3sndD8FOIAT3vPvglh1jZ3g+NQEu4LXCJVrvidL7rCN9ocov"
    "m94HJ90clA56kcYnCleDA3taNW6z6YVxIwX39ZDuxd8h38I+d0qJc0PWrHetLeXztBrD3D"
    "AMcyZx6BETh3LHAbrc1WLBy1TaGT0upZC+bEH6so50fBjLIhy31g7ZfiK6ypdqzenWsrTV"
    "3dzqlBqa9k0gi9FC9WhW6hSAX6U1I39OI28yYTeO+pmMspz6EftzFKy6bewVWqNoHvJIB/"
    "AJP3Ya5zKlGeXhj7JNz6VQLflUjVA/SVrKZ7DFZbDuMWhiQEwMyKmNNQONAaFHCpiBEL6H"
    "BIwEquNS/bhVf0zooMkpj29ohUMsMMMRscgShZabPOYVj+yAa+wsa4pkaao98rMqOr3u4+"
    "3aQZF8dltwsxr5CXiRQIHcnMo+I9BCDdTGy/SVyb62ZZ9mh3nY4B/ousWBaHvJK1v3FrKh"
    "L8DbSZqnHlh0dERXv0+QAygdi5VmsWEsnbOTeRSW9hdJmj12F2OqOqqpKoROAJWUzjmFFr"
    "tMeVOfStlNpi12k2ndbgJ99u1dxNUypRFXhyyuxjpiAgVGst1xCwmZ8S7uGLgAkBcFImea"
    "5qCFAok2sPfmNL8BiNj0MEee6pZVpjRb1pC3LGMIbV5Q+prDhqPpO6k036OeT0Vo3KUTvP"
    "fhA6b/HFgjOAToe9YH7iWBUxzdD7jhqtC8ctwmgdPXdemqk78p9IY7fULXCiAdlZDEac02"
    "ILQIeIR+nM0lpO/CPUJRaPmYxFUWWFDcBOq//TuUcTct2MXVnE6Pc7/QgLSEfXkvtWQ9Nt"
    "4NuvJqA9FO8jNGvC3u0EmyDVx6L0yytG8QWbapINsaGr3jkPiktl2LzQxV//gijXYHRf93"
    "SsEVEInvbenwgVBqP39wJ1OZY5i2askBVHMjdlG49sBWPcyjQqehGr3/VEDgie4kgR0FSj"
    "O6TKWfG9BBzBUzhFUwTpobcKXA9bCThXTKIlyk0Q/mgwSFbeAsRASq7hcVMv3AnkiBPWkB"
    "e1IHew3CcIOplKEewSQg1Q/0i4nUDJ+0zPBJDfQAe0pcR9r+iAF5WXr9M7zzNozCNaQf1+"
    "lK1gqtMYINTbEiHulO9k4BuRnvMxjvDnEFdUr9zqqDZMvligWWRQ/RTjv5QYk6MMtsyMts"
    "YOG2ZqSNF4nxIunTi2Ttdhz1MqUZ9aGMumCx17KWxT4YXUa9TGl29OEMcn1td8qVPIwkyc"
    "/3WLanyfsNgkdREsC2rNQpicG5HWcF/4mCpWmN2A0deyZmvFmjn6C2eT6XwHfZ/Z97gnR/"
    "E5HlW9bXfH62O347UsiFqzUm0He2Pcyqu7w3udl1ppD5BJG9M+3exf1ouwhNsl1pqNj/ro"
    "1EHI0STn7aQEeQTEZiCZAIfoT+vseeDx+ojPPAutIVJ6Yop53YHl6gffF6PwdvlsBjOmpt"
    "59U6gHMYwDR2oDtYP2cd6QpVAAH3gt0TqI9JN/rC5DAWfUubuftOqo9JX2/oT23xYvc12y"
    "vgCtwqlLBKbobWkDMvpr/vDlAh074u80gp+qLATGQpW5oRTeMBd+NayhOjyexTjFS5gQFy"
    "mBm7FquS1IzbolVA3mZXuErzl/UcgtKoBBRGoAg0gMlIt62q0zrq95K5oCWJVpMuu9nPo1"
    "mTrYNv/mQqk8Getmrx8KjlsGeLSgHhpLmG6B7Em5k+kQjvt/jx0/2HBtN6TlK1tSGHWP+x"
    "PBQezFpwGjMbA6NkYaslhavmfxuXTWesg5Mnhfvr/wFsEmKC"
)
