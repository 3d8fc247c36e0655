"""Rate limits on created rooms and on invitations, per user and hour.

One cheap event of either kind causes writes and deliveries for every user concerned, so each user is charged.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.core import metrics
from hubbub.core.errors import RateLimited
from hubbub.ratelimit.rate import Rate
from hubbub.services.context import Context

HOUR_S = 3600
ROOM_RATE = Rate(20, 20 / HOUR_S)
INVITATION_RATE = Rate(200, 200 / HOUR_S)


class Reservation:
    """The calls charged for one change. They are refunded unless `committed` is set."""

    def __init__(self) -> None:
        self.committed = False  # whether the change is certain
        self.acquired: list[tuple[str, Rate, int]] = []  # limit, rate and cost to refund


@asynccontextmanager
async def acquire(ctx: Context, *, rooms: int = 0, invitations: int = 0) -> AsyncIterator[Reservation]:
    """Charge the caller's limits for the change inside the block. Raises RateLimited without a charge.

    `HUBBUB_LIMIT_EVENTS=off` disables both limits.
    """
    reservation = Reservation()
    try:
        if ctx.container.settings.limit_events is not None:
            await _acquire(ctx, reservation, "invitations", INVITATION_RATE, invitations)
            await _acquire(ctx, reservation, "rooms", ROOM_RATE, rooms)
        yield reservation
    finally:
        if not reservation.committed:
            for limit, rate, cost in reservation.acquired:
                await ctx.container.rate_limiter.acquire(limit, str(ctx.user_id), rate, -cost)


async def _acquire(ctx: Context, reservation: Reservation, limit: str, rate: Rate, cost: int) -> None:
    if not cost:
        return
    decision = await ctx.container.rate_limiter.acquire(limit, str(ctx.user_id), rate, cost)
    if decision.wait_ms:
        metrics.count("rooms_limited", limit)
        raise RateLimited(f"Too many {limit} within an hour.", retry_after_ms=decision.wait_ms)
    reservation.acquired.append((limit, rate, cost))
