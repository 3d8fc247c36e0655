"""Keys, claims and signed tokens for the tests of tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt

from hubbub.core.auth_tokens import ACCESS_AUDIENCE

SECRET = "a-secret-for-these-tests-of-good-length"
OTHER = "another-secret-for-these-tests-of-tokens"
USER, SESSION = uuid4(), uuid4()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid access token, with changes. None removes a claim."""
    now = datetime.now(UTC)
    good = {
        "iss": "hubbub",
        "aud": ACCESS_AUDIENCE,
        "sub": str(USER),
        "sid": str(SESSION),
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm)
