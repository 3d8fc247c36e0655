"""Every parser of client input takes time in proportion to its length, for any input."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import msgspec
import pytest

from hubbub.core import client_ip, otp, redirects, signing, text_search, user_agents
from hubbub.core.auth_tokens import TokenIssuer
from hubbub.core.errors import HubbubError
from hubbub.core.sealing import DecryptionError, Sealing
from hubbub.core.text import code_blocks, emoji, names, reserved_usernames
from hubbub.http import request
from hubbub.http.middleware import idempotency, request_id
from hubbub.realtime.engine import packets as payload
from hubbub.realtime.engine import rfc6455
from hubbub.realtime.socketio import packets
from hubbub.schemas import base
from hubbub.schemas.chat import messages, rooms
from hubbub.schemas.eventlog import entries
from hubbub.schemas.users import preferences
from hubbub.services.chat import mentions
from hubbub.services.users import validation

MIB = 1 << 20
BODY, LINE, HEADER = 8000, 300, 8190  # characters of a message, of the longest other text, bytes of a header

tokens = TokenIssuer("k" * 40, timedelta(minutes=15).seconds, timedelta(days=1).seconds)
sealing = Sealing(["k" * 40])
PROXIES = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def an_event(text: str) -> Any:
    event = packets.read_event(packets.parse("2/chat," + text))
    event.check()
    return event.arguments()


def a_command(kind: type[msgspec.Struct]) -> Callable[[str], Any]:
    return base.EventDecoder(kind)


# A parser, and how much of a client's text it can get.
PARSERS: dict[str, tuple[Callable[[str], Any], int]] = {
    "a packet": (packets.parse, MIB),
    "a packet of a namespace": (lambda text: packets.parse("0/" + text), MIB),
    "a packet with a number": (lambda text: packets.parse("2" + text), MIB),
    "an event": (an_event, MIB),
    "a name of an event": (lambda text: an_event('["' + text), MIB),
    "a text of an event": (lambda text: an_event('["a","' + text), MIB),
    "an event that is deep": (lambda text: an_event('["a",' + "[" * 101 + text), MIB),
    "a text of an event that is deep": (lambda text: an_event('["a",' + "[" * 101 + '"' + text), MIB),
    "half a pair in an event": (lambda text: an_event('["a","\\ud800",' + text), MIB),
    "half a pair in a text": (lambda text: an_event('["a","\\ud800' + text + '"]'), MIB),
    "a binary event": (lambda text: packets.decode_arguments('["a",' + text, (b"",)), MIB),
    "an ack": (lambda text: packets.check_array(packets.parse("3/chat,1" + text)), MIB),
    "a CONNECT": (
        lambda text: packets.decode_auth(packets.parse("0/chat," + text)),
        packets.MAX_CONNECT_BYTES,
    ),
    "a CONNECT by msgpack": (lambda text: packets.msgpack_namespace(text.encode()), MIB),
    "a message": (a_command(messages.SendMessage), MIB),
    "a field of a message": (lambda text: a_command(messages.SendMessage)(f'["a",{{"body":{text}}}]'), MIB),
    "an unknown field": (lambda text: a_command(messages.SendMessage)(f'["a",{{"{text}":1}}]'), MIB),
    "cursors": (lambda text: a_command(entries.Sync)('["a",{"rooms":{"' + text), MIB),
    "a wrong field": (lambda text: base.parse(base.strict(rooms.CreateRoom), {text: 1}), MIB),
    "a wrong value": (lambda text: base.parse(rooms.CreateRoom, {"kind": text}), MIB),
    "a body": (lambda text: request._decode_json(text.encode()), MIB),
    "a body of a POST": (lambda text: sum(1 for _ in payload.decode(text.encode())), MIB),
    "a binary part of a POST": (lambda text: sum(1 for _ in payload.decode(b"b" + text.encode())), MIB),
    "a frame": (lambda text: rfc6455.is_utf8(rfc6455.unmask(b"\1\2\3\4", text.encode())), MIB),
    "mentions": (mentions.candidates, BODY),
    "mentions beside code": (lambda text: mentions.candidates(f"{text}@bob `"), BODY),
    "code": (lambda text: code_blocks.pieces(f"{text}`"), BODY),
    "code in nested lists": (lambda text: code_blocks.pieces("- " * 1000 + f"`\n{text}`"), BODY),
    "code in nested quotes": (lambda text: code_blocks.pieces("> " * 1000 + f"```\n{text}"), BODY),
    "an emoji": (emoji.canonical, LINE),
    "a line in a schema": (re.compile(names.LINE_PATTERN).search, LINE),
    "an emoji in a schema": (re.compile(emoji.pattern()).search, LINE),
    "words of a message": (text_search.tokenize, BODY),
    "a vector of a message": (lambda text: text_search.tsvector(text, "r"), BODY),
    "words of a query": (text_search.parse_query, LINE),
    "terms of a query": (text_search.parse_terms, LINE),
    "a name": (lambda text: names.name_fault(text, LINE), LINE),
    "a key of a name": (names.key, LINE),
    "a name in a schema": (re.compile(names.NAME_PATTERN).search, LINE),
    "a display name of a provider": (lambda text: names.truncate(text, 80), HEADER),
    "an e-mail address": (validation.validate_email, LINE),
    "a username": (reserved_usernames.is_reserved, LINE),
    "a cursor": (lambda text: sealing.unseal("cursor", text), MIB),
    "a cursor of a known key": (
        lambda text: sealing.unseal("cursor", sealing.seal("", b"")[:20] + text),
        MIB,
    ),
    "a token": (tokens.verify_access, HEADER),
    "a token of three parts": (lambda text: tokens.verify_access(f"{text[:99]}.{text}.{text[:99]}"), HEADER),
    "a User-Agent": (user_agents.parse, HEADER),
    "X-Forwarded-For": (lambda text: client_ip.resolve("127.0.0.1", text, PROXIES), HEADER),
    "a hop": (lambda text: client_ip.resolve("127.0.0.1", "[" + text, PROXIES), HEADER),
    "X-Signature": (signing.parse_header, HEADER),
    "Idempotency-Key": (idempotency._VALID_KEY.fullmatch, HEADER),
    "X-Request-ID": (request_id._VALID_ID.fullmatch, HEADER),
    "a number of a query": (request._is_number, HEADER),
    "a code": (otp.normalize, LINE),
    "a redirect": (lambda text: redirects.validate(text, "http://a", ["http://a"]), HEADER),
    "preferences": (lambda text: msgspec.convert({"language": text}, preferences.AppPreferences), MIB),
    "an id": (lambda text: msgspec.convert(text, UUID), MIB),
}
KINDS = [
    "[", "{", '{"":', "[]", "[[],", '"', '\\"', "\\", '""', '"",', "\\u0061", "\\ud800", '{"a":1},',
    "9", "1e9", "-", " ", "a", "A", "a.", ".", "a-", "a@", "@", "@a", "@a ", "`", "``` ", "```a\n",
    "`\n", "`a", "\n", ",", "=", ";", "%41", "/", ":", "/a;", "(a ", "((", "é", "a\u0300", "\u0300",
    "\ufdfa", "\u0345", "𐍈", "👍", "👩‍", "界", "ก", "\u200b", "\0", "\x1e", "4\x1e", "1.2.3.4,", "::1,",
    "a,b", "eyJ.", "field `", " - at `$", "Mozilla/5.0 ",
    "~~~ ", "~~~\n", "> ", ">\n", "- ", "- -\n", "- `\n", "- \n", "1. ", "\t", "\t- ", "# `\n", "\\`", "<",
    "<a b='", '<a b="', "<!--", "<!--`", "<?`", "<!a`", "<![CDATA[", "`a``", "` ``", "a/", "a.b/", "a://",
    "www.", "@a_", "@a\u0301", "\uff20a", "\ufe0f",
]  # fmt: skip

BOUND_S = 2.0  # of CPU, for a megabyte on a busy machine; a quadratic one takes minutes
SLACK_S = 0.004
ROUNDS = 12


def seconds(parser: Callable[[str], Any], text: str) -> float:
    """The CPU time of a call; what it refuses does not matter."""
    began = time.process_time()
    with suppress(HubbubError, ValueError, LookupError, RecursionError, DecryptionError):
        parser(text)
    return time.process_time() - began


def is_slow(parser: Callable[[str], Any], kind: str, most: int) -> bool:
    """Whether a text of this kind takes too long, or twice the text takes much more than twice the time.

    The least times of several rounds count, each of which measures both texts: other work on the machine
    makes some rounds longer, and never all shorter. Most kinds need one round.
    """
    small, large = (kind * (size // len(kind.encode())) for size in (most // 2, most))
    whole, half = float("inf"), float("inf")
    for _ in range(ROUNDS):
        whole = min(whole, seconds(parser, large))
        if whole <= SLACK_S:
            return False
        half = min(half, seconds(parser, small))
        if whole <= BOUND_S and whole <= 2.5 * half + SLACK_S:
            return False
    return True


@pytest.mark.parametrize("name", PARSERS)
def test_parsing_time_is_proportional_to_length(name: str) -> None:
    parser, most = PARSERS[name]

    assert [kind for kind in KINDS if is_slow(parser, kind, most)] == []
