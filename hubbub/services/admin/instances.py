"""The state of the deployment: instances, connections, jobs."""

from hubbub import __version__
from hubbub.cluster import presence
from hubbub.db import database
from hubbub.schemas.admin import instances as wire
from hubbub.services import permissions
from hubbub.services.context import Context
from hubbub.services.jobs import queue_watch
from hubbub.services.permissions import Permission

JOB_STATES = ("waiting", "delayed", "active", "completed", "failed")


async def get_realtime(ctx: Context) -> wire.Realtime:
    """Return connections, rooms and instances of the deployment, as far as they are known."""
    await permissions.require(ctx, Permission.READ_OPERATION)
    found = await ctx.container.presence.instances()
    return wire.Realtime(
        connections=sum(each.connections for each in found.known),
        rooms=sum(each.rooms for each in found.known),
        complete=found.complete,
        instances=[_to_view(ctx, each) for each in found.known],
    )


def _to_view(ctx: Context, instance: presence.Instance) -> wire.Instance:
    current = instance.id == ctx.container.settings.instance_id
    return wire.Instance(**instance._asdict(), current=current)


async def get_detail(ctx: Context) -> wire.InstanceDetail:
    """Return details of this instance beyond its readiness. Raises Unavailable."""
    await permissions.require(ctx, Permission.READ_HEALTH)
    found = await ctx.container.presence.instances()
    own = [view for each in found.known if (view := _to_view(ctx, each)).current]
    queues = await queue_watch.read()
    return wire.InstanceDetail(
        version=__version__,
        instance=own[0] if own else None,
        database=database.dialect(),
        jobs={state: sum(getattr(each, state) for each in queues) for state in JOB_STATES},
    )
