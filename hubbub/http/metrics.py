"""GET /metrics: what hubbub counted, as Prometheus text; on the main port, or on one of its own."""

import logging
from collections.abc import Iterable
from ipaddress import ip_address

from aiohttp import web
from aioprometheus.collectors import Counter, Gauge, Registry
from aioprometheus.renderer import render

from hubbub.config import Settings
from hubbub.core import client_ip, metrics
from hubbub.core.errors import Forbidden
from hubbub.http import listening
from hubbub.http.app_keys import parts_of

log = logging.getLogger(__name__)

PATH = "/metrics"
_FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded")


async def show(request: web.Request) -> web.Response:
    """For everybody in development; in production for loopback and `HUBBUB_METRICS_ALLOW`."""
    settings = parts_of(request).settings
    if settings.env == "production" and not _is_near(request, settings):
        raise Forbidden("Metrics are for loopback and the networks in HUBBUB_METRICS_ALLOW.")
    return _answer()


async def open_port(settings: Settings) -> web.AppRunner | None:
    """Listen on `HUBBUB_METRICS_PORT` for all, if it is set. End it by `cleanup`. Raises CannotListen."""
    if settings.metrics_port is None:
        return None
    app = web.Application()
    app.router.add_get(PATH, _show_apart)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.metrics_port).start()
    except OSError as error:
        await runner.cleanup()
        reason = listening.reason(error, settings.host, settings.metrics_port, "HUBBUB_METRICS_PORT")
        raise listening.CannotListen(reason) from None
    return runner


async def _show_apart(_request: web.Request) -> web.Response:
    return _answer()


def _is_near(request: web.Request, settings: Settings) -> bool:
    address = client_ip.from_request(request, settings.trusted_proxies)
    peer = client_ip.normalize(request.remote or "")
    if address == peer and any(name in request.headers for name in _FORWARDED):
        return False  # a proxy on this machine that we were not told of: who is behind it may be anybody
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback or any(parsed in network for network in settings.metrics_allow)


def _answer() -> web.Response:
    content, headers = render(_collect(), [])
    return web.Response(body=content, headers=headers)


def _collect() -> Registry:
    registry = Registry()
    for name in sorted({*metrics.counters, *metrics.labelled}):
        counter = Counter(f"hubbub_{name}_total", _told(name), registry=registry)
        if name in metrics.counters:
            counter.set({}, metrics.counters[name])
        for label, value in metrics.labelled.get(name, {}).items():
            counter.set({"kind": _escaped(label)}, value)
    for name, reading in _readings():
        Gauge(f"hubbub_{name}", _told(name), registry=registry).set({}, reading)
    return registry


def _readings() -> Iterable[tuple[str, float]]:
    for name, read in sorted(metrics.gauges.items()):
        try:
            yield name, read()
        except Exception:  # a broken gauge must not hide the others
            log.exception("a gauge can't be read", extra={"gauge": name})


def _told(name: str) -> str:
    return name.replace("_", " ").capitalize() + "."


def _escaped(label: str) -> str:
    """A label value as the format wants it; the library writes it as it is."""
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
