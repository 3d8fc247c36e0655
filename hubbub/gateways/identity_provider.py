"""The interface of an identity provider. `oauth/` implements it."""

from typing import NamedTuple, Protocol


class AuthorizationRequest(NamedTuple):
    """The parameters of one login: `state` binds it to the browser, `nonce` to the ID token."""

    state: str
    nonce: str
    code_verifier: str  # binds it to the code (RFC 7636)
    redirect_uri: str


class VerifiedIdentity(NamedTuple):
    """A user of a provider. `subject` never changes; `email` is None unless the provider verified it."""

    subject: str
    email: str | None
    name: str


class IdentityProvider(Protocol):
    """One provider. `issuer` and a subject identify a user, whatever the provider is called here."""

    name: str  # in settings and URLs
    title: str  # for users
    issuer: str  # as the provider names itself

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the URL to which the browser is redirected. Raises Unavailable."""
        ...

    async def verify_code(self, request: AuthorizationRequest, code: str) -> VerifiedIdentity:
        """Return the user of this code. Raises InvalidToken if it verifies no user, Unavailable."""
        ...
