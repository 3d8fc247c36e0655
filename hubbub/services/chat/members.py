"""Members of rooms: join, leave, invite, remove, and roles."""

import logging
from contextlib import suppress
from uuid import UUID

from tortoise.expressions import F

from hubbub import models
from hubbub.cluster.bus import MemberChanged
from hubbub.core import clock
from hubbub.core.errors import Forbidden, InvalidPayload, NotFound, NotMember
from hubbub.db import database
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, AuditEvent, Target
from hubbub.queries.chat import rooms as room_queries
from hubbub.schemas.chat import rooms as wire
from hubbub.schemas.events import MemberLeft, MemberRole
from hubbub.schemas.users.users import User
from hubbub.services import cursors
from hubbub.services.audit import recorder
from hubbub.services.chat import invitations, room_limits, room_lists, rooms
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.eventlog import event_log
from hubbub.services.presence import presence
from hubbub.services.users import users

MAX_MEMBERS_IN_RESPONSE = 100

logger = logging.getLogger(__name__)  # `log` is the event log here


async def join(ctx: Context, command: wire.JoinRoom) -> wire.JoinResponse:
    """Join a public room by id or name. A member may call it again. Raises NotFound."""
    row = await _find_joinable(ctx, command)
    room = rooms.to_view(row)
    if room.my is None:
        room = await _join(ctx, row)
    async with database.guard():
        member_rows = await room_queries.members(database.connection(), row.id, MAX_MEMBERS_IN_RESPONSE)
    return wire.JoinResponse(room=room, members=[users.to_view(member_row) for member_row in member_rows])


async def _find_joinable(ctx: Context, command: wire.JoinRoom) -> room_queries.RoomRow:
    if (command.room_id is None) == (command.name is None):
        reason = "Give either room_id or name."
        raise InvalidPayload(fields=(("room_id", reason), ("name", reason)))
    async with database.guard():
        room_id = command.room_id
        if command.name is not None:
            key = rooms.name_key(command.name)
            room = await models.Room.filter(name_key=key, archived_at__isnull=True).first()
            room_id = room.id if room is not None else None
        row = (
            await room_queries.room(database.connection(), room_id, ctx.user_id)
            if room_id is not None
            else None
        )
    if row is None or (row.kind != "public" and row.role is None):
        raise NotFound("Room not found.")
    return row


async def _join(ctx: Context, row: room_queries.RoomRow) -> wire.Room:
    user = await users.me(ctx)
    async with ctx.unit() as unit:
        head = await unit.lock(row.id)
        if head.archived:
            raise NotFound("Room not found.")
        if await models.Membership.exists(room_id=row.id, user_id=ctx.user_id):  # a concurrent call
            return await rooms.load_view(ctx, row.id)
        seqs = await rooms.add_members(unit, head, [(user, "member")])
        return await rooms.publish_joined(ctx, unit, head, ctx.user_id, seqs[ctx.user_id])


async def join_default_rooms(ctx: Context) -> None:
    """Join the rooms of `HUBBUB_DEFAULT_ROOMS`, and create missing ones, which have no owner.

    A room that can't be joined is logged and does not fail the call, because the caller's account is already
    stored.
    """
    for name in ctx.container.settings.default_rooms:
        try:
            await _join_default_room(ctx, name)
        except Exception:
            logger.warning(
                "default room not joined",
                exc_info=True,
                extra={"room": name, "user_id": str(ctx.user_id)},
            )


async def _join_default_room(ctx: Context, name: str) -> None:
    key = rooms.name_key(name)
    async with database.guard():
        exists = await models.Room.exists(name_key=key)
    if not exists:
        with suppress(database.Duplicate):  # created concurrently
            async with ctx.unit():
                await models.Room.create(kind="public", name=name, name_key=key, topic="")
    await join(ctx, wire.JoinRoom(name=name))


async def invite(ctx: Context, command: wire.RoomUserRef) -> wire.Empty:
    """Make a user a member; owner or moderator only. Inviting a member has no effect. Raises RateLimited."""
    caller_membership = await rooms.access(ctx, command.room_id)
    if caller_membership.kind == "direct":
        raise Forbidden("A direct room has exactly two members.")
    async with room_limits.acquire(ctx, invitations=1) as reservation:
        user = await users.access(command.user_id)
        reservation.committed = await _invite(ctx, command.room_id, user)
    return wire.Empty()


async def _invite(ctx: Context, room_id: UUID, user: User) -> bool:
    """Add the user. Returns whether the membership is new."""
    async with ctx.unit() as unit:
        head = await unit.lock(room_id)
        await rooms.require_role(ctx, room_id, "owner", "moderator")
        if await models.Membership.exists(room_id=room_id, user_id=user.id):
            return False
        seqs = await rooms.add_members(unit, head, [(user, "member")])
        await invitations.enqueue(unit, room_id, ctx.user_id, seqs)
        await rooms.publish_joined(ctx, unit, head, user.id, seqs[user.id])
    return True


async def leave(ctx: Context, command: wire.RoomRef) -> wire.Empty:
    """Leave a room. The longest-serving moderator, else member, replaces an owner who leaves.

    The room is archived when the last member leaves. Direct rooms can't be left (Forbidden).
    """
    caller_membership = await rooms.access(ctx, command.room_id)
    if caller_membership.kind == "direct":
        raise Forbidden("A direct room can't be left.")
    user = await users.me(ctx)
    async with ctx.unit() as unit:
        head = await unit.lock(command.room_id)
        membership = await models.Membership.filter(room_id=command.room_id, user_id=ctx.user_id).first()
        if membership is None:
            raise NotMember
        await _end_membership(unit, head, membership, user)
    return wire.Empty()


async def remove(ctx: Context, command: wire.RoomUserRef) -> wire.Empty:
    """Remove a member; owner or moderator only. Owners can't be removed, moderators only by the owner.

    Raises NotFound if the user is not a member.
    """
    if command.user_id == ctx.user_id:
        return await leave(ctx, wire.RoomRef(room_id=command.room_id))
    act = recorder.act_of(ctx, Action.REMOVE_MEMBER, Target("room", command.room_id))
    async with recorder.attempt(ctx.container, act):
        await _remove(ctx, command, act)
    return wire.Empty()


async def _remove(ctx: Context, command: wire.RoomUserRef, act: AuditEvent) -> None:
    caller_membership = await rooms.access(ctx, command.room_id)
    if caller_membership.kind == "direct":
        raise Forbidden("A direct room has exactly two members.")
    async with ctx.unit() as unit:
        head = await unit.lock(command.room_id)
        role = await rooms.require_role(ctx, command.room_id, "owner", "moderator")
        membership = await _get_membership(command)
        if membership.role == "owner" or (membership.role == "moderator" and role != "owner"):
            raise Forbidden("An owner can't be removed. Only the owner can remove a moderator.")
        row = await models.User.get(id=command.user_id)
        await _end_membership(unit, head, membership, users.to_view(row))
        await audit_log.record(unit.tx, act, user_id=str(row.id), before=membership.role)


async def end_memberships(ctx: Context, user: User, limit: int) -> bool:
    """End at most `limit` memberships of the caller as `leave` does, including direct rooms.

    Returns whether none remain. Each is a unit of work of its own, so that a call after an interruption
    continues. `user` is how the entries show the caller.
    """
    async with database.guard():
        memberships = models.Membership.filter(user_id=ctx.user_id).order_by("id").limit(limit)
        room_ids = await memberships.values_list("room_id", flat=True)
    for room_id in room_ids:
        async with ctx.unit() as unit:
            head = await unit.lock(room_id)  # type: ignore[arg-type]
            membership = await models.Membership.filter(room_id=room_id, user_id=ctx.user_id).first()
            if membership is not None:
                await _end_membership(unit, head, membership, user)
    return len(room_ids) < limit


async def _get_membership(command: wire.RoomUserRef | wire.SetRole) -> models.Membership:
    membership = await models.Membership.filter(room_id=command.room_id, user_id=command.user_id).first()
    if membership is None:
        raise NotFound("The user is not a member of this room.")
    return membership


async def _end_membership(
    unit: UnitOfWork, head: event_log.LockedHead, membership: models.Membership, user: User
) -> None:
    """End a membership in a locked room: row, member count, version, entries, new owner."""
    (entry,) = await unit.append(head, MemberLeft(user=user, role=membership.role))  # type: ignore[arg-type]
    await models.Membership.filter(id=membership.id).delete()
    # The version makes every instance compare its cached memberships of this room.
    await models.Room.filter(id=head.room_id).update(
        member_count=F("member_count") - 1, member_version=F("member_version") + 1
    )
    unit.bump_version(user.id)
    unit.publish(MemberChanged(user.id, head.room_id, ended=True, seq=entry.seq))
    remaining = models.Membership.filter(room_id=head.room_id)
    if not await remaining.exists():
        await models.Room.filter(id=head.room_id).update(archived_at=clock.now(), name_key=None)
    elif membership.role == "owner":
        await _transfer_ownership(unit, head)


async def _transfer_ownership(unit: UnitOfWork, head: event_log.LockedHead) -> None:
    for role in ("moderator", "member"):
        candidates = models.Membership.filter(room_id=head.room_id, role=role)
        successor = await candidates.order_by("joined_at", "id").first()
        if successor is not None:
            await _change_role(unit, head, successor, "owner")
            return


async def set_role(ctx: Context, command: wire.SetRole) -> wire.RoleResponse:
    """Change a member's role; owner only. Transferring `owner` makes the previous owner a moderator."""
    act = recorder.act_of(ctx, Action.SET_MEMBER_ROLE, Target("room", command.room_id))
    async with recorder.attempt(ctx.container, act):
        await _set_role(ctx, command, act)
    return wire.RoleResponse(role=command.role)


async def _set_role(ctx: Context, command: wire.SetRole, act: AuditEvent) -> None:
    caller_membership = await rooms.access(ctx, command.room_id)
    if caller_membership.kind == "direct":
        raise Forbidden("A direct room has no roles.")
    async with ctx.unit() as unit:
        head = await unit.lock(command.room_id)
        await rooms.require_role(ctx, command.room_id, "owner")
        membership = await _get_membership(command)
        if command.user_id == ctx.user_id and command.role != "owner":
            raise Forbidden("A room needs an owner. Make another member the owner first.")
        before = membership.role
        if before != command.role:
            await _change_role(unit, head, membership, command.role)
            await audit_log.record(
                unit.tx, act, user_id=str(command.user_id), before=before, after=command.role
            )
            if command.role == "owner":
                owner_membership = await models.Membership.get(room_id=command.room_id, user_id=ctx.user_id)
                await _change_role(unit, head, owner_membership, "moderator")


async def _change_role(
    unit: UnitOfWork, head: event_log.LockedHead, membership: models.Membership, role: wire.Role
) -> None:
    await models.Membership.filter(id=membership.id).update(role=role)
    await unit.append(head, MemberRole(user_id=membership.user_id, role=role))
    unit.bump_version(membership.user_id)
    unit.publish(MemberChanged(membership.user_id, head.room_id, role=role))


async def list_members(ctx: Context, command: wire.ListMembers) -> wire.Members:
    """Return a page of members, ordered by username, with their presence."""
    await rooms.access(ctx, command.room_id)
    source, limit = room_lists.RoomMembers(command.room_id), command.limit or rooms.DEFAULT_PAGE_SIZE
    async with database.guard():
        page, next_cursor = await cursors.page(ctx, source, command.cursor, limit)
    statuses = await presence.statuses(ctx.container, [row.id for row in page])
    views = [
        wire.Member(user=users.to_view(row), role=row.role, status=statuses[row.id])  # type: ignore[arg-type]
        for row in page
    ]
    return wire.Members(members=views, next_cursor=next_cursor)
