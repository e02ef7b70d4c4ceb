"""Sends requests to the service: by this package's own HTTP, or by the program's transport."""

from __future__ import annotations

import http.client
import platform
import ssl
import time
import urllib.parse
import zlib
from contextlib import closing
from typing import Callable, Dict, Mapping, NamedTuple, Optional

from .attempt import Attempt
from .connect import connect
from .proxy import Proxy, proxy_for
from .service_url import path_of
from .version import __version__

__all__ = ["HttpTransport", "Request", "Response", "Transport", "USER_AGENT"]

USER_AGENT = f"license-session-python/{__version__} Python/{platform.python_version()}"

#: Far more than any answer of the service.
_LONGEST_ANSWER_BYTES = 1024 * 1024

#: As ``zlib`` takes them. What HTTP calls deflate is zlib, but some send it without its frame.
_WINDOW_BITS = {"gzip": [31], "deflate": [15, -15]}

#: The longest socket timeout in use: some systems don't accept much longer ones.
_LONGEST_WAIT_SECONDS = 3_600


class Request(NamedTuple):
    """A request that a transport must POST."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    #: Nothing waits longer for the answer, so the request should not be sent after this time.
    timeout_seconds: float


class Response(NamedTuple):
    """A response of any status. Redirects must not be followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: May raise any exception, which counts as no answer. Called on a separate thread.
Transport = Callable[[Request], Response]


class HttpTransport:
    """HTTP with a new connection for each request, through the proxy of the environment."""

    def __init__(self, base_url: str, ssl_context: Optional[ssl.SSLContext] = None) -> None:
        """:raises ValueError: the proxy of the environment can't be used"""
        parts = urllib.parse.urlsplit(base_url)
        self._scheme = parts.scheme
        self._host = _ascii_host(parts.hostname or "")
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = host if parts.port is None else f"{host}:{parts.port}"
        self._proxy = proxy_for(self._scheme, self._host, self._port)
        self._context = ssl_context

    def send(self, request: Request, attempt: Attempt) -> Response:
        """Sends the request once it is connected, unless the attempt has been given up by then.

        :raises OSError, http.client.HTTPException: it failed
        :raises GivenUp: it was not sent
        """
        ends = time.monotonic() + min(request.timeout_seconds, _LONGEST_WAIT_SECONDS)
        proxy, context = self._proxy, self._tls()
        host, port = (proxy.host, proxy.port) if proxy else (self._host, self._port)
        connection = http.client.HTTPConnection(host, port)
        try:
            raw = connection.sock = connect(host, port, ends)
            attempt.hold(raw)
            raw.settimeout(_left(ends))
            if context:
                if proxy:
                    self._open_tunnel(connection, proxy)
                secure = context.wrap_socket(
                    raw, server_hostname=self._host, do_handshake_on_connect=False
                )
                connection.sock = secure
                attempt.hold(secure)
                secure.settimeout(_left(ends))
                secure.do_handshake()
            sent_headers = {**request.headers, "host": self._authority, "connection": "close"}
            target = path_of(request.url)
            if proxy and not context:
                target = f"http://{self._authority}{target}"
                if proxy.authorization:
                    sent_headers["proxy-authorization"] = proxy.authorization
            connection.sock.settimeout(_left(ends))
            connection.request("POST", target, body=request.body, headers=sent_headers)
            with closing(connection.getresponse()) as response:
                if proxy:
                    _refuse_without_credentials(response)
                headers = _headers_of(response)
                body = _within_limit(response.read(_LONGEST_ANSWER_BYTES + 1))
                return Response(response.status, headers, _decompressed(body, headers))
        finally:
            connection.close()

    def _tls(self) -> Optional[ssl.SSLContext]:
        """Created on the first request's thread, because reading the certificates takes a while."""
        if self._scheme == "https" and self._context is None:
            self._context = ssl.create_default_context()
        return self._context if self._scheme == "https" else None

    def _open_tunnel(self, connection: http.client.HTTPConnection, proxy: Proxy) -> None:
        host = f"[{self._host}]" if ":" in self._host else self._host
        authority = f"{host}:{self._port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", f"User-Agent: {USER_AGENT}"]
        if proxy.authorization:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        connection.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        with closing(http.client.HTTPResponse(connection.sock, method="CONNECT")) as answer:
            answer.begin()
            _refuse_without_credentials(answer)
            if answer.status != 200:
                raise OSError(f"the proxy refused the connection: HTTP {answer.status}")


def _refuse_without_credentials(answer: http.client.HTTPResponse) -> None:
    if answer.status == 407:
        raise OSError("the proxy asks for a name and password (HTTP 407)")


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _ascii_host(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode()


def _decompressed(body: bytes, headers: Mapping[str, str]) -> bytes:
    """A proxy may compress an answer although nobody asked it to.

    :raises http.client.HTTPException: it can't be read
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in _WINDOW_BITS:
        raise http.client.HTTPException(f"the answer is compressed by {encoding}")
    for window_bits in _WINDOW_BITS[encoding]:
        try:
            decompressor = zlib.decompressobj(window_bits)
            return _within_limit(decompressor.decompress(body, _LONGEST_ANSWER_BYTES + 1))
        except zlib.error:
            continue
    raise http.client.HTTPException(f"the answer is said to be {encoding}, and is not")


def _within_limit(body: bytes) -> bytes:
    if len(body) > _LONGEST_ANSWER_BYTES:
        raise http.client.HTTPException("the answer is longer than 1 MiB")
    return body


def _headers_of(response: http.client.HTTPResponse) -> Mapping[str, str]:
    headers: Dict[str, str] = {}
    for name, value in response.getheaders():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return headers
