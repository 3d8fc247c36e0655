"""Rooms: access, lists, creation and changes."""

from uuid import UUID

from msgspec import structs
from tortoise.expressions import F

from hubbub import models
from hubbub.cluster.bus import MemberJoined
from hubbub.core import clock, ids
from hubbub.core.errors import Conflict, Forbidden, InvalidPayload, NotFound, NotMember
from hubbub.core.text import names
from hubbub.db import database
from hubbub.queries.chat import rooms
from hubbub.schemas import events
from hubbub.schemas.chat import rooms as wire
from hubbub.schemas.users.users import User
from hubbub.services import cursors
from hubbub.services.chat import invitations, page_size, room_limits, room_lists
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.eventlog import event_log
from hubbub.services.instance.cached_user import CachedMembership
from hubbub.services.users import users

DEFAULT_PAGE_SIZE = 50


async def access(ctx: Context, room_id: UUID, *, allow_stale: bool = False) -> CachedMembership:
    """Return the caller's membership in a room. The only access to a room by its id.

    With `allow_stale` a cached membership of any age is enough: a later write compares it under the room's
    lock. Raises NotMember for a public room that the caller is not in, NotFound for all others.
    """
    if (membership := cached_access(ctx, room_id, allow_stale=allow_stale)) is not None:
        return membership
    async with database.guard():
        row = await rooms.membership(database.connection(), room_id, ctx.user_id)
    if row is None or (row.role is None and row.kind != "public"):
        raise NotFound("Room not found.")
    if row.role is None:
        raise NotMember
    return CachedMembership(room_id, row.kind, row.role, row.muted, row.version)


def cached_access(ctx: Context, room_id: UUID, *, allow_stale: bool = False) -> CachedMembership | None:
    """Return what `access` returns without a query; None if that needs one."""
    cache = ctx.container.membership_cache
    cached_user = cache.get(ctx.user_id) if allow_stale or cache.recently_reconciled else None
    return cached_user.membership(room_id) if cached_user is not None else None


async def require_role(ctx: Context, room_id: UUID, *roles: str) -> str:
    """Return the caller's current role, under the room's lock.

    Raises NotMember, or Forbidden if the role is none of `roles`.
    """
    membership = await models.Membership.filter(room_id=room_id, user_id=ctx.user_id).first()
    if membership is None:
        raise NotMember
    if roles and membership.role not in roles:
        raise Forbidden(f"Only the {' or a '.join(roles)} of the room can do this.")
    return membership.role


def to_view(row: rooms.RoomRow) -> wire.Room:
    """Return a room as one user sees it."""
    my = None
    if row.role is not None:
        my = wire.OwnMembership(
            role=row.role,  # type: ignore[arg-type]
            last_read_seq=row.last_read_seq,
            unread=row.unread,
            mentions=row.mentions,
            muted=row.muted,
        )
    return wire.Room(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type]
        name=row.name,
        topic=row.topic,
        created_by=row.created_by,
        created_at=clock.rfc3339(row.created_at),
        last_seq=row.last_seq,
        member_count=row.member_count,
        peer=row.peer,
        last_message=row.last_message,
        my=my,
    )


def to_broadcast_view(room: wire.Room) -> wire.Room:
    """Return the room without a member's own fields and without text that may be deleted."""
    return structs.replace(room, peer=None, last_message=None, my=None)


async def load_view(ctx: Context, room_id: UUID, user_id: UUID | None = None) -> wire.Room:
    """Return a room as the caller (or `user_id`) sees it, within the running transaction if there is one."""
    async with database.guard():
        row = await rooms.room(database.connection(), room_id, user_id or ctx.user_id)
    if row is None:
        raise NotFound("Room not found.")
    return to_view(row)


async def get(ctx: Context, command: wire.RoomRef) -> wire.RoomResponse:
    """Return a room that the caller is in, or a public one. Raises NotFound."""
    room = await load_view(ctx, command.room_id)
    if room.my is None and room.kind != "public":
        raise NotFound("Room not found.")
    return wire.RoomResponse(room=room)


async def list_own(ctx: Context, command: wire.ListRooms) -> wire.Rooms:
    """Return a page of the caller's rooms, newest entry first."""
    return await _page(ctx, room_lists.OwnRooms(ctx.user_id), command)


async def _page(
    ctx: Context, source: cursors.Source[rooms.RoomRow], command: wire.ListRooms | wire.BrowseRooms
) -> wire.Rooms:
    limit = command.limit or DEFAULT_PAGE_SIZE
    views, next_cursor = await page_size.rooms_page(ctx, source, command.cursor, limit, to_view)
    return wire.Rooms(rooms=views, next_cursor=next_cursor)


async def browse(ctx: Context, command: wire.BrowseRooms) -> wire.Rooms:
    """Return a page of public rooms whose name contains each word of `query`, ordered by name."""
    return await _page(ctx, room_lists.PublicRooms(ctx.user_id, command.query or ""), command)


async def create(ctx: Context, command: wire.CreateRoom) -> wire.RoomResponse:
    """Create a room, owned by the caller. An existing direct room is returned.

    Raises Conflict for a public name that is taken, NotFound for members who do not exist, RateLimited.
    """
    other_ids = [user_id for user_id in command.member_ids or [] if user_id != ctx.user_id]
    name = _validated_name(command)
    if command.kind == "direct":
        if len(other_ids) != 1 or name is not None:
            raise InvalidPayload(fields=(("member_ids", "A direct room takes one other user and no name."),))
        if (found := await _find_direct(ctx, other_ids[0])) is not None:
            return wire.RoomResponse(room=found)
    try:
        async with room_limits.acquire(ctx, rooms=1, invitations=len(set(other_ids))) as reservation:
            members = await users.access_many([ctx.user_id, *other_ids])
            room = await _create(ctx, command, name, members)
            reservation.committed = True
            return wire.RoomResponse(room=room)
    except database.Duplicate:
        if command.kind == "direct" and (found := await _find_direct(ctx, other_ids[0])) is not None:
            return wire.RoomResponse(room=found)  # created by a concurrent call
        raise _name_taken() from None


def _name_taken() -> Conflict:
    return Conflict("A public room with this name already exists.", fields=(("name", "Already taken."),))


def _validated_name(command: wire.CreateRoom) -> str | None:
    if command.kind == "public" and command.name is None:
        raise InvalidPayload(fields=(("name", "A public room needs a name."),))
    return names.normalize_line(command.name) if command.name is not None else None


def name_key(name: str) -> str:
    """Return the key of a public room's name. Raises InvalidPayload if it is too long to be stored."""
    key = names.key(name)
    if not 0 < len(key) <= names.MAX_KEY_CHARS:
        raise InvalidPayload(fields=(("name", "Must be shorter: normalization makes it longer."),))
    return key


async def _find_direct(ctx: Context, other_id: UUID) -> wire.Room | None:
    async with database.guard():
        row = await models.Room.filter(direct_key=direct_key(ctx.user_id, other_id)).first()
    return await load_view(ctx, row.id) if row is not None else None


def direct_key(first_id: UUID, second_id: UUID) -> str:
    """Return the unique key of the direct room of two users."""
    return ":".join(sorted((str(first_id), str(second_id))))


async def _create(ctx: Context, command: wire.CreateRoom, name: str | None, members: list[User]) -> wire.Room:
    is_direct = command.kind == "direct"
    room_id = ids.uuid7()
    async with ctx.unit() as unit:
        await models.Room.create(
            id=room_id,
            kind=command.kind,
            name=name,
            name_key=name_key(name) if name and command.kind == "public" else None,
            topic=names.normalize_line(command.topic or ""),
            direct_key=direct_key(members[0].id, members[1].id) if is_direct else None,
            created_by_id=ctx.user_id,
            last_entry_at=clock.now(),
        )
        head = await unit.lock(room_id)
        roles: list[wire.Role] = ["member" for _ in members]
        if not is_direct:
            roles[0] = "owner"
        seqs = await add_members(unit, head, list(zip(members, roles, strict=True)))
        if not is_direct:
            await invitations.enqueue(unit, room_id, ctx.user_id, seqs)
        if is_direct:  # each member has a different view
            views = [await load_view(ctx, room_id, member.id) for member in members]
        else:
            views = _member_views(await load_view(ctx, room_id), [seqs[member.id] for member in members])
        for member, room in zip(members, views, strict=True):
            skip = ctx.socket_id if member.id == ctx.user_id else None
            seq = seqs[member.id]
            unit.publish(MemberJoined(member.id, room_id, seq, room, head.version, skip, after=head.seq))
        return views[0]


def _member_views(owner_view: wire.Room, seqs: list[int]) -> list[wire.Room]:
    """Return the views of a new room by member, the owner first, without a query for each."""
    others = (
        wire.OwnMembership(role="member", last_read_seq=seq, unread=0, mentions=0, muted=False)
        for seq in seqs[1:]
    )
    return [owner_view, *(structs.replace(owner_view, my=my) for my in others)]


async def add_members(
    unit: UnitOfWork, head: event_log.LockedHead, new_members: list[tuple[User, wire.Role]]
) -> dict[UUID, int]:
    """Add users to a locked room: rows, member count and entries. Returns the seq of each user's entry."""
    # An account may have been deleted since it was read.
    await users.lock_all(user.id for user, _ in new_members)
    entries = await unit.append(
        head, *(events.MemberJoined(user=user, role=role) for user, role in new_members)
    )
    now = clock.now()
    await models.Membership.bulk_create(
        models.Membership(
            room_id=head.room_id,
            user_id=user.id,
            role=role,
            joined_at=now,
            joined_seq=entry.seq,
            last_read_seq=entry.seq,
        )
        for (user, role), entry in zip(new_members, entries, strict=True)
    )
    await models.Room.filter(id=head.room_id).update(member_count=F("member_count") + len(new_members))
    for user, _ in new_members:
        unit.bump_version(user.id)
    return {user.id: entry.seq for (user, _), entry in zip(new_members, entries, strict=True)}


async def publish_joined(
    ctx: Context, unit: UnitOfWork, head: event_log.LockedHead, user_id: UUID, seq: int
) -> wire.Room:
    """Publish the room to a new member's sockets after the commit. Returns the member's view."""
    room = await load_view(ctx, head.room_id, user_id)
    skip = ctx.socket_id if user_id == ctx.user_id else None
    unit.publish(MemberJoined(user_id, head.room_id, seq, room, head.version, skip, after=seq))
    return room


async def update(ctx: Context, command: wire.UpdateRoom) -> wire.RoomResponse:
    """Rename a room or change its topic; owner or moderator only. Fields that are not given stay."""
    membership = await access(ctx, command.room_id)
    if membership.kind == "direct":
        raise Forbidden("A direct room has no name and no topic.")
    try:
        async with ctx.unit() as unit:
            head = await unit.lock(command.room_id)
            await require_role(ctx, command.room_id, "owner", "moderator")
            changes = _changes(command, membership.kind)
            if changes:
                await models.Room.filter(id=command.room_id).update(**changes)
            room = await load_view(ctx, command.room_id)
            if changes:
                room = structs.replace(room, last_seq=head.seq + 1)  # includes the entry of this change
                await unit.append(head, events.RoomUpdated(room=to_broadcast_view(room)))
            return wire.RoomResponse(room=room)
    except database.Duplicate:
        raise _name_taken() from None


def _changes(command: wire.UpdateRoom, kind: str) -> dict[str, str | None]:
    changes: dict[str, str | None] = {}
    if command.name is not None:
        name = names.normalize_line(command.name)
        changes["name"] = name
        changes["name_key"] = name_key(name) if kind == "public" else None
    if command.topic is not None:
        changes["topic"] = names.normalize_line(command.topic)
    return changes
