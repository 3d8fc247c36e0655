"""Names that a body may mention. The database decides who is a member (tests/realtime/chat/events/)."""

import pytest

from hubbub.services.chat import mentions
from hubbub.services.chat.mentions import MAX_MENTIONS, candidates
from tests.support.code_examples import EXAMPLES, Example

# Characters that may precede a name.
BEFORE = {
    "nothing": "",
    "a space": "a ",
    "a line end": "a\n",
    "a no-break space": "a\u00a0",
    "an ideographic space": "\u8bf7\u3000",
    "a bracket": "(",
    "a quotation mark": "\u201e",
    "a guillemet": "\u00ab",
    "a full-width comma": "\uff0c",
    "a dash": "\u2014",
    "a slash": "and/or/",
    "a full stop": "Well.",
    "a star": "*",
    "two stars": "**",
    "a low line": "_",
    "a tilde": "~~",
    "a backslash": "\\",
    "the end of code": "`x`",
    "an escaped backtick": "\\`",
    "a quote": "> ",
    "a bullet": "- ",
    "an indent": "    ",
    "an emoji": "\U0001f44d",
    "an emoji with a skin tone": "\U0001f44d\U0001f3fd",
    "an emoji with a selector": "\u2764\ufe0f",
    "a keycap": "1\ufe0f\u20e3",
    "a flag": "\U0001f1e9\U0001f1ea",
    "a zero-width space": "a \u200b",
    "a mark of direction": "\u200f",
    "Han": "\u8bf7",
    "Hiragana": "\u306b",
    "Katakana": "\u30bf\u30fc",
    "Hangul": "\ud55c\uae00",
    "Thai": "\u0e19\u0e35\u0e49",
    "Khmer": "\u1780\u17b6",
    "Cyrillic": "\u043f\u0440\u0438\u0432\u0435\u0442",
    "Greek": "\u03b3\u03b5\u03b9\u03b1",
    "Hebrew": "\u05e9\u05dc\u05d5\u05dd",
    "Arabic": "\u0645\u0631\u062d\u0628\u0627",
    "Devanagari": "\u0928\u092e\u0938\u094d\u0924\u0947",
    "Georgian": "\u10d2\u10d0",
}
NOT_BEFORE = {
    "a letter": "a",
    "a capital": "A",
    "an accented letter": "\u00e9",
    "a letter with a mark": "e\u0301",
    "a sharp s": "\u00df",
    "a Vietnamese letter": "\u1ec7",
    "a full-width letter": "\uff41",
    "a mathematical letter": "\U0001d400",
    "a Kelvin sign": "\u212a",
    "a digit": "5",
    "an Arabic digit": "\u0665",
    "a sign": "@",
    "a full-width sign": "\uff20",
    "a hidden character behind a letter": "a\u200b",
    "a mail address": "ada@example.org, ada",
    "a URL": "https://example.org/",
    "a query": "https://example.org/?q=",
    "a URL in brackets": "(https://example.org/a(b)",
    "a URL in Chinese": "\u770bhttps://example.org/",
    "a URL with a user": "ssh://",
    "a URL behind a digit": "1https://example.org/",
    "an address in <>": "<https://example.org/",
    "a link": "[a](https://example.org/",
    "a host with www": "www.example.org/",
    "a host": "example.org/",
    "a host with a port": "example.org:8080/a/",
    "a host in Cyrillic": "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/",
    "an upper-case URL": "HTTPS://EXAMPLE.ORG/",
}
# Characters that may follow a name.
AFTER = {
    "nothing": "",
    "a space": " ",
    "a line end": "\n",
    "a full stop": ".",
    "dots": "...",
    "a comma": ",",
    "a dash": "-",
    "an apostrophe": "'s",
    "a star": "*",
    "two low lines": "__",
    "a tilde": "~~",
    "a backtick": "`",
    "code": "`x`",
    "an emoji": "\U0001f44d",
    "a selector": "\ufe0f",
    "Han": "\u770b\u4e00\u4e0b",
    "Hiragana": "\u3055\u3093",
    "Hangul": "\uc740",
    "Thai": "\u0e04\u0e23\u0e31\u0e1a",
    "Cyrillic": "\u0443",
    "a full-width full stop": "\uff0e",
}
NOT_AFTER = {
    "an accented letter": "\u00e9",
    "a mark": "\u0301",
    "a digit": "7",
    "an Arabic digit": "\u0665",
    "a host": "@example.org",
    "a full-width sign": "\uff20example.org",
    "a domain": ".example.org",
    "a hyphenated name": "-smith",
}


def names(body: str) -> list[str]:
    return [readings[-1] for readings in candidates(body)]


@pytest.mark.parametrize("sign", ["@", "\uff20", "\ufe6b"])
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE.keys())
def test_a_mention_is_found_after_a_separator(before: str, sign: str) -> None:
    assert names(f"{before}{sign}bob rest") == ["bob"]


@pytest.mark.parametrize("before", NOT_BEFORE.values(), ids=NOT_BEFORE.keys())
def test_no_mention_is_found_after_other_text(before: str) -> None:
    assert names(f"{before}@bob rest") == []


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER.keys())
def test_a_mention_is_found_before_a_separator(after: str) -> None:
    assert names(f"hi @bob{after}") == ["bob"]


@pytest.mark.parametrize("after", NOT_AFTER.values(), ids=NOT_AFTER.keys())
def test_no_mention_is_found_before_other_text(after: str) -> None:
    assert "bob" not in names(f"hi @bob{after}")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("hi @Bob, hi @bob", [("bob",)]),
        ("@bob.", [("bob",)]),
        ("@bob.-", [("bob",)]),
        ("_@bob_", [("bob_", "bob")]),
        ("__@bob__", [("bob__", "bob_", "bob")]),
        ("(@ada-lovelace)", [("ada-lovelace",)]),
        ("@ada.lovelace!", [("ada.lovelace",)]),
        ("\uff20\uff42\uff4f\uff42", [("bob",)]),
        ("@\uff22ob\uff0e", [("bob",)]),
        ("https://example.org/a @bob", [("bob",)]),
        ("<https://example.org/>@bob", [("bob",)]),
        ("https://example.org\uff0c@bob", [("bob",)]),
        ("etc./@bob", [("bob",)]),
        ("v1.2/@bob", [("bob",)]),
        ("@" + "a" * 33, []),
        ("@_bob", []),
        ("@", []),
        ("@ bob", []),
        ("@\u0431\u043e\u0431", []),
    ],
)
def test_a_mention_is_parsed(body: str, found: list[tuple[str, ...]]) -> None:
    assert candidates(body) == found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: ascii(example.body))
def test_code_contains_no_mention(example: Example) -> None:
    found = names(example.body.replace("NAME", "@inside").replace("TEXT", "@outside"))

    assert found == (["outside"] if "TEXT" in example.body else [])


def test_a_body_mentions_at_most_fifty_names() -> None:
    assert len(candidates(" ".join(f"@user{number}" for number in range(1000)))) == MAX_MENTIONS


def test_a_hostile_body_queries_few_names() -> None:
    for body in ("`" * 8000, "@" * 8000, "```" * 2666, "@a." * 2666, "` @" * 2666, "@a___________ " * 600):
        assert sum(map(len, candidates(body))) <= mentions.MAX_CANDIDATE_NAMES + 32
