"""What hubbub needs of somebody who says who a person is; `oauth/` speaks with real ones."""

from typing import NamedTuple, Protocol


class AuthorizationRequest(NamedTuple):
    """What one sign-in is bound to: `state` to the browser, `nonce` to the answer, `verifier` to the code."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str


class VerifiedIdentity(NamedTuple):
    """Who somebody is. `subject` never changes; `email` is None if it is not said to be verified."""

    subject: str
    email: str | None
    name: str


class IdentityProvider(Protocol):
    """One provider. `issuer` and a subject name a person, whatever the provider is called here."""

    name: str
    title: str
    issuer: str

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """The address to send the browser to. Raises Unavailable."""
        ...

    async def verify_code(self, request: AuthorizationRequest, code: str) -> VerifiedIdentity:
        """Who came back with this code. Raises InvalidToken (it proves nobody), Unavailable."""
        ...
