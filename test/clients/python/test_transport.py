"""How requests get to the service: connections, proxies, certificates, and answers without end."""

from __future__ import annotations

import gzip
import json
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
from typing import Any, Callable, Iterator
from unittest import mock

from fake_service import GRANTED, FakeService, Server, answer
from license_session import (
    OpeningCancelled,
    Request,
    Response,
    ServiceNotFound,
    ServiceUnavailable,
    Session,
    Status,
    __version__,
    check_session,
    open_session,
)
from license_session import attempt as attempts
from license_session.attempt import Attempt
from license_session.connect import connect
from license_session.runtime import NoAnswer
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport
from processes import CLAIM, HEARTBEAT, RELEASE, until
from quiet import QUIET
from set_clock import SetClock

NO_PROXIES = {name: "" for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")}


class TransportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)
        environment = mock.patch.dict(os.environ, NO_PROXIES)
        environment.start()
        self.addCleanup(environment.stop)

    def open(self, url: str = "", **options: Any) -> Session:
        session = open_session(url or self.service.url, "KEY", "device", logger=QUIET, **options)
        self.addCleanup(session.release)
        return session

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

    def answer_with(self, write: Callable[[BaseHTTPRequestHandler], None]) -> None:
        """Instead of an answer, which ends when who asked has gone."""

        def instead(handler: BaseHTTPRequestHandler) -> bool:
            if handler.path == RELEASE:
                return False
            try:
                write(handler)
            except OSError:
                self.gone.set()
            return True

        self.gone = threading.Event()
        self.service.instead = instead


def exchange_with(runtime: ThreadRuntime) -> NoAnswer:
    """What comes of a request that has all the time of the world, and gets no answer."""
    exchange = runtime.exchange(CLAIM[1:], b"{}", lambda: math.inf)
    assert isinstance(exchange, NoAnswer), exchange
    return exchange


class Answers(TransportTest):
    def test_a_trickling_answer_keeps_nobody_and_is_cut_off(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)

        def of(parts: Iterator[bytes]) -> Callable[[BaseHTTPRequestHandler], None]:
            def write(handler: BaseHTTPRequestHandler) -> None:
                for part in parts:
                    handler.wfile.write(part)
                    if over.wait(0.02):
                        break

            return write

        def forever(beginning: bytes, part: bytes) -> Iterator[bytes]:
            yield beginning
            while True:
                yield part

        head = b"HTTP/1.1 200 OK\r\n"
        for parts in (
            forever(head, b"x"),
            forever(head + b"content-length: 1000\r\n\r\n", b" "),
            forever(head + b"\r\n", b" "),
        ):
            self.answer_with(of(parts))
            self.assertEqual(self.problem_of(request_timeout_seconds=0.3), "no_answer_in_time")
            self.assertTrue(self.gone.wait(60), "the connection is shut down")

    def test_an_answer_without_end_is_cut_off(self) -> None:
        def write(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                handler.wfile.write(b" " * 65536)

        self.answer_with(write)
        self.assertIn("longer than 1 MiB", self.problem_of())

    def answer_compressed(self, encoding: str, body: bytes) -> None:
        def write(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("content-encoding", encoding)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answer_with(write)

    def test_an_answer_that_a_proxy_compressed_is_read(self) -> None:
        text = b'{"code": "available", "license_type": "pro"}'
        raw = zlib.compressobj(wbits=-15)
        for encoding, body in (
            ("gzip", gzip.compress(text)),
            ("GZIP", gzip.compress(text)),
            ("deflate", zlib.compress(text)),
            ("deflate", raw.compress(text) + raw.flush()),
            ("identity", text),
        ):
            with self.subTest(encoding):
                self.answer_compressed(encoding, body)
                self.assertEqual(check_session(self.service.url, "KEY", "device").type, "pro")

    def test_a_compressed_answer_that_can_not_be_read_says_why(self) -> None:
        for encoding, body, problem in (
            ("br", b"?", "compressed by br"),
            ("gzip", b"{}", "is said to be gzip, and is not"),
            ("gzip", gzip.compress(b" " * 2_000_000), "longer than 1 MiB"),
        ):
            with self.subTest(encoding):
                self.answer_compressed(encoding, body)
                self.assertIn(problem, self.problem_of())

    def test_what_is_no_http_is_trouble(self) -> None:
        self.answer_with(lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9\r\n") and None)
        self.assertIn("SSH-2.0", self.problem_of())
        self.answer_with(lambda handler: None)
        self.assertIn("without an answer", self.problem_of())

    def test_a_redirect_is_not_followed(self) -> None:
        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("location", f"{self.service.url}/elsewhere")
            handler.send_header("content-length", "0")
            handler.end_headers()

        self.answer_with(redirect)
        self.assertEqual(self.problem_of(), "HTTP 302")
        self.assertNotIn("/elsewhere", self.service.asked)

    def test_a_wrong_path_is_said_at_the_first_answer(self) -> None:
        self.answer_with(lambda handler: answer(handler, {"message": "Not Found"}, 404))
        with self.assertRaisesRegex(ServiceNotFound, "check the URL") as refused:
            self.open(f"{self.service.url}/prod")
        self.assertEqual(refused.exception.status, 404)
        self.assertEqual(self.service.asked, [f"/prod{CLAIM}"])

    def test_requests_say_who_sends_them(self) -> None:
        agents: list[str] = []

        def note(handler: BaseHTTPRequestHandler) -> bool:
            agents.append(handler.headers["user-agent"])
            return False

        self.service.instead = note
        self.open()
        self.assertIn(f"license-session-python/{__version__}", agents[0])


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

    def resolve_to(self, *addresses: "tuple[str, int]") -> Any:
        found = [
            (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
            for address in addresses
            for host in [address[0]]
        ]
        patch = mock.patch("socket.getaddrinfo", return_value=found)
        self.addCleanup(patch.stop)
        return patch.start()

    def test_a_name_with_a_dead_first_address_takes_the_next(self) -> None:
        host, port = self.service.url[7:].split(":")
        silent = self.silent_address()
        for dead in (silent, ("::1", silent[1], 0, 0)):
            self.resolve_to(dead, (host, int(port)))  # type: ignore[arg-type]
            self.assertTrue(self.open("http://license.example").held)

    def test_a_name_with_four_silent_addresses_takes_no_longer_than_one_request(self) -> None:
        silent = self.silent_address()
        self.resolve_to(*[silent] * 4)
        began = time.monotonic()
        with self.assertRaises(TimeoutError):
            connect("license.example", 80, began + 1.2)
        # Four in a row would be 4.8 s. Nothing else of it depends on the machine.
        self.assertGreaterEqual(time.monotonic() - began, 1.2)
        problem = self.problem_of("http://license.example", request_timeout_seconds=0.3)
        self.assertEqual(problem, "no_answer_in_time")
        self.assertEqual(self.service.asked, [])

    def test_a_name_that_is_not_resolved_keeps_nobody(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)
        with mock.patch("socket.getaddrinfo", side_effect=lambda *_, **__: over.wait(60)):
            problem = self.problem_of("http://license.example", request_timeout_seconds=0.1)
        self.assertEqual(problem, "no_answer_in_time")

    def test_a_name_server_that_answers_after_six_seconds_keeps_no_session_from_opening(
        self,
    ) -> None:
        clock, cancel = SetClock(self), threading.Event()
        self.addCleanup(cancel.set)
        host, port = self.service.url[7:].split(":")
        # The right counts from the beginning of the attempt, and must outlast it.
        minute = {"session_timeout_seconds": 60, "held_for_seconds": 55}
        self.service.answers[CLAIM] = {
            **GRANTED,
            **minute,
            "heartbeat_interval_seconds": 20,
        }
        lookups: list[int] = []
        problems: list[object] = []
        sessions: list[Session] = []

        def resolve(*_: object, **__: object) -> Any:
            begun_ms = clock.now_ms
            lookups.append(begun_ms)
            until(lambda: sessions or clock.now_ms >= begun_ms + 6_000)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, int(port)))]

        def open_it() -> None:
            note = lambda status: problems.append(status.problem)  # noqa: E731
            sessions.append(self.open("http://license.example", cancel=cancel, on_status=note))

        with mock.patch("socket.getaddrinfo", side_effect=resolve):
            opening = threading.Thread(target=open_it, daemon=True)
            opening.start()
            self.assertTrue(until(lambda: len(lookups) == 1))
            clock.move(5_000)
            self.assertTrue(until(lambda: problems == ["no_answer_in_time"]))
            clock.move(1_000)
            self.assertTrue(until(lambda: len(lookups) == 2))
            clock.move(5_500)
            self.assertTrue(until(lambda: clock.was_seen_by("license-session")))
            clock.move(500)
            opening.join(60)
            self.assertEqual([session.held for session in sessions], [True])
            sessions[0].release()

    def test_a_name_of_which_all_addresses_refuse_says_so_at_once(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            address = closed.getsockname()
        self.resolve_to(address, address)
        with self.assertRaises(ConnectionRefusedError):
            connect("license.example", 80, time.monotonic() + 3600)

    @unittest.skipUnless(socket.has_ipv6, "needs IPv6")
    def test_an_ipv6_address_may_be_the_host(self) -> None:
        hosts: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hosts.append(self.headers["host"])
                answer(self, {"code": "available"})

            def log_message(self, *_: object) -> None:
                pass

        class Server6(Server):
            address_family = socket.AF_INET6

        server = Server6(("::1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://[::1]:{server.server_address[1]}"
        check_session(url, "KEY", "device")
        self.assertEqual(hosts, [url[7:]])

    def test_an_ipv6_address_needs_no_port(self) -> None:
        with mock.patch.dict(os.environ, {"http_proxy": self.service.url}):
            self.service.answers[f"http://[::1]{CLAIM}"] = {"code": "available"}
            check_session("http://[::1]", "KEY", "device")
        self.assertEqual(self.service.asked, [f"http://[::1]{CLAIM}"])


class Moves(TransportTest):
    def test_after_an_address_moved_the_session_goes_on_at_the_new_one(self) -> None:
        """Each request looks the name up and has a connection of its own."""
        other = FakeService()
        self.addCleanup(other.close)
        services = [self.service]

        def resolve(*_: object, **__: object) -> Any:
            host, port = services[-1].url[7:].split(":")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, int(port)))]

        with mock.patch("socket.getaddrinfo", side_effect=resolve):
            session = self.open("http://license.example")
            self.service.instead = lambda handler: answer(handler, {"message": "?"}, 401) or True
            services.append(other)
            self.assertTrue(until(lambda: other.asked.count(HEARTBEAT) >= 2))
            self.assertTrue(session.held)
            self.assertEqual(session.release(), "released")
        self.assertEqual(other.asked[-1], RELEASE)


class GivenUp(TransportTest):
    def test_what_is_given_up_while_it_connects_is_never_sent(self) -> None:
        """A proxy that takes its time to connect stands for a slow connection and handshake."""
        connecting, go_on, received = threading.Event(), threading.Event(), []
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def be_slow() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connecting.set()
                go_on.wait(60)
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    received.append(connection.recv(65536))
                except OSError:
                    received.append(b"")

        proxy = threading.Thread(target=be_slow, daemon=True)
        proxy.start()
        address = "http://127.0.0.1:%d" % listener.getsockname()[1]
        with mock.patch.dict(os.environ, {"https_proxy": address}):
            problem = self.problem_of(
                "https://license.example",
                enough=lambda: connecting.wait(60),
                request_timeout_seconds=0.3,
                ssl_context=ssl.create_default_context(),
            )
        self.assertEqual(problem, "no_answer_in_time")
        go_on.set()
        proxy.join(60)
        self.assertEqual(received, [b""])

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
        secrets: list[str] = []

        def note(handler: BaseHTTPRequestHandler) -> bool:
            secrets.append(handler.headers["proxy-authorization"])
            return False

        self.service.instead = note
        target = f"http://license.example:8080/prod{CLAIM}"
        self.service.answers[target] = {"code": "available"}
        proxy = self.service.url.replace("http://", "http://bot:p%40ss@")
        with mock.patch.dict(os.environ, {"HTTP_PROXY": proxy, "http_proxy": proxy}):
            check_session("http://license.example:8080/prod/", "KEY", "device")
        self.assertEqual(self.service.asked, [target])
        self.assertEqual(secrets, ["Basic Ym90OnBAc3M="])

    def tunnel(self, status: bytes) -> "tuple[str, list[bytes]]":
        """A proxy that answers so: what an opening fails by, and what the proxy was asked."""
        asked: list[bytes] = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def refuse() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

        threading.Thread(target=refuse, daemon=True).start()
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        with mock.patch.dict(os.environ, {"https_proxy": address}):
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
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            + [
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ]
            + ["-keyout", str(key), "-out", str(self.certificate)],
            check=True,
            capture_output=True,
        )
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

        def transport(request: Request) -> Response:
            raise expired

        with self.assertRaisesRegex(ServiceUnavailable, "has expired") as refused:
            self.open(transport=transport, open_within_seconds=60)
        self.assertIs(refused.exception.cause, expired)


class TransportsOfTheProgram(TransportTest):
    def test_a_callable_can_be_the_transport(self) -> None:
        requests: list[Request] = []

        def transport(request: Request) -> Response:
            requests.append(request)
            return Response(200, {"X-Any": "1"}, b'{"code": "available", "license_type": "pro"}')

        license = check_session("anything://goes", "KEY", "device", transport=transport)
        self.assertEqual(license.type, "pro")
        self.assertEqual(requests[0].url, f"anything://goes{CLAIM}")
        self.assertLessEqual(requests[0].timeout_seconds, 5)
        self.assertIn("license-session-python", requests[0].headers["user-agent"])

    def test_of_one_that_retries_by_itself_the_right_counts_from_the_first_sending(self) -> None:
        clock = SetClock(self)
        lasts: list[float] = []

        def transport(request: Request) -> Response:
            clock.now_ms += 200  # Nobody answers, so it sends again.
            path = request.url[len(self.service.url) :]
            return Response(200, {}, json.dumps(self.service.answers[path]).encode())

        self.open(
            transport=transport, on_status=lambda status: lasts.append(status.right_lasts_seconds)
        )
        self.assertTrue(until(lambda: lasts))
        clock.move(600)
        self.assertTrue(until(lambda: len(lasts) == 2))
        self.assertEqual(lasts, [4.8, 4.8])

    def test_what_it_raises_is_trouble_and_the_cause(self) -> None:
        error = RuntimeError("no network")

        def transport(request: Request) -> Response:
            raise error

        refused = exchange_with(ThreadRuntime("http://unused", transport))
        self.assertEqual((refused.problem, refused.cause), ("no network", error))
        self.assertFalse(refused.lasts)

    def test_what_it_returns_may_be_nonsense(self) -> None:
        for nonsense in (None, 7, Response(200, {}, None), Response("x", {}, b"")):  # type: ignore[arg-type]
            transport = lambda _, nonsense=nonsense: nonsense  # noqa: E731
            self.assertIsNotNone(exchange_with(ThreadRuntime("http://unused", transport)).cause)

    def test_one_that_hangs_keeps_nobody(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)
        self.assertEqual(
            self.problem_of(transport=lambda _: over.wait(60), request_timeout_seconds=0.1),
            "no_answer_in_time",
        )


if __name__ == "__main__":
    unittest.main()
