"""URLs to which a browser may be redirected."""

import pytest

from hubbub.core import redirects

SITE = "https://Chat.example/hub"
ORIGINS = ("https://app.example", "http://localhost:5173", "http://[::1]:3000", "*")


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        ("/", "https://chat.example/"),
        ("/a/b?c=d&e=%20f", "https://chat.example/a/b?c=d&e=%20f"),
        ("/a//b", "https://chat.example/a//b"),
        ("https://chat.example", "https://chat.example"),
        ("https://chat.example/x", "https://chat.example/x"),
        ("HTTPS://APP.example/x", "HTTPS://APP.example/x"),
        ("https://app.example?x=1", "https://app.example?x=1"),
        ("http://localhost:5173/in", "http://localhost:5173/in"),
        ("http://[::1]:3000/", "http://[::1]:3000/"),
    ],
)
def test_a_listed_url_is_accepted(text, reached):
    assert redirects.validate(text, SITE, ORIGINS) == reached


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "//app.example",
        "/\\app.example",
        "/%5capp.example",
        "/%255c",
        "%2f%2fapp.example",
        "/%00",
        "/%0d%0aSet-Cookie:a=b",
        "https://app.example@evil.example/",
        "https://app.example:80/",
        "https://app.example.evil.example",
        "https://evil.example/https://app.example",
        "http://app.example",
        "http://localhost",
        "https:app.example",
        "https:/app.example",
        "javascript:alert(1)",
        "/#a",
        "https://app.example#a",
        "/é",
        "/ ",
        "*",
        "https://*",
    ],
)
def test_an_unlisted_url_is_refused(text):
    assert redirects.validate(text, SITE, ORIGINS) is None
