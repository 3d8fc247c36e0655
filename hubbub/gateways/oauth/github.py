"""GitHub, which implements OAuth 2.0 and has an API of its own for the user's identity."""

from typing import Any
from urllib.parse import urlsplit

from hubbub.config.oauth_providers import GITHUB_URL, Provider
from hubbub.gateways.identity_provider import AuthorizationRequest, VerifiedIdentity
from hubbub.gateways.oauth import authorization_code
from hubbub.gateways.oauth.client import ProviderClient, provider_unavailable

API_URL = "https://api.github.com"


class GitHub:
    """github.com, or a GitHub Enterprise Server."""

    def __init__(self, provider: Provider, client: ProviderClient) -> None:
        self.name, self.title = provider.name, provider.title
        self.issuer = f"{provider.url}/login/oauth"  # as GitHub names itself
        self._provider = provider  # its settings
        self._client = client
        self._api_url = API_URL if provider.url == GITHUB_URL else f"{provider.url}/api/v3"

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of GitHub's login form for this login."""
        endpoint = f"{self.issuer}/authorize"
        return authorization_code.authorization_url(
            endpoint, self._provider, request, scope="read:user user:email"
        )

    async def verify_code(self, request: AuthorizationRequest, code: str) -> VerifiedIdentity:
        """Return the user of the code's token, with the primary e-mail address if GitHub verified it."""
        endpoint = f"{self.issuer}/access_token"
        token_response = await authorization_code.exchange_code(
            self._client, endpoint, self._provider, request, code
        )
        token = token_response.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise provider_unavailable(self.title, "its response to a code contains no token")
        user = await self._get("/user", token)
        emails = await self._get("/user/emails", token)
        # The number stays the same when a user takes another name, or a former name of another user.
        if not isinstance(user, dict) or type(user.get("id")) is not int or not isinstance(emails, list):
            raise provider_unavailable(
                self.title, f"{urlsplit(self._api_url).hostname} does not identify the user"
            )
        name = user.get("name") or user.get("login")
        return VerifiedIdentity(
            str(user["id"]), _verified_primary_email(emails), name if isinstance(name, str) else ""
        )

    async def _get(self, path: str, token: str) -> object:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        status, body = await self._client.request(self.title, self._api_url + path, headers=headers)
        if status != authorization_code.HTTP_OK:
            raise provider_unavailable(self.title, f"{path} responds with {status}")
        return body


def _verified_primary_email(emails: list[Any]) -> str | None:
    """Return the primary e-mail address, if it is verified. Others may belong to another user."""
    for entry in emails:
        if isinstance(entry, dict) and entry.get("primary") is True and entry.get("verified") is True:
            email = entry.get("email")
            return email if isinstance(email, str) else None
    return None
