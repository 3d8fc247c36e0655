"""E-mail addresses: one rule of validity, and one canonical form that is stored.

The rule is a subset of RFC 5321 and RFC 6531: a dot-atom, an `@`, and a domain name. What it excludes (quoted
local parts, comments, IP addresses in brackets, encoded words of RFC 2047) has several spellings of one
mailbox, or a special meaning in a header. Nothing is ever decoded.
"""

import re
import unicodedata

import idna

MAX_EMAIL_CHARS = 254  # characters and bytes; RFC 5321, 4.5.3.1.3, and the database column
MAX_LOCAL_PART_BYTES = 64  # bytes; RFC 5321, 4.5.3.1.1
MAX_DOMAIN_CHARS = 253  # RFC 1035, 2.3.4, without the dot at the end
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"  # RFC 5322, 3.2.3, and RFC 6531, 3.3
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Invisible characters (Default_Ignorable_Code_Point) that `str.isprintable` treats as printable.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SENDER = re.compile(
    r'(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^"<>@,;\\]*?)) *<(?P<of>[^<>]+)>|(?P<alone>[^<> ]+)'
)


def canonical(text: str) -> str | None:
    """Return the canonical form of an e-mail address; None if it is not valid.

    Width, case, surrounding spaces, a dot at the end of the domain and the form of the domain (Unicode or
    `xn--`) are removed: mail servers deliver all of these forms to one mailbox.
    """
    email = _fold(text)
    local, at, domain = email.rpartition("@")
    if not at or not _is_local_part(local):
        return None
    name = _normalize_domain(domain)
    if name is None or "." not in name or name.endswith(".invalid"):  # RFC 6761, 6.4: never exists
        return None
    normalized = f"{local}@{name}"
    is_fixed_point = _fold(normalized) == normalized  # folding folded text must not change it
    return normalized if is_fixed_point and len(normalized.encode()) <= MAX_EMAIL_CHARS else None


def normalize(text: str) -> str:
    """Return the canonical form for lookups and counts; of an invalid e-mail address, its folded text."""
    return canonical(text) or _fold(text)


def spellings(text: str) -> tuple[str, ...]:
    """Return each form under which a release may have stored the e-mail address, the most likely first.

    Earlier releases stored it folded, with the given form of the domain.
    """
    folded, normalized = _fold(text), canonical(text)
    if normalized is None:
        return (folded,)
    local, _, name = normalized.rpartition("@")
    forms = (normalized, f"{local}@{_to_unicode(name)}")
    return tuple(dict.fromkeys([folded, *(f"{form}{end}" for end in ("", ".", "\u3002") for form in forms)]))


def is_spelling_of(text: str, email: str) -> bool:
    """Return whether a text is this canonical e-mail address, except for ASCII case and the domain's form."""
    local, _, domain = text.rpartition("@")
    canonical_local, _, name = email.rpartition("@")
    return _lower_ascii(local) == canonical_local and _lower_ascii(domain) in (name, _to_unicode(name))


def parse_sender(text: str) -> tuple[str, str] | None:
    """Return display name and e-mail address of `hubbub <chat@example.org>`, or of an e-mail address alone.

    None for neither. A domain of one label (`localhost`) is allowed: some machines deliver to themselves.
    """
    found = _SENDER.fullmatch(text.strip())
    if found is None or not text.isprintable():
        return None
    local, at, domain = _fold(found["of"] or found["alone"]).rpartition("@")
    name = _normalize_domain(domain)
    if not at or not _is_local_part(local) or name is None:
        return None
    # The local part is unchanged: the sender's server may treat its case as significant.
    original_local = (found["of"] or found["alone"]).strip().rpartition("@")[0]
    return (found["quoted"] or found["plain"] or "").strip(), f"{original_local}@{name}"


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip(" ").lower()


def _lower_ascii(text: str) -> str:
    return text.lower() if text.isascii() else text


def _is_local_part(local: str) -> bool:
    plain = _LOCAL.fullmatch(local) is not None and "=?" not in local  # the start of an RFC 2047 word
    return (
        plain
        and local.isprintable()
        and not _INVISIBLE.search(local)
        and len(local.encode()) <= MAX_LOCAL_PART_BYTES
    )


def _normalize_domain(text: str) -> str | None:
    """Return a domain name in the form of DNS: ASCII, lower case, without a dot at its end."""
    if not text.isprintable() or len(text) > MAX_EMAIL_CHARS:
        return None
    try:
        mapped = idna.uts46_remap(text, std3_rules=True).removesuffix(".")
        labels = [_encode_label(each) for each in mapped.split(".")]
    except idna.IDNAError:
        return None
    name = ".".join(labels)
    is_valid = len(name) <= MAX_DOMAIN_CHARS and not labels[-1].isdecimal()  # otherwise an IP address
    return name if is_valid else None


def _encode_label(text: str) -> str:
    """Return a label in ASCII. Raises idna.IDNAError."""
    if text.isascii() and not text.startswith("xn--"):
        if not _LABEL.fullmatch(text):
            raise idna.IDNAError("not a label")
        return text
    return idna.alabel(text).decode()


def _to_unicode(name: str) -> str:
    """Return a domain name in its Unicode form."""
    return ".".join(idna.ulabel(each) if each.startswith("xn--") else each for each in name.split("."))
