"""How requests get to the service: connections, proxies, certificates, and answers without end."""

from __future__ import annotations

import gzip
import math
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import zlib
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Sequence
from unittest import mock

from fake_service import CLAIM, HEARTBEAT, RELEASE, FakeService, ServiceTest, answer, until
from license_session import (
    OpeningCancelled,
    Request,
    Response,
    ServiceNotFound,
    ServiceUnavailable,
    Status,
    __version__,
    check_session,
)
from license_session import attempt as attempts
from license_session.attempt import Attempt
from license_session.connect import connect
from license_session.runtime import NoAnswer
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport

NO_PROXIES = {name: "" for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")}

HEAD = b"HTTP/1.1 200 OK\r\n"
TEXT = b'{"code": "available", "license_type": "pro"}'


class TransportTest(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        environment = mock.patch.dict(os.environ, NO_PROXIES)
        environment.start()
        self.addCleanup(environment.stop)

    def problem_of(
        self, url: str = "", enough: Callable[[], object] = lambda: None, **options: Any
    ) -> str:
        """What the first attempt to open a session failed by; the last is made when ``enough``
        returns.
        """
        problems: list[str] = []
        cancel = threading.Event()

        def on_status(status: Status) -> None:
            problems.append(str(status.problem))
            enough()
            cancel.set()

        with self.assertRaises(OpeningCancelled):
            self.open(
                url,
                on_status=on_status,
                cancel=cancel,
                **{"open_within_seconds": 3600, "request_timeout_seconds": 60, **options},
            )
        return problems[0]

    def answer_with(self, text: bytes, again: bytes = b"") -> None:
        """Instead of an answer.

        :param again: what follows, byte by byte or at once, until who asked has gone
        """

        def instead(handler: BaseHTTPRequestHandler) -> bool:
            if handler.path == RELEASE:
                return False
            try:
                handler.wfile.write(text)
                while again and not over.wait(0.02 if len(again) == 1 else 0):
                    handler.wfile.write(again)
            except OSError:
                self.gone.set()
            return True

        over = self.event()
        self.gone = threading.Event()
        self.service.instead = instead

    def listen(self, serve: Callable[[socket.socket], object]) -> str:
        """The address of a server that does so with each connection."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        return "http://127.0.0.1:%d" % listener.getsockname()[1]


def exchange_with(runtime: ThreadRuntime) -> NoAnswer:
    """What comes of a request that has all the time of the world, and gets no answer."""
    exchange = runtime.exchange(CLAIM[1:], b"{}", lambda: math.inf)
    assert isinstance(exchange, NoAnswer), exchange
    return exchange


def packed(encoding: str, body: bytes) -> bytes:
    headers = f"content-encoding: {encoding}\r\ncontent-length: {len(body)}\r\n\r\n"
    return HEAD + headers.encode() + body


class Answers(TransportTest):
    def test_a_trickling_answer_keeps_nobody_and_is_cut_off(self) -> None:
        for beginning, again in (
            (HEAD, b"x"),
            (HEAD + b"content-length: 1000\r\n\r\n", b" "),
            (HEAD + b"\r\n", b" "),
        ):
            self.answer_with(beginning, again=again)
            self.assertEqual(self.problem_of(request_timeout_seconds=0.3), "no_answer_in_time")
            self.assertTrue(self.gone.wait(60), "the connection is shut down")

    def test_an_answer_that_a_proxy_compressed_is_read(self) -> None:
        raw = zlib.compressobj(wbits=-15)
        for encoding, body in (
            ("gzip", gzip.compress(TEXT)),
            ("GZIP", gzip.compress(TEXT)),
            ("deflate", zlib.compress(TEXT)),
            ("deflate", raw.compress(TEXT) + raw.flush()),
            ("identity", TEXT),
        ):
            with self.subTest(encoding):
                self.answer_with(packed(encoding, body))
                self.assertEqual(check_session(self.service.url, "KEY", "device").type, "pro")

    def test_what_can_not_be_read_is_trouble_and_says_why(self) -> None:
        redirect = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"
        for text, again, problem in (
            (b"SSH-2.0-OpenSSH_9\r\n", b"", "SSH-2.0"),
            (b"", b"", "without an answer"),
            (HEAD + b"\r\n", b" " * 65536, "longer than 1 MiB"),
            (packed("br", b"?"), b"", "compressed by br"),
            (packed("gzip", b"{}"), b"", "is said to be gzip, and is not"),
            (packed("gzip", gzip.compress(b" " * 2_000_000)), b"", "longer than 1 MiB"),
            (redirect, b"", "HTTP 302"),
        ):
            with self.subTest(problem):
                self.answer_with(text, again=again)
                self.assertIn(problem, self.problem_of())
        self.assertNotIn("/elsewhere", self.service.asked)

    def test_a_wrong_path_is_said_at_the_first_answer(self) -> None:
        self.service.instead = lambda handler: answer(handler, {"message": "?"}, 404) or True
        with self.assertRaisesRegex(ServiceNotFound, "check the URL"):
            self.open(f"{self.service.url}/prod")
        self.assertEqual(self.service.asked, [f"/prod{CLAIM}"])


class Addresses(TransportTest):
    def silent_address(self) -> "tuple[str, int]":
        """Of a socket that accepts no connection and refuses none: its queue is full."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return listener.getsockname()

    def resolve(self, to: "Callable[[], Sequence[tuple[Any, ...]]]") -> None:
        """Of every name these are the addresses."""

        def found(*_: object, **__: object) -> Any:
            return [
                (
                    socket.AF_INET6 if ":" in address[0] else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    address,
                )
                for address in to()
            ]

        patch = mock.patch("socket.getaddrinfo", found)
        self.addCleanup(patch.stop)
        patch.start()

    def test_a_name_with_a_dead_first_address_takes_the_next(self) -> None:
        silent = self.silent_address()
        for dead in (silent, ("::1", silent[1], 0, 0)):
            self.resolve(lambda dead=dead: [dead, self.service.server.server_address])
            self.assertTrue(self.open("http://license.example").held)

    def test_a_name_with_four_silent_addresses_takes_no_longer_than_one_request(self) -> None:
        silent = self.silent_address()
        self.resolve(lambda: [silent] * 4)
        began = time.monotonic()
        with self.assertRaises(TimeoutError):
            connect("license.example", 80, began + 1.2)
        # Four in a row would be 4.8 s. Nothing else of it depends on the machine.
        self.assertGreaterEqual(time.monotonic() - began, 1.2)
        problem = self.problem_of("http://license.example", request_timeout_seconds=0.3)
        self.assertEqual(problem, "no_answer_in_time")
        self.assertEqual(self.service.asked, [])

    def test_a_name_that_is_not_resolved_keeps_nobody(self) -> None:
        over = self.event()
        self.resolve(lambda: over.wait(60) and [])
        problem = self.problem_of("http://license.example", request_timeout_seconds=0.1)
        self.assertEqual(problem, "no_answer_in_time")

    def test_a_name_of_which_all_addresses_refuse_says_so_at_once(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            address = closed.getsockname()
        self.resolve(lambda: [address, address])
        with self.assertRaises(ConnectionRefusedError):
            connect("license.example", 80, time.monotonic() + 3600)

    def test_after_an_address_moved_the_session_goes_on_at_the_new_one(self) -> None:
        """Each request looks the name up and has a connection of its own."""
        other = FakeService()
        self.addCleanup(other.close)
        services = [self.service]
        self.resolve(lambda: [services[-1].server.server_address])
        session = self.open("http://license.example")
        self.service.instead = lambda handler: answer(handler, {"message": "?"}, 401) or True
        services.append(other)
        self.assertTrue(until(lambda: other.count(HEARTBEAT) >= 2))
        self.assertTrue(session.held)
        self.assertEqual(session.release(), "released")
        self.assertEqual(other.asked[-1], RELEASE)

    @unittest.skipUnless(socket.has_ipv6, "needs IPv6")
    def test_an_ipv6_address_may_be_the_host(self) -> None:
        service = FakeService("::1")
        self.addCleanup(service.close)
        hosts: list[str] = []
        service.instead = lambda handler: bool(hosts.append(handler.headers["host"]))
        self.open(service.url)
        self.assertEqual(hosts[0], service.url[7:])

    def test_an_ipv6_address_needs_no_port(self) -> None:
        with mock.patch.dict(os.environ, {"http_proxy": self.service.url}):
            self.service.answers[f"http://[::1]{CLAIM}"] = {"code": "available"}
            check_session("http://[::1]", "KEY", "device")
        self.assertEqual(self.service.asked, [f"http://[::1]{CLAIM}"])


class GivenUp(TransportTest):
    def test_what_is_given_up_while_it_connects_is_never_sent(self) -> None:
        """A proxy that takes its time to connect stands for a slow connection and handshake."""
        connecting, go_on = threading.Event(), self.event()
        received: list[bytes] = []

        def be_slow(connection: socket.socket) -> None:
            connection.recv(65536)
            connecting.set()
            go_on.wait(60)
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                received.append(connection.recv(65536))
            except OSError:
                received.append(b"")

        with mock.patch.dict(os.environ, {"https_proxy": self.listen(be_slow)}):
            problem = self.problem_of(
                "https://license.example",
                enough=lambda: connecting.wait(60),
                request_timeout_seconds=0.3,
                ssl_context=ssl.create_default_context(),
            )
        self.assertEqual(problem, "no_answer_in_time")
        go_on.set()
        self.assertTrue(until(lambda: received))
        self.assertEqual(received[0], b"")

    def test_an_attempt_that_was_given_up_sends_nothing_any_more(self) -> None:
        attempt = Attempt()
        attempt.give_up()
        with self.assertRaises(attempts.GivenUp):
            attempt.check()
        with self.assertRaises(attempts.GivenUp):
            HttpTransport(self.service.url).send(Request(self.service.url, {}, b"{}", 60), attempt)
        self.assertEqual(self.service.asked, [])


class Proxies(TransportTest):
    def test_http_goes_through_the_proxy_of_the_environment(self) -> None:
        headers: list[Any] = []
        self.service.instead = lambda handler: bool(headers.append(handler.headers))
        target = f"http://license.example:8080/prod{CLAIM}"
        self.service.answers[target] = {"code": "available"}
        proxy = self.service.url.replace("http://", "http://bot:p%40ss@")
        with mock.patch.dict(os.environ, {"HTTP_PROXY": proxy, "http_proxy": proxy}):
            check_session("http://license.example:8080/prod/", "KEY", "device")
        self.assertEqual(self.service.asked, [target])
        self.assertEqual(headers[0]["proxy-authorization"], "Basic Ym90OnBAc3M=")
        self.assertIn(f"license-session-python/{__version__}", headers[0]["user-agent"])

    def tunnel(self, status: bytes) -> "tuple[str, list[bytes]]":
        """A proxy that answers so: what an opening fails by, and what the proxy was asked."""
        asked: list[bytes] = []

        def refuse(connection: socket.socket) -> None:
            asked.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

        with mock.patch.dict(os.environ, {"https_proxy": self.listen(refuse)[7:]}):
            return self.problem_of("https://license.example"), asked

    def test_https_goes_through_a_tunnel(self) -> None:
        problem, asked = self.tunnel(b"403 Forbidden")
        self.assertEqual(problem, "the proxy refused the connection: HTTP 403")
        self.assertTrue(asked[0].startswith(b"CONNECT license.example:443 HTTP/1.1\r\n"))

    def test_a_proxy_that_wants_credentials_is_told_as_that(self) -> None:
        wants = "the proxy asks for a name and password (HTTP 407)"
        problem, _ = self.tunnel(b"407 Proxy Authentication Required")
        self.assertEqual(problem, wants)
        self.service.instead = lambda handler: answer(handler, {}, 407) or True
        with mock.patch.dict(os.environ, {"http_proxy": self.service.url}):
            self.assertEqual(self.problem_of("http://license.example"), wants)

    def test_hosts_of_no_proxy_are_asked_directly(self) -> None:
        nobody = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "example.com,127.0.0.1"}
        with mock.patch.dict(os.environ, nobody):
            self.assertTrue(self.open().held)

    def test_a_proxy_that_can_not_be_used_is_said_before_anything_is_sent(self) -> None:
        with mock.patch.dict(os.environ, {"all_proxy": "socks5://bot:secret@127.0.0.1:1080"}):
            with self.assertRaisesRegex(ValueError, "socks5 proxy.*NO_PROXY") as refused:
                self.open()
        self.assertNotIn("secret", str(refused.exception))


class Certificates(TransportTest):
    def setUp(self) -> None:
        super().setUp()
        if not shutil.which("openssl") and not os.environ.get("CI"):
            self.skipTest("needs openssl to make a certificate")
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.certificate, key = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
        made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        named = "-subj /CN=test -addext subjectAltName=IP:127.0.0.1"
        files = ["-keyout", key, "-out", self.certificate]
        subprocess.run([*f"{made} {named}".split(), *files], check=True, capture_output=True)
        context = self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        server = self.service.server
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.url = self.service.url.replace("http://", "https://")

    def test_a_certificate_of_one_s_own_can_be_trusted(self) -> None:
        context = ssl.create_default_context(cafile=str(self.certificate))
        self.assertTrue(self.open(self.url, ssl_context=context).held)

    def test_ssl_cert_file_names_the_certificates_to_trust(self) -> None:
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(self.certificate)}):
            self.assertTrue(self.open(self.url).held)

    def test_what_no_later_attempt_can_avoid_is_refused_at_once_with_the_reason(self) -> None:
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        new = ssl.create_default_context(cafile=str(self.certificate))
        new.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        localhost = self.url.replace("127.0.0.1", "localhost")
        for url, context, problem in (
            (self.url, None, "self.signed certificate"),
            (localhost, trusting, "Hostname mismatch"),
            (self.url, new, "protocol version"),
        ):
            with self.subTest(problem):
                with self.assertRaisesRegex(ServiceUnavailable, problem) as refused:
                    # Else it would be tried again for so long.
                    self.open(url, ssl_context=context, open_within_seconds=60)
                self.assertIsInstance(refused.exception.cause, ssl.SSLError)
        self.assertEqual(self.service.asked, [])

    def test_a_certificate_that_has_expired_is_refused_at_once(self) -> None:
        expired = ssl.SSLCertVerificationError(1, "certificate has expired")
        failing = mock.Mock(side_effect=expired)
        with self.assertRaisesRegex(ServiceUnavailable, "has expired") as refused:
            self.open(transport=failing, open_within_seconds=60)
        self.assertIs(refused.exception.cause, expired)


class TransportsOfTheProgram(TransportTest):
    def test_a_callable_can_be_the_transport(self) -> None:
        requests: list[Request] = []

        def transport(request: Request) -> Response:
            requests.append(request)
            return Response(200, {"X-Any": "1"}, TEXT)

        license = check_session("anything://goes", "KEY", "device", transport=transport)
        self.assertEqual(license.type, "pro")
        self.assertEqual(requests[0].url, f"anything://goes{CLAIM}")
        self.assertLessEqual(requests[0].timeout_seconds, 5)
        self.assertIn("license-session-python", requests[0].headers["user-agent"])

    def test_what_it_raises_is_trouble_and_the_cause(self) -> None:
        error = RuntimeError("no network")
        refused = exchange_with(ThreadRuntime("http://unused", mock.Mock(side_effect=error)))
        self.assertEqual((refused.problem, refused.cause), ("no network", error))
        self.assertFalse(refused.lasts)

    def test_what_it_returns_may_be_nonsense(self) -> None:
        for nonsense in (None, 7, Response(200, {}, None), Response("x", {}, b"")):  # type: ignore[arg-type]
            transport = lambda _, nonsense=nonsense: nonsense  # noqa: E731
            self.assertIsNotNone(exchange_with(ThreadRuntime("http://unused", transport)).cause)
