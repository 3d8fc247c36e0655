"""Text as words, for search: the same words on every database and in every locale.

Letters, marks and digits make words, without regard to case, width and accents. Scripts that write without
spaces (Han, kana, Thai, Lao, Khmer, Myanmar) give one word a character; a run of them in a query is a phrase.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

LONGEST = 200  # characters of a word that count
MOST = 16_000  # words of a text that count: PostgreSQL keeps positions up to 16383
TERMS = 32  # terms of a query that count

# Han, kana, bopomofo, Thai, Lao, Myanmar, Khmer: written without spaces between words.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u30ff\u3100-\u312f"
    "\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uaa60-\uaa7f\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_ASCII = re.compile(r"[a-z0-9]+")
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")


def fold(text: str) -> str:
    """Case, width and Latin, Greek and Cyrillic accents do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        return folded
    apart = unicodedata.normalize("NFD", folded)
    # U+0300..U+036F are the accents of European scripts; the marks of other scripts are letters of theirs.
    bare = "".join(each for each in apart if not "\u0300" <= each <= "\u036f")
    return _joined(unicodedata.normalize("NFC", bare))


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _joined(text: str) -> str:
    """Python's `\\w` knows no combining marks: stand-in letters keep words of Indic scripts in one piece."""
    if not any(_is_mark(each) for each in text):
        return text
    return "".join(f"ʹ{ord(each):x}ʹ" if _is_mark(each) and not _unspaced(each) else each for each in text)


def _unspaced(character: str) -> bool:
    return re.match(f"[{_UNSPACED}]", character) is not None


def words(text: str) -> list[str]:
    """The words of a text, in order, at most 16,000."""
    if text.isascii():
        found = _ASCII.findall(text.lower())
    else:
        found = _WORD.findall(fold(text))
    return [word[:LONGEST] for word in found[:MOST]]


class Term(NamedTuple):
    """One or more words that follow each other; `prefix`: the last one may go on."""

    words: list[str]
    prefix: bool


def terms(query: str) -> list[Term]:
    """What a query asks for: all terms, the last one as a prefix; empty if it holds no word."""
    found = [run[:LONGEST] for run in _RUN.findall(fold(query))][:TERMS]
    return [
        Term(list(run) if _unspaced(run[0]) else [run], prefix=index == len(found) - 1)
        for index, run in enumerate(found)
    ]


def tsvector(text: str, *labels: str) -> str:
    """A PostgreSQL `tsvector` literal: no parser and no locale of the server has a say. Labels have no place."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words(text), 1):
        places.setdefault(word, []).append(place)
    # More than 255 places of one word are cut by PostgreSQL itself.
    parts = [f"'{word}':{','.join(map(str, at[:255]))}" for word, at in places.items()]
    return " ".join([*parts, *(f"'{label}'" for label in labels)])


def tsquery(query: str, *labels: str) -> str:
    """A PostgreSQL `tsquery` literal, or empty if the query holds no word."""
    asked = terms(query)
    if not asked:
        return ""
    return " & ".join([*("(" + " <-> ".join(_lexemes(term)) + ")" for term in asked), *(f"'{each}'" for each in labels)])


def _lexemes(term: Term) -> Iterator[str]:
    for index, word in enumerate(term.words):
        # A character of an unspaced script is a whole word: nothing goes on after it.
        prefix = term.prefix and index == len(term.words) - 1 and not _unspaced(word)
        yield f"'{word}'" + (":*" if prefix else "")


def fts5(query: str) -> str:
    """An SQLite FTS5 query over the column `words`, or empty if the query holds no word."""
    asked = terms(query)
    if not asked:
        return ""
    phrases = []
    for term in asked:
        prefix = term.prefix and not _unspaced(term.words[-1])
        phrases.append('words : "' + " ".join(term.words) + '"' + (" *" if prefix else ""))
    return " AND ".join(f"({phrase})" for phrase in phrases)
