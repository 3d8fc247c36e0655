"""The issuer of tokens for these tests."""

import pytest

from hubbub.core.auth_tokens import TokenIssuer
from tests.core.auth_tokens.signed_tokens import SECRET


@pytest.fixture
def tokens() -> TokenIssuer:
    return TokenIssuer(SECRET, 900, 604_800)
