"""Settings that production refuses and accepts."""

import base64
import secrets
import string

import pytest

from hubbub.config import Settings
from hubbub.config.production import MIN_SECRET_BITS, PLACEHOLDER, TEST_SECRET, entropy_bits

GOOD = "9f4c1e7a0b6d83520c5be917fa2d6480"
RIGHT = {
    "env": "production",
    "secret_key": GOOD,
    "public_url": "https://chat.example",
    "smtp_url": "smtp://mail.example",
    "database_url": "postgres://host/name",
}
SHORT = ["short", GOOD[:31]]
KNOWN = [PLACEHOLDER, TEST_SECRET, f"ChangeMe-{GOOD}", f"your_secret_{GOOD}"]
REGULAR = [
    *("x" * 40, "ab" * 20, "0123456789" * 4, "0123456789abcdef" * 2, "x" * 31 + "y" * 31, "password123" * 4),
    *(string.ascii_letters, string.ascii_lowercase[::-1] + "987654", "abc123" * 30, " " * 64, "é" * 40),
    "password1password2password3password4",
]


def mistakes(**given):
    return list(Settings.build({**RIGHT, **given}).production_errors)


def without(name):
    return list(Settings.build({key: it for key, it in RIGHT.items() if key != name}).production_errors)


@pytest.mark.parametrize("name", ["secret_key", "public_url", "smtp_url"])
def test_a_missing_required_setting_is_one_line(name):
    (line,) = without(name)

    assert line.startswith(f"HUBBUB_{name.upper()}: is required in production")


@pytest.mark.parametrize("secret", ["", *SHORT, *KNOWN, *REGULAR])
def test_an_unsafe_secret_is_one_line_that_does_not_repeat_it(secret):
    (line,) = mistakes(secret_key=secret)

    assert line.startswith("HUBBUB_SECRET_KEY: ")
    assert not secret or secret not in line


@pytest.mark.parametrize("secret", [*SHORT, *KNOWN, *[each for each in REGULAR if each.strip()]])
def test_an_unsafe_previous_secret_is_one_line(secret):
    (line,) = mistakes(secret_key_previous=f"{GOOD},{secret}")

    assert line.startswith("HUBBUB_SECRET_KEY_PREVIOUS: ")
    assert secret not in line
    assert GOOD not in line


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_hex(16),
        lambda: secrets.token_hex(32),
        lambda: secrets.token_urlsafe(24),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: "".join(secrets.choice(string.digits) for _ in range(40)),
        lambda: "".join(secrets.choice(string.ascii_lowercase) for _ in range(32)),
        lambda: "-".join(secrets.token_hex(2) for _ in range(8)),
    ],
)
def test_random_secrets_are_accepted(make):
    made = [make() for _ in range(300)]

    assert [each for each in made if mistakes(secret_key=each)] == []
    assert min(map(entropy_bits, made)) > MIN_SECRET_BITS


@pytest.mark.parametrize(
    "given",
    [
        {"cors_origins": "*"},
        {"cors_origins": "https://a.example,*"},
        {"bcrypt_rounds": 9},
        {"redis_url": "redis://host", "database_url": "sqlite://hub.db"},
        {"redis_url": "redis+sentinel://host", "database_url": "sqlite:///srv/hub.db"},
        {"oauth_github_url": "http://git.example"},
    ],
)
def test_a_development_convenience_is_one_line(given):
    (line,) = mistakes(**given)

    assert line.startswith(f"HUBBUB_{next(iter(given)).upper()}: ")


def test_all_errors_are_reported_at_once_in_the_order_of_the_settings():
    given = {"env": "production", "redis_url": "redis://host", "cors_origins": "*", "bcrypt_rounds": 9}

    lines = Settings.build(given).production_errors

    names = ("PUBLIC_URL", "CORS_ORIGINS", "REDIS_URL", "SECRET_KEY", "BCRYPT_ROUNDS", "SMTP_URL")
    assert [line.partition(":")[0] for line in lines] == [f"HUBBUB_{name}" for name in names]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"smtp_url": "off"},
        {"smtp_url": " OFF "},
        {"redis_url": "redis://host", "cors_origins": "https://a.example"},
        {"database_url": "sqlite://hub.db"},
        {"public_url": "http://localhost:8080"},
        {"secret_key_previous": f"{GOOD[::-1]},{GOOD}"},
    ],
)
def test_valid_settings_are_accepted(given):
    assert mistakes(**given) == []


@pytest.mark.parametrize("env", ["development", "test"])
def test_other_environments_accept_the_same_settings(env):
    given = {
        "env": env,
        "secret_key": "x",
        "cors_origins": "*",
        "bcrypt_rounds": 4,
        "redis_url": "redis://host",
    }

    assert Settings.build(given).production_errors == ()


def test_off_is_an_explicit_value():
    assert Settings.build(RIGHT | {"smtp_url": "Off"}).smtp_url == "off"
