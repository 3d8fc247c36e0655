"""The documents generated from the settings."""

from pathlib import Path

import pytest

from hubbub.config import Settings, load, reference

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("path", "make"), [(".env.example", reference.env_example), ("docs/settings.md", reference.markdown_page)]
)
def test_the_documents_are_up_to_date(path, make):
    """If this fails: `hubbub config --example >.env.example; hubbub config --reference >docs/settings.md`."""
    assert (ROOT / path).read_text("utf-8") == make()


def test_every_setting_is_in_both_documents():
    for one in reference.setting_docs():
        assert f"# {one.name}=" in reference.env_example()
        assert f"| `{one.name}` |" in reference.markdown_page()


def test_every_setting_has_a_description():
    assert all(one.text.endswith(".") and one.section and one.default for one in reference.setting_docs())


def test_no_value_is_printed_in_python_syntax():
    assert "None" not in reference.env_example() + reference.markdown_page()


def test_the_unchanged_example_changes_nothing(tmp_path):
    (tmp_path / ".env").write_text(reference.env_example())

    settings = load({"HUBBUB_DATA_DIR": str(tmp_path)}, tmp_path / ".env")

    assert settings.source("port") == "default"


def test_every_line_of_the_example_is_a_valid_setting(tmp_path):
    lines = [line.removeprefix("# ") for line in reference.env_example().splitlines() if "# HUBBUB_" in line]
    (tmp_path / ".env").write_text("\n".join(lines))

    settings = load({"HUBBUB_DATA_DIR": str(tmp_path)}, tmp_path / ".env")

    assert len(lines) == len(Settings.model_fields)
    assert settings.source("port") == str(tmp_path / ".env")


def test_effective_settings_have_values_and_sources_but_no_secrets():
    settings = Settings.build(
        {
            "secret_key": SECRET,
            "secret_key_previous": SECRET[::-1],
            "database_url": "postgres://hub:s3cret@host/db",
            "smtp_url": "smtp://hub:s3cret@host",
            "limit_http": "off",
            "cors_origins": "https://a.example,https://b.example",
        },
        {"limit_http": "environment"},
    )

    displayed = {name: (value, source) for name, value, source in reference.effective_values(settings)}

    assert displayed["HUBBUB_SECRET_KEY"][0] == "***"
    assert displayed["HUBBUB_DATABASE_URL"][0] == "postgres://hub:***@host/db"
    assert displayed["HUBBUB_LIMIT_HTTP"] == ("off", "environment")
    assert displayed["HUBBUB_LIMIT_EVENTS"] == ("50/20", "default")
    assert displayed["HUBBUB_PLAYGROUND"] == ("true", "default")
    assert displayed["HUBBUB_DRAIN_S"] == ("20", "default")
    assert displayed["HUBBUB_REDIS_URL"] == ("", "default")
    assert displayed["HUBBUB_CORS_ORIGINS"][0] == "https://a.example,https://b.example"
    assert displayed["HUBBUB_SECRET_KEY_PREVIOUS"][0] == "***"
    assert SECRET not in str(displayed)
    assert SECRET[::-1] not in str(displayed)
    assert "s3cret" not in str(displayed)


def test_a_secret_that_looks_like_a_url_is_masked():
    settings = Settings.build({"secret_key": f"{SECRET}://x", "redis_url": "redis://:s3cret@host"})

    displayed = {name: value for name, value, _ in reference.effective_values(settings)}

    assert displayed["HUBBUB_SECRET_KEY"] == "***"
    assert displayed["HUBBUB_REDIS_URL"] == "redis://:***@host"
