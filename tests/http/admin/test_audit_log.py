"""/admin/audit-log: filtered, in pages, and taken along as a file."""

import csv
import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.core.request_info import RequestInfo
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.services.admin import audit_log as service

PATH = "/admin/audit-log"


@pytest.fixture
async def moderator(instance):
    """A user who may read the audit log."""
    user = await instance.register("mod")
    await models.User.filter(id=user.id).update(role="moderator")
    return user


HERE = RequestInfo("192.0.2.1", "tests", "request-1")


async def record(action, origin=HERE, **fields):
    async with database.transaction() as tx:
        await audit_log.record(tx, AuditEvent(action, origin, **fields), note="nothing special")


async def found(by, **asked):
    """The records of a page, the latest first."""
    status, answer = await by.rest("GET", PATH, params=asked)
    assert status == 200, answer
    return answer["data"]


async def test_a_record_has_actor_action_target_ip_address_and_outcome(instance, moderator):
    ada = await instance.register("ada")
    login = {"email": "ada@example.com", "password": "wrong wrong wrong"}
    headers = {"User-Agent": "curl/8", "X-Request-ID": "sign-in-1"}
    await instance.rest("POST", "/auth/login", json=login, headers=headers)
    await ada.rest("POST", "/auth/logout")

    out, failed, registered = await found(moderator, limit=3)
    assert failed | {"id": "", "at": ""} == {
        "id": "",
        "at": "",
        "action": "session.sign_in",
        "outcome": "failed",
        "reason": "wrong_password",
        "actor_id": None,
        "actor_username": None,
        "actor_role": None,
        "session_id": None,
        "target_kind": "user",
        "target_id": ada.id,
        "ip": "127.0.0.1",
        "user_agent": "curl/8",
        "request_id": "sign-in-1",
        "facts": {},
    }
    assert (out["action"], out["actor_id"], out["actor_username"]) == ("session.sign_out", ada.id, "ada")
    assert (out["actor_role"], out["session_id"]) == ("user", registered["session_id"])


async def test_the_audit_log_requires_its_permission(instance):
    ada = await instance.register("ada")
    for path in (PATH, f"{PATH}/export", f"{PATH}/export?format=csv"):
        assert (await ada.rest("GET", path))[0] == 403
        assert (await instance.rest("GET", path))[0] == 401
    assert not await models.AuditRecord.filter(action="audit_log.export").exists()
    refused = await models.AuditRecord.filter(action="permission.use")
    assert [(str(row.actor_id), row.outcome, row.target_id) for row in refused] == [
        (ada.id, "failed", "audit_log.read")
    ] * 3


async def test_each_filter_selects_records(instance, moderator):
    ada, bob = ids.uuid7(), ids.uuid7()
    await record(Action.REVOKE_SESSION, actor_id=ada, target=Target("session", bob))
    await record(Action.EXPORT_ACCOUNT, RequestInfo("192.0.2.2", "Firefox"), actor_id=bob)
    start = (await models.AuditRecord.filter(actor_id=ada).first()).at
    later = clock.rfc3339(start + timedelta(hours=1))

    async def actions(**asked):
        records = await found(moderator, **{"since": clock.rfc3339(start), **asked})
        return [each["action"].partition(".")[2] for each in records]

    assert await actions() == ["export", "end"]
    assert await actions(sort="at") == ["end", "export"]
    assert await actions(sort="-action") == ["end", "export"]
    assert await actions(actor_id=str(ada)) == ["end"]
    assert await actions(action="account.export") == ["export"]
    assert await actions(target_kind="session", target_id=str(bob)) == ["end"]
    assert await actions(ip="192.0.2.2") == ["export"]
    assert await actions(outcome="failed") == []
    assert await actions(q="FIRE account") == ["export"]
    assert await actions(q="nothing special") == ["export", "end"]
    assert await actions(since=later) == []
    assert await actions(until=clock.rfc3339(start), since="2001-01-01T00:00:00Z") == ["register"]
    assert await actions(until=later, action="session.end") == ["end"]
    assert await actions(limit=1, page=2) == ["end"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_invalid_parameters_are_refused(moderator):
    for wrong in (
        *({"sort": "facts"}, {"outcome": "maybe"}, {"actor_id": "ada"}, {"since": "yesterday"}, {"limit": 0}),
        {"until": "2026-01-01T00:00:00"},
    ):
        status, answer = await moderator.rest("GET", PATH, params=wrong)
        assert (status, answer["errors"][0]["field"]) == (422, next(iter(wrong)))


async def test_pages_contain_the_total(moderator):
    for _ in range(4):
        await record(Action.LOGIN)
    _, answer = await moderator.rest("GET", PATH, params={"limit": 2, "page": 2, "action": "session.sign_in"})
    assert answer["meta"] == {"page": 2, "limit": 2, "total": 4, "pages": 2}
    assert len(answer["data"]) == 2


async def test_names_of_deleted_users_are_removed_and_their_ids_stay(instance, moderator):
    ada = await instance.register("ada")
    await models.User.filter(id=ada.id).update(deleted_at=clock.now())
    (record,) = await found(moderator, actor_id=ada.id)
    assert (record["actor_username"], record["target_id"]) == (None, ada.id)


# --- taken along ---


async def test_the_audit_log_is_exported_as_json_in_batches(instance, moderator, monkeypatch):
    monkeypatch.setattr(service, "EXPORT_BATCH_ROWS", 3)
    for number in range(7):
        await record(Action.LOGIN, RequestInfo(f"192.0.2.{number}", ""))
    await record(Action.LOGOUT)

    status, answer = await moderator.rest("GET", f"{PATH}/export", params={"action": "session.sign_in"})
    assert status == 200
    assert [each["ip"] for each in answer["data"]] == [f"192.0.2.{number}" for number in range(7)]
    status, answer = await moderator.rest("GET", f"{PATH}/export", params={"actor_id": str(uuid4())})
    assert (status, answer) == (200, {"data": []})
    taken = await models.AuditRecord.filter(action="audit_log.export").values_list("actor_id", flat=True)
    assert [str(each) for each in taken] == [moderator.id] * 2


async def test_csv_contains_no_formula(instance, moderator):
    agent = '=HYPERLINK("http://192.0.2.1","click")'
    await record(Action.LOGIN, RequestInfo("192.0.2.1", agent, "-1"))
    headers = {"Authorization": f"Bearer {moderator.token}"}
    url = f"{instance.url}/api/v1{PATH}/export?format=csv&action=session.sign_in"
    async with instance.http.get(url, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/csv")
        assert answer.content_disposition.filename.startswith("audit-log-")
        (row,) = csv.DictReader(io.StringIO(await answer.text()))
    assert (row["user_agent"], row["request_id"]) == (f"'{agent}", "'-1")
    assert json.loads(row["facts"]) == {"note": "nothing special"}


async def test_an_account_export_contains_the_users_own_actions(instance):
    ada = await instance.register("ada")
    await ada.mark_sessions_confirmed()
    bob = await (await instance.register("bob")).mark_sessions_confirmed()
    await bob.rest("GET", "/users/account/export")
    _, answer = await ada.rest("GET", "/users/account/export")
    assert [each["action"] for each in answer["data"]["audit_log"]] == ["account.register", "account.export"]
