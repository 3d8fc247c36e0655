"""Rooms of the deployment, for admins and moderators."""

from hubbub import models
from hubbub.core import clock
from hubbub.schemas.admin import users as wire
from hubbub.services import pagination, permissions
from hubbub.services.context import Context
from hubbub.services.permissions import Permission


async def list_rooms(ctx: Context, command: wire.ListAllRooms) -> tuple[list[wire.ManagedRoom], int]:
    """Return a page of all rooms, newest first, and the number of all."""
    await permissions.require(ctx, Permission.READ_ROOMS)
    found = models.Room.filter(pagination.search_filter(command.query, ("name", "topic")))
    if command.kind is not None:
        found = found.filter(kind=command.kind)
    if command.archived is not None:
        found = found.filter(archived_at__isnull=command.archived == "false")
    rows, total = await pagination.page(
        found.order_by(*pagination.order_columns(command, "-created_at")), command
    )
    return [_to_view(row) for row in rows], total


def _to_view(row: models.Room) -> wire.ManagedRoom:
    return wire.ManagedRoom(
        id=row.id,
        kind=row.kind,
        name=row.name,
        topic=row.topic,
        member_count=row.member_count,
        last_seq=row.last_seq,
        created_by=row.created_by_id,
        created_at=clock.rfc3339(row.created_at),
        last_entry_at=clock.rfc3339(row.last_entry_at),
        archived=row.archived_at is not None,
    )
