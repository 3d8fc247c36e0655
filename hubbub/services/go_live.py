"""The go-live checklist of `hubbub doctor --production`: what a deployment needs before it has users."""

from urllib.parse import urlsplit

from hubbub import models
from hubbub.config import Settings
from hubbub.config.production import OFF
from hubbub.core import client_ip, clock
from hubbub.core.text.email_addresses import parse_sender
from hubbub.db import database, migrations
from hubbub.services import deployment, doctor
from hubbub.services.doctor import CheckFailed
from hubbub.services.instance import processes

MAX_CLOCK_DIFFERENCE_S = 5.0  # codes of two-factor and times of tokens bear about as much
REQUIRED_LIMITS = (
    *("limit_auth", "limit_register", "limit_http", "limit_handshakes"),
    *("limit_message_send", "limit_events"),
)


async def check_environment(settings: Settings) -> str:
    """Whether production's own checks are in force."""
    if settings.env != "production":
        raise CheckFailed(f"HUBBUB_ENV is {settings.env}. Set it to production.")
    return "HUBBUB_ENV is production."


async def check_public_url(settings: Settings) -> str:
    """Whether the address that e-mails name is one that users reach, over https."""
    url = urlsplit(settings.public_url or "")
    host = url.hostname or ""
    if url.scheme != "https":
        raise CheckFailed("HUBBUB_PUBLIC_URL is not https: passwords would be sent in clear. Set up TLS.")
    if host == "localhost" or client_ip.is_private(host):
        raise CheckFailed(
            f"HUBBUB_PUBLIC_URL names {host}, which users can't reach. Set it to the site's URL."
        )
    if not settings.trusted_proxies:
        raise CheckFailed(
            "HUBBUB_PUBLIC_URL is https, which a proxy in front of hubbub serves. Name that proxy in "
            "HUBBUB_TRUSTED_PROXIES."
        )
    return f"{settings.public_url} is https, behind {', '.join(map(str, settings.trusted_proxies))}."


async def check_mail_from(settings: Settings) -> str:
    """Whether e-mails have a sender that servers accept."""
    found = parse_sender(settings.mail_from)
    host = found[1].rpartition("@")[2] if found else ""
    if settings.smtp_url != OFF and "." not in host:
        raise CheckFailed(f"HUBBUB_MAIL_FROM is {settings.mail_from}. Set it to an address of your domain.")
    return f"E-mails come from {settings.mail_from}."


async def check_limits(settings: Settings) -> str:
    """Whether no limit is lifted."""
    disabled = [f"HUBBUB_{name.upper()}" for name in REQUIRED_LIMITS if getattr(settings, name) is None]
    if disabled:
        raise CheckFailed(
            f"{', '.join(disabled)} off. Remove the setting: one client may slow down all others."
        )
    return "No limit is lifted."


async def check_running(settings: Settings) -> str:
    """Whether an instance and a worker run."""
    found = await deployment.live_processes(settings)
    if not any(row.kind == processes.SERVE for row in found):
        raise CheckFailed("No instance is running. Start: hubbub serve")
    if not any(row.kind == processes.WORKER or row.inline_workers for row in found):
        raise CheckFailed("No worker is running. Start: hubbub worker")
    return f"{len(found)} running, of version {', '.join(sorted({row.version for row in found}))}."


async def check_admin(settings: Settings) -> str:
    """Whether there is an admin."""
    if settings.uses_sqlite and not database.sqlite_path(settings.database_url).exists():
        raise CheckFailed("There is no database yet. Start: hubbub serve")
    async with doctor.connected(settings):
        if await migrations.pending():
            raise CheckFailed("There is none before the migrations. Run: hubbub migrate")
        async with database.guard():
            count = await models.User.filter(role="admin", deleted_at__isnull=True).count()
    if not count:
        raise CheckFailed("There is none. Run: hubbub create-admin EMAIL")
    return f"{count} can administer."


async def check_clock(settings: Settings) -> str:
    """Whether this machine and the database agree about the time."""
    if settings.uses_sqlite:
        return "The database's is this machine's."
    async with doctor.connected(settings) as sql:
        rows = await sql.fetch("SELECT extract(epoch FROM clock_timestamp())::float8 AS now")
        difference_s = abs(rows[0]["now"] - clock.now().timestamp())
    if difference_s > MAX_CLOCK_DIFFERENCE_S:
        raise CheckFailed(f"This machine and the database are {difference_s:.0f} s apart. Run NTP on both.")
    return "This machine and the database agree."


CHECKLIST = {
    "environment": check_environment,
    "public url": check_public_url,
    "sender": check_mail_from,
    "limits": check_limits,
    "running": check_running,
    "admin": check_admin,
    "clock": check_clock,
}
