"""Subscribes a new socket to the rooms of its user, and reads the snapshot for its `ready`."""

from collections.abc import Mapping
from uuid import UUID

from hubbub.realtime.chat.connections import Connection
from hubbub.realtime.chat.delivery import Delivery
from hubbub.services.context import Container
from hubbub.services.instance.cached_user import CachedUser
from hubbub.services.sync import ready_snapshot
from hubbub.services.sync.reconciler import Reconciler

MAX_TRIES = 5  # while memberships change


class Subscriber:
    """Subscribes sockets so that the snapshot in `ready` and the subscriptions agree.

    Until `ready` is sent, entries are kept for the socket, and membership events are not sent to it. If
    memberships change meanwhile, the subscription starts again.
    """

    def __init__(self, container: Container, delivery: Delivery, reconciler: Reconciler) -> None:
        self._container = container
        self._delivery = delivery  # the feeds of rooms
        self._reconciler = reconciler  # compares memberships with the database

    async def subscribe(
        self, connection: Connection, cached_user: CachedUser, cursors: Mapping[UUID, int] | None, epoch: str
    ) -> ready_snapshot.ReadySnapshot | None:
        """Subscribe a socket to all rooms of its user. Return the snapshot for `ready`, None if it is closed.

        `cursors` are the positions, in `epoch`, of a client that reconnects. Raises Unavailable.
        """
        if not cached_user.loaded:  # subscribe before the read, so that signals keep the cache up to date
            await self._container.bus.wait_subscribed()
        await ready_snapshot.load_memberships(self._container, cached_user)
        await self._reconciler.reconcile(connection.user.id, connection.auth_session.version)
        resume_state = self._resume_state(connection, cursors, epoch)
        for attempt in range(1, MAX_TRIES + 1):
            if (
                connection.closed or connection.epoch_outdated
            ):  # it is closed in its wave, and the client reconnects
                return None
            attached = set(cached_user.rooms)
            snapshot = await self._attach_and_read(connection, cached_user, attached, resume_state)
            if attempt == MAX_TRIES or (
                attached == cached_user.rooms.keys() and not snapshot.memberships_stale
            ):
                break
            self.unsubscribe(connection)
            if snapshot.memberships_stale:
                cached_user.version = -1
                await self._reconciler.reconcile(connection.user.id, 0)
        if connection.closed or connection.epoch_outdated:
            return None
        for room_id in cached_user.rooms.keys() - attached:  # after all tries: the reconciler finds it as new
            self._container.membership_cache.remove_membership(connection.user.id, room_id)
            cached_user.version = -1
        self._delivery.start_after(connection, snapshot.last_seqs)
        return snapshot

    async def _attach_and_read(
        self,
        connection: Connection,
        cached_user: CachedUser,
        room_ids: set[UUID],
        resume_state: ready_snapshot.ResumeState | None,
    ) -> ready_snapshot.ReadySnapshot:
        """Subscribe, then read, so that no entry is missed in between."""
        if unknown := self._delivery.attach(connection, room_ids):
            await self._container.bus.wait_subscribed()
            async with self._container.loaders.query_slots:
                await self._delivery.initialize_feeds(unknown)
        return await ready_snapshot.build(
            connection.ctx, resume_state, cached_user, self._delivery.positions(room_ids)
        )

    def _resume_state(
        self, connection: Connection, cursors: Mapping[UUID, int] | None, epoch: str
    ) -> ready_snapshot.ResumeState | None:
        """Return what the client has of this epoch, if it was connected before."""
        if not cursors:
            return None
        absence = self._container.membership_cache.record_reconnect(connection.user.id, connection.session_id)
        return (
            ready_snapshot.ResumeState(cursors, absence, epoch, connection.accepted_from_cache)
            if absence is not None
            else None
        )

    def unsubscribe(self, connection: Connection) -> None:
        """Unsubscribe a socket from all rooms, and drop its held frames."""
        connection.drop_held()
        for room_id in list(connection.rooms):
            self._delivery.detach(connection, room_id)
