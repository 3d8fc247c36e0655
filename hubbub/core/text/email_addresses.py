"""E-mail addresses: the one rule of what is one, and the one spelling under which it is stored.

The rule is a subset of RFC 5321 and RFC 6531: a dot-atom, an `@`, and a domain name. What it leaves out
(quoted local parts, comments, IP addresses in brackets, encoded words of RFC 2047) has several spellings of
one mailbox or a meaning of its own in a header. Nothing is ever decoded.
"""

import re
import unicodedata

import idna

MAX_EMAIL_CHARS = 254  # characters and bytes; RFC 5321, 4.5.3.1.3, and the column
MAX_LOCAL_PART_BYTES = 64  # bytes; RFC 5321, 4.5.3.1.1
MAX_DOMAIN_CHARS = 253  # RFC 1035, 2.3.4, without the dot at the end
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"  # RFC 5322, 3.2.3, and RFC 6531, 3.3
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Characters without a shape (Default_Ignorable_Code_Point) that `str.isprintable` takes for printable.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SENDER = re.compile(
    r'(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^"<>@,;\\]*?)) *<(?P<of>[^<>]+)>|(?P<alone>[^<> ]+)'
)


def canonical(text: str) -> str | None:
    """The spelling under which the address is stored, or None for what no e-mail can reach.

    Width, case, the spaces around it, a dot at the end of the domain and its form (Unicode or `xn--`) do not
    count: mail servers deliver all of them to one mailbox.
    """
    email = _fold(text)
    local, at, domain = email.rpartition("@")
    if not at or not _is_local_part(local):
        return None
    name = _normalize_domain(domain)
    if name is None or "." not in name or name.endswith(".invalid"):  # RFC 6761, 6.4: never there
        return None
    normalized = f"{local}@{name}"
    # A fixed point: folding what is folded already must change nothing.
    return (
        normalized
        if _fold(normalized) == normalized and len(normalized.encode()) <= MAX_EMAIL_CHARS
        else None
    )


def normalize(text: str) -> str:
    """The same for lookups and counts: what is no address keeps its text, folded."""
    return canonical(text) or _fold(text)


def spellings(text: str) -> tuple[str, ...]:
    """Each form under which a release may have stored the address, the likeliest first.

    Earlier releases stored it folded, with whatever form of the domain was given.
    """
    folded, normalized = _fold(text), canonical(text)
    if normalized is None:
        return (folded,)
    local, _, name = normalized.rpartition("@")
    forms = (normalized, f"{local}@{_to_unicode(name)}")
    return tuple(dict.fromkeys([folded, *(f"{form}{end}" for end in ("", ".", "\u3002") for form in forms)]))


def is_spelling_of(text: str, email: str) -> bool:
    """Whether a text is this canonical address, but for ASCII case and the form of the domain."""
    local, _, domain = text.rpartition("@")
    canonical_local, _, name = email.rpartition("@")
    return _lower_ascii(local) == canonical_local and _lower_ascii(domain) in (name, _to_unicode(name))


def parse_sender(text: str) -> tuple[str, str] | None:
    """Display name and address of `hubbub <chat@example.org>`, or of an address alone; None for neither.

    A domain of one label (`localhost`) is allowed: some machines deliver to themselves.
    """
    found = _SENDER.fullmatch(text.strip())
    if found is None or not text.isprintable():
        return None
    local, at, domain = _fold(found["of"] or found["alone"]).rpartition("@")
    name = _normalize_domain(domain)
    if not at or not _is_local_part(local) or name is None:
        return None
    # The local part as given: the server of the sender may care for its case.
    original_local = (found["of"] or found["alone"]).strip().rpartition("@")[0]
    return (found["quoted"] or found["plain"] or "").strip(), f"{original_local}@{name}"


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip(" ").lower()


def _lower_ascii(text: str) -> str:
    return text.lower() if text.isascii() else text


def _is_local_part(local: str) -> bool:
    plain = _LOCAL.fullmatch(local) is not None and "=?" not in local  # RFC 2047 begins so
    return (
        plain
        and local.isprintable()
        and not _INVISIBLE.search(local)
        and len(local.encode()) <= MAX_LOCAL_PART_BYTES
    )


def _normalize_domain(text: str) -> str | None:
    """A domain name as DNS has it: in ASCII, in lower case, without a dot at its end."""
    if not text.isprintable() or len(text) > MAX_EMAIL_CHARS:
        return None
    try:
        mapped = idna.uts46_remap(text, std3_rules=True).removesuffix(".")
        labels = [_encode_label(each) for each in mapped.split(".")]
    except idna.IDNAError:
        return None
    name = ".".join(labels)
    is_valid = len(name) <= MAX_DOMAIN_CHARS and not labels[-1].isdecimal()  # such a one is an IP address
    return name if is_valid else None


def _encode_label(text: str) -> str:
    """Raises idna.IDNAError."""
    if text.isascii() and not text.startswith("xn--"):
        if not _LABEL.fullmatch(text):
            raise idna.IDNAError("not a label")
        return text
    return idna.alabel(text).decode()


def _to_unicode(name: str) -> str:
    """A domain name as people write it."""
    return ".".join(idna.ulabel(each) if each.startswith("xn--") else each for each in name.split("."))
