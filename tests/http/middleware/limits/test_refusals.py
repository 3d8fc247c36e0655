"""Limits of requests whose credentials are refused: for each IP address, before any query."""

import time
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.config.production import TEST_SECRET
from hubbub.core import clock
from hubbub.core.auth_tokens import TokenIssuer
from hubbub.db.sql import Sql
from tests.http.middleware.limits.requests import ask
from tests.http.uploads.test_uploads import load, stored
from tests.support.signing import sign


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_refused_tokens_count_for_their_ip_address(instance):
    answers = [(await ask(instance, "GET", "/auth/me", token="nonsense"))[0] for _ in range(5)]

    assert answers == [401, 401, 401, 429, 429]
    assert (await ask(instance, "GET", "/auth/me", token="nonsense", address="192.0.2.2"))[0] == 401
    ada = await instance.register("ada")  # whose good token still works from there
    assert (await ask(instance, "GET", "/auth/me", token=ada.token))[0] == 200


async def _key(user, **more):
    await user.mark_sessions_confirmed()
    body = {"name": "k", "scopes": ["read"], **more}
    made = (await user.rest("POST", "/api-keys", json=body))[1]["data"]
    return {"X-API-Key": made["key"]}, made


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def _no_token(_person):
    return {}


async def _nonsense(_person):
    return _bearer("nonsense")


async def _of_another_secret(user):
    other = TokenIssuer("another secret, which is long enough for it", 900, 900)
    return _bearer(other.issue_access(UUID(user.id), uuid4())[0])


async def _of_no_session(user):
    return _bearer(user.token_issuer.issue_access(UUID(user.id), uuid4())[0])


async def _expired(user):
    return _bearer(TokenIssuer(TEST_SECRET, -60, 900).issue_access(UUID(user.id), uuid4())[0])


async def _logged_out(user):
    await user.rest("POST", "/auth/logout")
    return _bearer(user.token)


async def _suspend(user):
    await models.User.filter(id=user.id).update(suspended_at=clock.now())


async def _suspended(user):
    await _suspend(user)
    return _bearer(user.token)


async def _deleted(user):
    await models.User.filter(id=user.id).update(deleted_at=clock.now())
    return _bearer(user.token)


async def _unknown_key(_person):
    return {"X-API-Key": "hub_0123456789ab_unknown"}


async def _no_key(_person):
    return {"X-API-Key": "nonsense"}


async def _both(user):
    return {**(await _key(user))[0], **_bearer(user.token)}


async def _wrong_key(user):
    headers, _ = await _key(user)
    return {"X-API-Key": headers["X-API-Key"] + "x"}


async def _expired_key(user):
    headers, made = await _key(user)
    await models.ApiKey.filter(id=made["id"]).update(expires_at=clock.now())
    return headers


async def _revoked_key(user):
    headers, made = await _key(user)
    await user.rest("DELETE", f"/api-keys/{made['id']}")
    return headers


async def _key_of_a_suspended_user(user):
    headers, _ = await _key(user)
    await _suspend(user)
    return headers


async def _unsigned(user):
    return (await _key(user, signed=True))[0]


async def _badly_signed(user):
    headers, _ = await _key(user, signed=True)
    return {**headers, "X-Signature": sign("another secret", "GET", "/api/v1/auth/me")}


async def _signed_long_ago(user):
    headers, made = await _key(user, signed=True)
    signature = sign(made["signing_secret"], "GET", "/api/v1/auth/me", timestamp=time.time() - 3600)
    return {**headers, "X-Signature": signature}


REFUSED = [
    *(_no_token, _nonsense, _of_another_secret, _of_no_session, _expired, _logged_out, _suspended, _deleted),
    *(_unknown_key, _no_key, _both, _wrong_key, _expired_key, _revoked_key, _key_of_a_suspended_user),
    *(_unsigned, _badly_signed, _signed_long_ago),
]

LOOKUPS = ("FROM sessions s JOIN", "FROM api_keys k JOIN", "INTO audit_log", "JOIN upload_files f")


@pytest.fixture
def lookups(monkeypatch):
    """The statements that look up a credential, or record that one was refused."""
    texts, fetch, execute = [], Sql.fetch, Sql.execute

    def noted(real):
        async def query(self, sql, *values):
            if any(part in sql for part in LOOKUPS):
                texts.append(sql)
            return await real(self, sql, *values)

        return query

    monkeypatch.setattr(Sql, "fetch", noted(fetch))
    monkeypatch.setattr(Sql, "execute", noted(execute))
    return texts


async def refusals(instance, headers, times):
    """Return (status, has Retry-After) of repeated requests from one IP address."""
    found = []
    for _ in range(times):
        url, given = f"{instance.url}/api/v1/auth/me", {"X-Forwarded-For": "192.0.2.7", **headers}
        async with instance.http.get(url, headers=given) as answer:
            found.append((answer.status, "Retry-After" in answer.headers))
    return found


@pytest.mark.parametrize("limited", ["limit_http"])
@pytest.mark.parametrize("refused", REFUSED)
async def test_every_refused_credential_is_limited_and_then_costs_no_query(instance, lookups, refused):
    user = await instance.register("ada")
    user.token_issuer = instance.app.container.token_issuer
    headers = await refused(user)

    first = await refusals(instance, headers, 5)
    lookups.clear()
    later = await refusals(instance, headers, 20)

    assert {status for status, _ in first[:3]} <= {401, 403}
    assert first[4:] == [(429, True)]
    assert later == [(429, True)] * 20
    assert lookups == []


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_new_invalid_keys_cost_no_query_once_their_ip_address_is_limited(instance, lookups):
    for number in range(3):
        await refusals(instance, {"X-API-Key": f"hub_0123456789a{number}_unknown"}, 1)
    lookups.clear()

    for number in range(20):
        assert await refusals(instance, {"X-API-Key": f"hub_{number:012}_unknown"}, 1) == [(429, True)]
    assert lookups == []


@pytest.mark.parametrize("limited", ["limit_http"])
async def test_valid_credentials_are_not_limited_by_refusals_of_their_ip_address(instance):
    ada = await instance.register("ada")
    bob = await instance.register("bob")
    key, _ = await _key(ada)
    assert await refusals(instance, key, 1) == [(200, False)]

    await refusals(instance, _bearer("nonsense"), 5)
    await refusals(instance, {"X-API-Key": "nonsense"}, 5)

    assert await refusals(instance, key, 1) == [(200, False)]
    assert await refusals(instance, _bearer(bob.token), 1) == [(200, False)]


# What is refused for a private file, by the query of its URL and its headers.
NO_ACCESS = {
    "nothing": ("", _no_token),
    "a missing file": (".txt", _no_token),
    "a wrong signature": ("?e=9999999999&s=x", _no_token),
    "a wrong token": ("", _nonsense),
    "both": ("?e=9999999999&s=x", _nonsense),
    "an expired token": ("", _expired),
    "the token of an ended session": ("", _logged_out),
    "the token of a suspended user": ("", _suspended),
}


@pytest.mark.parametrize("limited", ["limit_http"])
@pytest.mark.parametrize("given", NO_ACCESS)
async def test_refused_requests_for_files_are_limited(instance, lookups, given):
    ada, eve = await instance.register("ada"), await instance.register("eve")
    upload = await stored(ada, b"hello", path="/upload/document", name="a.txt")
    query, refused = NO_ACCESS[given]
    headers = {"X-Forwarded-For": "192.0.2.8", **await refused(eve)}

    statuses = [(await load(instance, upload["url"] + query, headers=headers))[0] for _ in range(5)]
    lookups.clear()
    later = {(await load(instance, upload["url"] + query, headers=headers))[0] for _ in range(5)}

    assert set(statuses[:3]) <= {401, 403, 404}
    assert {*statuses[4:], *later} == {429}
    assert lookups == [] or not (query.startswith("?") or headers.get("Authorization"))
    signed = (await ada.rest("GET", f"/uploads/{upload['id']}"))[1]["data"]["signed_url"]
    for url, more in ((signed, {}), (upload["url"], _bearer(ada.token))):
        assert (await load(instance, url, headers={"X-Forwarded-For": "192.0.2.8", **more}))[0] == 200


@pytest.mark.parametrize("limited", ["off"])
async def test_a_user_is_accepted_again_after_a_suspension(instance):
    ada = await instance.register("ada")
    await _suspend(ada)
    assert await refusals(instance, _bearer(ada.token), 2) == [(403, False)] * 2

    await models.User.filter(id=ada.id).update(suspended_at=None)

    assert await refusals(instance, _bearer(ada.token), 2) == [(200, False)] * 2
