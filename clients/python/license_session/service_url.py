"""The address of the service."""

from __future__ import annotations

import re
import urllib.parse
from typing import Optional

__all__ = ["base_url", "path_of"]

_EXPECTED = (
    "expected the address of the license service, such as "
    "https://abc123.execute-api.eu-central-1.amazonaws.com"
)


def base_url(url: object, any_scheme: bool = False) -> str:
    """The address below which the routes are, without a slash at its end.

    :param any_scheme: a transport of the program may know others than http and https
    :raises TypeError: it is no text
    :raises ValueError: it is no such address, or has what an address of the service has not
    """
    if not isinstance(url, str):
        raise TypeError(f"url is a {type(url).__name__}: {_EXPECTED}")
    text = url.strip()
    # What can't be read may hold a password, too.
    shown = "not shown, as it may hold a password" if "@" in text else repr(text)
    parts = _parts_of(text)
    is_known = parts and parts.hostname and (any_scheme or parts.scheme in ("http", "https"))
    if not parts or not is_known or re.search(r"[\s\\]", text):
        raise ValueError(f"url is {shown}: {_EXPECTED}")
    if "@" in parts.netloc:
        raise ValueError(
            f"url has a user name or a password, which the service does not take: {_EXPECTED}"
        )
    if re.search("[?#]", text):
        extra = re.sub("^[^?#]*", "", text)
        raise ValueError(f"url has a query or a fragment ({extra}): {_EXPECTED}")
    return text.rstrip("/")


def _parts_of(text: str) -> Optional[urllib.parse.SplitResult]:
    try:
        parts = urllib.parse.urlsplit(text)
        # Reading it is what finds a port that is none.
        return parts if parts.port != -1 else None
    except ValueError:
        return None


def path_of(url: str) -> str:
    """The path of an address as it is sent."""
    path = urllib.parse.urlsplit(url).path
    return urllib.parse.quote(path, safe="/%:@!$&'()*+,;=~")
