"""Registration and login."""

import asyncio
import logging
from types import SimpleNamespace

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock, passwords
from hubbub.core.errors import Conflict, Forbidden, InvalidPayload, Suspended, Unauthenticated, Unavailable
from hubbub.core.request_info import RequestInfo
from hubbub.gateways.identity_provider import VerifiedIdentity
from hubbub.queries.audit import audit_log
from hubbub.schemas.accounts.accounts import Login, Register
from hubbub.schemas.base import parse
from hubbub.services.accounts import identities, registration
from hubbub.services.admin import admins
from hubbub.services.auth import login as login_operations
from hubbub.services.auth import login_throttle
from hubbub.services.chat import members
from hubbub.services.context import Context

HERE = RequestInfo("192.0.2.1", "tests")


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def register(container, **fields):
    given = {"name": "Ada", "email": "ada@example.org", "password": "long enough", **fields}
    return await registration.register(container, parse(Register, given), HERE)


async def login(container, email="ada@example.org", password="long enough"):
    return await login_operations.login(container, parse(Login, {"email": email, "password": password}), HERE)


async def test_registration_returns_the_account(container):
    signed = await register(container, name="  Ada Lovelace ", email=" Ada@Example.ORG ")

    assert signed.token_type == "Bearer"
    assert signed.expires_in == container.settings.access_token_ttl_s
    assert signed.user.display_name == "Ada Lovelace"
    assert signed.user.username == "ada-lovelace"
    assert signed.user.email == "ada@example.org"
    assert signed.user.role == "user"
    assert not signed.user.email_verified
    assert await registration.me(Context(container, signed.user.id)) == signed.user


async def test_the_password_is_not_stored(container):
    signed = await register(container)

    user = await models.User.get(id=signed.user.id)
    assert user.password_digest.startswith("$2b$04$")


async def test_the_default_rooms_are_joined(container):
    signed = await register(container)

    assert await models.Membership.filter(user_id=signed.user.id, room__name="general").exists()


async def test_an_account_is_created_although_a_room_cannot_be_joined(container, monkeypatch, caplog):
    async def unavailable(_ctx, _command):
        raise Unavailable

    monkeypatch.setattr(members, "join", unavailable)
    with caplog.at_level(logging.WARNING):
        signed = await register(container)

    assert (await login(container)).user == signed.user
    assert "default room not joined" in caplog.text


NO_ADDRESSES = [
    *("nonsense", "ada@example.org,eve@example.org", "Ada <ada@example.org>", "ada@localhost"),
    "=?utf-8?q?ada=0d=0abcc=3a=20other=40example.net?=@example.org",
    "0123456789abcdef0123456789abcdef@deleted.invalid",  # of deleted accounts
]


async def _by_registration(container, email):
    await register(container, email=email)


async def _by_operator(container, email):
    await admins.create(container, email, "long enough")


async def _by_provider(container, email):
    provider = SimpleNamespace(name="other", title="Other", issuer="https://id.example")
    act = audit_log.AuditEvent(audit_log.Action.LOGIN, HERE)
    await identities.resolve_account(container, provider, VerifiedIdentity("1", email, "Ada"), act)


WAYS_IN = [(_by_registration, InvalidPayload), (_by_operator, InvalidPayload), (_by_provider, Forbidden)]


@pytest.mark.parametrize(("way", "refusal"), WAYS_IN)
@pytest.mark.parametrize("email", NO_ADDRESSES)
async def test_an_invalid_email_address_is_refused_by_every_operation(container, way, refusal, email):
    with pytest.raises(refusal):
        await way(container, email)

    assert not await models.User.exists()


async def test_the_error_names_the_refused_email_address(container):
    with pytest.raises(InvalidPayload) as refusal:
        await register(container, email="=?utf-8?q?x?=@example.org")

    assert refusal.value.fields == (("email", "Must be an e-mail address."),)


SPELLINGS = [
    *("a@bücher.example", "a@BÜCHER.example", "a@xn--bcher-kva.example", "a@bücher.example."),
    *("a@bücher\u3002example", "\uff41@bücher.example\u3002", " A@bu\u0308cher.example"),
]


@pytest.mark.parametrize("way", [_by_registration, _by_operator])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_all_spellings_of_a_mailbox_are_one_account(container, way, spelling):
    await register(container, email="a@bücher.example", username="ada")

    with pytest.raises(Conflict):
        await way(container, spelling)

    assert (await login(container, email=spelling)).user.username == "ada"
    assert login_throttle.throttle_key(spelling, "") == login_throttle.throttle_key("a@bücher.example", "")


@pytest.mark.parametrize(
    ("stored", "refusal"),
    [
        ("a@bücher.example", Conflict),
        ("a@xn--bcher-kva.example.", Conflict),
        ("a@example.org\u3002", Conflict),
        ("a@home", InvalidPayload),
        ("a..b@example.org", InvalidPayload),
        ("=?u?q?x?=@example.org", InvalidPayload),
    ],
)
async def test_an_account_of_an_older_release_stays_valid(container, stored, refusal):
    await register(container, username="ada")
    await models.User.filter(username="ada").update(email=stored)

    assert (await login(container, email=stored.upper())).user.username == "ada"
    assert await admins.exists(stored)
    with pytest.raises(refusal):
        await register(container, email=stored.rstrip(".\u3002"))


async def test_the_given_one_of_two_stored_spellings_is_used(container):
    await register(container, username="ada")
    await register(container, email="eve@example.org", username="eve")
    await models.User.filter(username="eve").update(email="ada@example.org.")

    assert (await login(container, email="ada@example.org")).user.username == "ada"
    assert (await login(container, email="ada@example.org.")).user.username == "eve"


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


async def test_an_email_address_or_username_in_use_is_a_conflict(container):
    await register(container, username="ada")

    with pytest.raises(Conflict) as refusal:
        await register(container, email="ADA@example.org", username="another")
    assert refusal.value.fields[0][0] == "email"
    with pytest.raises(Conflict) as refusal:
        await register(container, email="another@example.org", username="Ada")
    assert refusal.value.fields[0][0] == "username"
    assert await models.User.all().count() == 1
    assert await models.Session.all().count() == 1


@pytest.mark.parametrize("differing", ["email", "username"])
async def test_one_of_two_concurrent_registrations_succeeds(container, differing):
    def attempt(number):
        fields = {"email": "ada@example.org", "username": "ada"}
        other = {"email": f"another{number}@example.org", "username": f"another{number}"}
        return register(container, **{**fields, differing: other[differing]})

    results = await asyncio.gather(*(attempt(number) for number in range(4)), return_exceptions=True)

    refusals = [each for each in results if isinstance(each, BaseException)]
    assert len(refusals) == 3
    assert all(isinstance(each, Conflict) for each in refusals), refusals


async def test_concurrent_registrations_with_one_name_all_get_usernames(container):
    signed = await asyncio.gather(
        *(register(container, name="Ada Lovelace", email=f"ada{number}@example.org") for number in range(20))
    )

    names = {each.user.username for each in signed}
    assert len(names) == 20
    assert all(name.startswith("ada-lovelace") and len(name) <= 32 for name in names)


async def test_a_login_creates_a_new_session(container):
    registered = await register(container)

    signed = await login(container, email=" ADA@example.org")

    assert signed.user == registered.user
    assert signed.refresh_token != registered.refresh_token
    rows = await models.Session.filter(user_id=signed.user.id)
    assert [(row.ip, row.user_agent) for row in rows] == [("192.0.2.1", "tests")] * 2


@pytest.mark.parametrize("password", ["пароль и ещё", "密码密码密码密码", "po" * 36 + "p", "🐎" * 300])
async def test_any_registered_password_logs_in(container, password):
    await register(container, password=password)

    await login(container, password=password)
    with pytest.raises(Unauthenticated):
        await login(container, password=password[:-1])


async def test_an_unknown_account_and_a_wrong_password_get_the_same_error(container):
    await register(container)

    refusals = []
    for email, password in [
        ("ada@example.org", "wrong password"),
        ("eve@example.org", "wrong password"),
        ("nonsense", "wrong password"),
    ]:
        with pytest.raises(Unauthenticated) as refusal:
            await login(container, email, password)
        refusals.append((refusal.value.code, refusal.value.message, refusal.value.fields))
    assert len(set(refusals)) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_unknown_account_takes_the_same_work(container, monkeypatch):
    await register(container)
    compared = []

    def watched(password, digest):
        compared.append(digest[:7])
        return False

    monkeypatch.setattr(passwords.bcrypt, "checkpw", watched)
    for email in ("ada@example.org", "eve@example.org", "nonsense"):
        with pytest.raises(Unauthenticated):
            await login(container, email)

    assert compared == [b"$2b$04$"] * 3


async def test_suspension_is_reported_only_with_the_password(container):
    signed = await register(container)
    await models.User.filter(id=signed.user.id).update(suspended_at=clock.now(), suspend_reason="spam")

    with pytest.raises(Suspended):
        await login(container)
    with pytest.raises(Unauthenticated):
        await login(container, password="wrong password")


async def test_a_deleted_account_cannot_log_in(container):
    signed = await register(container)
    await models.User.filter(id=signed.user.id).update(deleted_at=clock.now())

    with pytest.raises(Unauthenticated):
        await login(container)


async def test_a_digest_with_other_rounds_is_replaced(container):
    signed = await register(container)
    old = await passwords.digest("long enough", 5)
    await models.User.filter(id=signed.user.id).update(password_digest=old)

    await login(container)

    stored = (await models.User.get(id=signed.user.id)).password_digest
    assert passwords.rounds_of(stored) == 4
    await login(container)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_replacing_a_digest_does_not_restore_an_old_password(container, monkeypatch):
    signed = await register(container)
    mine = models.User.filter(id=signed.user.id)
    await mine.update(password_digest=await passwords.digest("long enough", 5))
    another = await passwords.digest("another password", 4)
    make = passwords.digest

    async def slow(password, rounds):
        await mine.update(password_digest=another)  # the password is changed in this moment
        return await make(password, rounds)

    monkeypatch.setattr(passwords, "digest", slow)
    await login(container)

    assert (await mine.get()).password_digest == another


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_login_succeeds_although_its_digest_cannot_be_replaced(container, monkeypatch):
    signed = await register(container)
    old = await passwords.digest("long enough", 5)
    await models.User.filter(id=signed.user.id).update(password_digest=old)

    async def busy(_password, _rounds):
        raise Unavailable

    monkeypatch.setattr(passwords, "digest", busy)
    await login(container)

    assert (await models.User.get(id=signed.user.id)).password_digest == old
