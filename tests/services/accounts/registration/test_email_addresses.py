"""Registration: which e-mail addresses are accepted, and their spellings."""

from types import SimpleNamespace

import pytest

from hubbub import models
from hubbub.core.errors import Conflict, Forbidden, InvalidPayload
from hubbub.gateways.identity_provider import VerifiedIdentity
from hubbub.queries.audit import audit_log
from hubbub.services.accounts import identities
from hubbub.services.admin import admins
from hubbub.services.auth import login_throttle
from tests.services.accounts.registration.operations import HERE, login, register

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


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # refused for its form
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
