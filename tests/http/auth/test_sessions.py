"""/sessions: the sessions of a user."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from tests.support import mmdb
from tests.support.live_instance import ApiUser, LiveInstance

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


async def again(instance, name, **options):
    """Log a user in once more."""
    body = {"email": f"{name}@example.com", "password": "correct horse battery", "device_name": "her phone"}
    status, answer = await instance.rest("POST", "/auth/login", json=body, **options)
    assert status == 200
    return ApiUser(instance, answer["data"])


async def test_each_session_has_a_description(instance):
    ada = await instance.register("ada")
    await again(instance, "ada", headers={"User-Agent": PHONE})
    await instance.register("bob")

    status, answer = await ada.rest("GET", "/sessions")

    assert status == 200
    assert answer["meta"] == {"page": 1, "limit": 20, "total": 2, "pages": 1}
    by_current = {session["current"]: session for session in answer["data"]}
    phone = by_current[False]
    assert (phone["device_name"], phone["browser"], phone["os"], phone["device"]) == (
        "her phone",
        "Mobile Safari 17",
        "iOS 17",
        "iPhone",
    )
    assert (phone["ip"], phone["location"], phone["place"]) == ("127.0.0.1", None, None)
    assert "digest" not in str(answer)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_session_has_its_end_and_the_place_of_its_ip_address(settings, tmp_path):
    path = tmp_path / "city.mmdb"
    mmdb.write(path, "127.0.0.0/8", {"country": {"names": {"en": "Kenya"}, "iso_code": "KE"}})
    async with LiveInstance(settings.model_copy(update={"geoip_database": path})) as instance:
        ada = await instance.register("ada")

        (session,) = (await ada.rest("GET", "/sessions"))[1]["data"]

    assert session["location"] == "Kenya"
    assert session["place"] == {
        "city": None,
        "region": None,
        "country": "Kenya",
        "country_code": "KE",
        "time_zone": None,
    }
    assert session["expires_at"] > session["created_at"]


async def test_revoking_a_session_ends_its_sockets_and_its_token(instance):
    ada = await instance.register("ada")
    phone = await again(instance, "ada")
    socket = await phone.connect_client()
    _, answer = await ada.rest("GET", "/sessions")
    other = next(session["id"] for session in answer["data"] if not session["current"])

    assert (await ada.rest("DELETE", f"/sessions/{other}"))[0] == 204

    await socket.next_event("auth:revoked")
    assert (await phone.rest("GET", "/auth/me"))[1]["code"] == "session_revoked"
    assert (await ada.rest("GET", "/auth/me"))[0] == 200
    assert (await ada.rest("DELETE", f"/sessions/{other}"))[0] == 404


async def test_revoking_all_others_keeps_this_session(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    others = [await again(instance, "ada") for _ in range(3)]
    socket = await others[0].connect_client()

    assert (await ada.rest("DELETE", "/sessions"))[0] == 204

    await socket.next_event("auth:revoked")
    assert [(await other.rest("GET", "/auth/me"))[0] for other in others] == [401, 401, 401]
    assert [(await user.rest("GET", "/auth/me"))[0] for user in (ada, bob)] == [200, 200]
    assert (await ada.rest("GET", "/sessions"))[1]["meta"]["total"] == 1


async def test_sessions_of_others_are_not_found(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    _, answer = await ada.rest("GET", "/sessions")

    assert (await bob.rest("DELETE", f"/sessions/{answer['data'][0]['id']}"))[0] == 404
    assert (await ada.rest("GET", "/auth/me"))[0] == 200


async def test_activity_is_visible_at_once_and_written_later(instance):
    ada = await instance.register("ada")
    long_ago = clock.now() - timedelta(days=2)
    await models.Session.filter(user_id=ada.id).update(last_seen_at=long_ago)

    _, answer = await ada.rest("GET", "/sessions")

    displayed = answer["data"][0]["last_active_at"]
    assert displayed > clock.rfc3339(clock.now() - timedelta(minutes=5))
    assert (await models.Session.get(user_id=ada.id)).last_seen_at == long_ago
    await instance.app.container.session_last_seen.write()
    written = (await models.Session.get(user_id=ada.id)).last_seen_at
    assert clock.rfc3339(written) >= displayed
