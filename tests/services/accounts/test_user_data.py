"""The tables that hold data of a user: none is missing, and a deletion leaves what the list says."""

import inspect
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tortoise.fields.relational import ForeignKeyFieldInstance

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.request_info import RequestInfo
from hubbub.schemas.accounts.accounts import Register
from hubbub.schemas.chat.rooms import CreateRoom
from hubbub.schemas.events import MessageNew
from hubbub.schemas.jobs import EraseAccount
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.accounts import deletion, export, registration, user_data
from hubbub.services.accounts.user_data import USER_TABLES, Deletion
from hubbub.services.chat import message_views, rooms
from hubbub.services.context import Context

USER_IDS = {"user_id", "actor_id", "owner_id", "sender_id", "author_id", "created_by_id"}
MODELS = [each for _, each in inspect.getmembers(models, inspect.isclass)] + [*models.ITEM_MODELS.values()]
SAMPLES = {"line": "x", "text": "x", "integer": 1, "date": date(2026, 1, 31)}  # of required columns, by kind


def user_keys(model):
    """Fields that hold the id of a user: keys of the table `users`, and plain ids by their names."""
    for name, field in model._meta.fields_map.items():
        if isinstance(field, ForeignKeyFieldInstance):
            if field.model_name == "models.User":
                yield f"{name}_id"
        elif name in USER_IDS and getattr(field, "reference", None) is None:
            yield name


def test_every_table_with_the_id_of_a_user_is_in_the_list():
    found = {(model, key) for model in MODELS for key in user_keys(model)}

    assert found == {(each.model, each.key) for each in USER_TABLES} - {(models.User, "id")}


@pytest.mark.parametrize("table", USER_TABLES, ids=lambda table: table.table)
def test_a_table_is_exported_or_says_why_not(table):
    assert bool(table.export) != bool(table.not_exported)
    keys = {f"{name}_id" for name in table.model._meta.fk_fields}  # they exist once Tortoise is set up
    assert set(table.columns) <= table.model._meta.db_fields | keys
    assert bool(table.columns) == bool(table.export)
    assert not [name for name in table.columns if "digest" in name or "secret" in name]


@pytest.mark.parametrize("table", USER_TABLES, ids=lambda table: table.table)
def test_rows_that_stay_have_a_reason(table):
    assert bool(table.reason) == (table.deletion in (Deletion.KEEP, Deletion.ANONYMIZE))


@pytest.fixture
async def parts(settings):
    async with services_context.open_container(settings) as parts:
        yield parts


@pytest.fixture
async def ada(parts):
    command = Register(name="Ada", email="ada@example.com", password="correct horse battery")
    session = await registration.register(parts, command, RequestInfo("192.0.2.1", "tests"))
    return await models.User.get(id=session.user.id)


async def fill(parts, user: models.User) -> None:
    """A row of the user in each table."""
    ctx, later = Context(parts, user.id), clock.now() + timedelta(days=1)
    other = await models.User.create(username="eve", email="eve@example.com", display_name="Eve")
    room = (await rooms.create(ctx, CreateRoom(kind="public", name="Room"))).room
    await models.Preference.create(user=user, kind="app")
    await models.TwoFactor.create(user=user, secret="x")
    await models.RecoveryCode.create(user=user, digest="x")
    await models.MfaChallenge.create(user=user, digest="x", expires_at=later)
    await models.OneTimeToken.create(
        user=user, purpose="verify_email", digest="x", email=user.email, expires_at=later
    )
    await models.IdempotencyKey.create(
        id="x", user=user, asked="x", lease=uuid4(), held_until=later, expires_at=later
    )
    await models.ApiKey.create(
        user=user, name="x", prefix="x", digest="x", scopes="read", created_at=clock.now()
    )
    await models.Identity.create(user=user, provider="x", issuer="x", subject="x")
    await models.OAuthHandoff.create(user=user, state_digest="x", expires_at=later)
    message = await models.Message.create(
        id=uuid4(), room_id=room.id, sender=user, seq=2, client_id=uuid4(), body="x", created_at=clock.now()
    )
    async with ctx.unit() as unit:
        head = await unit.lock(room.id)
        await unit.append(
            head, MessageNew(message=await message_views.load_view(message, None, ctx.container.url_signer))
        )
    await models.Reaction.create(message=message, user=user, emoji="x")
    await models.Mention.create(message=message, user=user, room_id=room.id, seq=2)
    await models.EpochClaim.create(
        user_id=user.id, epoch="x", room_id=room.id, seq=2, last_seq=1, claimed_at=clock.now()
    )
    await models.Upload.create(
        user=user, kind="document", name="x", content_type="text/plain", size=1, created_at=clock.now()
    )
    await models.Membership.create(room_id=room.id, user=other, role="owner")
    await models.Inbox.create(user=user)
    for source, of, actor in (("x", user, other), ("y", other, user)):
        await models.Notification.create(
            user=of, actor=actor, seq=1, kind="room.invited", source=source, created_at=clock.now()
        )
    await models.PortfolioProfile.create(user=user, updated_at=later)
    await models.PortfolioSearchEntry.create(user=user, item_id=uuid4())
    for resource in RESOURCES:
        required = [each for each in resource.columns if not each.nullable and each.default is None]
        fields: dict[str, Any] = {column.name: SAMPLES[column.kind] for column in required}
        await models.ITEM_MODELS[resource.name].create(
            user=user, created_at=later, updated_at=later, **fields
        )
    await models.Announcement.create(number=1, title="x", body="x", author=user, created_at=clock.now())


async def tables_with_rows(user_id: UUID) -> list[str]:
    return [each.table for each in USER_TABLES if await each.rows(user_id).exists()]


async def test_a_deletion_leaves_only_rows_that_stay_for_a_reason(parts, ada):
    await fill(parts, ada)
    assert await tables_with_rows(ada.id) == [each.table for each in USER_TABLES]

    async with Context(parts, ada.id).unit() as unit:
        await deletion.erase(unit, ada)
    await deletion.erase_job(parts, EraseAccount(user_id=ada.id))

    staying = [each.table for each in USER_TABLES if each.reason]
    assert await tables_with_rows(ada.id) == staying


async def test_the_export_shows_the_rows_of_each_table_that_it_names(parts, ada):
    await fill(parts, ada)

    counts = {
        table.export: [len(batch) async for batch in export._read_batches(table, ada.id)]
        for table in user_data.exported()
    }

    assert counts.keys() >= {"account", "sessions", "messages", "audit_log"}
    assert all(counts.values()), counts
