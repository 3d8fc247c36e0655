"""Builds the container of an instance, for `serve` and for commands that run operations."""

import asyncio

from hubbub.cluster.cache import Cache
from hubbub.cluster.components import Components
from hubbub.config import Settings
from hubbub.core.auth_tokens import TokenIssuer
from hubbub.core.files.image_pool import ImagePool
from hubbub.core.files.images import Limits
from hubbub.core.files.url_signatures import UrlSigner
from hubbub.core.geoip import GeoIp
from hubbub.core.sealing import Sealing
from hubbub.gateways.clamd import ClamdScanner
from hubbub.gateways.storage.interface import Storage
from hubbub.queries.instance import last_seen
from hubbub.ratelimit.gcra import GcraLimiter
from hubbub.services.context import Container
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epoch_watch import EpochWatch
from hubbub.services.eventlog.message_writer import MessageWriter
from hubbub.services.instance.active_uploads import ActiveUploads
from hubbub.services.instance.activity_tracker import ActivityTracker
from hubbub.services.instance.last_seen import LastSeenTracker
from hubbub.services.instance.loaders import Loaders
from hubbub.services.instance.membership_cache import MembershipCache
from hubbub.services.instance.typing_tracker import TypingTracker


async def build(settings: Settings, components: Components, storage: Storage) -> Container:
    """Build the container. The database must be open. No component is started."""
    bus, presence, rate_limiter, shared_store = components
    epoch_watch = EpochWatch(await epochs.current())
    return Container(
        settings=settings,
        bus=bus,
        presence=presence,
        rate_limiter=rate_limiter,
        cache=Cache(bus, shared_store),
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
        activity=ActivityTracker(presence),
        audit_failure_limiter=GcraLimiter(),
        geoip=GeoIp(settings.geoip_database),
        sealing=Sealing([settings.secret_key, *settings.secret_key_previous]),
        identity_providers={},
        epoch_watch=epoch_watch,
        storage=storage,
        image_pool=ImagePool(
            Limits(settings.image_types, settings.max_image_pixels, settings.max_image_frames)
        ),
        malware_scanner=ClamdScanner(settings.clamd_url) if settings.clamd_url is not None else None,
        url_signer=UrlSigner([settings.secret_key, *settings.secret_key_previous]),
        active_uploads=ActiveUploads(),
        active_imports=ActiveUploads(max_of_user=2, max_of_instance=20),
        large_imports=asyncio.Semaphore(1),
    )
