"""Providers over TLS: trusted certificates, and no request without TLS."""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hubbub.config.oauth_providers import Provider
from hubbub.core import clock
from hubbub.gateways.identity_provider import AuthorizationRequest
from hubbub.gateways.oauth.client import ProviderClient, ProviderUnavailable
from hubbub.gateways.oauth.oidc import OpenId
from tests.support.oauth_provider import CLIENT_ID, CLIENT_SECRET, Issuer, rsa_key

ATTEMPT = AuthorizationRequest("state", "nonce", "verifier", "https://chat.example/callback")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself, with its key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an issuer of tests")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa_key("tls").public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(rsa_key("tls"), hashes.SHA256())
    )
    private = rsa_key("tls").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
async def issuer(certificate: Path) -> AsyncIterator[Issuer]:
    """One that speaks TLS."""
    made, app = Issuer(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = TestServer(app, host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    made.url = f"https://127.0.0.1:{server.port}"
    yield made
    await server.close()


@pytest.fixture
async def provider(issuer: Issuer) -> AsyncIterator[OpenId]:
    async with ProviderClient() as client:
        yield OpenId(Provider("test", "Test", issuer.url, CLIENT_ID, CLIENT_SECRET), client)


async def test_a_certificate_of_a_trusted_authority_is_accepted(provider, issuer, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert (await provider.authorization_url(ATTEMPT)).startswith(f"{issuer.url}/authorize?")


async def test_a_self_signed_certificate_is_refused(provider, issuer):
    with pytest.raises(ProviderUnavailable) as caught:
        await provider.authorization_url(ATTEMPT)

    assert "Certificate" in caught.value.reason
    assert issuer.requested_paths == []


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
async def test_no_request_is_sent_without_tls(provider, issuer, certificate, monkeypatch, name):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def lowered(_: web.Request) -> web.Response:
        return web.json_response({**issuer.discovery(), name: "http://id.example/x"})

    issuer.overrides["/.well-known/openid-configuration"] = lowered

    with pytest.raises(ProviderUnavailable, match="does not work now") as caught:
        await provider.authorization_url(ATTEMPT)
    assert "not https" in caught.value.reason
