"""The proxies of the environment: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``."""

from __future__ import annotations

import base64
import urllib.parse
import urllib.request
from typing import NamedTuple, Optional

__all__ = ["Proxy", "proxy_for"]


class Proxy(NamedTuple):
    host: str
    port: int
    #: The value of ``proxy-authorization``, if the address has a name and a password.
    authorization: Optional[str]


def proxy_for(scheme: str, host: str, port: int) -> Optional[Proxy]:
    """The proxy to use for an address, as ``urllib`` would choose it.

    :raises ValueError: only a custom ``transport`` can use this kind of proxy
    """
    proxies = urllib.request.getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or urllib.request.proxy_bypass(f"{host}:{port}"):
        return None
    parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        # Names only the scheme, because the rest may contain a password.
        raise ValueError(
            f"The proxy of the environment is a {parts.scheme} proxy, and only http proxies can be "
            "used: set HTTPS_PROXY to one, name the host in NO_PROXY, or pass a transport"
        )
    authorization = None
    if parts.username is not None:
        name = urllib.parse.unquote(parts.username)
        password = urllib.parse.unquote(parts.password or "")
        token = base64.b64encode(f"{name}:{password}".encode()).decode()
        authorization = f"Basic {token}"
    return Proxy(parts.hostname, parts.port or 80, authorization)
