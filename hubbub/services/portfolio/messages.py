"""Messages of visitors of a public portfolio: limits, the honeypot, and the job that notifies the owner."""

from typing import TYPE_CHECKING

from hubbub.core import ids
from hubbub.core.client_ip import rate_limit_key
from hubbub.core.errors import NotFound
from hubbub.core.request_info import RequestInfo
from hubbub.core.text import email_addresses, names
from hubbub.ratelimit.rate import Rate
from hubbub.schemas.jobs import NotifyPortfolioMessage
from hubbub.schemas.portfolio.public import SendPortfolioMessage
from hubbub.services import rate_limits
from hubbub.services.context import Context
from hubbub.services.portfolio import public

if TYPE_CHECKING:
    from hubbub.services.context import Container

LIMIT_PER_IP = Rate(5, 5 / 3600)
LIMIT_PER_PORTFOLIO = Rate(20, 20 / 86_400)
IP_LIMIT = "contact"
PORTFOLIO_LIMIT = "contact_portfolio"


async def send(
    container: "Container", username: str, command: SendPortfolioMessage, request_info: RequestInfo
) -> None:
    """Notify the owner of a public portfolio of a message.

    With a filled honeypot nothing is stored. A message to a portfolio that is not public does not count.
    Raises NotFound, RateLimited (5 an hour of an IP address, 20 a day of a portfolio), Unavailable.
    """
    ip_key = rate_limit_key(request_info.ip)
    await rate_limits.acquire(container, IP_LIMIT, ip_key, LIMIT_PER_IP)
    try:
        owner_id = (await public.access(container, username)).user_id
    except NotFound:
        await container.rate_limiter.acquire(IP_LIMIT, ip_key, LIMIT_PER_IP, -1)
        raise
    if command.website:  # it does not count for the portfolio, or programs could close it
        return
    await rate_limits.acquire(container, PORTFOLIO_LIMIT, str(owner_id), LIMIT_PER_PORTFOLIO)
    site = container.settings.public_url or ""
    job = NotifyPortfolioMessage(
        user_id=owner_id,
        message_id=ids.uuid7(),
        sender=names.normalize_line(command.name),
        email=email_addresses.normalize(command.email),
        body=command.message,
        url=f"{site}/@{public.normalize(username)}",
    )
    async with Context(container, owner_id, request_info=request_info).unit() as unit:
        await unit.enqueue(job)
