"""Validates redirect targets: URLs on a list of origins, in an unambiguous form."""

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

# Printable ASCII without characters that browsers and servers parse differently, and without a fragment.
_SAFE_CHARACTERS = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~\[\]]+")
_ABSOLUTE_URL = re.compile(
    r"(https?://(?:[a-z0-9.\-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)(?:[/?].*)?", re.IGNORECASE
)


def validate(url: str, site_url: str, origins: Collection[str]) -> str | None:
    """Return the URL if it is on this site (a path is sufficient) or on one of the origins, else None.

    `*` does not count as an origin here.
    """
    if not _SAFE_CHARACTERS.fullmatch(url) or _is_ambiguous(url):
        return None
    own_origin = "{0.scheme}://{0.netloc}".format(urlsplit(site_url)).lower()
    if url.startswith("/"):
        return own_origin + url
    found = _ABSOLUTE_URL.fullmatch(url)
    if found is None or found[1].lower() not in {own_origin, *(each for each in origins if each != "*")}:
        return None
    return url


def _is_ambiguous(text: str) -> bool:
    """Return whether further decoding could turn a path into another host."""
    for _ in range(3):
        if text.startswith("//") or "\\" in text or any(not each.isprintable() for each in text):
            return True
        text = unquote(text)
    return False
