"""/auth over a real server: what clients see of accounts and sessions."""

import asyncio
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import socketio

from hubbub import models
from hubbub.core import clock
from hubbub.core.auth_tokens import ACCESS_AUDIENCE
from tests.support.live_instance import ApiUser, LiveInstance

ADA = {"name": "Ada", "email": "ada@example.org", "password": "long enough"}


async def test_a_user_registers(instance):
    async with instance.http.post(f"{instance.url}/api/v1/auth/register", json=ADA) as answer:
        assert answer.status == 201
        assert answer.headers["Location"] == "/api/v1/auth/me"
        document = await answer.json()

    assert list(document) == ["data"]
    data = document["data"]
    assert set(data) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (data["token_type"], data["expires_in"]) == ("Bearer", 900)
    assert data["user"]["username"] == "ada"
    assert "password" not in str(document)
    headers = {"Authorization": f"bearer {data['access_token']}"}
    assert await instance.rest("GET", "/auth/me", headers=headers) == (200, {"data": data["user"]})


async def test_a_user_logs_in(instance):
    await instance.rest("POST", "/auth/register", json=ADA)
    given = {"email": "ADA@example.org", "password": "long enough", "device_name": "a test"}

    status, answer = await instance.rest("POST", "/auth/login", json=given)

    assert status == 200
    assert set(answer["data"]) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert await models.Session.filter(device_name="a test").exists()


async def test_an_unknown_account_and_a_wrong_password_get_the_same_response(instance):
    await instance.rest("POST", "/auth/register", json=ADA)

    answers = [
        await instance.rest("POST", "/auth/login", json={"email": email, "password": "wrong password"})
        for email in ("ada@example.org", "eve@example.org", "nonsense")
    ]

    for _, document in answers:
        del document["request_id"]
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0][0], answers[0][1]["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": 7}, "name"),
        ({"email": "nonsense"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": None}, "password"),
        ({"username": "a b"}, "username"),
        ({"nickname": "Ada"}, "nickname"),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_error_names_an_invalid_field(instance, changes, field):
    status, answer = await instance.rest("POST", "/auth/register", json={**ADA, **changes})

    assert (status, answer["code"]) == (422, "invalid_payload")
    assert [each["field"] for each in answer["errors"]] == [field]
    assert not await models.User.exists()


async def test_registering_twice_is_a_conflict(instance):
    answers = await asyncio.gather(
        *(instance.rest("POST", "/auth/register", json={**ADA, "username": f"ada{n}"}) for n in range(2))
    )

    assert sorted(status for status, _ in answers) == [201, 409]
    refusal = next(answer for status, answer in answers if status == 409)
    assert (refusal["code"], refusal["errors"][0]["field"]) == ("conflict", "email")


async def test_concurrent_registrations_with_one_name_all_succeed(instance):
    answers = await asyncio.gather(
        *(
            instance.rest("POST", "/auth/register", json={**ADA, "email": f"ada{n}@example.org"})
            for n in range(20)
        )
    )

    assert [status for status, _ in answers] == [201] * 20
    assert len({answer["data"]["user"]["username"] for _, answer in answers}) == 20


async def test_of_ten_concurrent_refreshes_one_succeeds_and_the_session_ends(instance):
    user = await instance.register()

    answers = await asyncio.gather(
        *(
            instance.rest("POST", "/auth/refresh", json={"refresh_token": user.refresh_token})
            for _ in range(10)
        )
    )

    assert sorted(status for status, _ in answers) == [200, *[400] * 9]
    assert {answer["code"] for status, answer in answers if status == 400} == {"invalid_token"}
    status, refusal = await user.rest("GET", "/auth/me")
    assert (status, refusal["code"]) == (401, "session_revoked")


async def test_logging_out_ends_rest_and_sockets_at_once(instance):
    user = await instance.register()
    client = await user.connect_client()
    status, answer = await instance.rest(
        "POST",
        "/auth/login",
        json={"email": f"{user.username}@example.com", "password": "correct horse battery"},
    )
    other = await type(user)(instance, answer["data"]).connect_client()

    status, refusal = await user.rest("POST", "/auth/logout", json={"all": True})
    assert (status, [each["field"] for each in refusal["errors"]]) == (422, ["all"])
    began = asyncio.get_running_loop().time()
    body = {"refresh_token": user.refresh_token}  # as many clients send it
    assert await user.rest("POST", "/auth/logout", json=body) == (204, None)

    assert await client.next_event("auth:revoked") == {"reason": "logged_out"}
    closing = await client.next_event("closing")
    assert (closing["code"], closing["retry_after_ms"]) == ("session_revoked", None)
    gone = await client.next_event("disconnect")
    assert gone["reason"] == socketio.AsyncClient.reason.SERVER_DISCONNECT
    assert asyncio.get_running_loop().time() - began < 1
    assert client.events[-1][0] == "disconnect"
    for method, path in [("GET", "/auth/me"), ("GET", "/rooms"), ("POST", "/auth/logout")]:
        status, refusal = await user.rest(method, path)
        assert (status, refusal["code"]) == (401, "session_revoked")
    status, refusal = await instance.rest("POST", "/auth/refresh", json={"refresh_token": user.refresh_token})
    assert (status, refusal["code"]) == (400, "invalid_token")
    await other.synchronize()  # another session of the same user continues


async def test_a_reused_refresh_token_closes_the_sockets(instance):
    user = await instance.register()
    client = await user.connect_client()
    given = {"refresh_token": user.refresh_token}

    assert (await instance.rest("POST", "/auth/refresh", json=given))[0] == 200
    assert (await instance.rest("POST", "/auth/refresh", json=given))[0] == 400

    assert await client.next_event("auth:revoked") == {"reason": "refresh_token_reused"}
    await client.next_event("disconnect")


async def test_a_suspended_user_is_refused_everywhere(instance):
    user = await instance.register()
    await models.User.filter(id=user.id).update(suspended_at=clock.now())

    login = {"email": f"{user.username}@example.com", "password": "correct horse battery"}
    answers = [
        await instance.rest("POST", "/auth/login", json=login),
        await user.rest("GET", "/rooms"),
        await instance.rest("POST", "/auth/refresh", json={"refresh_token": user.refresh_token}),
    ]
    assert [(status, answer["code"]) for status, answer in answers] == [(403, "suspended")] * 3
    with pytest.raises(socketio.exceptions.ConnectionError):
        await user.connect_client()
    assert instance.clients[-1].connect_error["data"]["code"] == "suspended"


def _token(instance, user, secret=None, algorithm="HS256", **changes):
    now = datetime.now(UTC)
    session = jwt.decode(user.token, options={"verify_signature": False})["sid"]
    claims = {"iss": "hubbub", "aud": ACCESS_AUDIENCE, "sub": user.id, "sid": session, "iat": now}
    claims |= {"exp": now + timedelta(minutes=1), **changes}
    return jwt.encode(claims, secret or instance.settings.secret_key, algorithm)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_invalid_tokens_are_refused(instance):
    user = await instance.register()
    good = _token(instance, user)
    unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), None, "none")
    past = datetime.now(UTC) - timedelta(seconds=1)
    cases = {
        f"Bearer {_token(instance, user, exp=past)}": "token_expired",
        f"Bearer {_token(instance, user, secret='another secret of many characters')}": "unauthenticated",
        f"Bearer {_token(instance, user, aud='hubbub:reset')}": "unauthenticated",
        f"Bearer {unsigned}": "unauthenticated",
        f"Bearer {user.refresh_token}": "unauthenticated",
        f"Basic {good}": "unauthenticated",
        good: "unauthenticated",
        "Bearer": "unauthenticated",
        "Bearer ": "unauthenticated",
        "Bearer ü\udcff": "unauthenticated",
        "": "unauthenticated",
    }
    for header, code in cases.items():
        async with instance.http.get(
            f"{instance.url}/api/v1/auth/me", headers={"Authorization": header}
        ) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, code), header
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (await instance.rest("GET", "/auth/me"))[0] == 401
    assert (await instance.rest("GET", "/auth/me", headers={"Authorization": f"Bearer {good}"}))[0] == 200


async def test_sessions_survive_a_new_secret_key(settings):
    old, new = settings.secret_key, "the-secret-key-that-comes-after-it"
    during = settings.model_copy(update={"secret_key": new, "secret_key_previous": (old,)})
    after = settings.model_copy(update={"secret_key": new})
    async with LiveInstance(settings) as instance:
        user = await instance.register("ada")

    async with LiveInstance(during) as instance:
        again = ApiUser(instance, {**vars(user), "user": user.account, "access_token": user.token})
        assert (await again.rest("GET", "/auth/me"))[0] == 200
        await again.connect_client()
        _, renewed = await instance.rest("POST", "/auth/refresh", json={"refresh_token": user.refresh_token})

    async with LiveInstance(after) as instance:
        headers = {"Authorization": f"Bearer {renewed['data']['access_token']}"}
        assert (await instance.rest("GET", "/auth/me", headers=headers))[0] == 200
        headers = {"Authorization": f"Bearer {user.token}"}
        status, refusal = await instance.rest("GET", "/auth/me", headers=headers)
        assert (status, refusal["code"]) == (401, "unauthenticated")
        given = {"refresh_token": renewed["data"]["refresh_token"]}
        assert (await instance.rest("POST", "/auth/refresh", json=given))[0] == 200


async def test_an_invalid_refresh_token_is_refused(instance):
    user = await instance.register()
    for token in (user.token, "nonsense", ""):
        status, answer = await instance.rest("POST", "/auth/refresh", json={"refresh_token": token})
        assert (status, answer["code"]) == (400, "invalid_token")
    assert (await user.rest("GET", "/auth/me"))[0] == 200


def of_another_clock(instance, token, seconds):
    """The token as an instance would have made it whose clock differs."""
    claims = jwt.decode(token, options={"verify_signature": False})
    shifted = {name: claims[name] + seconds for name in ("iat", "exp")}
    head = {"kid": jwt.get_unverified_header(token)["kid"]}
    return jwt.encode({**claims, **shifted}, instance.settings.secret_key, "HS256", head)


async def refreshed(instance, ada, seconds):
    token = of_another_clock(instance, ada.refresh_token, seconds)
    return (await instance.rest("POST", "/auth/refresh", json={"refresh_token": token}))[0] == 200


async def requested(instance, ada, seconds):
    token = of_another_clock(instance, ada.token, seconds)
    return (await instance.rest("GET", "/auth/me", headers={"Authorization": f"Bearer {token}"}))[0] == 200


async def connected(instance, ada, seconds):
    try:
        await ada.connect_client(token=of_another_clock(instance, ada.token, seconds))
    except socketio.exceptions.ConnectionError:
        return False
    return True


async def renewed(instance, ada, seconds):
    client = await ada.connect_client()
    return (await client.call_for_ack("auth:refresh", token=of_another_clock(instance, ada.token, seconds)))[
        "ok"
    ]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(("seconds", "good"), [(-60, True), (-1, True), (1, True), (58, True), (3600, False)])
@pytest.mark.parametrize("use", [requested, connected, renewed, refreshed])
async def test_a_token_of_an_instance_with_another_clock_is_accepted_everywhere(instance, use, seconds, good):
    assert await use(instance, await instance.register("ada"), seconds) is good
