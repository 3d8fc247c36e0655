"""The texts of e-mails."""

import re

import pytest

from hubbub.services.mail import templates

NASTY = "Eve</p><script>\r\nBcc: all@example.org {{ code }}"


@pytest.mark.parametrize("language", templates.languages())
@pytest.mark.parametrize("name", templates.NAMES)
def test_each_email_is_rendered_in_each_language(name, language):
    mail = templates.sample(name, language, "https://chat.example")

    assert mail.subject
    assert f'lang="{language}"' in mail.html
    for body in (mail.text, mail.html):
        assert "Ada Lovelace" in body
        assert "https://chat.example" in body
        assert not re.search(r"{[{%]|undefined|\n{4}", body)
        assert ("unsubscribe?token=" in body) == (name in templates.DELIVERY)
        assert ("an-example-of-a-code" in body) == (name in templates.WITH_CODE)


def test_several_languages_are_available():
    assert {"en", "de"} <= set(templates.languages())
    assert [templates.resolve_language(tag) for tag in ("de", "de-AT", "DE", "tlh", "..")] == [
        "de",
        "de",
        "de",
        "en",
        "en",
    ]


def test_values_are_escaped():
    facts = {"name": NASTY, "site": "https://chat.example", "device": NASTY, "ip": NASTY}

    mail = templates.render("new_login", "en", facts)

    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "{{ code }}" in mail.text  # as text, not filled in
    assert "\nBcc" not in mail.text
    assert "\n" not in mail.subject
