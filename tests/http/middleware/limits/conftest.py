"""Limited instances."""

from ipaddress import ip_network

import pytest

from hubbub.config import Settings

SLOW = "3/0.001"
OTHERWISE = {"off": {}, "leaky": {"limit_http": "4/2 leaky"}, "waits": {"limit_auth": "3/1000"}}


@pytest.fixture(params=["limit_http", "limit_auth", "limit_register", "off"])
def limited(request):
    return request.param


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def settings(database_url, tmp_path, limited):
    limits = OTHERWISE.get(limited, {limited: SLOW})
    if limited == "limit_auth":
        limits["limit_register"] = "off"
    return Settings.for_tests(
        database_url=database_url,
        data_dir=tmp_path,
        port=0,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        limit_tiers="moderator=2,admin=off",
        **limits,
    )
