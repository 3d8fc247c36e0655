"""The go-live checklist of `hubbub doctor --production`: requirements for a deployment with users."""

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

MAX_CLOCK_DIFFERENCE_S = 5.0  # tolerated by two-factor codes and token times
REQUIRED_LIMITS = (
    *("limit_auth", "limit_register", "limit_http", "limit_public", "limit_upload", "limit_handshakes"),
    *("limit_message_send", "limit_events"),
)


async def check_environment(settings: Settings) -> str:
    """Check that production mode is on, which enables its own checks."""
    if settings.env != "production":
        raise CheckFailed(f"HUBBUB_ENV is {settings.env}. Set it to production.")
    return "HUBBUB_ENV is production."


async def check_public_url(settings: Settings) -> str:
    """Check that the URL in e-mails uses https and is reachable for users."""
    url = urlsplit(settings.public_url or "")
    host = url.hostname or ""
    if url.scheme != "https":
        raise CheckFailed("HUBBUB_PUBLIC_URL is not https: passwords would be sent unencrypted. Set up TLS.")
    if host == "localhost" or client_ip.is_private(host):
        raise CheckFailed(
            f"HUBBUB_PUBLIC_URL has the host {host}, which users can't reach. Set it to the URL of the site."
        )
    if not settings.trusted_proxies:
        raise CheckFailed(
            "HUBBUB_PUBLIC_URL is https, so a proxy in front of hubbub terminates TLS. Add that proxy to "
            "HUBBUB_TRUSTED_PROXIES."
        )
    return f"{settings.public_url} is https, behind {', '.join(map(str, settings.trusted_proxies))}."


async def check_mail_from(settings: Settings) -> str:
    """Check that e-mails have a sender that mail servers accept."""
    found = parse_sender(settings.mail_from)
    host = found[1].rpartition("@")[2] if found else ""
    if settings.smtp_url != OFF and "." not in host:
        raise CheckFailed(
            f"HUBBUB_MAIL_FROM is {settings.mail_from}. Set it to an e-mail address of your domain."
        )
    return f"E-mails are sent from {settings.mail_from}."


async def check_limits(settings: Settings) -> str:
    """Check that all rate limits are on."""
    disabled = [f"HUBBUB_{name.upper()}" for name in REQUIRED_LIMITS if getattr(settings, name) is None]
    if disabled:
        raise CheckFailed(
            f"{', '.join(disabled)} off. Remove the setting: without it one client can slow down all others."
        )
    return "All rate limits are on."


async def check_running(settings: Settings) -> str:
    """Check that an instance and a worker run."""
    found = await deployment.live_processes(settings)
    if not any(row.kind == processes.SERVE for row in found):
        raise CheckFailed("No instance is running. Start: hubbub serve")
    if not any(row.kind == processes.WORKER or row.inline_workers for row in found):
        raise CheckFailed("No worker is running. Start: hubbub worker")
    return f"{len(found)} running, of version {', '.join(sorted({row.version for row in found}))}."


async def check_admin(settings: Settings) -> str:
    """Check that there is an admin."""
    if database.sqlite_missing(settings):
        raise CheckFailed("There is no database. Start: hubbub serve")
    async with doctor.connected(settings):
        if await migrations.pending():
            raise CheckFailed("Not checked before the migrations. Run: hubbub migrate")
        async with database.guard():
            count = await models.User.filter(role="admin", deleted_at__isnull=True).count()
    if not count:
        raise CheckFailed("There is no admin. Run: hubbub create-admin EMAIL")
    return f"Admins: {count}."


async def check_clock(settings: Settings) -> str:
    """Check that the clocks of this machine and the database agree."""
    if settings.uses_sqlite:
        return "The database uses the clock of this machine."
    async with doctor.connected(settings) as sql:
        rows = await sql.fetch("SELECT extract(epoch FROM clock_timestamp())::float8 AS now")
        difference_s = abs(rows[0]["now"] - clock.now().timestamp())
    if difference_s > MAX_CLOCK_DIFFERENCE_S:
        raise CheckFailed(
            f"The clocks of this machine and the database differ by {difference_s:.0f} s. Run NTP on both."
        )
    return "The clocks of this machine and the database agree."


CHECKLIST = {
    "environment": check_environment,
    "public url": check_public_url,
    "sender": check_mail_from,
    "limits": check_limits,
    "running": check_running,
    "admin": check_admin,
    "clock": check_clock,
}
