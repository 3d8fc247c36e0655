"""HTTP client for providers: one request, one JSON response, both limited. No redirects and no cookies."""

import asyncio
import logging
import ssl
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import msgspec

from hubbub.core import metrics
from hubbub.core.errors import Unavailable

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 * 1024
MAX_CONNECTIONS = 20
RETRY_AFTER_MS = 5000  # after which a user may try again


class ProviderUnavailable(Unavailable):
    """A provider can't be used now. `reason` is for the operator."""

    def __init__(self, title: str, reason: str) -> None:
        super().__init__(
            f"The login with {title} does not work now. Try again in a moment, or log in another way.",
            retry_after_ms=RETRY_AFTER_MS,
        )
        self.reason = reason


class ProviderResponse(NamedTuple):
    """A provider's response. `body` is decoded JSON, None if it was anything else."""

    status: int
    body: Any


class ProviderClient:
    """The HTTP client for all providers. It connects at the first request."""

    def __init__(self, timeout_s: float = 10.0) -> None:
        self.timeout_s = timeout_s  # for a complete response
        self._session: aiohttp.ClientSession | None = None  # created at the first request

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def _open_session(self) -> aiohttp.ClientSession:
        """Return the session, created at first use. Trusts the system's certificates, or SSL_CERT_FILE."""
        if self._session is None:
            context = await asyncio.to_thread(ssl.create_default_context)
            if self._session is None:
                self._session = _create_session(context)
        return self._session

    async def request(
        self,
        title: str,
        url: str,
        *,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> ProviderResponse:
        """Send a GET, or a POST with a form. `title` names the provider in errors. Raises Unavailable."""
        session = await self._open_session()
        try:
            async with session.request(
                "POST" if form is not None else "GET",
                url,
                data=form,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.timeout_s),
            ) as response:
                body = await _read_body(response.content)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise provider_unavailable(title, f"the request failed: {type(error).__name__}") from None
        if body is None:
            raise provider_unavailable(title, "its response is too large")
        if not 200 <= status < 500 or 300 <= status < 400:  # noqa: PLR2004 - classes of statuses
            raise provider_unavailable(title, f"it responds with {status}")
        return ProviderResponse(status, _decode_json(body))


def _create_session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),  # all users share it: a cookie of one must not reach another
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "hubbub"},
        auto_decompress=False,  # a small response must not become a large one
    )


async def _read_body(stream: aiohttp.StreamReader) -> bytes | None:
    """Return a body; None if it is larger than any expected response."""
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _decode_json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


def provider_unavailable(title: str, reason: str) -> ProviderUnavailable:
    """Return the error for a provider that can't be used now; count and log it."""
    metrics.count("oauth_provider_failures", title)
    log.warning("an identity provider is unavailable", extra={"provider": title, "why": reason})
    return ProviderUnavailable(title, reason)
