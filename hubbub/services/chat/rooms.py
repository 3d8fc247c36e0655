"""Rooms: who may see them, listing, making and changing them."""

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
from hubbub.schemas.chat import rooms as wire
from hubbub.schemas.users.users import User
from hubbub.services import cursors
from hubbub.services.chat import room_limits, room_lists
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.eventlog import event_log
from hubbub.services.instance.cached_user import CachedMembership
from hubbub.services.users import users

PAGE = 50


async def access(ctx: Context, room_id: UUID, *, checked_later: bool = False) -> CachedMembership:
    """The caller's standing in a room: the only way to a room by its id.

    With `checked_later` what is known by heart is enough, however old: it is compared under the room's lock.
    Raises NotMember for a public room that they are not in, NotFound for all others.
    """
    residents = ctx.parts.residents
    resident = residents.get(ctx.user_id) if checked_later or residents.trusted else None
    if resident is not None and (standing := resident.rooms.get(room_id)) is not None:
        return standing
    async with database.guard():
        row = await rooms.room(database.connection(), room_id, ctx.user_id)
    if row is None or (row.role is None and row.kind != "public"):
        raise NotFound("There is no such room.")
    if row.role is None:
        raise NotMember
    return CachedMembership(room_id, row.kind, row.role, row.muted, row.version)


async def require_role(ctx: Context, room_id: UUID, *roles: str) -> str:
    """Under the room's lock: the caller's role now. Raises NotMember; Forbidden if it is none of `roles`."""
    membership = await models.Membership.filter(room_id=room_id, user_id=ctx.user_id).first()
    if membership is None:
        raise NotMember
    if roles and membership.role not in roles:
        raise Forbidden(f"Only the {' or a '.join(roles)} of the room may do that.")
    return membership.role


def show(row: rooms.RoomRow) -> wire.Room:
    """A room as one person sees it."""
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


def anonymous(room: wire.Room) -> wire.Room:
    """The room as it is broadcast: without what one member sees, and without text that may be deleted."""
    return structs.replace(room, peer=None, last_message=None, my=None)


async def view(ctx: Context, room_id: UUID, user_id: UUID | None = None) -> wire.Room:
    """A room as the caller (or `user_id`) sees it, in the running transaction if there is one."""
    async with database.guard():
        row = await rooms.room(database.connection(), room_id, user_id or ctx.user_id)
    if row is None:
        raise NotFound("There is no such room.")
    return show(row)


async def get(ctx: Context, command: wire.RoomRef) -> wire.RoomResponse:
    """A room that the caller is in, or a public one."""
    room = await view(ctx, command.room_id)
    if room.my is None and room.kind != "public":
        raise NotFound("There is no such room.")
    return wire.RoomResponse(room=room)


async def list_own(ctx: Context, command: wire.ListRooms) -> wire.Rooms:
    """The caller's rooms, newest entry first."""
    async with database.guard():
        rows, following = await cursors.page(
            ctx, room_lists.Own(ctx.user_id), command.cursor, command.limit or PAGE
        )
    return wire.Rooms(rooms=[show(row) for row in rows], next_cursor=following)


async def browse(ctx: Context, command: wire.BrowseRooms) -> wire.Rooms:
    """Public rooms by name; those whose name holds `query`."""
    literal = names.key(command.query or "")
    for special in "!%_":
        literal = literal.replace(special, "!" + special)
    async with database.guard():
        rows, following = await cursors.page(
            ctx, room_lists.Public(ctx.user_id, f"%{literal}%"), command.cursor, command.limit or PAGE
        )
    return wire.Rooms(rooms=[show(row) for row in rows], next_cursor=following)


async def create(ctx: Context, command: wire.CreateRoom) -> wire.RoomResponse:
    """Make a room; the caller owns it. A direct room is found if it exists already.

    Raises Conflict for a public name that is taken, NotFound for members who do not exist, RateLimited.
    """
    others = [user_id for user_id in command.member_ids or [] if user_id != ctx.user_id]
    name = _checked_name(command)
    if command.kind == "direct":
        if len(others) != 1 or name is not None:
            raise InvalidPayload(
                fields=(("member_ids", "A direct room takes one other person and no name."),)
            )
        if (found := await _direct(ctx, others[0])) is not None:
            return wire.RoomResponse(room=found)
    try:
        async with room_limits.acquire(ctx, rooms=1, invitations=len(set(others))) as charge:
            people = await users.several([ctx.user_id, *others])
            room = await _create(ctx, command, name, people)
            charge.stored = True
            return wire.RoomResponse(room=room)
    except Exception as error:
        if not database.is_duplicate(error):
            raise
    if command.kind == "direct" and (found := await _direct(ctx, others[0])) is not None:
        return wire.RoomResponse(room=found)  # a twin of this call was quicker
    raise Conflict("A public room of that name exists.", fields=(("name", "Taken already."),))


def _checked_name(command: wire.CreateRoom) -> str | None:
    if command.kind == "public" and command.name is None:
        raise InvalidPayload(fields=(("name", "A public room needs a name."),))
    return names.line(command.name) if command.name is not None else None


def name_key(name: str) -> str:
    """The key of a public room's name. Raises InvalidPayload for one that is too long to be stored."""
    key = names.key(name)
    if not 0 < len(key) <= names.LONGEST_KEY:
        raise InvalidPayload(fields=(("name", "Must be shorter: it grows when it is normalized."),))
    return key


async def _direct(ctx: Context, other: UUID) -> wire.Room | None:
    async with database.guard():
        row = await models.Room.filter(direct_key=direct_key(ctx.user_id, other)).first()
    return await view(ctx, row.id) if row is not None else None


def direct_key(one: UUID, other: UUID) -> str:
    """What makes the direct room of two people unique."""
    return ":".join(sorted((str(one), str(other))))


async def _create(ctx: Context, command: wire.CreateRoom, name: str | None, people: list[User]) -> wire.Room:
    direct = command.kind == "direct"
    room_id = ids.uuid7()
    async with ctx.unit() as unit:
        await models.Room.create(
            id=room_id,
            kind=command.kind,
            name=name,
            name_key=name_key(name) if name and command.kind == "public" else None,
            topic=names.line(command.topic or ""),
            direct_key=direct_key(people[0].id, people[1].id) if direct else None,
            created_by_id=ctx.user_id,
            last_entry_at=clock.now(),
        )
        head = await unit.lock(room_id)
        roles = ["member" if direct else "owner", *["member"] * (len(people) - 1)]
        seqs = await admit(unit, head, list(zip(people, roles, strict=True)), ctx.user_id)
        if direct:  # which each of both sees otherwise
            shown = [await view(ctx, room_id, person.id) for person in people]
        else:
            shown = _shown_to(await view(ctx, room_id), [seqs[person.id] for person in people])
        for person, room in zip(people, shown, strict=True):
            skip = ctx.socket_id if person.id == ctx.user_id else None
            seq = seqs[person.id]
            unit.tell(MemberJoined(person.id, room_id, seq, room, head.version, skip, after=head.seq))
        return shown[0]


def _shown_to(founder: wire.Room, seqs: list[int]) -> list[wire.Room]:
    """A new room as its members see it, the founder first: without a query for each."""
    others = (
        wire.OwnMembership(role="member", last_read_seq=seq, unread=0, mentions=0, muted=False)
        for seq in seqs[1:]
    )
    return [founder, *(structs.replace(founder, my=my) for my in others)]


async def admit(
    unit: UnitOfWork, head: event_log.Head, people: list[tuple[User, str]], actor_id: UUID
) -> dict[UUID, int]:
    """Make people members of a locked room: rows, count and entries. Returns the seq of each one's entry."""
    await users.lock_all(
        person.id for person, _ in people
    )  # an account may be deleted since it was looked at
    drafts = [
        event_log.EntryDraft("member:joined", actor_id, {"user": person, "role": role}, subject=person.id)
        for person, role in people
    ]
    entries = await unit.append(head, *drafts)
    now = clock.now()
    await models.Membership.bulk_create(
        models.Membership(
            room_id=head.room_id,
            user_id=person.id,
            role=role,
            joined_at=now,
            joined_seq=entry.seq,
            last_read_seq=entry.seq,
        )
        for (person, role), entry in zip(people, entries, strict=True)
    )
    await models.Room.filter(id=head.room_id).update(member_count=F("member_count") + len(people))
    for person, _ in people:
        unit.touch(person.id)
    return {person.id: entry.seq for (person, _), entry in zip(people, entries, strict=True)}


async def tell_joined(
    ctx: Context, unit: UnitOfWork, head: event_log.Head, user_id: UUID, seq: int
) -> wire.Room:
    """Have a new member's sockets hear of the room after the commit; returns it as they see it."""
    room = await view(ctx, head.room_id, user_id)
    skip = ctx.socket_id if user_id == ctx.user_id else None
    unit.tell(MemberJoined(user_id, head.room_id, seq, room, head.version, skip))
    return room


async def update(ctx: Context, command: wire.UpdateRoom) -> wire.RoomResponse:
    """Rename a room or change its topic; owner or moderator. What is left out stays."""
    standing = await access(ctx, command.room_id)
    if standing.kind == "direct":
        raise Forbidden("A direct room has no name and no topic.")
    try:
        async with ctx.unit() as unit:
            head = await unit.lock(command.room_id)
            await require_role(ctx, command.room_id, "owner", "moderator")
            changes = _changes(command, standing.kind)
            if changes:
                await models.Room.filter(id=command.room_id).update(**changes)
            room = await view(ctx, command.room_id)
            if changes:
                room = structs.replace(room, last_seq=head.seq + 1)  # counts the entry that tells of it
                await unit.append(
                    head, event_log.EntryDraft("room:updated", ctx.user_id, {"room": anonymous(room)})
                )
            return wire.RoomResponse(room=room)
    except Exception as error:
        if database.is_duplicate(error):
            raise Conflict(
                "A public room of that name exists.", fields=(("name", "Taken already."),)
            ) from None
        raise


def _changes(command: wire.UpdateRoom, kind: str) -> dict[str, str | None]:
    changes: dict[str, str | None] = {}
    if command.name is not None:
        name = names.line(command.name)
        changes["name"] = name
        changes["name_key"] = name_key(name) if kind == "public" else None
    if command.topic is not None:
        changes["topic"] = names.line(command.topic)
    return changes
