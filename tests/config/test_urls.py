"""URLs in settings: each error is one line, and an accepted URL is usable."""

import random

import pytest

from hubbub.cluster.redis import topology
from hubbub.config import ConfigError, Settings, load, urls
from hubbub.db import database

GOOD = {
    "database_url": [
        "sqlite://:memory:",
        "sqlite:///srv/a b/hub.db",
        "sqlite://hub%20bub.db",
        "postgres://h/d",
        "postgresql://u:p%40%2F@h:5432/d?sslmode=require&statement_cache_size=0",
        "postgres://u:p@a:5432,b:5433,[2001:db8::1]:5432/d?target_session_attrs=read-write",
        "postgres://u:p@a,b/d",
        "postgres:///d?host=/var/run/postgresql",
        "postgres://u@%2Fvar%2Frun/d",
        "postgres://u@bücher.example/d",
    ],
    "redis_url": [
        "redis://h",
        "redis://h:6379/0",
        "redis://:p%23@[::1]:6379/15",
        "redis://h?db=2",
        "rediss://u:p@h:6380/0?ssl_cert_reqs=required&ssl_check_hostname=false",
        "redis+sentinel://one,two:26379,[::1]:26379/service/0",
        "redis+sentinel://:p@one:26379/service",
        "redis+cluster://h:6379",
        "redis+cluster://h:6379/0",
    ],
    "smtp_url": ["smtp://h", "smtp://u%40x:p@h:587", "smtps://h:465/", "off", "OFF"],
    "storage_url": [
        "file:///srv/up loads",
        "s3://bucket",
        "s3://bucket/a/b?region=eu-central-1&endpoint=https://h:9000&path_style=true",
    ],
    "public_url": ["https://chat.example", "https://chat.example/", "http://[::1]:8000", "https://h/below"],
    "cdn_url": ["https://cdn.example/x"],
    "cors_origins": [
        "*",
        "https://a.example,http://b.example:8080",
        "capacitor://localhost",
        "http://[::1]:3000",
    ],
    "trusted_proxies": ["127.0.0.1,10.0.0.0/8,::1,2001:db8::/32"],
    "host": ["0.0.0.0", "::", "localhost", "chat.example"],
}
HOSTS = [
    "{}://", "{}://:1", "{}://h:port", "{}://h:0", "{}://h:65536", "{}://h:99999999999", "{}://h:-1", "{}://h:1:2",
    "{}://h:", "{}://[::1", "{}://::1", "{}://[x]", "{}://[::1]x", "{}://a b", "{}://a\tb", "{}://h\x7f", "{}://-h",
    "{}://a..b", "{}://" + "x" * 64, "{}://" + "x." * 200, "{}://u:p@x@h", "{}://u:p:q@h", "{}://u:p#q@h", "{}://u:p/q@h",
    "{}://u:p?q@h", "{}://u:%zz@h", "{}://h/%", "{}://h#x", "{}:h", "//h", "h", "{}//h", "{}:///", "é://h", "{}://\udcff",
    "{}://h?=1", "{}://h?x", "{}://h?x=1", "{}://h?x=1&x=2",
]  # fmt: skip
REDIS = ("redis", "rediss", "redis+sentinel", "redis+cluster")
BAD = {
    "database_url": [
        "sqlite:", "sqlite://", "sqlite:///", "sqlite:hub.db", "sqlite://a?x=1", "sqlite://a#b", "mysql://h/d",
        "postgres://", "postgres://,/d", "postgres://a,,b/d", "postgres://a:5432,b:x/d", "postgres://a:5432,b:0/d",
        "postgres://h/d?statement_cache_size=many", "postgres://h/d?statement_cache_size=-1", "postgres://u:s3cret#x@h/d",
        "postgres://h/d?target_session_attrs=standby", "postgres://h/d?target_session_attrs=",
        *(each.format("postgres") for each in HOSTS if "?x=" not in each and "?x" not in each and each != "{}:///"),
    ],
    "redis_url": [
        "redis://h/x", "redis://h/-1", "redis://h/0/1", "redis://h/0?x=1", "redis://h?db=x", "redis://h?ssl_cert_reqs=none",
        "rediss://h?ssl_cert_reqs=perhaps", "rediss://h?ssl_check_hostname=perhaps", "rediss://h?ssl_ca_certs=/no/file",
        "redis://a,b", "redis+cluster://a:1,b:1", "redis+cluster://h/1", "redis+cluster://h?db=1", "redis+sentinel:///s/0",
        "redis+sentinel://h//0", "redis+sentinel://h/s/x", "redis+sentinel://h/s/0?x=1", "redis+sentinel://a,,b/s",
        "redis+sentinel://a:x/s", "unix:///run/redis.sock", "redis://h?socket_timeout=x", "redis://u:s3cret@h:x",
        *(each.format(scheme) for each in HOSTS for scheme in REDIS),
    ],
    "smtp_url": [
        "smtp://h/x", "smtp://a,b", "smtp://:s3cret@h", "smtp://h?x=1", "http://h", "on",
        *(each.format("smtp") for each in HOSTS),
    ],
    "storage_url": [
        "file:", "file://", "file:///", "file:x", "file:///a?x=1", "file:///a#b", "s3://", "s3:///x",
        "s3://b:1", "s3://a,b",
        "s3://u:s3cret@b", "s3://b?x=1", "s3://b?path_style=perhaps", "s3://b?endpoint=h",
        "s3://b?endpoint=https://", "/srv",
    ],
    "public_url": [
        "ftp://h", "https://u:s3cret@h", "https://a,b", "https://h?", "*",
        *(each.format("https") for each in HOSTS if not each.endswith(":0")),
    ],
    "cdn_url": [each.format("https") for each in HOSTS if not each.endswith(":0")],
    "oauth_github_url": [each.format("https") for each in HOSTS if not each.endswith(":0")],
    "oauth_issuers": ["x", "x=", "x=https://h", "x=https://i:s3cret@h:port", "x=https://i:s3cret@[::1", "x=ftp://i:s@h"],
    "cors_origins": [
        "a.example", "https://", "https://a.example/x", "https://a.example?x", "https://u@a.example", "https://*.example",
        "https://a.example:x", "https://[::1", "null",
    ],
    "trusted_proxies": ["x", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1:80", "[::1]", "10.0.0.0/8 127.0.0.1"],
    "metrics_allow": ["x", "::1/129"],
    "host": ["", "a b", "http://h", "a..b", "é" * 300, "x" * 300, "[::1]", "127.0.0.1:80", "%2Frun"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_a_valid_url_is_accepted(name, text):
    Settings.build({"s3_access_key_id": "x", "s3_secret_access_key": "y", name: text})


def refusal(name, text):
    with pytest.raises(ConfigError) as refused:
        load({f"HUBBUB_{name.upper()}": text}, dotenv_path=None)
    return refused.value.lines


@pytest.mark.parametrize("name", BAD)
def test_each_error_is_one_line_with_the_setting_and_without_the_password(name):
    for text in filter(None, BAD[name]):
        lines = refusal(name, text)
        assert len(lines) == 1, (text, lines)
        assert lines[0].startswith(f"HUBBUB_{name.upper()}: "), text
        assert lines[0].isprintable(), (text, lines)
        assert "s3cret" not in lines[0]


def use(name, text):
    """What the program does with a URL before it connects."""
    settings = load({f"HUBBUB_{name.upper()}": text, "HUBBUB_SECRET_KEY": "k" * 40}, dotenv_path=None)
    if name == "redis_url":
        topology.from_url(settings.redis_url, "test")
    database.configuration(settings)
    database.problem(settings, "")


def used(name, text):
    try:
        use(name, text)
    except ConfigError:
        return False
    return True


async def test_an_accepted_url_stays_usable_when_it_is_changed():
    chance = random.Random(7)
    accepted = 0
    for _ in range(3000):
        name = chance.choice(
            ["database_url", "redis_url", "smtp_url", "storage_url", "public_url", "cors_origins"]
        )
        text = chance.choice(GOOD[name])
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text) + 1)
            text = (
                text[:at]
                + chance.choice(["", *":/?#@[]%,.&=- 0x\x00\n\ud800é"])
                + text[at + chance.randrange(2) :]
            )
        accepted += used(name, text)
    assert accepted > 100


def test_a_folder_with_any_name_can_hold_the_data(tmp_path):
    folder = tmp_path / "a b%20c?d#e"
    settings = Settings.build({"data_dir": str(folder), "secret_key": "k" * 40})

    assert database.sqlite_path(settings.database_url) == folder / "hubbub.db"
    assert urls.parse("postgres://u:a%40b@h/d", ("postgres",), "").password == "a@b"


def test_a_value_with_control_characters_or_no_utf8_is_one_line():
    for text in ("a\x00b", "a\x1bb", "a\udcffb"):
        assert refusal("data_dir", text) == [
            "HUBBUB_DATA_DIR: contains control characters, or is not UTF-8 text."
        ]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///srv/up%20loads", "/srv/up loads"),
        ("file://uploads/here", "uploads/here"),
        ("file://localhost/srv", "/srv"),
    ],
)
def test_the_path_of_a_file_url(url, path):
    assert str(urls.file_path(url)) == path
