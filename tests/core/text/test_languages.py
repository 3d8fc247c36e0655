"""Language tags: those of the registry, in any case."""

import re

import pytest

from hubbub.core.text import languages


@pytest.mark.parametrize(
    ("tag", "kept"),
    [
        *(("en", "en"), ("EN", "en"), ("pt-br", "pt-BR"), ("zh-hans-cn", "zh-Hans-CN"), ("es-419", "es-419")),
        *(
            ("yue", "yue"),
            ("sr-Latn", "sr-Latn"),
            ("de-1996", "de-1996"),
            ("en-GB-oxendict", "en-GB-oxendict"),
        ),
        ("sl-rozaj-biske-1994", "sl-rozaj-biske-1994"),
    ],
)
def test_an_existing_language_is_accepted(tag, kept):
    assert languages.canonical(tag) == kept
    assert languages.canonical(kept) == kept
    assert len(kept) <= languages.MAX_TAG_CHARS
    assert re.search(languages.pattern(), kept)


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "",
            "e",
            "xx",
            "zz",
            "english",
            "qaa",
            "und",
            "mul",
            "en-XX",
            "en-ZZ",
            "en-AA",
            "en-Abcd",
            "en-Zzzz",
        ),
        *(
            "en-1234",
            "en_US",
            "en-US-u-ca-buddhist",
            "x-private",
            "i-klingon",
            "en\n",
            " en",
            "en-",
            "ｅｎ",
            "ſe",
        ),
    ],
    ids=ascii,
)
def test_an_unknown_language_is_refused(tag):
    assert languages.canonical(tag) is None
    assert not re.search(languages.pattern(), tag)
