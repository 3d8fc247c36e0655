"""The audit log: its content, excluded data, and immutability."""

import json
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.core.errors import Conflict, HubbubError, Unavailable
from hubbub.core.request_info import RequestInfo
from hubbub.db import database, locking
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.schemas.jobs import SendMail
from hubbub.services.audit import recorder
from hubbub.services.jobs import retention
from hubbub.services.mail import mailer, one_time_tokens
from tests.support.live_instance import ApiUser, LiveInstance

HERE = RequestInfo("192.0.2.1", "tests", "request-1")
PASSWORD, NEXT = "correct horse battery", "staple of another kind"


@pytest.fixture
def container(instance):
    return instance.app.container


async def recorded(action=None):
    """The entries of the audit log, the oldest first: action, outcome, reason."""
    rows = models.AuditRecord.all() if action is None else models.AuditRecord.filter(action=action)
    return [(row.action, row.outcome, row.reason) for row in await rows.order_by("id")]


async def test_an_action_is_recorded_with_actor_target_and_ip_address(instance):
    user_id, session_id = ids.uuid7(), ids.uuid7()
    act = AuditEvent(Action.REVOKE_SESSION, HERE, Target("session", session_id), user_id, "user", session_id)
    async with database.transaction() as tx:
        await audit_log.record(tx, act, sessions=1)

    row = await models.AuditRecord.get()
    assert (row.action, row.outcome, row.reason) == ("session.end", "ok", None)
    assert (row.actor_id, row.actor_role, row.session_id) == (user_id, "user", session_id)
    assert (row.target_kind, row.target_id) == ("session", str(session_id))
    assert (row.ip, row.user_agent, row.request_id) == HERE
    assert json.loads(row.facts) == {"sessions": 1}
    assert abs(clock.now() - row.at) < timedelta(minutes=1)


async def test_a_failure_is_recorded_though_its_transaction_rolls_back(container):
    async def fail(error, reason=None):
        async with (
            recorder.attempt(container, AuditEvent(Action.REGISTER, HERE)) as act,
            database.transaction() as tx,
        ):
            await audit_log.record(tx, act)
            act.reason = reason
            raise error

    for error, reason in ((Conflict(), None), (Conflict(), "taken"), (ValueError(), None)):
        with pytest.raises(type(error)):
            await fail(error, reason)

    said = [("account.register", "failed", reason) for reason in ("conflict", "taken", "internal")]
    assert await recorded() == said


async def test_an_outage_is_no_recorded_outcome(container):
    with pytest.raises(Unavailable):
        async with recorder.attempt(container, AuditEvent(Action.REGISTER, HERE)):
            raise Unavailable
    assert await recorded() == []


async def test_recording_a_failure_inside_a_transaction_is_an_error(container):
    with pytest.raises(RuntimeError):
        async with database.transaction(), recorder.attempt(container, AuditEvent(Action.REGISTER, HERE)):
            pass


async def test_recorded_failures_are_rate_limited(container):
    async def fail(ip):
        with pytest.raises(Conflict):
            async with recorder.attempt(container, AuditEvent(Action.LOGIN, RequestInfo(ip, ""))):
                raise Conflict

    for _ in range(recorder.FAILURE_RATE.burst + 40):
        await fail("192.0.2.1")
    await fail("192.0.2.2")
    assert await models.AuditRecord.filter(ip="192.0.2.1").count() < recorder.FAILURE_RATE.burst + 20
    assert await models.AuditRecord.filter(ip="192.0.2.2").count() == 1


async def test_one_ipv6_network_shares_the_limit_of_failures(container):
    for number in range(recorder.FAILURE_RATE.burst + 40):
        act = AuditEvent(Action.LOGIN, RequestInfo(f"2001:db8:1:2::{number:x}", ""))
        with pytest.raises(Conflict):
            async with recorder.attempt(container, act):
                raise Conflict

    assert await models.AuditRecord.all().count() < recorder.FAILURE_RATE.burst + 20


async def test_secrets_in_details_are_masked(instance):
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    async with database.transaction() as tx:
        act = AuditEvent(Action.REGISTER, RequestInfo("", f"curl {token}"))
        await audit_log.record(tx, act, token="abc", note=token)
    row = await models.AuditRecord.get()
    assert "eyJ" not in row.user_agent + row.facts
    assert json.loads(row.facts) == {"token": "***", "note": "***"}


# --- immutability ---


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET outcome = 'ok'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE at < '2100-01-01'",
        "TRUNCATE audit_log",
    ],
)
async def test_rows_cannot_be_changed_or_deleted(instance, statement, database_kind):
    if database_kind == "sqlite":
        statement = statement.replace("TRUNCATE", "DELETE FROM")
    async with database.transaction() as tx:
        await audit_log.record(tx, AuditEvent(Action.REGISTER, HERE))
    with pytest.raises(Exception, match="append-only"):
        await database.connection().execute(statement)
    assert await recorded() == [("account.register", "ok", None)]


async def test_retention_deletes_old_rows_and_leaves_no_bypass(instance, monkeypatch):
    with monkeypatch.context() as patched:
        then = clock.now() - timedelta(days=100)
        patched.setattr(clock, "now", lambda: then)
        for _ in range(3):
            async with database.transaction() as tx:
                await audit_log.record(tx, AuditEvent(Action.REGISTER, HERE))
    async with database.transaction() as tx:
        await audit_log.record(tx, AuditEvent(Action.LOGIN, HERE))
    monkeypatch.setattr(locking, "MAX_LOCKED_ROWS", 2)

    await retention.remove_old_rows(30, 101)
    assert len(await recorded()) == 4
    await retention.remove_old_rows(30, 99)
    assert await recorded() == [("session.sign_in", "ok", None)]
    assert not await models.DatabaseMeta.filter(key=retention.AUDIT_DELETE_BEFORE_KEY).exists()


# --- a life, and what is written down of it ---


async def test_all_operations_are_recorded_without_secrets(instance):
    secrets = [PASSWORD, NEXT, "wrong wrong wrong"]
    ada = await instance.register("ada")
    seen = [ada.token, ada.refresh_token]

    async def ask(path, expected, by=None, method="POST", **body):
        secrets.extend(str(body[name]) for name in ("token", "refresh_token") if name in body)
        status, answer = await (by or instance).rest(method, path, json=body or None)
        assert status == expected, answer
        return (answer or {}).get("data")

    async def mail_about(purpose):
        return await one_time_tokens.create(UUID(ada.id), purpose, "ada@example.com")

    await _passwords(ask, ada, mail_about)
    seen += await _sessions(instance, ask, mail_about)
    said = await recorded()  # the entries of a worker have no fixed position
    assert [each for each in said if each[0] != "password.forgot"] == [
        ("account.register", "ok", None),
        ("account.register", "failed", "conflict"),
        ("session.sign_in", "failed", "wrong_password"),
        ("session.sign_in", "failed", "unknown_account"),
        ("session.sign_in", "ok", None),
        ("session.refresh_replayed", "failed", "invalid_token"),
        ("email.verify", "failed", "invalid_token"),
        ("email.verify", "ok", None),
        ("password.change", "failed", "wrong_password"),
        ("password.change", "ok", None),
        ("password.reset", "ok", None),
        *[("session.sign_in", "ok", None)] * 3,
        ("session.end", "ok", None),
        ("session.end_others", "ok", None),
        ("account.export", "ok", None),
        ("account.request_deletion", "ok", None),
        ("account.delete", "failed", "invalid_token"),
        ("account.delete", "ok", None),
        ("account.register", "ok", None),
        ("session.sign_out", "ok", None),
    ]
    rows = await models.AuditRecord.all().values()
    assert {row["target_id"] for row in rows if row["action"] == "session.sign_in"} == {ada.id, None}
    assert all(row["ip"] == "127.0.0.1" and row["request_id"] and row["user_agent"] for row in rows)
    text = str(rows)
    for secret in [*secrets, *seen, "@example.com"]:
        assert secret not in text


async def _passwords(ask, ada, mail_about):
    """The first half of the tour."""
    login = {"email": "ada@example.com", "password": PASSWORD}
    await ask("/auth/register", 409, name="Ada", **login)
    await ask("/auth/login", 401, **{**login, "password": "wrong wrong wrong"})
    await ask("/auth/login", 401, email="nobody@example.com", password="wrong wrong wrong")
    signed = await ask("/auth/login", 200, **login)
    await ask("/auth/refresh", 200, refresh_token=signed["refresh_token"])
    await ask("/auth/refresh", 400, refresh_token=signed["refresh_token"])
    await ask("/auth/verify-email", 400, token="no such token")
    await ask("/auth/verify-email", 204, token=await mail_about("verify_email"))
    wrong = {"current_password": "wrong wrong wrong", "new_password": NEXT}
    await ask("/auth/change-password", 422, ada, **wrong)
    await ask("/auth/change-password", 204, ada, current_password=PASSWORD, new_password=NEXT)
    await ask("/auth/forgot-password", 202, email="ada@example.com")
    await ask("/auth/forgot-password", 202, email="nobody@example.com")
    await ask("/auth/reset-password", 204, token=await mail_about("reset_password"), password=PASSWORD)


async def _sessions(instance, ask, mail_about):
    """The second half of the tour. Returns the issued tokens."""
    login = {"email": "ada@example.com", "password": PASSWORD}
    first = ApiUser(instance, await ask("/auth/login", 200, **login))
    second = ApiUser(instance, await ask("/auth/login", 200, **login))
    third = ApiUser(instance, await ask("/auth/login", 200, **login))
    own = (await first.rest("GET", "/sessions"))[1]["data"]
    other = next(session["id"] for session in own if not session["current"])
    await ask(f"/sessions/{other}", 204, first, "DELETE")
    await ask("/sessions", 204, first, "DELETE")
    await first.mark_sessions_confirmed()
    await first.rest("GET", "/users/account/export")
    await ask("/users/account/request-deletion", 202, first)
    await ask("/users/account", 400, first, "DELETE", token="no such token")
    await ask("/users/account", 204, first, "DELETE", token=await mail_about("delete_account"))
    bob = await instance.register("bob")
    await ask("/auth/logout", 204, bob)
    return [it for who in (first, second, third) for it in (who.token, who.refresh_token)]


async def test_a_password_reset_request_is_recorded_once_for_an_existing_account(settings):
    async with LiveInstance(settings.model_copy(update={"inline_workers": False})) as instance:
        ada = await instance.register("ada")
        for email in ("ada@example.com", "nobody@example.com"):
            await instance.rest("POST", "/auth/forgot-password", json={"email": email})
        jobs = await models.Job.filter(payload__contains="reset_password")
        for job in jobs * 2:  # as if the first had not been sent
            await mailer.send_job(instance.app.container, msgspec.json.decode(job.payload, type=SendMail))

        row = await models.AuditRecord.get(action="password.forgot")
        assert (len(jobs), row.target_id, row.actor_id, row.ip) == (2, ada.id, None, "127.0.0.1")


async def test_moderation_over_sockets_is_recorded(instance):
    room_id, (owner, _, mallory) = await instance.room_with_clients("ada", "bob", "mallory")
    bob = instance.users["bob"].id
    await mallory.call_for_ack("room:remove", room_id=room_id, user_id=bob)
    await owner.call("room:set_role", room_id=room_id, user_id=bob, role="moderator")
    await owner.call("room:remove", room_id=room_id, user_id=bob)

    assert await recorded("room.remove_member") == [
        ("room.remove_member", "failed", "forbidden"),
        ("room.remove_member", "ok", None),
    ]
    row = await models.AuditRecord.get(action="room.set_role")
    assert (str(row.actor_id), row.target_id) == (instance.users["ada"].id, room_id)
    assert (row.ip, row.target_kind) == ("127.0.0.1", "room")
    assert row.user_agent
    assert row.request_id
    assert json.loads(row.facts) == {"user_id": bob, "before": "member", "after": "moderator"}


async def test_a_failure_that_cannot_be_recorded_is_raised_unchanged(container, monkeypatch):
    async def broken(*_):
        raise OSError

    monkeypatch.setattr(recorder, "record_failure", broken)
    with pytest.raises(HubbubError):
        async with recorder.attempt(container, AuditEvent(Action.REGISTER, HERE)):
            raise Conflict
