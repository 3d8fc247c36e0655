"""GET /metrics: the metrics of this process as Prometheus text, on the main port or on a separate one."""

import logging

from aiohttp import web
from aioprometheus.collectors import Counter, Gauge, Registry
from aioprometheus.renderer import render

from hubbub.config import Settings
from hubbub.core import client_ip, metrics
from hubbub.core.errors import Forbidden
from hubbub.http import listening
from hubbub.http.app_keys import container_of

log = logging.getLogger(__name__)

PATH = "/metrics"


async def get_metrics(request: web.Request) -> web.Response:
    """Respond to all clients in development; in production to loopback and `HUBBUB_METRICS_ALLOW`."""
    settings = container_of(request).settings
    if settings.env == "production" and not _is_allowed(request, settings):
        raise Forbidden("Metrics are for loopback and the networks in HUBBUB_METRICS_ALLOW.")
    return _response()


async def open_port(settings: Settings) -> web.AppRunner | None:
    """Listen on `HUBBUB_METRICS_PORT`, if it is set, for all. `cleanup` ends it. Raises CannotListen."""
    if settings.metrics_port is None:
        return None
    app = web.Application()
    app.router.add_get(PATH, _get_metrics_on_own_port)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.metrics_port).start()
    except OSError as error:
        await runner.cleanup()
        reason = listening.error_text(error, settings.host, settings.metrics_port, "HUBBUB_METRICS_PORT")
        raise listening.CannotListen(reason) from None
    return runner


async def _get_metrics_on_own_port(_request: web.Request) -> web.Response:
    return _response()


def _is_allowed(request: web.Request, settings: Settings) -> bool:
    ip = client_ip.from_request(request, settings.trusted_proxies)
    peer = client_ip.normalize(request.remote or "")
    if ip == peer and client_ip.is_proxied(request):
        return False  # a proxy on this machine that is not trusted: its client may be any
    return client_ip.is_loopback(ip) or client_ip.is_within(ip, settings.metrics_allow)


def _response() -> web.Response:
    content, headers = render(_collect(), [])
    return web.Response(body=content, headers=headers)


def _collect() -> Registry:
    registry = Registry()
    for metric in metrics.COUNTERS:
        counter = Counter(f"hubbub_{metric.name}_total", metric.help, registry=registry)
        if not metric.label:
            counter.set({}, metrics.counters[metric.name])
            continue
        for value, number in metrics.labelled[metric.name].items():
            counter.set({metric.label: _escape_label(value)}, number)
    for metric in metrics.GAUGES:
        gauge = Gauge(f"hubbub_{metric.name}", metric.help, registry=registry)
        if (reading := _gauge_value(metric.name)) is not None:
            gauge.set({}, reading)
    return registry


def _gauge_value(name: str) -> float | None:
    try:
        return metrics.gauges[name]()
    except Exception:  # a broken gauge must not hide the others
        log.exception("a gauge can't be read", extra={"gauge": name})
        return None


def _escape_label(label: str) -> str:
    """Return a label value with escapes, which the library leaves out."""
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
