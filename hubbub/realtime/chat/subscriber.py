"""Subscribing a new socket to its user's rooms, and reading what `ready` says of them."""

from collections.abc import Mapping
from uuid import UUID

from hubbub.realtime.chat.connections import Connection
from hubbub.realtime.chat.delivery import Delivery
from hubbub.services.context import Container
from hubbub.services.instance.cached_user import CachedUser
from hubbub.services.sync import ready_snapshot
from hubbub.services.sync.reconciler import Reconciler

TRIES = 5  # while memberships begin and end


class Subscriber:
    """Until `ready` is sent, entries are kept for the socket and membership events are not sent to it.

    Instead this begins anew when memberships changed meanwhile, so that `ready` and the subscriptions agree.
    """

    def __init__(self, parts: Container, delivery: Delivery, truth: Reconciler) -> None:
        self._parts = parts
        self._delivery = delivery
        self._truth = truth

    async def subscribe(
        self, connection: Connection, resident: CachedUser, cursors: Mapping[UUID, int] | None, epoch: str
    ) -> ready_snapshot.ReadySnapshot | None:
        """Subscribe a socket to all rooms of its user; returns what `ready` says, None if it is closed.

        `cursors` are the positions, in `epoch`, of a client that reconnects. Raises Unavailable.
        """
        if not resident.loaded:  # what is read from now on is kept true by what is received from now on
            await self._parts.bus.settled()
        await ready_snapshot.load_memberships(self._parts, resident)
        await self._truth.reconcile(connection.user.id, connection.admitted.version)
        back = self._back(connection, cursors, epoch)
        for attempt in range(1, TRIES + 1):
            if connection.gone or connection.outdated:  # that one is closed in its wave, and connects again
                return None
            attached = set(resident.rooms)
            welcome = await self._read(connection, resident, attached, back)
            if attempt == TRIES or (attached == resident.rooms.keys() and not welcome.stale):
                break
            self.unsubscribe(connection)
            if welcome.stale:
                resident.version = -1
                await self._truth.reconcile(connection.user.id, 0)
        if connection.gone or connection.outdated:
            return None
        for room_id in resident.rooms.keys() - attached:  # after all tries: a comparison finds it as new
            self._parts.residents.forget(connection.user.id, room_id)
            resident.version = -1
        self._delivery.place(connection, welcome.ends)
        return welcome

    async def _read(
        self,
        connection: Connection,
        resident: CachedUser,
        rooms: set[UUID],
        back: ready_snapshot.ResumeState | None,
    ) -> ready_snapshot.ReadySnapshot:
        """Subscribe first, read second: no entry falls in between."""
        if unknown := self._delivery.attach(connection, rooms):
            await self._parts.bus.settled()
            async with self._parts.doors.turns:
                await self._delivery.begin(unknown)
        return await ready_snapshot.build(connection.ctx, back, resident, self._delivery.ends(rooms))

    def _back(
        self, connection: Connection, cursors: Mapping[UUID, int] | None, epoch: str
    ) -> ready_snapshot.ResumeState | None:
        """What the client has of this history, if it was here before."""
        if not cursors:
            return None
        absence = self._parts.residents.came_back(connection.user.id, connection.session_id)
        return (
            ready_snapshot.ResumeState(cursors, absence, epoch, connection.current)
            if absence is not None
            else None
        )

    def unsubscribe(self, connection: Connection) -> None:
        """Take a socket out of all rooms; what was held back for it belongs to nothing."""
        connection.start_over()
        for room_id in list(connection.rooms):
            self._delivery.detach(connection, room_id)
