"""/admin: users and rooms. Each rule is tried to be broken here."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.services.admin import admins
from hubbub.services.mail import one_time_tokens
from tests.support.live_instance import LiveInstance
from tests.support.unreliable_bus import DroppingBus

LOGIN = {"password": "correct horse battery"}
SPAM = {"reason": "spam"}


@pytest.fixture
async def root(instance):
    """The only admin."""
    return await made(instance, "boss", "admin")


async def made(instance, name, role):
    """Register a user with a role."""
    user = await instance.register(name)
    await models.User.filter(id=user.id).update(role=role)
    return user


async def change(by, whom, **asked):
    """Change a user. Returns status and response."""
    return await by.rest("PATCH", f"/admin/users/{whom.id}", json=asked)


async def roles():
    return dict(await models.User.all().values_list("username", "role"))


async def trail(*actions):
    """What the audit log says of these acts, the oldest first."""
    rows = await models.AuditRecord.filter(action__in=actions).order_by("id")
    return [(row.action, row.outcome, row.reason, str(row.actor_id), row.target_id) for row in rows]


# --- permissions ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/users"),
        ("GET", "/admin/users/{id}"),
        ("PATCH", "/admin/users/{id}"),
        ("DELETE", "/admin/users/{id}"),
        ("GET", "/admin/rooms"),
    ],
)
async def test_other_users_are_refused_whether_the_object_exists_or_not(instance, method, path):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    for user_id in (bob.id, ada.id, str(uuid4())):
        body = {"json": {"role": "admin"}} if method == "PATCH" else {}
        status, answer = await ada.rest(method, path.replace("{id}", user_id), **body)
        assert (status, answer["code"]) == (403, "forbidden")
    assert set((await roles()).values()) == {"user"}


async def test_refused_attempts_are_recorded(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    await change(ada, ada, role="admin")
    await change(ada, bob, suspended=SPAM)
    await ada.rest("DELETE", f"/admin/users/{bob.id}")
    assert await trail("user.set_role", "user.suspend", "user.delete") == [
        ("user.set_role", "failed", "forbidden", ada.id, ada.id),
        ("user.suspend", "failed", "forbidden", ada.id, bob.id),
        ("user.delete", "failed", "forbidden", ada.id, bob.id),
    ]


# --- finding ---


async def test_users_are_found_by_words_role_and_suspension(instance, root):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    await change(root, bob, suspended=SPAM)

    async def found(**asked):
        status, answer = await root.rest("GET", "/admin/users", params=asked)
        assert status == 200, answer
        assert answer["meta"]["total"] == len(answer["data"])
        return [user["username"] for user in answer["data"]]

    assert await found() == ["bob", "ada", "boss"]
    assert await found(sort="username") == ["ada", "bob", "boss"]
    assert await found(sort="role,-username") == ["boss", "bob", "ada"]
    assert await found(q="ADA example") == ["ada"]
    assert await found(q="ada bob") == []
    assert await found(q="%") == []
    assert await found(role="admin") == ["boss"]
    assert await found(suspended="true") == ["bob"]
    assert await found(suspended="false", q="example") == ["ada", "boss"]
    await models.User.filter(id=bob.id).update(suspended_until=clock.now())
    assert await found(suspended="true") == []
    assert await found(suspended="false") == ["bob", "ada", "boss"]
    await models.User.filter(id=ada.id).update(deleted_at=clock.now())
    assert await found() == ["bob", "boss"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_invalid_parameters_are_refused(instance, root):
    await instance.register("ada")
    _, answer = await root.rest("GET", "/admin/users", params={"limit": 1, "page": 2, "sort": "username"})
    assert [user["username"] for user in answer["data"]] == ["boss"]
    assert answer["meta"] == {"page": 2, "limit": 1, "total": 2, "pages": 2}
    for wrong in ({"sort": "password_digest"}, {"sort": "-"}, {"role": "god"}, {"limit": 101}, {"page": 0}):
        status, answer = await root.rest("GET", "/admin/users", params=wrong)
        assert (status, answer["errors"][0]["field"]) == (422, next(iter(wrong)))


async def test_a_user_view_contains_no_secret(instance, root):
    ada = await instance.register("ada")
    status, answer = await root.rest("GET", f"/admin/users/{ada.id}")
    assert status == 200
    assert set(answer["data"]) == {
        *("id", "username", "display_name", "avatar_url", "email", "email_verified", "role", "suspended"),
        *("created_at", "last_seen_at"),
    }
    assert (await root.rest("GET", f"/admin/users/{uuid4()}"))[0] == 404


async def test_all_rooms_are_listed_without_messages(instance, root):
    room_id, _ = await instance.room_with_clients("ada", "bob")
    status, answer = await root.rest("GET", "/admin/rooms", params={"kind": "private", "q": "room of ada"})
    assert status == 200
    assert [(room["id"], room["member_count"], room["archived"]) for room in answer["data"]] == [
        (room_id, 2, False)
    ]
    assert (await root.rest("GET", f"/rooms/{room_id}"))[0] == 404  # reading is for members
    _, answer = await root.rest("GET", "/admin/rooms", params={"archived": "true"})
    assert answer["data"] == []
    _, answer = await root.rest("GET", "/admin/rooms", params={"sort": "-member_count", "limit": 1})
    assert answer["data"][0]["name"] == "general"


# --- roles ---


async def test_only_admins_change_roles(instance, root):
    ada, mod = await instance.register("ada"), await made(instance, "mod", "moderator")
    for by, whom, role in ((mod, mod, "admin"), (mod, ada, "moderator"), (mod, root, "user")):
        assert (await change(by, whom, role=role))[0] == 403
    assert await roles() == {"boss": "admin", "ada": "user", "mod": "moderator"}

    status, answer = await change(root, ada, role="moderator")
    assert (status, answer["data"]["role"]) == (200, "moderator")
    row = await models.AuditRecord.get(action="user.set_role", outcome="ok")
    assert (row.target_id, row.facts) == (ada.id, '{"before":"user","after":"moderator"}')
    assert (await ada.rest("GET", "/admin/users"))[0] == 200  # with the token of before


async def test_sockets_follow_a_new_role_at_once(instance, root):
    ada = await instance.register("ada")
    await ada.connect_client()
    (connection,) = instance.app.chat.connections.of_user(UUID(ada.id))
    await change(root, ada, role="moderator")
    assert connection.ctx.role == "moderator"
    await change(root, ada, role="user")
    assert connection.ctx.role == "user"


async def _until_role(instance, user, role):
    (connection,) = instance.app.chat.connections.of_user(UUID(user.id))
    async with asyncio.timeout(10):
        while connection.ctx.role != role:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_role_set_by_a_command_or_without_a_signal_is_found(settings):
    bus = DroppingBus()
    async with LiveInstance(settings, bus) as instance:
        root, ada = await made(instance, "boss", "admin"), await instance.register("ada")
        await ada.connect_client()
        await admins.promote(instance.app.container, "ada@example.com")
        await _until_role(instance, ada, "admin")
        bus.should_drop = lambda _: True
        await change(root, ada, role="user")
        await _until_role(instance, ada, "user")


async def test_the_last_admin_keeps_the_role(instance, root):
    assert (await change(root, root, role="user"))[1]["code"] == "conflict"
    other = await made(instance, "other", "admin")
    assert (await change(root, other, suspended=SPAM))[0] == 200
    _, answer = await change(root, root, role="user")
    assert answer["code"] == "conflict"  # a suspended admin does not count
    token = {"token": await one_time_tokens.create(UUID(root.id), "delete_account", "boss@example.com")}
    assert (await root.rest("DELETE", "/users/account", json=token))[1]["code"] == "conflict"
    assert (await change(root, other, suspended=None))[0] == 200
    assert (await root.rest("DELETE", "/users/account", json=token))[0] == 204  # the token stayed good
    assert (await change(other, other, role="user"))[1]["code"] == "conflict"


async def test_of_two_admins_who_demote_each_other_one_stays(instance):
    names = ("one", "two")
    users = [await made(instance, name, "admin") for name in names]
    acts = [
        lambda by, whom: change(by, whom, role="user"),
        lambda by, whom: change(by, whom, suspended=SPAM),
        lambda by, _: change(by, by, role="user"),
    ]
    for act in acts * 3:
        await models.User.filter(username__in=names).update(role="admin", suspended_at=None)
        answers = await asyncio.gather(act(*users), act(*reversed(users)))
        assert sorted(status for status, _ in answers) in ([200, 403], [200, 409])
        able = models.User.filter(role="admin", suspended_at__isnull=True)
        assert await able.count() == 1


async def test_of_two_admins_who_delete_their_accounts_at_once_one_stays(instance):
    users = [await made(instance, name, "admin") for name in ("one", "two")]

    async def leave(user):
        email = f"{user.username}@example.com"
        token = await one_time_tokens.create(UUID(user.id), "delete_account", email)
        return await user.rest("DELETE", "/users/account", json={"token": token})

    answers = await asyncio.gather(*(leave(user) for user in users))
    assert sorted(status for status, _ in answers) == [204, 409]
    assert await models.User.filter(role="admin", deleted_at__isnull=True).count() == 1


# --- suspensions ---


async def test_a_suspended_user_is_disconnected_at_once_with_the_reason(instance, root):
    ada = await instance.register("ada")
    client = await ada.connect_client()
    until = clock.rfc3339(clock.now() + timedelta(days=3))
    status, answer = await change(root, ada, suspended={"reason": "spam in #general", "until": until})
    assert status == 200
    assert answer["data"]["suspended"] | {"since": ""} == {
        "reason": "spam in #general",
        "since": "",
        "until": until,
    }

    received = f"This account is suspended until {until}: spam in #general"
    closing = await client.next_event("closing")
    assert (closing["code"], closing["message"]) == ("suspended", received)
    login = {"email": "ada@example.com", **LOGIN}
    for answered in (
        await instance.rest("POST", "/auth/login", json=login),
        await instance.rest("POST", "/auth/refresh", json={"refresh_token": ada.refresh_token}),
        await ada.rest("GET", "/auth/me"),
    ):
        assert (answered[0], answered[1]["code"], answered[1]["detail"]) == (403, "suspended", received)
    wrong = await instance.rest("POST", "/auth/login", json={**login, "password": "wrong horse battery"})
    assert wrong[1]["code"] == "unauthenticated"
    assert (await trail("user.suspend"))[0][1:] == ("ok", None, root.id, ada.id)

    assert (await change(root, ada, suspended=None))[1]["data"]["suspended"] is None
    assert (await ada.rest("GET", "/auth/me"))[0] == 200
    assert (await trail("user.unsuspend"))[0][1:] == ("ok", None, root.id, ada.id)


async def test_a_suspension_expires(instance, root):
    ada = await instance.register("ada")
    await change(root, ada, suspended={**SPAM, "until": clock.rfc3339(clock.now() + timedelta(days=1))})
    assert (await ada.rest("GET", "/auth/me"))[0] == 403
    await models.User.filter(id=ada.id).update(suspended_until=clock.now())
    assert (await ada.rest("GET", "/auth/me"))[0] == 200
    await ada.connect_client()
    assert (await root.rest("GET", f"/admin/users/{ada.id}"))[1]["data"]["suspended"] is None


async def test_moderators_suspend_only_users(instance, root):
    ada, mod = await instance.register("ada"), await made(instance, "mod", "moderator")
    peer = await made(instance, "peer", "moderator")
    for whom in (root, peer, mod):
        assert (await change(mod, whom, suspended=SPAM))[0] == 403
        assert (await change(mod, whom, suspended=None))[0] == 403
    assert (await change(mod, ada, suspended=SPAM, role="moderator"))[0] == 403  # all or nothing
    assert (await change(root, root, suspended=SPAM))[0] == 403
    assert not await models.User.filter(suspended_at__isnull=False).exists()
    assert (await mod.rest("DELETE", f"/admin/users/{ada.id}"))[0] == 403
    assert (await change(mod, ada, suspended=SPAM))[0] == 200


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"role": "god"}, "role"),
        ({"role": None}, "role"),
        ({"suspended": {"reason": ""}}, "suspended.reason"),
        ({"suspended": {"reason": "\n"}}, "suspended.reason"),
        ({"suspended": {"reason": "a\x00b"}}, "suspended.reason"),
        ({"suspended": {"reason": "x" * 251}}, "suspended.reason"),
        ({"suspended": {"until": "2100-01-01T00:00:00Z"}}, "suspended.reason"),
        ({"suspended": {**SPAM, "until": "2001-01-01T00:00:00Z"}}, "suspended.until"),
        ({"suspended": {**SPAM, "until": "2100-01-01T00:00:00"}}, "suspended.until"),
        ({"suspended": {**SPAM, "forever": True}}, "suspended.forever"),
        ({"email": "other@example.com"}, "email"),
        ({"password_digest": "x"}, "password_digest"),
    ],
)
async def test_an_invalid_request_changes_nothing(instance, root, asked, field):
    ada = await instance.register("ada")
    before = await models.User.get(id=ada.id).values()
    status, answer = await change(root, ada, **asked)
    assert (status, answer["errors"][0]["field"]) == (422, field)
    assert await models.User.get(id=ada.id).values() == before


# --- deletion ---


async def test_an_account_is_deleted_with_its_sessions_and_memberships(instance, root):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    await bob.send(room_id, "hello")
    gone = instance.users["bob"]
    assert (await root.rest("DELETE", f"/admin/users/{gone.id}"))[0] == 204

    assert (await bob.next_event("auth:revoked"))["reason"] == "account_deleted"
    assert (await ada.next_event("member:left"))["user"]["username"].startswith("deleted-")
    assert (await gone.rest("GET", "/auth/me"))[0] == 401
    for again in ("GET", "PATCH", "DELETE"):
        asked = {"json": {"role": "admin"}} if again == "PATCH" else {}
        assert (await root.rest(again, f"/admin/users/{gone.id}", **asked))[0] == 404
    assert (await trail("user.delete"))[0] == ("user.delete", "ok", None, root.id, gone.id)


async def test_an_admin_cannot_delete_the_own_account_here(instance, root):
    await made(instance, "other", "admin")
    assert (await root.rest("DELETE", f"/admin/users/{root.id}"))[0] == 403
