"""The configured identity providers."""

from hubbub.config import Settings, oauth_providers
from hubbub.core import metrics
from hubbub.gateways.identity_provider import IdentityProvider
from hubbub.gateways.oauth.client import ProviderClient
from hubbub.gateways.oauth.github import GitHub
from hubbub.gateways.oauth.oidc import OpenId


def build(settings: Settings, client: ProviderClient) -> dict[str, IdentityProvider]:
    """Return the providers by name, in display order."""
    providers = oauth_providers.configured(settings)
    metrics.declare("oauth_verification_failures", providers)
    metrics.declare("oauth_provider_failures", (each.title for each in providers.values()))
    return {
        name: OpenId(each, client) if each.is_oidc else GitHub(each, client)
        for name, each in providers.items()
    }
