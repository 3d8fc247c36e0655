"""`hubbub config`."""

from hubbub.config import reference


def test_every_setting_is_printed_with_its_value_and_source(run, tmp_path):
    result = run("config", HUBBUB_PORT="9000", HUBBUB_DATABASE_URL="postgres://hub:s3cret@host/db")

    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert result.exit_code == 0
    assert list(rows) == [one.name for one in reference.setting_docs()]
    assert rows["HUBBUB_PORT"] == ["9000", "environment"]
    assert rows["HUBBUB_HOST"] == ["127.0.0.1", "default"]
    assert rows["HUBBUB_DATABASE_URL"] == ["postgres://hub:***@host/db", "environment"]
    assert rows["HUBBUB_REDIS_URL"] == ["-", "default"]
    assert rows["HUBBUB_SECRET_KEY"] == ["***", "generated"]
    assert (tmp_path / "secret_key").read_text().strip() not in result.stdout
    assert "s3cret" not in result.stdout


def test_the_documents_can_be_printed(run):
    assert run("config", "--example").stdout == reference.env_example()
    assert run("config", "--reference").stdout == reference.markdown_page()
