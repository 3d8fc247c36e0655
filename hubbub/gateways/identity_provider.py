"""What hubbub needs of somebody who says who a person is; `oauth/` speaks with real ones."""

from typing import NamedTuple, Protocol


class AuthorizationRequest(NamedTuple):
    """What one sign-in is bound to: `state` to the browser, `nonce` to the answer, `verifier` to the code."""

    state: str
    nonce: str
    verifier: str
    callback: str


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

    async def ask(self, attempt: AuthorizationRequest) -> str:
        """The address to send the browser to. Raises Unavailable."""
        ...

    async def prove(self, attempt: AuthorizationRequest, code: str) -> VerifiedIdentity:
        """Who came back with this code. Raises InvalidToken (it proves nobody), Unavailable."""
        ...
