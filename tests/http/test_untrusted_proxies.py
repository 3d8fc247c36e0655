"""A proxy in front of an instance that HUBBUB_TRUSTED_PROXIES does not name."""

import asyncio
from ipaddress import ip_network

import pytest

from hubbub.http import untrusted_proxies
from hubbub.http.untrusted_proxies import UntrustedProxies
from hubbub.services.instance import processes
from tests.support.live_instance import LiveInstance

FORWARDED = {"X-Forwarded-For": "203.0.113.7"}
PATHS = ["/health/live", "/api/v1/nothing", "/socket.io/?EIO=4&transport=polling"]


def warnings(caplog):
    return [record for record in caplog.records if "HUBBUB_TRUSTED_PROXIES" in record.message]


async def reported(proxy):
    """Wait until the registration of the instance names the proxy."""
    async with asyncio.timeout(10):
        while [row.untrusted_proxy for row in await processes.live()] != [proxy]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", PATHS)
async def test_one_warning_names_the_setting_and_the_registration_names_the_proxy(instance, caplog, path):
    for _ in range(3):
        async with instance.http.get(instance.url + path, headers=FORWARDED):
            pass

    (record,) = warnings(caplog)
    assert record.proxy == "127.0.0.1"
    await reported("127.0.0.1")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("proxies", "headers"), [("127.0.0.0/8", FORWARDED), ("", {})])
async def test_a_trusted_proxy_and_a_direct_request_cause_no_warning(settings, caplog, proxies, headers):
    networks = tuple(ip_network(each) for each in proxies.split(",") if each)
    async with LiveInstance(settings.model_copy(update={"trusted_proxies": networks})) as instance:
        async with instance.http.get(f"{instance.url}/health/live", headers=headers):
            pass

        assert warnings(caplog) == []
        assert [row.untrusted_proxy for row in await processes.live()] == [None]


@pytest.mark.parametrize(
    ("peer", "private"),
    [
        *(("127.0.0.1", True), ("::1", True), ("10.1.2.3", True), ("172.20.0.1", True), ("fd00::1", True)),
        *(("192.168.0.9", True), ("::ffff:10.0.0.1", True), ("8.8.8.8", False), ("2600::1", False)),
        ("", False),
    ],
)
def test_a_public_ip_address_counts_as_a_client_that_forges_the_header(peer, private):
    reports = []

    UntrustedProxies(reports.append).record(peer)

    assert bool(reports) == private


def test_the_warning_is_repeated_after_an_hour(monkeypatch, caplog):
    now = 1000.0
    monkeypatch.setattr(untrusted_proxies.clock, "monotonic", lambda: now)
    watch = UntrustedProxies(lambda _: None)

    for passed in (0, 3599, 1):
        now += passed
        watch.record("10.0.0.1")

    assert len(warnings(caplog)) == 2
