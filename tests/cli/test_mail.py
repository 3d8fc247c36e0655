"""`hubbub mail preview`."""


def test_an_email_is_printed(run, tmp_path):
    given = ("mail", "preview", "reset_password", "--language", "de", "--html", "letter.html")

    result = run(*given, HUBBUB_PUBLIC_URL="https://chat.example")

    assert result.exit_code == 0, result.output
    assert "Subject: Wählen Sie ein neues Passwort" in result.output
    assert "https://chat.example" in result.output
    assert (tmp_path / "letter.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_file_that_cannot_be_written_is_one_line(run):
    result = run("mail", "preview", "reset_password", "--html", "missing/letter.html")

    assert result.exit_code == 1
    assert result.stderr == "missing/letter.html: No such file or directory\n"


def test_an_unknown_template_lists_the_known_ones(run):
    result = run("mail", "preview", "nothing")

    assert result.exit_code == 2
    assert "verify_email" in result.output
