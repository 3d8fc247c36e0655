"""What goes on: instances, connections, jobs."""

from hubbub import __version__
from hubbub.cluster import presence
from hubbub.db import database
from hubbub.schemas.admin import instances as wire
from hubbub.services import permissions
from hubbub.services.context import Context
from hubbub.services.permissions import Permission


async def realtime(ctx: Context) -> wire.Realtime:
    """Connections, rooms and instances, of the whole as far as it is known."""
    await permissions.require(ctx, Permission.READ_OPERATION)
    found = await ctx.parts.presence.instances()
    return wire.Realtime(
        connections=sum(each.connections for each in found.known),
        rooms=sum(each.rooms for each in found.known),
        complete=found.complete,
        instances=[_show(ctx, each) for each in found.known],
    )


def _show(ctx: Context, instance: presence.Instance) -> wire.Instance:
    current = instance.id == ctx.parts.settings.instance_id
    return wire.Instance(**instance._asdict(), current=current)


async def detail(ctx: Context) -> wire.Detail:
    """More about this instance than its readiness. Raises Unavailable."""
    await permissions.require(ctx, Permission.READ_HEALTH)
    found = await ctx.parts.presence.instances()
    own = [shown for each in found.known if (shown := _show(ctx, each)).current]
    async with database.guard():
        rows = await database.connection().fetch("SELECT state, count(*) AS total FROM jobs GROUP BY state")
    return wire.Detail(
        version=__version__,
        instance=own[0] if own else None,
        database=database.dialect(),
        jobs={row["state"]: row["total"] for row in rows},
    )
