"""The parts of an instance, put together: for `serve`, and for commands that run operations without one."""

from hubbub.cluster.bus import Bus
from hubbub.cluster.memory import MemoryRateLimiter
from hubbub.cluster.presence import Presence
from hubbub.cluster.rate_limiter import RateLimiter
from hubbub.config import Settings
from hubbub.core.auth_tokens import TokenIssuer
from hubbub.core.geoip import GeoIp
from hubbub.core.sealing import Sealing
from hubbub.queries.instance import last_seen
from hubbub.ratelimit.gcra import GcraLimiter
from hubbub.services.context import Container
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epoch_watch import EpochWatch
from hubbub.services.eventlog.message_writer import MessageWriter
from hubbub.services.instance.last_seen import LastSeenTracker
from hubbub.services.instance.loaders import Loaders
from hubbub.services.instance.membership_cache import MembershipCache
from hubbub.services.instance.typing_tracker import Typists


async def build(
    settings: Settings, bus: Bus, presence: Presence, allowances: RateLimiter | None = None
) -> Container:
    """Needs the database to be open. Nothing runs yet: the appender is started by whoever sends."""
    watch = EpochWatch(await epochs.current())
    return Container(
        settings=settings,
        bus=bus,
        presence=presence,
        allowances=allowances or MemoryRateLimiter(),
        tokens=TokenIssuer(
            settings.secret_key,
            settings.access_token_ttl_s,
            settings.refresh_token_ttl_s,
            settings.secret_key_previous,
        ),
        residents=MembershipCache(settings.limit_message_send, bus),
        doors=Loaders(settings.database_pool),
        appender=MessageWriter(bus, watch),
        typists=Typists(bus),
        activity=LastSeenTracker(),
        key_activity=LastSeenTracker(last_seen.API_KEYS),
        failures=GcraLimiter(),
        geoip=GeoIp(settings.geoip_database),
        sealing=Sealing([settings.secret_key, *settings.secret_key_previous]),
        providers={},
        epochs=watch,
    )
