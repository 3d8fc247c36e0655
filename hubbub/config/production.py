"""What production refuses because it is only convenient: checks of single settings."""

from pydantic import ValidationInfo

PLACEHOLDER = "put-at-least-32-random-characters-here"
TEST_SECRET = "a-secret-for-tests-and-for-nothing-else"  # noqa: S105 - refused in production
SECRET_LENGTH = 32
ROUNDS = 10


def _is_production(info: ValidationInfo) -> bool:
    return info.data.get("env") == "production"


def secret(value: str, info: ValidationInfo) -> str:
    """The key that signs: there must be one."""
    if _is_production(info):
        if not value:
            raise ValueError("is required in production: set it, or HUBBUB_SECRET_KEY_FILE")
        _check(value)
    return value


def secrets(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Keys that are accepted besides: whoever has one can sign with it, so each is as good as the current."""
    if _is_production(info):
        for each in value:
            _check(each)
    return value


def _check(value: str) -> None:
    if value in (PLACEHOLDER, TEST_SECRET):
        raise ValueError("is a known one; production needs one of its own")
    if len(value) < SECRET_LENGTH:
        raise ValueError(f"must have at least {SECRET_LENGTH} characters in production")


def origins(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Sites whose pages may connect."""
    if "*" in value and _is_production(info):
        raise ValueError("* is refused in production: name the origins")
    return value


def rounds(value: int, info: ValidationInfo) -> int:
    """The cost of a password digest."""
    if value < ROUNDS and _is_production(info):
        raise ValueError(f"must be {ROUNDS} or more in production")
    return value


def instances(value: str | None, info: ValidationInfo) -> str | None:
    """A Redis means several instances, which share no SQLite."""
    store = info.data.get("database_url", "")
    if value and store.startswith("sqlite") and _is_production(info):
        raise ValueError(
            "means several instances, and SQLite is for one: set HUBBUB_DATABASE_URL to a PostgreSQL"
        )
    return value
