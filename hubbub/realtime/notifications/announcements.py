"""Appends new announcements to the inboxes of the users that have a socket of /notifications here."""

import asyncio

from hubbub.core import clock, tasks
from hubbub.core.batching import slices
from hubbub.realtime.notifications.delivery import InboxDelivery
from hubbub.services.context import Container
from hubbub.services.notifications import announcements

CHECK_INTERVAL_S = 2.0  # without a signal
MAX_SHARE = 0.5  # of the time that the slices take; the rest is for other queries


class AnnouncementWatch:
    """Compares the number of the newest announcement with the one that the users here have.

    Without a signal, it finds a new announcement within CHECK_INTERVAL_S.
    """

    def __init__(self, container: Container, delivery: InboxDelivery) -> None:
        self._container = container
        self._delivery = delivery  # has the users
        self._number = 0  # up to which all users here have the announcements; newer sockets read them first
        self._wake = asyncio.Event()  # set by a signal
        self._task = tasks.PeriodicTask(
            self.check, name="announcements", interval_s=CHECK_INTERVAL_S, wake=self._wake
        )

    def start(self) -> None:
        """Start checking."""
        self._task.start()

    async def close(self) -> None:
        await self._task.close()

    def check_soon(self) -> None:
        """Check now."""
        self._wake.set()

    async def check(self) -> None:
        """Append what is new, in slices of 200 users. Raises Unavailable."""
        number = await announcements.last_number()
        if number <= self._number:
            return
        for chosen in slices(list(self._delivery.feeds), announcements.SLICE_USERS):
            began = clock.monotonic()
            if await announcements.append_lacking(self._container, chosen, number):
                await asyncio.sleep((clock.monotonic() - began) * (1 - MAX_SHARE) / MAX_SHARE)
        self._number = number

    def reset(self) -> None:
        """Compare all users again, because the database may have lost announcements."""
        self._number = 0
