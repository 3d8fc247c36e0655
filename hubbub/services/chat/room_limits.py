"""How many rooms a user creates, and how many users one invites, in an hour.

One cheap event of either kind makes writes and deliveries for every user concerned: each is charged.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.core import metrics
from hubbub.core.errors import RateLimited
from hubbub.ratelimit.rate import Rate
from hubbub.services.context import Context

HOUR_S = 3600
ROOMS = Rate(20, 20 / HOUR_S)
INVITATIONS = Rate(200, 200 / HOUR_S)


class Charge:
    """What was taken for one change. Set `stored` once the change is certain; else it is given back."""

    def __init__(self) -> None:
        self.stored = False
        self.taken: list[tuple[str, Rate, int]] = []


@asynccontextmanager
async def acquire(ctx: Context, *, rooms: int = 0, invitations: int = 0) -> AsyncIterator[Charge]:
    """Take from the caller's limits, around the change that needs it. Raises RateLimited, and takes nothing.

    `HUBBUB_LIMIT_EVENTS=off` lifts both limits.
    """
    charge = Charge()
    try:
        if ctx.parts.settings.limit_events is not None:
            await _take(ctx, charge, "invitations", INVITATIONS, invitations)
            await _take(ctx, charge, "rooms", ROOMS, rooms)
        yield charge
    finally:
        if not charge.stored:
            for of, rate, cost in charge.taken:
                await ctx.parts.allowances.take(of, str(ctx.user_id), rate, -cost)


async def _take(ctx: Context, charge: Charge, of: str, rate: Rate, cost: int) -> None:
    if not cost:
        return
    allowance = await ctx.parts.allowances.take(of, str(ctx.user_id), rate, cost)
    if allowance.wait_ms:
        metrics.count("rooms_limited", of)
        raise RateLimited(f"Too many {of} in an hour.", retry_after_ms=allowance.wait_ms)
    charge.taken.append((of, rate, cost))
