"""Reading settings: variables, `.env`, secret files, and the generated secret."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from hubbub.config import ConfigError, Settings, load, log_format

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def read(tmp_path):
    """Load settings with a separate data folder from the given variables and `.env` text."""

    def read(dotenv="", **variables):
        path = tmp_path / ".env"
        path.write_text(dotenv)
        return load({"HUBBUB_DATA_DIR": str(tmp_path / "var"), **variables}, path)

    return read


def lines_of(read, *args, **variables):
    with pytest.raises(ConfigError) as caught:
        read(*args, **variables)
    return caught.value.lines


def test_a_variable_comes_before_the_file_and_the_file_before_the_default(read, tmp_path):
    settings = read("HUBBUB_PORT=1111\nHUBBUB_HOST=0.0.0.0\n", HUBBUB_PORT="2222")

    assert (settings.port, settings.host, settings.drain_s) == (2222, "0.0.0.0", 20)
    assert settings.source("port") == "environment"
    assert settings.source("host") == str(tmp_path / ".env")
    assert settings.source("drain_s") == "default"


def test_the_command_line_comes_first(tmp_path):
    settings = load({"HUBBUB_DATA_DIR": str(tmp_path), "HUBBUB_PORT": "1"}, None, {"port": "2"})

    assert (settings.port, settings.public_url) == (2, "http://127.0.0.1:2")
    assert settings.source("port") == "command line"


def test_other_variables_and_a_missing_file_are_no_error(tmp_path):
    settings = load({"HUBBUB_DATA_DIR": str(tmp_path), "PATH": "/bin", "PORT": "x"}, tmp_path / "missing")

    assert settings.port == 8000


def test_the_file_has_quotes_comments_and_foreign_names(read):
    settings = read(
        '# mine\nexport HUBBUB_MAIL_FROM="chat <chat@example.org>"\nOTHER=1\nHUBBUB_PORT=1 # one\n'
    )

    assert settings.mail_from == "chat <chat@example.org>"
    assert settings.port == 1


def test_a_dollar_in_the_file_is_a_dollar(read):
    settings = read("HUBBUB_DATABASE_URL=postgres://hub:a${HOME}b@host/db\n")

    assert settings.database_url == "postgres://hub:a${HOME}b@host/db"


def test_an_invalid_line_of_the_file_is_reported(read, tmp_path):
    lines = lines_of(read, "HUBBUB_PORT=1\nthis is 'not a line\n")

    assert lines == [f"{tmp_path / '.env'}: line 2 is not NAME=value."]


def test_a_binary_file_is_reported(read, tmp_path):
    (tmp_path / "bad.env").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match="can't be read"):
        load({}, tmp_path / "bad.env")
    with pytest.raises(ConfigError, match="can't be read"):
        load({}, tmp_path)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HUBBUB_PROT", "HUBBUB_PORT"),
        ("HUBBUB_DATABSE_URL", "HUBBUB_DATABASE_URL"),
        ("HUBBUB_SECRET_KEY_FLE", "HUBBUB_SECRET_KEY_FILE"),
    ],
)
def test_an_unknown_name_is_an_error_with_a_suggestion(read, name, meant):
    assert lines_of(read, **{name: "1"}) == [f"{name}: there is no such setting; did you mean {meant}?"]
    assert lines_of(read, f"{name}=1") == [f"{name}: there is no such setting; did you mean {meant}?"]


def test_an_unknown_name_without_a_similar_one_is_an_error(read):
    assert lines_of(read, HUBBUB_ZZZ="1") == ["HUBBUB_ZZZ: there is no such setting."]


def test_the_variables_of_the_tests_are_ignored(read):
    assert read(HUBBUB_TEST_DATABASE_URL="postgres://x", HUBBUB_TEST_REDIS_URL="redis://x").port == 8000


def test_unknown_names_and_invalid_values_are_reported_together(read):
    lines = lines_of(read, HUBBUB_PROT="1", HUBBUB_PORT="x", HUBBUB_SECRET_KEY_FILE="/nowhere/key")

    assert [line.partition(":")[0] for line in lines] == [
        "HUBBUB_PROT",
        "HUBBUB_SECRET_KEY_FILE",
        "HUBBUB_PORT",
    ]


def test_an_empty_variable_counts_as_unset_and_an_empty_list_as_empty(read):
    settings = read(HUBBUB_REDIS_URL="", HUBBUB_PORT=" ", HUBBUB_DEFAULT_ROOMS="", HUBBUB_CORS_ORIGINS=" ")

    assert (settings.redis_url, settings.port) == (None, 8000)
    assert settings.default_rooms == ()
    assert settings.cors_origins == ()
    assert settings.source("port") == "default"


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SMTP_URL"])
def test_a_secret_may_come_from_a_file(read, tmp_path, name):
    text = {"SMTP_URL": "smtp://host", "REDIS_URL": "redis://host", "DATABASE_URL": "postgres://h/d"}.get(
        name, SECRET
    )
    (tmp_path / "secret").write_text(f"{text}\n")

    settings = read(**{f"HUBBUB_{name}_FILE": str(tmp_path / "secret")})

    assert getattr(settings, name.lower()) == text
    assert settings.source(name.lower()) == f"file {tmp_path / 'secret'}"


def test_previous_secrets_may_come_from_a_file_one_per_line(read, tmp_path):
    (tmp_path / "secrets").write_text(f"{SECRET}\n{SECRET[::-1]}\n")

    settings = read(HUBBUB_SECRET_KEY_PREVIOUS="", HUBBUB_SECRET_KEY_PREVIOUS_FILE=str(tmp_path / "secrets"))

    assert settings.secret_key_previous == (SECRET, SECRET[::-1])


def test_the_file_of_a_secret_must_exist_and_have_content(read, tmp_path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    (missing,) = lines_of(read, HUBBUB_SECRET_KEY_FILE="/nowhere/key")
    (empty,) = lines_of(read, HUBBUB_SECRET_KEY_FILE=str(tmp_path / "empty"))
    (binary,) = lines_of(read, HUBBUB_SECRET_KEY_FILE=str(tmp_path / "binary"))

    assert missing == "HUBBUB_SECRET_KEY_FILE: can't read /nowhere/key: No such file or directory."
    assert empty == f"HUBBUB_SECRET_KEY_FILE: {tmp_path / 'empty'} is empty."
    assert binary == f"HUBBUB_SECRET_KEY_FILE: can't read {tmp_path / 'binary'}: it is not text."


def test_a_secret_and_its_file_together_are_refused(read, tmp_path):
    (tmp_path / "secret").write_text(SECRET)

    (line,) = lines_of(read, HUBBUB_SECRET_KEY=SECRET, HUBBUB_SECRET_KEY_FILE=str(tmp_path / "secret"))

    assert line == "HUBBUB_SECRET_KEY_FILE: set either this or HUBBUB_SECRET_KEY, not both."
    assert read(HUBBUB_SECRET_KEY="", HUBBUB_SECRET_KEY_FILE=str(tmp_path / "secret")).secret_key == SECRET


def test_other_settings_have_no_file(read):
    (line,) = lines_of(read, HUBBUB_PORT_FILE="x")

    assert line.startswith("HUBBUB_PORT_FILE: there is no such setting")


def test_development_generates_a_secret_and_stores_it(read, tmp_path):
    first, second = read(), read()

    kept = tmp_path / "var" / "secret_key"
    assert first.secret_key == second.secret_key == kept.read_text().strip()
    assert len(first.secret_key) >= 32
    assert kept.stat().st_mode & 0o777 == 0o600
    assert first.source("secret_key") == "generated"
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret_key"]


def test_processes_started_together_generate_one_secret(tmp_path):
    def load_once(_):
        program = "from hubbub.config import load; print(load(dotenv_path=None).secret_key)"
        environ = {"HUBBUB_DATA_DIR": str(tmp_path / "var"), "PATH": "/bin"}
        return subprocess.run(
            [sys.executable, "-c", program], env=environ, capture_output=True, check=True
        ).stdout

    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(load_once, range(4)))

    assert len(made) == 1


def test_a_configured_secret_is_not_stored(read, tmp_path):
    assert read(HUBBUB_SECRET_KEY=SECRET).secret_key == SECRET
    assert not (tmp_path / "var").exists()


def test_production_generates_no_secret(read, tmp_path):
    settings = read(HUBBUB_ENV="production")

    line = "HUBBUB_SECRET_KEY: is required in production: set it, or HUBBUB_SECRET_KEY_FILE."
    assert line in settings.production_errors
    assert settings.secret_key == ""
    assert not (tmp_path / "var").exists()


def test_a_folder_that_cannot_hold_a_secret_is_reported(read, tmp_path):
    (tmp_path / "var").write_text("a file in the way")

    (line,) = lines_of(read)

    assert line == f"HUBBUB_DATA_DIR: {tmp_path / 'var'} can't be used: Not a directory."


def test_a_folder_that_cannot_be_created_is_reported(read, tmp_path):
    (tmp_path / "file").write_text("")

    (line,) = lines_of(read, HUBBUB_DATA_DIR=str(tmp_path / "file" / "var"))

    assert line == f"HUBBUB_DATA_DIR: {tmp_path / 'file'} can't be used: Not a directory."


def test_an_empty_secret_file_is_reported(read, tmp_path):
    read()
    (tmp_path / "var" / "secret_key").write_text("")

    (line,) = lines_of(read)

    assert line.endswith("secret_key is empty: delete it to generate a new one.")


def test_each_instance_generates_its_own_name(read):
    first, second = read(), read()

    assert first.instance_id != second.instance_id
    assert first.source("instance_id") == "generated"
    assert read(HUBBUB_INSTANCE_ID="one").source("instance_id") == "environment"


LISTS = [
    name
    for name, field in Settings.model_fields.items()
    if type(field.default) is tuple or name == "cors_origins"
]


def test_the_settings_with_lists_are_recognized():
    assert {"limit_tiers", "trusted_proxies", "default_rooms", "cors_origins", "oauth_issuers"} <= set(LISTS)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_without_a_value_is_empty(read, name):
    settings = read(f"HUBBUB_{name.upper()}=\n")

    assert getattr(settings, name) == ()
    assert settings.source(name) != "default"


@pytest.mark.parametrize("text", ["", " ", "json", "JSON"])
def test_the_log_format_is_read_even_if_other_settings_are_invalid(tmp_path, text):
    (tmp_path / ".env").write_text("HUBBUB_PORT=x\n")

    found = log_format({"HUBBUB_LOG_FORMAT": text, "HUBBUB_PROT": "1"}, tmp_path / ".env")

    assert found == ("json" if text == "json" else "console")
