"""GET /metrics: what it says, and to whom."""

import socket
from collections import Counter

import pytest

from hubbub.config import Settings
from hubbub.core import metrics
from hubbub.http.listening import CannotListen
from hubbub.http.metrics import open_port
from tests.support.live_instance import LiveInstance

SECRET = "a secret of production, of some length"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def counted(monkeypatch):
    """Metrics of this test alone, beside those of the table."""
    more = (metrics.Metric("things", "Things."), metrics.Metric("sorts", "Sorts.", "kind"))
    monkeypatch.setattr(metrics, "COUNTERS", (*metrics.COUNTERS, *more))
    gauges = (metrics.Metric("level", "Level."), metrics.Metric("broken", "Broken."))
    monkeypatch.setattr(metrics, "GAUGES", (*metrics.GAUGES, *gauges))
    monkeypatch.setattr(metrics, "counters", metrics.counters.copy())
    monkeypatch.setattr(metrics, "labelled", {**metrics.labelled, "sorts": Counter()})
    monkeypatch.setattr(metrics, "gauges", {**metrics.gauges, "level": lambda: 0.5, "broken": lambda: 0.0})


async def scrape(instance, **headers):
    async with instance.http.get(f"{instance.url}/metrics", headers=headers) as answer:
        return answer.status, answer.headers["Content-Type"], (await answer.text()).splitlines()


async def test_counters_and_gauges_are_exported(instance, counted):
    user = await instance.register()
    await user.connect_client()
    metrics.count("things")
    metrics.count("things", by=2)
    metrics.count("sorts", "plain")
    metrics.count("sorts", 'od"d\\\nlabel')
    metrics.gauge("level", lambda: 1.5)

    status, content_type, lines = await scrape(instance)

    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "# TYPE hubbub_things_total counter" in lines
    assert "hubbub_things_total 3" in lines
    assert 'hubbub_sorts_total{kind="plain"} 1' in lines
    assert 'hubbub_sorts_total{kind="od\\"d\\\\\\nlabel"} 1' in lines
    assert "# TYPE hubbub_level gauge" in lines
    assert "hubbub_level 1.5" in lines
    assert "hubbub_connections 1" in lines
    assert any(line.startswith('hubbub_requests_total{status="201"}') for line in lines)
    assert all(line.startswith(("# ", "hubbub_")) for line in lines)
    assert user.username not in str(lines)


async def test_a_failing_gauge_hides_no_other(instance, counted, caplog):
    metrics.gauge("broken", lambda: 1 / 0)
    metrics.gauge("level", lambda: 7)

    status, _, lines = await scrape(instance)

    assert status == 200
    assert "hubbub_level 7" in lines
    assert not any(line.startswith("hubbub_broken") for line in lines)
    assert "a gauge can't be read" in caplog.text


def in_production(database_url, tmp_path, **more):
    return Settings.for_tests(
        env="production",
        secret_key=SECRET,
        bcrypt_rounds=10,
        database_url=database_url,
        data_dir=tmp_path,
        port=0,
        **more,
    )


@pytest.mark.parametrize(
    ("proxies", "allowed", "headers", "status"),
    [
        ("", "", {}, 200),
        ("", "", {"X-Forwarded-For": "203.0.113.9"}, 403),  # a proxy here that is not configured
        ("", "", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("", "", {"Forwarded": "for=203.0.113.9"}, 403),
        ("127.0.0.0/8", "", {"X-Forwarded-For": "203.0.113.9"}, 403),
        ("127.0.0.0/8", "203.0.113.0/24", {"X-Forwarded-For": "203.0.113.9"}, 200),
        ("127.0.0.0/8", "203.0.113.0/24", {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}, 403),
    ],
)
async def test_production_serves_metrics_to_trusted_networks_only(
    database_url, tmp_path, proxies, allowed, headers, status
):
    settings = in_production(database_url, tmp_path, trusted_proxies=proxies, metrics_allow=allowed)
    async with LiveInstance(settings) as instance:
        got, content_type, _ = await scrape(instance, **headers)

    assert (got, content_type == "application/problem+json") == (status, status == 403)


async def test_metrics_may_have_a_separate_port(database_url, tmp_path, unused_tcp_port):
    settings = in_production(database_url, tmp_path, metrics_port=unused_tcp_port)
    async with LiveInstance(settings) as instance:
        assert (await scrape(instance))[0] == 404
        place = f"http://127.0.0.1:{unused_tcp_port}/metrics"
        async with instance.http.get(place, headers={"X-Forwarded-For": "203.0.113.9"}) as answer:
            assert (answer.status, "hubbub_connections 0" in await answer.text()) == (200, True)


async def test_a_port_in_use_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"^127.0.0.1:{port} is in use: .*HUBBUB_METRICS_PORT"):
            await open_port(Settings.for_tests(metrics_port=port))
