"""Discards positions and caches of an instance, and closes its sockets, when the epoch has changed."""

import logging

from hubbub.core import tasks
from hubbub.realtime.chat.delivery import Delivery
from hubbub.realtime.sockets.connections import Connections
from hubbub.realtime.sockets.draining import close_in_waves
from hubbub.services.context import Container
from hubbub.services.eventlog.epochs import Cause

log = logging.getLogger(__name__)

CLOSE_MESSAGE = "The epoch of the server has changed. Reconnect."


def discard(container: Container, connections: Connections, delivery: Delivery, cause: Cause) -> None:
    """Discard the state of a history that went back, and close the sockets in waves.

    After a claim of a client the sockets stay open. Either the database has all entries that they received
    here, or the next check detects that it has not.
    """
    if cause is Cause.CLAIM:
        container.membership_cache.mark_all_stale()
        delivery.feeds.end_unused()
        return
    container.membership_cache.reset()
    sockets = list(connections.by_sid.values())
    delivery.reset(sockets)
    if sockets:
        log.info("closing sockets after a change of the epoch", extra={"connections": len(sockets)})
        waves = close_in_waves(sockets, container.settings.drain_s, CLOSE_MESSAGE)
        tasks.spawn(waves, name="sockets of another epoch")
