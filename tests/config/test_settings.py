"""Limits and defaults of settings."""

import pytest

from hubbub.config import ConfigError, Settings
from hubbub.ratelimit.rate import Rate

SECRET = "9f4c1e7a0b6d83520c5be917fa2d6480"
BUCKET = "must be a burst and its refill per second, like 30/10 or 10/0.5, or off."
LABEL = "must be 1 to 64 letters, digits, dots, hyphens or underscores."
NETWORK = "is not a network; did you mean 10.0.0.0/8?"
PRODUCTION = {
    "env": "production",
    "secret_key": SECRET,
    "public_url": "https://chat.example",
    "smtp_url": "smtp://mail.example",
}


def refusal(**given):
    with pytest.raises(ConfigError) as caught:
        Settings.build(given)
    return caught.value.lines


def test_the_defaults_are_as_specified():
    settings = Settings.build({})

    assert (settings.env, settings.host, settings.port) == ("development", "127.0.0.1", 8000)
    assert str(settings.data_dir) == "var"
    assert settings.database_url == "sqlite://var/hubbub.db"
    assert settings.redis_url is None
    assert settings.default_rooms == ("general",)
    assert (settings.access_token_ttl_s, settings.refresh_token_ttl_s) == (900, 604800)
    assert settings.bcrypt_rounds == 12
    assert (settings.ping_interval_ms, settings.ping_timeout_ms) == (25000, 20000)
    assert (settings.max_payload_bytes, settings.max_event_bytes) == (1_000_000, 131_072)
    assert settings.max_output_bytes == 1_048_576
    assert (settings.sockets_per_user, settings.sockets_per_address) == (20, 1000)
    assert settings.handshakes_per_s == 500
    assert (settings.limit_message_send, settings.limit_events) == (Rate(30, 10), Rate(50, 20))
    assert settings.max_upload_bytes == 26214400
    assert (settings.cdn_url, settings.smtp_url, settings.metrics_port) == (None, None, None)
    assert (settings.log_format, settings.log_level) == ("console", "info")
    assert settings.inline_workers
    assert settings.playground
    assert settings.drain_s == 20


def test_defaults_depend_on_the_environment():
    development, test, production = (
        Settings.build({"env": env, "secret_key": SECRET}) for env in ("development", "test", "production")
    )

    assert (development.cors_origins, test.cors_origins, production.cors_origins) == (("*",), ("*",), ())
    assert (development.playground, test.playground, production.playground) == (True, False, False)
    assert (development.bcrypt_rounds, test.bcrypt_rounds, production.bcrypt_rounds) == (12, 4, 12)


def test_defaults_depend_on_the_database():
    settings = Settings.build({"database_url": "postgres://hub@host/db"})

    assert not settings.uses_sqlite
    assert not settings.inline_workers
    assert Settings.build({}).uses_sqlite


def test_the_default_database_is_in_the_data_folder(tmp_path):
    settings = Settings.build({"data_dir": str(tmp_path)})

    assert settings.database_url == f"sqlite://{tmp_path}/hubbub.db"
    assert settings.storage_url == f"file://{tmp_path}/uploads"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("chat.example", "http://chat.example:8000"),
    ],
)
def test_the_public_url_defaults_to_the_listening_address(host, address):
    assert Settings.build({"host": host}).public_url == address


def test_registration_is_unlimited_where_login_is():
    assert Settings.build({}).limit_register == Rate(10, 0.0028)
    assert Settings.build({"limit_auth": "off"}).limit_register is None
    assert Settings.build({"limit_auth": "off", "limit_register": "1/1"}).limit_register == Rate(1, 1)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"env": "prod"}, 'HUBBUB_ENV: must be development, test or production, not "prod".'),
        ({"port": "70000"}, 'HUBBUB_PORT: must be 65535 or less, not "70000".'),
        ({"port": "-1"}, 'HUBBUB_PORT: must be 0 or more, not "-1".'),
        ({"port": "8000.5"}, 'HUBBUB_PORT: must be a whole number, not "8000.5".'),
        ({"max_event_bytes": "1e99"}, 'HUBBUB_MAX_EVENT_BYTES: must be a whole number, not "1e99".'),
        (
            {"max_event_bytes": 104857601},
            'HUBBUB_MAX_EVENT_BYTES: must be 104857600 or less, not "104857601".',
        ),
        ({"port": "9000", "metrics_port": "9000"}, "HUBBUB_METRICS_PORT: must differ from HUBBUB_PORT."),
        ({"queue_warn_s": "0"}, 'HUBBUB_QUEUE_WARN_S: must be more than 0, not "0".'),
        ({"drain_s": "nan"}, 'HUBBUB_DRAIN_S: must be 3600 or less, not "nan".'),
        ({"drain_s": "soon"}, 'HUBBUB_DRAIN_S: must be a number, not "soon".'),
        ({"playground": "maybe"}, 'HUBBUB_PLAYGROUND: must be true or false, not "maybe".'),
        ({"sockets_per_user": "0"}, 'HUBBUB_SOCKETS_PER_USER: must be 1 or more, not "0".'),
        ({"bcrypt_rounds": "3"}, 'HUBBUB_BCRYPT_ROUNDS: must be 4 or more, not "3".'),
        ({"log_level": "loud"}, 'HUBBUB_LOG_LEVEL: must be debug, info, warning or error, not "loud".'),
        ({"limit_events": "x"}, f"HUBBUB_LIMIT_EVENTS: {BUCKET}"),
        ({"metrics_allow": "10.1.1.1/8"}, f'HUBBUB_METRICS_ALLOW: "10.1.1.1/8" {NETWORK}'),
        ({"instance_id": "a b"}, f"HUBBUB_INSTANCE_ID: {LABEL}"),
        ({"public_url": "chat.example"}, "HUBBUB_PUBLIC_URL: must be a URL like https://chat.example."),
        ({"redis_url": "http://x"}, "HUBBUB_REDIS_URL: must be a URL like redis://host:6379/0."),
        (
            {"smtp_url": "mail.example:25"},
            "HUBBUB_SMTP_URL: must be a URL like smtp://user:password@host:587, or off.",
        ),
        ({"prot": "1"}, "HUBBUB_PROT: there is no such setting."),
        ({"host": ""}, "HUBBUB_HOST: must be an IP address or a host name."),
    ],
)
def test_an_error_is_one_clear_line(given, line):
    assert refusal(**given) == [line]


@pytest.mark.parametrize(
    "url", ["mysql://hub:s3cret@host/db", "postgres://hub:s3cret@host:port/db", "postgres://"]
)
def test_an_invalid_database_is_refused_without_repeating_its_password(url):
    (line,) = refusal(database_url=url)

    assert line.startswith("HUBBUB_DATABASE_URL: ")
    assert "s3cret" not in line


@pytest.mark.parametrize(
    "url", ["sqlite://:memory:", "sqlite:///srv/hub.db", "sqlite://hub.db", "postgresql://h/d"]
)
def test_a_database_url_has_several_forms(url):
    assert Settings.build({"database_url": url}).database_url == url


@pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+sentinel", "redis+cluster"])
def test_a_redis_url_has_several_forms(scheme):
    assert Settings.build({"redis_url": f"{scheme}://host:6379/0"}).redis_url == f"{scheme}://host:6379/0"


def test_a_sentinel_has_several_hosts():
    url = "redis+sentinel://:s3cret@one:26379,two:26379/service/0"

    assert Settings.build({"redis_url": url}).redis_url == url


def test_all_errors_are_reported_at_once():
    lines = refusal(env="production", port="x", bcrypt_rounds="4", cors_origins="*", drain_s="-1")

    assert [line.partition(":")[0] for line in lines] == [
        "HUBBUB_PORT",
        "HUBBUB_CORS_ORIGINS",
        "HUBBUB_DRAIN_S",
        "HUBBUB_SECRET_KEY",
        "HUBBUB_BCRYPT_ROUNDS",
        "HUBBUB_SMTP_URL",
    ]


def test_an_invalid_setting_hides_errors_derived_from_it():
    assert len(refusal(env="prod")) == 1
    assert len(refusal(host="", data_dir=3)) == 2


def test_previous_secrets_are_a_list():
    first, second = SECRET, "b7e151628aed2a6abf7158809cf4f3c7"
    settings = Settings.build({**PRODUCTION, "secret_key_previous": f" {first}\r\n{second},,{first}\n"})

    assert settings.secret_key_previous == (first, second)
    assert first not in repr(settings)
    assert Settings.build({}).secret_key_previous == ()


def test_settings_are_immutable():
    settings = Settings.for_tests()

    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_secrets_are_absent_from_representations():
    settings = Settings.build(
        {"secret_key": SECRET, "database_url": "postgres://u:s3cret@h/d", "redis_url": "redis://:s3cret@h"}
    )

    assert SECRET not in repr(settings)
    assert "s3cret" not in str(settings)


def test_settings_for_tests_need_no_arguments(monkeypatch, tmp_path):
    monkeypatch.setenv("HUBBUB_PORT", "nonsense")
    monkeypatch.chdir(tmp_path)

    settings = Settings.for_tests(limit_auth=None, port=0)

    assert (settings.env, settings.bcrypt_rounds, settings.port) == ("test", 4, 0)
    assert settings.limit_auth is None
    assert settings.database_url == "sqlite://:memory:"
    assert list(tmp_path.iterdir()) == []
