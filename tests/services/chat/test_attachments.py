"""Messages with attachments: who sees them and where, what may be attached, what keeps the uploads."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.core import clock, ids, metrics
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount, SweepUploads
from hubbub.services.accounts import deletion
from hubbub.services.uploads import sweep
from tests.http.uploads.test_uploads import load, stored
from tests.support.live_instance import OperationRefused
from tests.support.pictures import PDF, picture

DAY = timedelta(hours=24)
ABSENT = "01890a5d-ac96-774b-bcce-000000000001"


@pytest.fixture
async def room(instance):
    """The room of ada and bob, and their clients."""
    return await instance.room_with_clients("ada", "bob")


async def upload_both(instance, name="ada"):
    """Upload a picture and a document."""
    user = instance.users[name]
    return [
        await stored(user, picture(700, 500)),
        await stored(user, PDF, path="/upload/document", name="a b.pdf"),
    ]


def ids_of(uploads):
    return [each["id"] for each in uploads]


def bearer(user):
    return {"Authorization": f"Bearer {user.token}"}


async def test_members_see_attachments_wherever_they_see_the_message(instance, room):
    room_id, (ada, bob) = room
    uploads = await upload_both(instance)
    plain = await ada.send(room_id, "before")

    sent = await ada.send(room_id, "two files", attachments=ids_of(uploads))

    shown = sent["attachments"]
    assert ids_of(shown) == ids_of(uploads)
    for each, upload in zip(shown, uploads, strict=True):
        path, _, query = each["url"].partition("?")
        assert path == upload["url"]
        assert query.startswith("e=")
        assert {**each, "url": path, "thumbnails": 0} == {**upload, "thumbnails": 0}
        for thumbnail, unsigned in zip(each.get("thumbnails", []), upload.get("thumbnails", []), strict=True):
            assert thumbnail == {**unsigned, "url": f"{unsigned['url']}?{query}"}
    received = await bob.next_event("message:new", lambda it: it["message"]["id"] == sent["id"])
    assert received["message"] == sent
    edited = (await ada.call("message:edit", message_id=sent["id"], body="two fine files"))["message"]
    assert edited["attachments"] == shown
    updated = await bob.next_event("message:updated")
    assert updated["message"]["attachments"] == shown
    for position in ({}, {"around_seq": sent["seq"]}, {"after_seq": plain["seq"]}):
        page = await bob.call("message:history", room_id=room_id, **position)
        assert {it["id"]: it["attachments"] for it in page["messages"]}[sent["id"]] == shown
    found = await bob.call("message:search", query="fine")
    assert found["messages"][0]["attachments"] == shown
    reacted = await bob.call("reaction:add", message_id=sent["id"], emoji="🎉")
    assert reacted["message"]["attachments"] == shown
    _, one = await instance.users["bob"].rest("GET", f"/messages/{sent['id']}")
    assert one["data"]["attachments"] == shown
    entries = (await bob.call("sync", rooms={room_id: 0}))["rooms"][room_id]["entries"]
    replayed = [it["payload"]["message"] for it in entries if "message" in it["payload"]]
    assert [it["attachments"] for it in replayed] == [[], shown, shown]


async def test_the_log_stores_ids_and_no_url(instance, room):
    room_id, (ada, _) = room
    uploads = await upload_both(instance)
    sent = await ada.send(room_id, 'says "attachments":[]', attachments=ids_of(uploads))
    await ada.call("message:edit", message_id=sent["id"], body='still "attachments":[]')

    async with database.guard():
        rows = await database.connection().fetch("SELECT payload_json FROM entries")
    messages = await models.Message.filter(id=sent["id"])

    texts = [row["payload_json"] for row in rows] + [messages[0].attachments]
    assert not any("/uploads/" in text or "s=" in text for text in texts)
    stored_ids = [json.loads(text)["message"]["attachments"] for text in texts if '"message":' in text]
    assert stored_ids == [ids_of(uploads)]
    assert json.loads(messages[0].attachments) == ids_of(uploads)
    entries = (await ada.call("sync", rooms={room_id: 0}))["rooms"][room_id]["entries"]
    replayed = [it["payload"]["message"]["attachments"] for it in entries if "message" in it["payload"]]
    assert [ids_of(each) for each in replayed] == [ids_of(uploads)] * 2


async def test_a_message_of_attachments_alone_is_sent_by_rest(instance, room):
    room_id, (_, bob) = room
    (one, two) = await upload_both(instance)
    ada, client_id = instance.users["ada"], str(uuid4())
    body = {"client_id": client_id, "body": "", "attachments": [two["id"], one["id"]]}

    status, sent = await ada.rest("POST", f"/rooms/{room_id}/messages", json=body)
    again = await ada.rest("POST", f"/rooms/{room_id}/messages", json=body)

    assert status == again[0] == 201
    assert again[1]["data"] == sent["data"]
    assert ids_of(sent["data"]["attachments"]) == body["attachments"]
    assert (await bob.next_event("message:new"))["message"] == sent["data"]
    assert await models.Attachment.all().count() == 2
    nothing = {**body, "client_id": str(uuid4()), "attachments": []}
    assert (await ada.rest("POST", f"/rooms/{room_id}/messages", json=nothing))[0] == 422


async def test_only_own_images_and_documents_can_be_attached(instance, room):
    room_id, (ada, _) = room
    (mine, gone) = await upload_both(instance)
    theirs = await stored(instance.users["bob"], picture())
    avatar = await stored(instance.users["ada"], picture(), path="/upload/avatar")
    assert (await instance.users["ada"].rest("DELETE", f"/uploads/{gone['id']}"))[0] == 204

    for bad, code, field in (
        ([mine["id"], ABSENT], "not_found", "attachments[1]"),
        ([theirs["id"]], "not_found", "attachments[0]"),
        ([gone["id"], mine["id"]], "not_found", "attachments[0]"),
        ([mine["id"], avatar["id"]], "invalid_payload", "attachments[1]"),
        ([mine["id"], mine["id"]], "invalid_payload", "attachments[1]"),
        (["nonsense"], "invalid_payload", "attachments[0]"),
        ([ABSENT] * 11, "invalid_payload", "attachments"),
    ):
        with pytest.raises(OperationRefused) as refused:
            await ada.send(room_id, "x", attachments=bad)
        assert refused.value.code == code, bad
        assert field in str(refused.value.error)
    assert await models.Message.all().count() == await models.Attachment.all().count() == 0


async def test_a_repeated_message_needs_no_uploads(instance, room):
    room_id, (ada, _) = room
    uploads, client_id = await upload_both(instance), str(uuid4())
    sent = await ada.send(room_id, "x", attachments=ids_of(uploads), client_id=client_id)
    assert await ada.send(room_id, "x", attachments=ids_of(uploads), client_id=client_id) == sent
    await ada.call("message:delete", message_id=sent["id"])
    for each in uploads:
        assert (await instance.users["ada"].rest("DELETE", f"/uploads/{each['id']}"))[0] == 204

    again = await ada.send(room_id, "x", attachments=ids_of(uploads), client_id=client_id)

    assert (again["id"], again["attachments"], again["body"]) == (sent["id"], [], "")


async def test_a_deleted_message_releases_its_uploads(instance, room):
    room_id, (ada, bob) = room
    user, uploads = instance.users["ada"], await upload_both(instance)
    kept, dropped = [await ada.send(room_id, "x", attachments=ids_of(uploads)) for _ in range(2)]
    await ada.call("message:edit", message_id=dropped["id"], body="y")

    status, answer = await user.rest("DELETE", f"/uploads/{uploads[0]['id']}")
    assert status == 409
    assert {each["field"] for each in answer["errors"]} == {
        f"message:{kept['id']}",
        f"message:{dropped['id']}",
    }
    deleted = (await ada.call("message:delete", message_id=dropped["id"]))["message"]
    assert deleted["attachments"] == []
    assert (await user.rest("DELETE", f"/uploads/{uploads[0]['id']}"))[0] == 409
    await ada.call("message:delete", message_id=kept["id"])

    assert (await user.rest("DELETE", f"/uploads/{uploads[0]['id']}"))[0] == 204
    history = (await bob.call("message:history", room_id=room_id))["messages"]
    assert [it["attachments"] for it in history] == [[], []]
    entries = (await bob.call("sync", rooms={room_id: 0}))["rooms"][room_id]["entries"]
    assert not [it for it in entries if uploads[0]["id"] in json.dumps(it)]


async def test_files_are_for_the_members_of_the_room(instance, room):
    room_id, (ada, bob) = room
    eve = await instance.register("eve")
    (image, _) = await upload_both(instance)
    thumbnail = image["thumbnails"][0]["url"]
    assert (await load(instance, image["url"], headers=bearer(instance.users["bob"])))[0] == 404

    sent = await ada.send(room_id, "", attachments=[image["id"]])

    for url in (image["url"], thumbnail):
        statuses = [
            (await load(instance, url, headers=bearer(instance.users[name])))[0]
            for name in ("ada", "bob", "eve")
        ]
        assert statuses == [200, 200, 404]
    for url in (sent["attachments"][0]["url"], sent["attachments"][0]["thumbnails"][0]["url"]):
        assert (await load(instance, url))[0] == 200
    await bob.call("room:leave", room_id=room_id)
    assert (await load(instance, thumbnail, headers=bearer(instance.users["bob"])))[0] == 404
    await ada.call("room:invite", room_id=room_id, user_id=eve.id)
    assert (await load(instance, thumbnail, headers=bearer(eve)))[0] == 200
    assert (await eve.rest("GET", f"/uploads/{image['id']}"))[0] == 404
    await ada.call("message:delete", message_id=sent["id"])
    assert (await load(instance, thumbnail, headers=bearer(eve)))[0] == 404


async def test_attached_uploads_are_kept_until_their_room_is_deleted(instance, room):
    room_id, (ada, _) = room
    container, run = instance.app.container, SweepUploads(run_id=ids.uuid7())
    uploads = await upload_both(instance)
    await ada.send(room_id, "", attachments=ids_of(uploads))

    async def sweep_later():
        await models.Upload.filter(unreferenced_since__isnull=False).update(
            unreferenced_since=clock.now() - 2 * DAY
        )
        await sweep.sweep_job(container, run)
        return await models.Upload.all().count()

    assert await sweep_later() == 2
    await models.Upload.all().update(unreferenced_since=clock.now() - 2 * DAY)  # against the references
    assert await sweep_later() == 2
    async with database.guard():
        await database.connection().execute("DELETE FROM rooms WHERE id = $1", room_id)
    await sweep.sweep_job(container, run)
    assert await models.Upload.filter(unreferenced_since__isnull=False).count() == 2
    assert await sweep_later() == 0


async def test_a_page_takes_one_query_for_all_its_attachments(instance, room):
    room_id, (ada, bob) = room
    uploads = await upload_both(instance)

    async def statements(limit):
        """The statements of a page, without those of periodic tasks."""
        counts = []
        for _ in range(4):
            before = metrics.counters["database_statements"]
            page = await bob.call("message:history", room_id=room_id, limit=limit)
            counts.append(metrics.counters["database_statements"] - before)
        return min(counts), len(page["messages"])

    for number in range(5):
        await ada.send(room_id, str(number))
    without, _ = await statements(5)
    for _ in range(5):
        await ada.send(room_id, "", attachments=ids_of(uploads))
    one, _ = await statements(1)
    many, count = await statements(10)

    assert count == 10
    assert one == many == without + 1


async def test_the_export_names_attachments_and_a_deletion_removes_them(instance, room):
    room_id, (ada, bob) = room
    user, uploads = instance.users["ada"], await upload_both(instance)
    await ada.send(room_id, "look", attachments=ids_of(uploads))
    await user.mark_sessions_confirmed()
    _, export = await user.rest("GET", "/users/account/export?format=json")
    assert export["data"]["messages"][0]["attachments"] == ids_of(uploads)

    await deletion.erase_job(instance.app.container, EraseAccount(user_id=user.id))

    assert await models.Upload.all().count() == await models.Attachment.all().count() == 0
    messages = (await bob.call("message:history", room_id=room_id))["messages"]
    assert [(it["body"], it["attachments"]) for it in messages] == [("look", [])]
    entries = (await bob.call("sync", rooms={room_id: 0}))["rooms"][room_id]["entries"]
    assert [it["payload"]["message"]["attachments"] for it in entries if it["event"] == "message:new"] == [[]]


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_a_message_with_attachments_is_stored_by_one_statement(instance, room):
    room_id, (ada, _) = room
    uploads = await upload_both(instance)
    names = ("message_batches", "message_batches_rechecked")
    before = {name: metrics.counters[name] for name in names}

    await ada.send(room_id, "", attachments=ids_of(uploads))

    assert [metrics.counters[name] - before[name] for name in names] == [1, 0]
