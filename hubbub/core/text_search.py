"""Splits text into words for search: the same words on every database, in every locale.

Words consist of letters and digits, without regard to case, width and accents. In scripts that are written
without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) each character is a word, and so is each emoji. A run of
them in a query is a phrase.
"""

import re
import unicodedata
from typing import NamedTuple

MAX_WORD_CHARS = 200  # characters of a word that count
MAX_WORDS = 16_000  # words of a text that count: PostgreSQL stores positions up to 16383
MAX_COMBINING_MARKS = 30  # on one letter; far more than any language uses
MAX_POSITIONS = 255  # of one word that PostgreSQL stores
MAX_TERMS = 32  # terms of a query that count

_WORD_BREAK = "\x1f"  # around characters that are words by themselves; itself a separator
_ASCII_WORD = re.compile(r"[a-z0-9]+")

# Han, kana, bopomofo, Thai, Lao, Myanmar, Khmer: written without spaces between words.
_UNSPACED_SCRIPTS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u3099-\u30ff"
    "\u3105-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
# Symbols that are drawn as pictures. Arrows and boxes are not words.
_EMOJI = re.compile("[\u231a-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff]")

# Hangul is written with spaces, and with particles at the ends of words.
_HANGUL_END = re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb]$")

# Variation selectors and skin tones: they change how a character looks, not which it is.
_IGNORED = re.compile("[\u180b-\u180d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]")

# In decomposed lower-case text. Many writers and most searchers omit Latin and Greek accents, Hebrew points
# and Arabic vowel signs. The breve of Cyrillic й is part of the letter, the dots of ё are not.
_ACCENTS = re.compile(
    "[\u0300-\u0305\u0307\u0309-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
    "|(?<![\u0430-\u0434\u0436-\u052f])[\u0306\u0308]"
)
# Letters with strokes, ligatures, and Arabic letters that vary with keyboards and habits.
_LETTER_FOLDS = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ħ": "h",
    "ŧ": "t",
    "\u0131": "i",  # dotless
    "æ": "ae",
    "œ": "oe",
    "\u0649": "\u064a",  # alef maksura and Farsi yeh: yeh
    "\u06cc": "\u064a",
    "\u06a9": "\u0643",  # keheh: kaf
    "\u0629": "\u0647",  # teh marbuta: heh
}


class _CharacterMap(dict[int, str]):
    """Maps a character to itself, another one, nothing, a word by itself, or a separator."""

    def __missing__(self, code: int) -> str:
        found = _map_character(chr(code))
        if code < 0x10000:  # noqa: PLR2004 - the common ones, so that clients can't fill the memory with all
            self[code] = found
        return found


def _map_character(character: str) -> str:
    category = unicodedata.category(character)
    if character in _LETTER_FOLDS:
        return _LETTER_FOLDS[character]
    if category == "Nd":
        return str(unicodedata.digit(character))
    if _EMOJI.match(character) or (category[0] in "LMN" and _UNSPACED_SCRIPTS.match(character)):
        return f"{_WORD_BREAK}{character}{_WORD_BREAK}"
    if _IGNORED.match(character) or category in ("Cf", "Me"):
        return ""
    return character if category[0] in "LMN" else " "


_character_map = _CharacterMap()


def _limit_combining_marks(text: str) -> str:
    """Return text without marks after 30 in a row (UAX 15, 12.1): sorting longer runs is quadratic."""
    if text.isascii():
        return text
    limited, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MAX_COMBINING_MARKS:
            limited.append(character)
    return "".join(limited)


def _normalize(text: str) -> str:
    """Return the text as words, separators and `_WORD_BREAK` only."""
    folded = unicodedata.normalize("NFKC", _limit_combining_marks(text)).casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", folded)))
    return folded.translate(_character_map)


def tokenize(text: str) -> list[str]:
    """Return the words of a text, in order, at most 16,000."""
    found = (
        _ASCII_WORD.findall(text.lower())
        if text.isascii()
        else _normalize(text).replace(_WORD_BREAK, " ").split()
    )
    return [word[:MAX_WORD_CHARS] for word in found[:MAX_WORDS]]


def parse_terms(query: str) -> list[list[str]]:
    """Return the terms of a query, at most 32: each is a word, or several consecutive ones."""
    found = (chunk.replace(_WORD_BREAK, " ").split() for chunk in _normalize(query).split(" "))
    return [[word[:MAX_WORD_CHARS] for word in term[:MAX_WORD_CHARS]] for term in found if term][:MAX_TERMS]


class SearchQuery(NamedTuple):
    """A query in both dialects."""

    tsquery: str
    fts5: str


def parse_query(text: str) -> SearchQuery | None:
    """Return a query that requires all terms; None if the text has no word.

    The last word is a prefix, and so is each that ends in Hangul, because particles follow it.
    """
    terms = parse_terms(text)
    if not terms:
        return None
    is_prefix = [_HANGUL_END.search(term[-1]) is not None for term in terms[:-1]] + [True]
    tsquery, fts5 = [], []
    for term, as_prefix in zip(terms, is_prefix, strict=True):
        tsquery.append("(" + " <-> ".join(f"'{word}'" for word in term) + (":*)" if as_prefix else ")"))
        fts5.append('"' + " ".join(term) + '"' + (" *" if as_prefix else ""))
    return SearchQuery(" & ".join(tsquery), f"words : ({' AND '.join(fts5)})")


def tsvector(text: str, label: str) -> str:
    """Return a PostgreSQL `tsvector` literal, independent of the server's parser and locale.

    `label` is a word without a position. It begins with a slash, so that no text can contain it.
    """
    found = tokenize(text)
    if len(set(found)) == len(found):  # nearly always: twice as fast
        return " ".join([*[f"'{word}':{position}" for position, word in enumerate(found, 1)], f"'/{label}'"])
    positions: dict[str, list[int]] = {}
    for position, word in enumerate(found, 1):
        positions.setdefault(word, []).append(position)
    parts = [f"'{word}':{','.join(map(str, at[:MAX_POSITIONS]))}" for word, at in positions.items()]
    return " ".join([*parts, f"'/{label}'"])


def with_label(tsquery: str, label: str) -> str:
    """Return a `tsquery` that matches only texts with this label."""
    return f"'/{label}' & {tsquery}"
