"""Login providers in the settings."""

import pytest

from hubbub.config import ConfigError, Settings, load, oauth_providers, reference

KEYCLOAK = "keycloak=https://hub:s%40cret@id.example/realms/main"


def refusal(**given):
    with pytest.raises(ConfigError) as caught:
        Settings.build(given)
    return caught.value.lines


def test_a_provider_without_settings_is_not_offered():
    assert oauth_providers.configured(Settings.build({})) == {}


def test_an_issuer_has_a_name_a_url_and_a_client():
    settings = Settings.build({"oauth_issuers": f"{KEYCLOAK},\n my-id=https://client@id.example/"})

    assert list(oauth_providers.configured(settings).values()) == [
        oauth_providers.Provider("keycloak", "Keycloak", "https://id.example/realms/main", "hub", "s@cret"),
        oauth_providers.Provider("my-id", "My Id", "https://id.example/", "client", ""),
    ]


def test_google_and_github_are_predefined():
    google = {"oauth_google_client_id": "g", "oauth_google_client_secret": "s"}
    github = {"oauth_github_client_id": "h", "oauth_github_client_secret": "t"}

    found = oauth_providers.configured(Settings.build({**google, **github, "oauth_issuers": KEYCLOAK}))

    assert list(found) == ["google", "github", "keycloak"]
    assert found["google"][2:] == ("https://accounts.google.com", "g", "s", True)
    assert found["github"][2:] == ("https://github.com", "h", "t", False)


def test_the_secret_of_an_issuer_is_never_printed():
    settings = Settings.build({"oauth_issuers": KEYCLOAK, "oauth_github_client_id": "h",
                               "oauth_github_client_secret": "s3cret"})  # fmt: skip

    displayed = {name: value for name, value, _ in reference.effective_values(settings)}

    assert displayed["HUBBUB_OAUTH_ISSUERS"] == "keycloak=https://id.example/realms/main"
    assert displayed["HUBBUB_OAUTH_GITHUB_CLIENT_SECRET"] == "***"
    providers = oauth_providers.configured(settings)
    assert "cret" not in repr(settings) + str(settings) + str(displayed) + repr(providers)


def test_the_secrets_may_come_from_files(tmp_path):
    (tmp_path / "issuers").write_text(f"{KEYCLOAK}\nother=https://a:b@other.example\n")
    (tmp_path / "google").write_text("s3cret\n")

    settings = load(
        {
            "HUBBUB_DATA_DIR": str(tmp_path),
            "HUBBUB_OAUTH_ISSUERS_FILE": str(tmp_path / "issuers"),
            "HUBBUB_OAUTH_GOOGLE_CLIENT_ID": "g",
            "HUBBUB_OAUTH_GOOGLE_CLIENT_SECRET_FILE": str(tmp_path / "google"),
        },
        None,
    )

    assert list(oauth_providers.configured(settings)) == ["google", "keycloak", "other"]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("https://hub:s3cret@id.example", "must be a URL like name=https://"),
        ("a=https://id.example", "must be a URL like name=https://"),
        ("a=https://hub:s3cret@id.example?x=1", "must be a URL like name=https://"),
        ("a=ftp://hub:s3cret@id.example", "must be a URL like name=https://"),
        ("A=https://hub:s3cret@id.example", "names of providers are"),
        ("google=https://hub:s3cret@id.example", "names of providers are"),
        ("exchange=https://hub:s3cret@id.example", "names of providers are"),
        ("a=https://hub:s3cret@id.example,a=https://hub:s3cret@b.example", "names one provider twice"),
        (f"a=https://hub:s3cret@id.example/{'x' * 255}", "at most 255 characters"),
        (7, "must be a URL like name=https://"),
    ],
)
def test_an_error_is_one_line_without_the_secret(given, line):
    (said,) = refusal(oauth_issuers=given)

    assert said.startswith("HUBBUB_OAUTH_ISSUERS: ")
    assert line in said
    assert "s3cret" not in said


def test_an_id_and_its_secret_are_set_together():
    wanted = (
        "HUBBUB_OAUTH_GOOGLE_CLIENT_SECRET: and HUBBUB_OAUTH_GOOGLE_CLIENT_ID are set together, or neither."
    )

    assert refusal(oauth_google_client_id="g") == [wanted]
    assert refusal(oauth_google_client_secret="s") == [wanted]


def test_production_requires_tls_to_providers():
    plain = {"oauth_issuers": "a=http://hub:s3cret@id.example", "oauth_github_url": "http://git"}

    found = Settings.build({"env": "production", **plain}).production_errors

    assert [line for line in found if "OAUTH" in line] == [
        "HUBBUB_OAUTH_GITHUB_URL: must be https in production.",
        "HUBBUB_OAUTH_ISSUERS: must be https in production.",
    ]
