"""GitHub, which speaks OAuth 2.0 and has an address of its own for who somebody is."""

from typing import Any
from urllib.parse import urlsplit

from hubbub.config.oauth_providers import GITHUB, Provider
from hubbub.gateways.identity_provider import AuthorizationRequest, VerifiedIdentity
from hubbub.gateways.oauth import authorization_code
from hubbub.gateways.oauth.client import Client, away

API = "https://api.github.com"


class GitHub:
    """github.com, or a GitHub Enterprise Server."""

    def __init__(self, provider: Provider, client: Client) -> None:
        self.name, self.title = provider.name, provider.title
        self.issuer = f"{provider.url}/login/oauth"  # as GitHub calls itself
        self._provider = provider
        self._client = client
        self._api = API if provider.url == GITHUB else f"{provider.url}/api/v3"

    async def ask(self, attempt: AuthorizationRequest) -> str:
        """The address of its form, for this sign-in."""
        endpoint = f"{self.issuer}/authorize"
        return authorization_code.address(endpoint, self._provider, attempt, scope="read:user user:email")

    async def prove(self, attempt: AuthorizationRequest, code: str) -> VerifiedIdentity:
        """Whose token the code is good for, and their primary address if GitHub verified it."""
        endpoint = f"{self.issuer}/access_token"
        answer = await authorization_code.redeem(self._client, endpoint, self._provider, attempt, code)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise away(self.title, "its answer to a code holds no token")
        user = await self._get("/user", token)
        emails = await self._get("/user/emails", token)
        # The number stays the same when somebody takes another name, or the name of somebody else.
        if not isinstance(user, dict) or type(user.get("id")) is not int or not isinstance(emails, list):
            raise away(self.title, f"{urlsplit(self._api).hostname} does not say who somebody is")
        name = user.get("name") or user.get("login")
        return VerifiedIdentity(str(user["id"]), _primary(emails), name if isinstance(name, str) else "")

    async def _get(self, path: str, token: str) -> object:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        status, body = await self._client.ask(self.title, self._api + path, headers=headers)
        if status != authorization_code.OK:
            raise away(self.title, f"{path} answers {status}")
        return body


def _primary(emails: list[Any]) -> str | None:
    """The one address that GitHub writes to, if it is verified; others may be kept for somebody else."""
    for each in emails:
        if isinstance(each, dict) and each.get("primary") is True and each.get("verified") is True:
            email = each.get("email")
            return email if isinstance(email, str) else None
    return None
