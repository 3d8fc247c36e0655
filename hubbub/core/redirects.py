"""Where a browser may be sent that asked for it: to addresses on a list, written in no doubtful way."""

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

# Printable ASCII without what browsers and servers read differently, and without a fragment, which is ours.
_SAFE_CHARACTERS = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~\[\]]+")
_ABSOLUTE_URL = re.compile(
    r"(https?://(?:[a-z0-9.\-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)(?:[/?].*)?", re.IGNORECASE
)


def validate(url: str, site_url: str, origins: Collection[str]) -> str | None:
    """The address if it is on this site (a path will do) or on one of the origins, else None.

    `*` is no origin: a list of all pages is none.
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
    """Whether somebody who decodes it once more than we do may take a path for another host."""
    for _ in range(3):
        if text.startswith("//") or "\\" in text or any(not each.isprintable() for each in text):
            return True
        text = unquote(text)
    return False
