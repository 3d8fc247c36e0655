"""The parts of an instance, put together: for `serve`, and for commands that run operations without one."""

from hubbub.cluster.allowances import Allowances
from hubbub.cluster.bus import Bus
from hubbub.cluster.memory import MemoryAllowances
from hubbub.cluster.presence import Presence
from hubbub.config import Settings
from hubbub.core.allowances import Buckets
from hubbub.core.places import Places
from hubbub.core.sealing import Sealing
from hubbub.core.tokens import Tokens
from hubbub.services import activity, database
from hubbub.services.activity import Activity
from hubbub.services.appender import Appender
from hubbub.services.context import Parts
from hubbub.services.doors import Doors
from hubbub.services.residents import Residents
from hubbub.services.typing import Typists


async def build(
    settings: Settings, bus: Bus, presence: Presence, allowances: Allowances | None = None
) -> Parts:
    """Needs the database to be open. Nothing runs yet: the appender is started by whoever sends."""
    return Parts(
        settings=settings,
        bus=bus,
        presence=presence,
        allowances=allowances or MemoryAllowances(),
        tokens=Tokens(
            settings.secret_key,
            settings.access_token_ttl_s,
            settings.refresh_token_ttl_s,
            settings.secret_key_previous,
        ),
        residents=Residents(settings.limit_message_send),
        doors=Doors(settings.database_pool),
        appender=Appender(bus),
        typists=Typists(bus),
        activity=Activity(),
        key_activity=Activity(activity.KEYS),
        failures=Buckets(),
        places=Places(settings.geoip_database),
        sealing=Sealing([settings.secret_key, *settings.secret_key_previous]),
        providers={},
        epoch=await database.epoch(),
    )
