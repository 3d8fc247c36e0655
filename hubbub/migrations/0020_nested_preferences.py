"""Stored preferences of notifications get their nested form. A value that both forms contain is kept."""

import json
from collections.abc import Callable
from typing import Any

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

PAGE = 1000
FLAT_KINDS = {
    "message_direct": "message.direct",
    "message_mention": "message.mention",
    "message_reply": "message.reply",
    "room_invited": "room.invited",
    "system_announcement": "system.announcement",
}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


async def upgrade(db: BaseDBAsyncClient) -> str:
    await _convert(db, _nested)
    return "SELECT 1;"


async def downgrade(db: BaseDBAsyncClient) -> str:
    await _convert(db, _flat)
    return "SELECT 1;"


async def _convert(db: BaseDBAsyncClient, convert: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Rewrite the stored preferences, in pages."""
    last = 0
    places = ("$1", "$2") if db.capabilities.dialect == "postgres" else ("?", "?")
    while True:
        rows = await db.execute_query_dict(
            f"SELECT id, chosen FROM preferences WHERE kind = 'notifications' AND id > {places[0]} "
            f"ORDER BY id LIMIT {PAGE}",
            [last],
        )
        for row in rows:
            chosen = json.dumps(convert(json.loads(row["chosen"])), separators=(",", ":"))
            await db.execute_query(
                f"UPDATE preferences SET chosen = {places[0]} WHERE id = {places[1]}",
                [chosen, row["id"]],
            )
        if len(rows) < PAGE:
            return
        last = rows[-1]["id"]


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    nested = {name: value for name, value in flat.items() if name == "push"}
    if kinds := {kind: {"in_app": flat[name]} for name, kind in FLAT_KINDS.items() if name in flat}:
        nested["kinds"] = kinds
    if flat.get("quiet_from") and flat.get("quiet_until") and flat["quiet_from"] != flat["quiet_until"]:
        nested["quiet"] = {"from": flat["quiet_from"], "until": flat["quiet_until"], "days": DAYS}
    return nested


def _flat(nested: dict[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in nested.items() if name == "push"}
    for name, kind in FLAT_KINDS.items():
        in_app = nested.get("kinds", {}).get(kind, {}).get("in_app")
        if in_app is not None:
            flat[name] = in_app
    quiet = nested.get("quiet")
    if quiet:
        flat |= {"quiet_from": quiet["from"], "quiet_until": quiet["until"]}
    return flat


MODELS_STATE = (
    "eJztXVtz4zaW/isovSSp0nS1ZcvtTe1ule10Jk7s9ozbvZmaVEqBSEhCTBIML1Zrs/nvC/"
    "B+ASmAoiQKjZdui8SBqO+AwLmfP0c2MZHlv7l2HBI6BrKRE4y+BX+OHGgj+gf3/hiMoOvm"
    "d9mFAM6tiAAWRkZ34NwPPGiwaRfQ8hG9ZCLf8LAbYOIwkmf0OQAL4gFoWQAaBqUPfBCsYA"
    "DQZ+wHYL1CDsABwD7wA+Ihk81rEoNOjJ1l9ylCB/8RollAlihYIY9O9Muv9DJ2TPQZ+elH"
    "92W2wMgyS7jgaILo+izYuNG1T5/uvvs+Gskebz4ziBXaTj7a3QQr4mTDwxCbbxgNu7dEDv"
    "JggMwCTE5oWQms6aX4iemFwAtR9qhmfsFECxhaDOzRfy4oHxjGYBXO5+H8jUF/9xts+m/Y"
    "N7/77+QpCxSz2YfH59nH98+z2ajGJvY0FdiTSwZxGIsxYzjF6K943hyb6OqIfcHtD9dPX5"
    "9ffhOhQfxg6UU3I+RGf0WEMIAxaYR/DrgT2nPKohroN3h55wR82HOaCvQ4XsX9g56CtAdY"
    "6dPS//72H5PJ+fm7ydvzy6vpxbt306u3V3Rs9Lz1W+9aeHFz9/e7D8/sgQh9PeOXl11gbM"
    "hhD3BAb9VQv11Bj495RlCBnP6ULpCnF3LM803kEKDb8PPMQs4yWNGPZ5O3LYD+z/VTtL7p"
    "qG/KsH5Ibk3ie2WE58TcyACcjlcQ34u3b0UAZsMaEY5vliEOPUsG4WR4J4CTHWGY+E6F4J"
    "22oDutg2t4iMExg0Ed4+/onQDbiI9zmbICt5mQvkn/OMHV3QL2893D+4/P1w//YNPbvv+H"
    "FeF1/fye3ZlEVzeVq19fVviSTQJ+vnv+AbCP4N+PH95Xj9ds3PO/R+yZYBiQmUPWM2gWMU"
    "kvp5dKbKY3V8Sbyck9JaIdxJ+BvVXdJRwmTy5euAJOjFUd3e+p1IaXzk9oE2F8R58EUvma"
    "g2giq3/y0QnuVH+laye9mj+iB9eZBF5eUvTH05+Mgujn0ycAHz7d348ilOfQeFlDz5w1wO"
    "2QAC+wAdlz+hyxMiH//qcnZEWDmgH/UJhKHeAjFMmEFNAr4Vq/ZU/s6hXowGX0k9h3s29K"
    "9UkX0wU94mma8Z1xq47p4tkL2giqlz8zLRAC1yNLD9qALOiHkL4jwCA28gF2wBrT47EClg"
    "TZdjXylxGjHP2q1cnBqJPQllJr0vEKSt1XIkLhVbNMeFUTCV0PLfBnGXhzin4APq6mXoJX"
    "SGdsURnrGqOJl8jnSNvN8OYUCq7fywsBgC8vGgFmt8oA+wZhc0gAnFMoCPCFmFLeopLXAE"
    "bQooqfj6gKKLWQa4TqKemTqdCGMW3ZMaZaSf8ylXQL+sGMippdGF2l7YHVA3vPVOI0+uxi"
    "Ol0HPpcpNZeHzGWmNUqa3AokfSqIw2Vqd4tb6PMcivuytw0U0q0Gt8KCKpnbbq8/3l5/97"
    "7N2rZXC1IQQGPVGK+Q3x23WZJs5Pt0froZpuMFjUrXDghdi0AzDjKAIJkJUEUWeT4ISM2g"
    "JEbCMSb9kj5mdD+agjHk17qRqXxP2NLU5kPnbiUc/3mydIarlB/Qfd5sdvIIsSU39AKJ3t"
    "Crjt1swcuckEUiDWnVdkd8nDoyyog2bhFFkn4CbY6tkMd7xeTs4t3F1fnlRbZFZFfadoZ6"
    "EE16ysit0zKVXqjtwlzhiNxRnnvIZzpNYLeKdOWVNSipLjRx8IQM4pWlFs7tVrkOsoEziy"
    "xFXYQEmNgEayqYjQFxkj8WHrFZ5KhHSaBjghVZsxhSRLlbD0HtOIeI8zBW1ZlYNwb0kxFk"
    "DnB6J7oWQI/SVy5CI92V2RXtexyK71HeZqONrydgrMlfN1FvRk6hvUYCXiMSBiz2QgbhAo"
    "mCEF+JOO6b/fZVfD0EfbkFnFOo54frf/0WD27hCMoCjQ6g5OHpEbkEhTKVeuv27FIkR6F6"
    "UBZSFC7r3nrfp48kuXLLVHrtVvJqYoH9hf4ImcVbIVNv9fYfLVVSjSRx5q5dBVDuP2QKuz"
    "LwxqMPJ5GN9qUgVkSGqYjIMG0WGaa1zCXmfIPLxI8lnMBUolIO5nOhNKbzljSm83oak4fo"
    "7/Rl94kylXJIn01EVAw6qiXhsaZmLKgExgmuZCncfJAzAiVUuDaTx/t/PZesHSmOXz9c/+"
    "ubksXj/vHD39PhBdxv7x9veHby41hzv4MBnEMfPaAAjjjm3NL9cZs91w8og8VsudeArRcA"
    "51T3B8EK+8BMvuZbgAMfIJcY9WwPYaodaga8IKlE32S4cgHxfSnWzQbWV2iFHJ2weYfJCP"
    "QOc1o7zHv2Wt5aENu8/aVwt3V3iV7umcEGiob/AMPCVL6KQ3nW0AdwhaAZZ4mxiI1v2Z8I"
    "Gqs4Z4xuFcCiK8gPAHEST1BUkoR+ApRzPjKjMU2b056/bYdNbTghilJ+pOib2D8XJ+Y8yn"
    "gmeoxkBErsbRX5VEgTOGvRBM44moCO0erT0uWjP+pQtkUcJgQqRRIduGhPlMohjXuRSoPf"
    "GfxIjOiWalWi1N7+QXv7YzGqA5dLhDr9Zmg8Hohic2ci2yUBcoxNQ6GMyohWBQfnYyUKZ1"
    "yDxLwZ6x3YB3NEWQ8oEVUgQpc4Y0C8yDwCHX8dZ8FUFJcOM4iX02BBboV0tuizAS0rnqd4"
    "Ryr4rcVv0aOZd0AWmb7cQc1aS84VUahzCvXcb+cTEf/FpNl9MamFlvgviLOSmy1eGYESWu"
    "EhLF4lARtBn2NgbFYQMwKtHlagXDHq0Akwp0RjuyBVptTi8uBEqdIGlR3vwjtURqHCAXDo"
    "HWpA9QH0a6VggYDTeb1OpT7AMBE91fIAVDumkkHQpDnH98ZbdGY2CiNBbfkjsRGrzQ3Ssp"
    "GvdAZvDNYrAmy4AT5dNKxqZECorpv2KAAsMaymNu82FbeCAPb9MF6Gfjj/HRkBr3yArlE5"
    "KFdfyngZtblIo4Rqt2/NOX8xhI1AGYWCAE+mIjGsdFRL9blaFGu65UiAXCDRKIuhjGzIU6"
    "JbIgNSAhUUrCrAIiZNOqoF4FqMuy6i2Iw+/YHmo2NtkoVxIjpWsoZPqaai5vzBOD+c0LZh"
    "6IKnrF0PFNKTVa+dOfk84unW0Y1xq2LNhohq1c8sTNWJQl2jqFayzDsxfOWDUhePN+Au8I"
    "FH1nSY8QKIZ7KyeqwjoLGCzhL5hVlqOvc+v+gLCa8d5A40blGwTylO7u2+zu+jBMmFDhMb"
    "6rg3gp4TKAN5b+Xlii1XZ136ZDZMoAzSB17ccbeN2Zr+YipZ1jixrU1HgVA9xbyf6hQ7Be"
    "ltE0EfHfRM6D97FkCHcJ72LH7uJFL+SOY8gZJdbhUnfydzCQ9NsGLxhwEBcwRMlg4FA8CC"
    "c1imlMH3xGwn2S7f/TnKURhl1Ts8TLzED+WFThLCyBzwXlw7JQMtd8F8nrHfO2OHYUSXLs"
    "ZRREgBYB/Azz+8f3oPoqRZ8F/gq2j0V6Nokyo8RxSUlIbQCH9z6DgMHOHvjsfXvz2qgJjY"
    "RSh69J0QfQTGBOHvZ4N7/fJEDBH7cjr4q/gl0S61IUj8Ma8ljuSMQEEvRP/ONNlyRjvVMR"
    "o2uP2X2HHhhhUur+PbHENXIFEC4kNH0WVlJ4TdlinBAUvBZLJAGfH88gBLTcIgQLbLKwPT"
    "rKQWSI6omb7dAdGe9f5EZqxBuCX/LKNS0Bt1It4nodjOoyQZDMx40E+OQUnRkXxdqrQ6Y3"
    "PI70yiiUtWWipT9WJ0G1B235lQTc2zlqKaZ/WqmpETBHkekQqdK1OpZ92cCtUjmbbUI5nW"
    "65HosKMvYusqmqSk8nUKdPpwGjKHX5HncztEfLShZTUqPgWyw+k9Z1V+nu2wR8Z6z/nk3W"
    "Wm8rAPbdrOx4fr+/u6ylM0mctgWKT7IkEcSFmLH8n8n5FFle/p+WdqbW1198wio6xwEYto"
    "dNJz0wHQtLEDXMiiMqPiE/GffPePLPEOgT7R/xKiVDpeuWIUfVmlW/JqIqbVwb4hhGp7Tp"
    "MpNSWqID6nVGqJTjePj/elM/Xmrmor/fRw857qDBET6CAce4UHtdXcR9YQzj5zn5pJmjeZ"
    "SOkX3mAC6L/EWwTzDrseMZDvx7l7TOgCLvIWxItLi1a2FxlSvbmcwubihRwBr6VyZMgT7L"
    "7MYPFSWl4SdyNZj79CpoTTa99+RV0qostaPgntcyBH8QNiIaX+Cru887hwt/VQtrNxshn5"
    "VGaP62TnLVgXMCqTvQEr+IoA85UCHNQO6E4zcPPvGW10M8ux16n3Rz9uWk5xyaZyO7WTG9"
    "quV62xLeI9aKuwXT1wfifY6WTqLBEqeNwonEuZsE462aZMd9JxH8coAs4WVMcMpyKpzgTp"
    "xgM7DKQNTRnNAe1M2ZWTMjSVnKRR4mUnJ2mJUnvQhqbD6NYcezOyDCe5+GThrGnY5cVah1"
    "a6wMFTMs1pQro1w6zwfvIzzKoLtgdIdc2I41iBnOQXc0xA8a1xu/0nGiRr/GFfZcYGHBv5"
    "Pn22ZjMPfyzXoFO832LTGZdWOBOn5aw8bWI6dxvmyObJGhmui+aAsnmbyUfLFj3KFrrt1+"
    "G1zXhLklzEZSq9jrWMfEAZuXCK7ijTPeQznSawW8W68ouqhWXFheV4OXOF5WyltwnL0SDh"
    "GKZkfByL5Kfy8NojAcqdnzXBWYKOK0T7LHg9Wl1xg2PGiF9ZF6+UKhOYRaKctJd0L2dhs8"
    "isZbwjdBdN3xOJpV4i0iJJBVK2Y9XRbC6qkI5Xwtd/6IoKHnKtDT0FZDXtMplOcK5qfrlp"
    "THQZF2kOWK3il1+PcMbtZSnDIIDGisEohXuFTEPfAXqdEtuJFafm7kUm7sblEqF26Q+Zx7"
    "HG3YXJZUrN5SFzWTtXenauMLuJJKAlIg2pDt6QM56mD9A9eiO39mmTdCuqpTdV1ipdVVC4"
    "AagJ5fc/PSELpqEXfLCvM31FEciTyPpyduyOIBUCWFREiCpNRoOBQQalp2QalWDaqxNoAW"
    "9X0GKpOHxPUPH+uM0d5NIdhf68mUWWWDqCirWdXbIkN9bSxsPLVQBc6Ptr4plRNhxZIx9A"
    "YNCvrXmIuk6yPdk9TZpj7qJCIqpOohuMeyhuZ1EHfVsDjP7MYgOqPNB/3raJXrGBZrK1HS"
    "pk6hXhOxMqwnfWUoTvrF6E73QLFg+0aZGuOtBlNz45w48On9M9NHWIF1e6/1BoKTniSPel"
    "+63Sfak5pZhwf13qaJm3unwDfsZ0iYSsApWP/gA4ADjqfsmiuZjoHnXvjKtgEMfaAAN6Hq"
    "aiOw58YCID++kzVALF9v113Piy9P2IwsiYopBdIKFH34hqaFmpR1Bh2ST02xoElfgwy1sW"
    "pq/baFzvFRSlWcMA3H0EHz7d39c6FSX35b9e9ssfn/kPUPCYSj8DZayPze3NmijnC7+/nj"
    "oT8a4Q/6qVvMEoeQeNARya3nGUEEDdZClT9S5ENL2LZkXvoqbnJQeDBLw5hYIAX4kAfNUM"
    "8FUN4KN5gge2d/QV+HfUlC8lMaWTBom3SzSmr0BywHi+P/86gqiwp6hg2CUCqECmw3+GbA"
    "XS8ZpfBJuhERBZa1+RRp9EFaeD4xCqKyJbPuWHQ6rR1Znd2jR9Yqbp2vZ6OEyH+dJvhbR4"
    "oJQwpQ9QsHDy9tgesL2uTKcoxvXTpXuYYsmM3z24rOgu+S6ZUqGdY6+BZlzstrikihiLua"
    "ZmJU5v91H9vIpcOQCWnUdryFw/Fn5FHjLBfMOixlZ0RSIrasm0Xm2YG4mNomQ1T1Rfk3L9"
    "TU7FZZdMsVsJA10CrF9LerMvI2VXjQXN1t8CiYLm37NLkUiqqspZCKS6rJl/EfR5LRBbSu"
    "tnFAqGqvWOr7yFRVtWTsCyUjpG5XRWDqnWXdt11+oxvqNOUA3kOU2ItyoFnIU2pHCrx+sw"
    "WP0AHZMsFjzZtnS/VaZdsUGsK6+YGHsNfLpc/hYFNMEAGPRrAftJYOERm8qZrkdesYm8b6"
    "OgJrqYWOks+odLlas48oldZ4kRwIYbMEcAfU6K1jd1Ld3/F+r8DAVCdxjnZ/JZGlU6natR"
    "EcvquRrsZeqAdIWsFwFYfZxDJ8AcJW6Lo7FEqd3JQ5aGjWLSo4SmnhOpp0penIuEwp03h8"
    "Kd676gX+TLdDQ36MBeJwW8oMNE9FTzcx4d9Ey3p2fygrjOkNL9cZvCSByqKdGhVF2iYyXS"
    "74MVxTfW4qAD0N9siC1A4YnzX1j4G/KAScZ8PbDTDMKKHVusoUdfB6R1vOHqeCmLJASlAo"
    "mCLo2JSET7pDmifVKLaNdlDvbbnp5tWTLoZgQqrt6pCL50VPP6ndYR1oL+lyDou3BjEcg5"
    "gJvzGgokKmjMh05r0BGm6uhWA4X0VJWrf3hogTzEOMNRrQp3x61lzbJxgkrV7YpgOpgVIK"
    "BKGWCpsenfLvKSOJOSEiVE0Vp8IMq/1RFgJxEBpnOr9xibZKyoWskJqGjJq8wodFplF/nD"
    "NTum3ZUpFRTso9zRR8fajLJypycq6NeKtWqpU0udWupskDoJleV8vsgZ39oib0aDxNsq/k"
    "ZxeEW/jcFva+K9IO83lkzwm8+qcocW+xhZ5r3Q8aM0Aw9GrccJy6sBcElq0mgvM2438TdK"
    "p3RemX0lGX40C370TeyfixMz2/O272YplLtzqyCD9m9N1gL+HgX8F7ShkzlL5Lke5qVTtu"
    "BcJ9WQC0DOwpC5UerNUBdIFIT4fCIA8fmkEWJ2q1ISLIBeNy2qTKmgFnW6WlPdPeIj5HTh"
    "cU6mGTxoBmPHwg6axWIzL9mcEAtBp0HEqhFXuD2n1PticHblsBy+eXy8LzH35q5qdPr0cP"
    "OenlgRV+kgHJTsrCWtmVWkNbEs7mVCjbkM5g5VjXx2/lC19TOnxXWziMAhVcH/W4mYnopE"
    "TE+bI6an3/BMRcexbGStlTimjWLbpWbbRqnH03bbxqODALLJ77jsDQMBiT4lJSZrBgxxMq"
    "5PrXg/saBFs9X8a2n2mY5EHIpJI+aTxCaUESiopewh80mXWFTM15NsCK0y7ZHr/w6N07vs"
    "XNqBdhgHWuEI39GH9pDPdJrAbnWjlV/U7RUCtXPyhJ2TT8hgVSU2t6wFJleML9zfIsrHI2"
    "csqVnYVxkVfIi8h9gHS0LiYg9j1onHtaCBUomd/sc687Cvr0r3XSdpjZ9LsiV2iqDTkv0e"
    "JfvjJ8AcW8Dcs2yvBRId0aMPTf6hSYjNPSzZ9fZDko4QPhvZ4G+jEwvF8d8se9Yiy6ha0j"
    "o57vwVWTvxTc7J2GUKkWTcNEKBATB7QRtt8xrOyaijTfJOUgKH4lVzH6nqkSjb9Vrddtf9"
    "t+jKdhJJfFMa1cpUTYTazE1a+sxN6o3mAuJiQwbhjOCAqRD72m2rSc1C+E5b8J1ysvKpFh"
    "zILuMylWoLuf+tQnsdmqFX1+tgQT+YSTd+LVJ16v7aicNv98Xeo/R+XWCvC/QlssNhf6YU"
    "9jay51QHNkjIC21uxL5KpszSn5xdvLu4Or+8yFDPrrSB3QhsYyhz28qu0yqD74GXd7Q9Iy"
    "fwNh1O8xqxPtBP6UCHnrHCr53kuAqpLpw75BDoVOiebyTdCTVCXfez1aeQ43U4z8Iwcd3q"
    "WKgtrYamfc3+haok4a+wu2MzuYdsohM8qJqQ50WO7YyTaiE4e+2z9zFJ0x5xPFbZvXGb1y"
    "pN9BZuoRcXfoWmjR0QlVMBC8K636UTxQ0/QpdFYK9XyInrwoaOD9bIY74qyq0QmTWHVq8z"
    "75CRflBHQAeP1sGMe30lPrZEcDsMBl59qrYMngJVt/SdYZ5re07eMTy5pN50vHr+rbO3Il"
    "ZrOqo5a/ptzW7NWjjRRdmtVUiNWEFlVyWtx7Wg1LuUjlfQCz8RepkmLS/TJH6ZBpL2lgpN"
    "TyE38614W0ismjH5REy0umayDAvVySWempDUMEYkrKc4Hps6qGc4QT1FzohuKUUaBbeV/o"
    "tu/E7mkiaqnEIHvOqmwF+CXGNzjDfNjjJeAQUx59jQ1IOe3Y8kDAwiZ0QokCi4m/ccqok8"
    "j3AC7FsSv1MC9ZTZqZD8PW2Rv6fDkr+R7zdUnUhvtcvd8SCJmhNpa2PiRHlkJnrFnNZXrS"
    "PFexdroXsoQnfMvZmstbdCpt6GshfrWJTrQ194uRKOZSrlopTPhZA+b0H6vI507F8URTge"
    "rRyy/RRiKsLqoQXdWlYdOm7XKRUU8HT1GR021mMceKe6mVVazflT4rxuGdjI9RPhsli8IH"
    "EW2LO7bewVWh0ZOmROe+iVvHTic5lSc3n4XJ7Rc8mXCy+pEaqnSQsl+bbk+NZTfHXZFl22"
    "5djR1QMt2/IxoHwyH+e/o8jeWzceF++PWy3I0cgZiYYK2pFvNgHyWUkyVo2FTUAfchwVKo"
    "tDWC0LhC5rfOyDNQ5W8TD6gIDCHST2rZK5uY8JRazSHrJJkmujbdPDsU3r+mf7tS4l77g8"
    "zjVC1So67AFr/L8cD0tbCm5KcbjE2/0HFxw491abT7ts2SeofmXHtySby5RayR4alyXCMY"
    "rFPKxd8+8+RVLl99g64Vf7sCl4z2vyPVUOiDfiqB35zVadI1jTB4jGCSocz6zUcUjFeifA"
    "BgyYSuC6UVy4A6CRlQYp6RSCNDukzmlFoct+tEvkOKLHtZwAm1EoqCj0FgxX8kzF6YZdPF"
    "MlSn3GDu2MrXueA8QJn9legiwh04WCOtYgg9gKPZ7k0lx/rECiDOy9BaCvIQ66ZaKWKfWW"
    "NeQtS+v4zS+UuoEyw/EBHtVq2aMHUMZhtc1b+OigZ0L/2bOvcAjQ9+wp3EkHj60WI44Cnt"
    "wZt2nfiSdNTPO+BszKEnckgoD9xsQTxylps2WscNrIuLRl0zH0uuOhBfIQXV7mzMdslWkH"
    "3mD0ct2mIc8nuRRJJ6keqIVsksujdmoYOrhCyTqXLck6l/US7HEIQQyUBM5VOhXx3kdylH"
    "aQjg5vc1hjk3K0hnoj5Nl4nfBeB3OF8HIlU8I8J9Bwauf9F2q/4Yjwkuzmz6CtdoPm+mDs"
    "N8Nlqo7hHpJlRgebyAWbVPLG4/25F6Se0tlUgmufsTmFBdZoG0yX3zb74Cxb8GLhOZHpL4"
    "6uiScYA+KlrcpZ5epgFdpzB+L422qhOpL0/I7nmfUz+unVjue/lJMdtAVxOBZEbeTSRi6V"
    "jFzZZjWTtbxwKLXRoG40KO3kkgoGj1ZrGtXk21gKkFTdikQa0i3KWyat7Kq+ZROdJqzbFb"
    "jisuKrcI17Qw/4VpNpFUWZty2WwH56//H56e72+VhJz1WtsFHHKSmOWxWdstIq2BPIX5G1"
    "X1RW1itsrAD2wQtyAwB9YBFnyf5n6gliN/yQDoDAI+uaAtTPlFt0otTrHkCPDpilRfFLCl"
    "LDGK0kDUFJ0mEWewyzyFe8xKIuEWl5R4uQWoQcqHAjIEIeSajxkfmBNIkz2c12QYYOmzlE"
    "XIS5jop7IxN4iHLRD+KYzTUTLeALcr7NC6wwAywVNBwSxLcAXFKUawJMHxOKxIcWqh/KCS"
    "YtRYF7PCMVrGzR0s5Q17BU1YO/U9JAr3sjN8089Ve37oiiueXXwKVjqYoQVZZqSShvG6iz"
    "yIclM7XtW2xtyPqbijTKHRX9dx9DNuQlY7a0rEkJlAN3MhU5iOmo5o6R01qRKRP7rgU38u"
    "08KnQKWgauRLx5V83OvKuaLw++0p3Em4We1IouU6lX7nUvxSfmmMhgnAzX4AqBaxEjC7sS"
    "RbhIox7Me3H9r9HcxwGS3S8qZOqB3Vvr5FJrauj7a+J1qW3JIVUP9LOJ0AqftKzwSQ10j1"
    "hSUkc6/oCNl9LA6FP0RPih7yL647pkxFRpdXLE0EwrfE53ql7DIdf8PgF+d+gfUadU76ya"
    "TIUEhGmLgDCtl7NjhoXZK/IwnbRTVTveBPo1G/JrNrC2aprTuiaYrgnWZ00w1+zI9TKl5v"
    "pQuM552Wu5hXHERheulyn1jj4cJtffbSpo+VwbZVuBmALREaujvt3htT1KURgbei+8RN0W"
    "pDMSjXM7zhIRFAVPk+OQ0DGQjZxgxwzq68JUJ7ujtSebQxfPXtBmV6Bc/BPanOBRL4QRNp"
    "HtkgA5xqYHrO7y2cQwO8VlRSFzAhzgXWsY3MXzKLu0bGTP6bm7wu6OQD1kE6kKFfvfnGGe"
    "VCOFk5MOUBEkG/k+XO761j3Es6gKEjMC00lmFlliZ1eoFvB2BS1mf1UWLwMmsfEBXuA4lG"
    "FH1D4UplL0BDweWie5xlbQMclrEm/cHarH6zBY/cDmWiwUXVgBeUG7rihWch7b6JlNpeqK"
    "cvuqo/UPT8USWuWKY9DoYZ96SqZRFyaDbVEbOszcdVE9JXPd0o/K4kWI7c9saPJKVctgRe"
    "dRdDP3qaS9+4v3MZ5F1XVU6LXRHSPlknPliiAWTDPOnHxuxjLtRiNgm0knUvC9zJur9oFU"
    "qaOrImhJZiFeIw8bLECploeY3Bm3ZSLCfMy2VMTmX9ZzemGje4ebXcjx7SScbtt6jpuC1U"
    "u1ueYUwkYvZXMEX7OPUoWsq8l0KhS7N22J3ZvWEq9cTnvSlowrl9eWVAV095KnkpT2rCP8"
    "48fHDw1BUzlJNYoCGwH4P2Bh/4QrpPHAZWCUYidSTL9+uP5XFe7b+8ebalAEm+Bm1z58u6"
    "bU//X/LnOhkQ=="
)
