"""Sample data: complete, repeatable, and the same as data of real users."""

import asyncio
import io
import json
import os
import sys
from collections import Counter
from datetime import datetime

import pytest
from PIL import Image

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock, passwords
from hubbub.core.errors import StorageFull
from hubbub.db import database
from hubbub.queries.chat import search
from hubbub.services.chat import message_views
from hubbub.services.eventlog import attachments
from hubbub.services.seed import generator, seed
from hubbub.services.seed.dev_admin import EMAIL as ADMIN
from hubbub.services.seed.seed import Plan
from hubbub.services.uploads import files as access_rules
from hubbub.services.users import users
from tests.support import stored_log
from tests.support.attached import SIGNER
from tests.support.live_instance import LiveInstance

SMALL = Plan(users=12, rooms=7, messages=300).without_pictures()
WITH_PICTURES = Plan(users=6, rooms=1, messages=150, avatars=2, pictures=2, portfolios=0)


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
def run_seed(container):
    """Seed. Returns what was added and the sum of the reported steps."""

    async def run_seed(plan=SMALL):
        steps = []
        return await seed.seed(container, plan, steps.append), sum(steps)

    return run_seed


async def counts():
    return [
        await kind.all().count() for kind in (models.User, models.Room, models.Membership, models.Message)
    ]


async def test_the_requested_numbers_are_created(run_seed):
    done, steps = await run_seed()

    assert (done.users, done.rooms, done.messages) == SMALL[:3]
    assert steps == SMALL.total
    assert await models.User.all().count() == 12
    assert Counter(await models.Room.all().values_list("kind", flat=True)) == {
        "private": 1,
        "direct": 2,
        "public": 4,
    }
    assert await models.Message.all().count() == 300


async def test_a_second_run_adds_nothing(run_seed):
    await run_seed()
    before = await counts(), len(await stored_log.rows())

    done, steps = await run_seed()

    assert (done.users, done.rooms, done.messages) == (0, 0, 0)
    assert (await counts(), len(await stored_log.rows())) == before
    assert steps == SMALL.total


async def test_what_is_missing_is_added(run_seed):
    await run_seed()

    done, _ = await run_seed(SMALL._replace(users=15, rooms=9, messages=500))

    assert (done.users, done.rooms) == (3, 2)
    assert await models.User.all().count() == 15
    assert await models.Message.all().count() >= 500
    await check_logs()


async def test_every_log_equals_one_written_by_the_server(run_seed):
    await run_seed()

    await check_logs()


async def check_logs():
    for room in await models.Room.all():
        entries = await stored_log.log_of(room.id)
        assert [entry.seq for entry in entries] == list(range(1, room.last_seq + 1))
        times = [datetime.fromisoformat(json.loads(entry.payload)["at"]) for entry in entries]
        assert times == sorted(times)
        assert times[-1] <= clock.now()
        assert room.last_entry_at == times[-1]
        assert room.member_count == await models.Membership.filter(room_id=room.id).count()
        for entry in entries:
            check_entry(entry)
        await check_messages(room, entries)


def check_entry(entry):
    payload = json.loads(entry.payload)
    assert list(payload)[:4] == ["room_id", "seq", "at", "actor_id"]
    assert payload["room_id"] == str(entry.room_id)
    assert payload["seq"] == entry.seq
    assert payload["at"] == clock.rfc3339(datetime.fromisoformat(payload["at"]))
    assert entry.payload == json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    more = {
        "message:new": {"message"},
        "member:joined": {"user", "role"},
        "reaction:added": {"message_id", "emoji", "user_id"},
    }
    assert set(payload) - {"room_id", "seq", "at", "actor_id"} == more[entry.event]


async def check_messages(room, entries):
    announced = {entry.seq: entry for entry in entries if entry.event == "message:new"}
    rows = await models.Message.filter(room_id=room.id).order_by("seq").prefetch_related("sender")
    views = await message_views.load_views(rows, None, SIGNER)
    filled = await attachments.fill(SIGNER, list(announced.values()))
    announced = {entry.seq: entry for entry in filled}
    assert [view.seq for view in views] == list(announced)
    for view in views:
        message = json.loads(announced[view.seq].payload)["message"]
        assert message == {**json.loads(displayed_json(view)), "reactions": []}
    given = sum(reaction.count for view in views for reaction in view.reactions)
    assert given == sum(entry.event == "reaction:added" for entry in entries)


def displayed_json(view):
    from hubbub.schemas.base import encode

    return encode(view)


async def test_messages_are_searchable_and_mentions_counted(run_seed):
    done, _ = await run_seed(SMALL._replace(users=10, rooms=3, messages=800))
    someone = await models.User.get(email=done.email)

    found = await search.find(database.connection(), user_id=someone.id, query="the rel", limit=20)
    mention = await models.Mention.all().first().prefetch_related("user", "message")

    bodies = [row.body for row in await models.Message.filter(id__in=found)]
    assert bodies
    assert all("release" in body for body in bodies)
    assert f"@{mention.user.username}" in mention.message.body
    assert str(mention.user.id) in mention.message.mentions


async def test_messages_show_pictures_of_their_senders_and_avatars_are_public(run_seed, container):
    _, steps = await run_seed(WITH_PICTURES)

    attached = await models.Attachment.all().prefetch_related("message")
    shown = {row.id: row for row in await models.Upload.filter(kind="image")}
    assert steps == WITH_PICTURES.total
    assert len(attached) >= 3
    assert {each.upload_id for each in attached} == set(shown)
    assert all(shown[each.upload_id].user_id == each.message.sender_id for each in attached)
    assert all(str(each.upload_id) in each.message.attachments for each in attached)
    assert not await models.Upload.filter(unreferenced_since__isnull=False).exists()
    with_avatar = await models.User.filter(avatar_url__isnull=False)
    assert len(with_avatar) == WITH_PICTURES.avatars
    await check_files(container, 3 * len(with_avatar))
    await check_logs()


async def check_files(container, of_avatars):
    for file in await models.UploadFile.all().prefetch_related("upload"):
        accessed = await access(container, file)
        content = b"".join(
            [chunk async for chunk in access_rules.read(container, accessed, 0, accessed.row.size)]
        )
        assert Image.open(io.BytesIO(content)).size[0] >= 64
        assert accessed.is_public == (file.upload.kind == "avatar")
        of_avatars -= accessed.is_public
    assert of_avatars == 0


async def access(container, file):
    async def uploader():
        return file.upload.user_id

    request = access_rules.FileRequest(file.upload_id, file.name, None, uploader)
    return await access_rules.access(container, request)


async def test_a_later_run_only_adds_avatars_that_are_missing(run_seed):
    await run_seed(WITH_PICTURES._replace(avatars=0))
    before = await models.Upload.all().order_by("id").values_list("id", flat=True)

    done, _ = await run_seed(WITH_PICTURES)
    await run_seed(WITH_PICTURES)

    assert (done.users, done.messages) == (0, 0)
    added = await models.Upload.exclude(id__in=before)
    assert {row.kind for row in added} == {"avatar"}
    assert len(added) == await models.User.filter(avatar_url__isnull=False).count() > 0


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_full_storage_ends_the_run_and_another_one_completes_it(run_seed, container, monkeypatch):
    async def full(*_):
        raise StorageFull

    with monkeypatch.context() as patched:
        patched.setattr(container.storage, "put", full)
        with pytest.raises(StorageFull):
            await run_seed(WITH_PICTURES)

    done, _ = await run_seed(WITH_PICTURES)
    assert done.messages == WITH_PICTURES.messages
    assert await models.Attachment.all().count() >= 3
    await check_logs()


async def test_some_users_have_read_everything_and_some_have_not(run_seed):
    await run_seed(SMALL._replace(users=30, rooms=1, messages=200))
    room = await models.Room.get(name="general")

    marks = await models.Membership.filter(room_id=room.id).values_list("last_read_seq", flat=True)

    assert len(marks) == 30
    assert 0 < sum(mark == room.last_seq for mark in marks) < 30
    assert all(0 <= mark <= room.last_seq for mark in marks)


async def test_sample_users_share_a_stored_password(run_seed, tmp_path):
    done, _ = await run_seed(SMALL._replace(users=3, rooms=1, messages=0))

    users = await models.User.all()
    assert done.password == (tmp_path / "sample_password").read_text().strip()
    assert all([await passwords.matches(done.password, user.password_digest, 4) for user in users])


async def test_a_lost_password_is_replaced(run_seed, tmp_path):
    await run_seed(SMALL._replace(users=3, rooms=1, messages=0))
    (tmp_path / "sample_password").unlink()

    done, _ = await run_seed(SMALL._replace(users=3, rooms=1, messages=0))

    assert await passwords.matches(done.password, (await models.User.first()).password_digest, 4)


async def test_existing_users_and_rooms_are_unchanged(run_seed):
    ada = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
    closed = await models.Room.create(
        kind="public", name="Random", name_key="random", archived_at=clock.now()
    )

    done, steps = await run_seed()

    assert steps == SMALL.total
    assert (await models.User.get(id=ada.id)).display_name == "Ada"
    assert (await models.User.get(email=done.email)).username == "ada.sample"
    assert not await stored_log.log_of(closed.id)
    await check_logs_of_seeded(closed)


async def check_logs_of_seeded(closed):
    rooms = await models.Room.exclude(id=closed.id)
    assert all([room.last_seq == len(await stored_log.log_of(room.id)) for room in rooms])


async def test_a_single_user_can_be_created(run_seed):
    done, _ = await run_seed(SMALL._replace(users=1, rooms=6, messages=20))

    assert done.users == 1
    assert not await models.Room.filter(kind="direct").exists()


async def test_many_users_and_messages_use_several_transactions(run_seed, monkeypatch):
    monkeypatch.setattr(generator, "MEMBERS_PER_TRANSACTION", 5)
    monkeypatch.setattr(generator, "MESSAGES_PER_TRANSACTION", 30)
    monkeypatch.setattr(seed, "USER_BATCH_SIZE", 5)

    await run_seed()

    assert await counts() == [12, 7, await models.Membership.all().count(), 300]
    await check_logs()


async def test_two_concurrent_runs_create_one_set_of_users_and_rooms(container):
    await asyncio.gather(
        *(
            seed.seed(container, SMALL._replace(users=8, rooms=5, messages=50), lambda _: None)
            for _ in range(2)
        )
    )

    assert await models.User.all().count() == 8
    assert await models.Room.filter(kind="public").count() == 3
    await check_logs()


async def test_a_running_server_delivers_the_new_data(settings):
    async with LiveInstance(settings) as instance:
        user = await instance.register("visitor")
        client = await user.connect_client()
        room = next(room for room in client.ready["rooms"] if room["name"] == "general")

        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "hubbub",
                "seed",
                "--no-pictures",
                "--users",
                "6",
                "--rooms",
                "1",
                "--messages",
                "120",
            ),
            env={
                **os.environ,
                "HUBBUB_ENV": "test",
                "HUBBUB_DATABASE_URL": settings.database_url,
                "HUBBUB_DATA_DIR": str(settings.data_dir),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        sent = [(await client.send(room["id"], f"meanwhile {number}"))["seq"] for number in range(5)]
        out, _ = await process.communicate()
        last = await client.send(room["id"], "the end")
        await client.events_until("message:new", lambda event: event["seq"] == last["seq"])

        assert b"Added 6 users" in out
        assert sent == sorted(sent)
        received = [entry["seq"] for _, entry in client.entries(room["id"])]
        assert received == list(range(received[0], last["seq"] + 1))
        assert len(received) > 80


async def test_the_developer_account_is_a_member_of_sample_and_direct_rooms(container):
    """As after the first start: the admin is in a default room whose log has just begun."""
    container.settings = container.settings.model_copy(update={"env": "development"})
    admin = await models.User.create(username="admin", email=ADMIN, display_name="admin", role="admin")
    name = container.settings.default_rooms[0]
    room = await models.Room.create(kind="public", name=name, name_key=name)
    await generator.add_members(room.id, [(users.to_view(admin), "member")], 0)

    done = await seed.seed(container, SMALL._replace(rooms=8, messages=400), lambda _: None)

    assert done.admin == ADMIN
    assert done.messages == 400
    own = await models.Membership.filter(user_id=admin.id).prefetch_related("room")
    assert Counter(membership.room.kind for membership in own) == {"public": 4, "private": 1, "direct": 3}
    for membership in own:
        times = await models.Message.filter(room_id=membership.room_id).values_list("created_at", flat=True)
        days = {at.date() for at in times}
        assert len(days) > 3 or membership.room.name == name
    assert await models.User.get(id=admin.id).values_list("version", flat=True) > admin.version
    await check_logs()
