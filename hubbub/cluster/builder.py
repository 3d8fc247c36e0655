"""Builds what instances share: over Redis, or in memory for a single instance."""

from hubbub.cluster.components import Components, in_memory
from hubbub.config import Settings


def build(settings: Settings) -> Components:
    """Return the components that the settings ask for. Nothing is started."""
    if settings.redis_url is None:
        return in_memory()
    # Imported with Redis only: its client is 7 MB.
    from hubbub.cluster.redis import topology  # noqa: PLC0415
    from hubbub.cluster.redis.bus import RedisBus  # noqa: PLC0415
    from hubbub.cluster.redis.cache import RedisStore  # noqa: PLC0415
    from hubbub.cluster.redis.presence import RedisPresence  # noqa: PLC0415
    from hubbub.cluster.redis.rate_limiter import RedisRateLimiter  # noqa: PLC0415

    servers = topology.from_url(settings.redis_url, settings.redis_prefix)
    bus = RedisBus(servers, settings.redis_prefix)
    return Components(
        bus,
        RedisPresence(servers, settings.redis_prefix, bus, name=settings.instance_id),
        RedisRateLimiter(servers, settings.redis_prefix),
        RedisStore(servers, settings.redis_prefix),
    )
