"""Read state: how far a user has read a room, the unread counts, and whether the user muted it."""

from hubbub import models
from hubbub.cluster.bus import MemberChanged, RoomHint, UserHint
from hubbub.core import clock
from hubbub.queries.sync import change_counters
from hubbub.schemas.chat import rooms as wire
from hubbub.schemas.events import ReadHint
from hubbub.services.chat import rooms
from hubbub.services.context import Context, UnitOfWork

MAX_BROADCAST_MEMBERS = 100  # in larger rooms only the reader's own sockets receive the hint


async def mark_read(ctx: Context, command: wire.ReadRoom) -> wire.ReadState:
    """Advance the read mark to `seq`, clamped to the log. It never moves back."""
    await rooms.access(ctx, command.room_id)
    async with ctx.unit() as unit:
        room = await rooms.load_view(ctx, command.room_id)
        seq = max(0, min(command.seq, room.last_seq))
        changed = room.my is not None and seq > room.my.last_read_seq
        if changed:
            own_membership = models.Membership.filter(
                room_id=room.id, user_id=ctx.user_id, last_read_seq__lt=seq
            )
            await own_membership.update(last_read_seq=seq, changed_at=clock.now())
            await change_counters.bump_read_version(unit.tx, ctx.user_id)
            room = await rooms.load_view(ctx, room.id)
            _publish(ctx, unit, room, seq)
    return _to_read_state(room)


async def mark_unread(ctx: Context, command: wire.ReadRoom) -> wire.ReadState:
    """Make `seq` the first unread entry. The mark may move back. Only the reader's sockets receive that."""
    await rooms.access(ctx, command.room_id)
    async with ctx.unit() as unit:
        room = await rooms.load_view(ctx, command.room_id)
        seq = max(0, min(command.seq, room.last_seq + 1) - 1)
        own_membership = models.Membership.filter(room_id=room.id, user_id=ctx.user_id)
        await own_membership.update(last_read_seq=seq, changed_at=clock.now())
        await change_counters.bump_read_version(unit.tx, ctx.user_id)
        room = await rooms.load_view(ctx, room.id)
        _publish_to_reader(ctx, unit, room, seq)
    return _to_read_state(room)


def _publish(ctx: Context, unit: UnitOfWork, room: wire.Room, seq: int) -> None:
    _publish_to_reader(ctx, unit, room, seq)
    if room.member_count <= MAX_BROADCAST_MEMBERS:
        hint = ReadHint(room_id=room.id, user_id=ctx.user_id, seq=seq)
        unit.publish(RoomHint.of(room.id, hint, skip_user=ctx.user_id))


def _publish_to_reader(ctx: Context, unit: UnitOfWork, room: wire.Room, seq: int) -> None:
    """Publish the read mark and the counts to the reader's other sockets."""
    state = _to_read_state(room)
    hint = ReadHint(
        room_id=room.id, user_id=ctx.user_id, seq=seq, unread=state.unread, mentions=state.mentions
    )
    unit.publish(UserHint.of(ctx.user_id, hint, ctx.socket_id))


def _to_read_state(room: wire.Room) -> wire.ReadState:
    if room.my is None:  # removed meanwhile
        return wire.ReadState(last_read_seq=0, unread=0, mentions=0)
    return wire.ReadState(
        last_read_seq=room.my.last_read_seq, unread=room.my.unread, mentions=room.my.mentions
    )


async def mute(ctx: Context, command: wire.MuteRoom) -> wire.Empty:
    """Mute or unmute the notifications of a room."""
    await rooms.access(ctx, command.room_id)
    async with ctx.unit() as unit:
        own_membership = models.Membership.filter(room_id=command.room_id, user_id=ctx.user_id)
        await own_membership.update(muted=command.muted, changed_at=clock.now())
        unit.bump_version(ctx.user_id)
        unit.publish(
            MemberChanged(ctx.user_id, command.room_id, muted=command.muted, skip_socket=ctx.socket_id)
        )
    return wire.Empty()
