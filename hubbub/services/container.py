"""Builds the container of an instance, for `serve` and for commands that run operations."""

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
from hubbub.services.instance.typing_tracker import TypingTracker


async def build(
    settings: Settings, bus: Bus, presence: Presence, rate_limiter: RateLimiter | None = None
) -> Container:
    """Build the container. The database must be open. No component is started."""
    epoch_watch = EpochWatch(await epochs.current())
    return Container(
        settings=settings,
        bus=bus,
        presence=presence,
        rate_limiter=rate_limiter or MemoryRateLimiter(),
        token_issuer=TokenIssuer(
            settings.secret_key,
            settings.access_token_ttl_s,
            settings.refresh_token_ttl_s,
            settings.secret_key_previous,
        ),
        membership_cache=MembershipCache(settings.limit_message_send, bus),
        loaders=Loaders(settings.database_pool),
        message_writer=MessageWriter(bus, epoch_watch),
        typing_tracker=TypingTracker(bus),
        session_last_seen=LastSeenTracker(),
        api_key_last_seen=LastSeenTracker(last_seen.API_KEYS),
        audit_failure_limiter=GcraLimiter(),
        geoip=GeoIp(settings.geoip_database),
        sealing=Sealing([settings.secret_key, *settings.secret_key_previous]),
        identity_providers={},
        epoch_watch=epoch_watch,
    )
