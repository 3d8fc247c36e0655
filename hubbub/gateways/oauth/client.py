"""Asking a provider: one request, one JSON answer, both limited. No redirect is followed, no cookie kept."""

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
RETRY_AFTER_MS = 5000  # when somebody may try again


class ProviderUnavailable(Unavailable):
    """A provider can't be used now. `why` is for whoever runs hubbub."""

    def __init__(self, title: str, reason: str) -> None:
        super().__init__(
            f"Signing in with {title} does not work now. Try again in a moment, or sign in another way.",
            retry_after_ms=RETRY_AFTER_MS,
        )
        self.reason = reason


class ProviderResponse(NamedTuple):
    """What was answered; `body` is decoded JSON, None if it was something else."""

    status: int
    body: Any


class ProviderClient:
    """The one way out to providers. Connects when it is first asked."""

    def __init__(self, timeout_s: float = 10.0) -> None:
        self.timeout_s = timeout_s  # for an answer to come in whole
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def _open_session(self) -> aiohttp.ClientSession:
        """Made at first use. Certificates are checked against those of the machine, or of SSL_CERT_FILE."""
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
        """GET, or POST of a form. `title` is who is asked, for the refusal. Raises Unavailable."""
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
            raise provider_unavailable(title, f"it can't be asked: {type(error).__name__}") from None
        if body is None:
            raise provider_unavailable(title, "its answer is too large")
        if not 200 <= status < 500 or 300 <= status < 400:  # noqa: PLR2004 - classes of statuses
            raise provider_unavailable(title, f"it answers {status}")
        return ProviderResponse(status, _decode_json(body))


def _create_session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),  # people share this session: nothing of one may reach another
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "hubbub"},
        auto_decompress=False,  # a small answer must not become a large one
    )


async def _read_body(stream: aiohttp.StreamReader) -> bytes | None:
    """A body; None if it is larger than anything that is expected."""
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
    """The refusal when a provider can't be used now."""
    metrics.count("oauth_provider_failures", title)
    log.warning("a provider of sign-ins can't be used", extra={"provider": title, "why": reason})
    return ProviderUnavailable(title, reason)
