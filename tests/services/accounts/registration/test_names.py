"""Registration: names and usernames, given or generated."""

import pytest

from hubbub import models
from hubbub.core.errors import Conflict, InvalidPayload
from tests.services.accounts.registration.operations import login, register


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # refused for its form
@pytest.mark.parametrize(
    "name", ["   ", "\t\n", "\u200b\u200d", "Ada\nAdmin", "Ada\x07", "Ada\x00", "eve\u202eadA"]
)
async def test_an_invalid_name_is_refused(container, name):
    with pytest.raises(InvalidPayload) as refusal:
        await register(container, name=name)

    assert refusal.value.fields[0][0] == "name"


@pytest.mark.parametrize("username", ["ada", "ali", "adina", "ada.lovelace", "ada-l", "0ada_", "a" * 32])
async def test_a_requested_username_is_used(container, username):
    assert (await register(container, username=username.upper())).user.username == username


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # refused for its form
@pytest.mark.parametrize(
    "username", ["", "ab", "a" * 33, ".ada", "ada.", "-ada", "ada-", "a da", "adä", "ada\n", "a/b"]
)
async def test_an_invalid_username_is_refused(container, username):
    with pytest.raises(InvalidPayload) as refusal:
        await register(container, username=username)

    assert refusal.value.fields[0][0] == "username"


@pytest.mark.parametrize(
    "username",
    [
        "аdwin",  # a Cyrillic letter
        "αdwin",  # a Greek one
        "adwın",  # without its dot
        "ad\u200bwin",  # a space of no width
        "adwin\u0301",
        "\u202eadwin",
        "adwin\ufe0f",
        "ꭺdwin",  # Cherokee
        "аԁⅿіո",
    ],
)
async def test_a_username_similar_to_another_is_refused(container, username):
    await register(container, username="adwin")

    with pytest.raises(InvalidPayload) as refusal:
        await register(container, email="eve@example.org", username=username)

    assert refusal.value.fields[0][0] == "username"


@pytest.mark.parametrize("username", ["ADWIN", "ａｄｗｉｎ", "𝐚𝐝𝐰𝐢𝐧", "ⓐⓓⓦⓘⓝ", "adwⅰn", " adwin ", "ᵃᵈʷⁱⁿ"])
async def test_another_form_of_a_username_is_the_same_username(container, username):
    await register(container, username="adwin")

    with pytest.raises(Conflict) as refusal:
        await register(container, email="eve@example.org", username=username)

    assert refusal.value.fields[0][0] == "username"


@pytest.mark.parametrize(
    ("name", "username"),
    [
        ("Ada Lovelace", "ada-lovelace"),
        ("Žofie Černá", "zofie-cerna"),
        ("Мария", "someone"),  # no Latin letters: from the e-mail address
        ("李", "someone"),
        ("Al", "someone"),
        ("A" * 80, "a" * 24),
        ("../../etc", "etc"),
    ],
)
async def test_a_username_is_generated_from_the_name(container, name, username):
    assert (await register(container, name=name, email="someone@example.org")).user.username == username


@pytest.mark.parametrize(
    ("name", "email", "username"),
    [
        ("Admin", "someone@example.org", "someone"),
        ("Ádmin!", "someone@example.org", "someone"),
        ("A.d.m.1.n", "someone@example.org", "someone"),
        ("Support", "security@example.org", "user"),
        ("Deleted User", "someone@example.org", "user"),
        ("Deletedish", "someone@example.org", "someone"),
        ("Me", "me@example.org", "me-user"),
        ("Api", "ＡＰＩ@example.org", "user"),
    ],
)
async def test_a_generated_username_is_not_reserved(container, name, email, username):
    assert (await register(container, name=name, email=email)).user.username == username


async def test_a_numbered_username_is_not_reserved(container):
    made = [
        (await register(container, name="Her", email=f"her{n}@example.org")).user.username for n in range(3)
    ]

    assert made[:2] == ["her", "her-2"]
    assert made[2].startswith("her-")
    assert made[2] != "her-3"  # looks like `here`


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # refused for its form
@pytest.mark.parametrize("username", ["admin", "ＡＤＭＩＮ", "sup.p0rt", "deleted-ada"])
async def test_a_reserved_username_is_refused(container, username):
    with pytest.raises(InvalidPayload) as refusal:
        await register(container, username=username)

    assert refusal.value.fields == (("username", "This name is reserved, or looks like one that is."),)
    assert not await models.User.exists()


async def test_accounts_with_a_reserved_username_keep_it(container):
    signed = await register(container)
    await models.User.filter(id=signed.user.id).update(username="support")

    again = await login(container)

    assert again.user.username == "support"


async def test_a_username_is_generated_from_any_name(container):
    assert (await register(container, name="李", email="李@example.org")).user.username == "user"
