"""Subscribes a new socket to the rooms of its user, and reads the snapshot for its `ready`."""

from collections.abc import Mapping
from uuid import UUID

from hubbub.core.batching import BatchLoader
from hubbub.realtime.chat.delivery import Delivery
from hubbub.realtime.sockets.connections import Connection
from hubbub.services.context import Container
from hubbub.services.eventlog import event_log
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
        # Of rooms that are not in the snapshot, because it has too many.
        self._log_ends: BatchLoader[UUID, event_log.LogEnd] = BatchLoader(event_log.ends, name="ends of logs")

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
            if connection.closed or connection.epoch_outdated:
                return None  # a connection of a former epoch is closed in its wave, and its client reconnects
            attached = set(cached_user.rooms)
            snapshot = await self._attach_and_read(connection, cached_user, attached, resume_state)
            agrees = attached == cached_user.rooms.keys() and not snapshot.memberships_stale
            if agrees or attempt == MAX_TRIES:
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
        unknown = self._delivery.attach(connection, room_ids)
        if unknown:
            await self._container.bus.wait_subscribed()
        began = self._delivery.reset_count
        snapshot = await ready_snapshot.build(
            connection.ctx, resume_state, cached_user, self._delivery.positions(room_ids)
        )
        if unknown:  # the snapshot has read where their logs end
            last_seqs = {room_id: snapshot.last_seqs.get(room_id) for room_id in unknown}
            missing = [room_id for room_id, last_seq in last_seqs.items() if last_seq is None]
            for room_id, end in (await self._log_ends.get_all(missing)).items():
                last_seqs[room_id] = end.last_seq if end is not None else None
            self._delivery.set_ends(last_seqs, began)
        return snapshot

    def _resume_state(
        self, connection: Connection, cursors: Mapping[UUID, int] | None, epoch: str
    ) -> ready_snapshot.ResumeState | None:
        """Return what the client has of this epoch, if it was connected before."""
        if not cursors:
            return None
        absence = self._container.membership_cache.record_reconnect(connection.user.id, connection.session_id)
        if absence is None:
            return None
        return ready_snapshot.ResumeState(cursors, absence, epoch, connection.accepted_from_cache)

    def unsubscribe(self, connection: Connection) -> None:
        """Unsubscribe a socket from all rooms, and drop its held frames."""
        connection.drop_held()
        for room_id in list(connection.rooms):
            self._delivery.detach(connection, room_id)
