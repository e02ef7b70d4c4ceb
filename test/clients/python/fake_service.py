"""A service on a free port of this machine that answers as a test says, and tests against it."""

from __future__ import annotations

import json
import socket
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

from license_session import Request, Response, Session, open_session
from quiet import QUIET

CLAIM = "/api/validate-license"
HEARTBEAT = "/api/heartbeat"
RELEASE = "/api/session/release"

GRANTED = {
    "code": "granted",
    "session_id": "session-1",
    "fencing_token": 1,
    "session_timeout_seconds": 6,
    "heartbeat_interval_seconds": 0.6,
    "held_for_seconds": 5,
}
RECORDED = {"code": "recorded", "session_timeout_seconds": 6, "held_for_seconds": 5}

ANSWERS: dict[str, dict[str, Any]] = {
    CLAIM: GRANTED,
    HEARTBEAT: RECORDED,
    RELEASE: {"code": "released"},
}


def answer(handler: BaseHTTPRequestHandler, body: dict[str, Any], status: int = 200) -> None:
    text = json.dumps(body).encode()
    try:
        handler.send_response(status)
        handler.send_header("content-length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)
    except OSError:
        pass  # Who asked has given up.


class FakeService:
    """Answers 200 with what ``answers`` has for the path, and keeps which paths were asked."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.answers = dict(ANSWERS)
        self.asked: list[str] = []
        #: What was asked, in the same order.
        self.bodies: list[dict[str, Any]] = []
        #: The same as it came.
        self.texts: list[bytes] = []
        #: Called with each handler before it answers; may write something else and return True.
        self.instead: Callable[[BaseHTTPRequestHandler], bool] = lambda handler: False
        self._held: dict[str, threading.Event] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["content-length"]))
                if len(text) < int(self.headers["content-length"]):
                    return  # The program ended while it was sending.
                service.texts.append(text)
                service.bodies.append(json.loads(text))
                service.asked.append(self.path)
                if self.path in service._held:
                    service._held[self.path].wait(120)
                if service.instead(self):
                    return
                answer(self, service.answers[self.path])

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True
            request_queue_size = 128

        self.server = Server((host, 0), Handler)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def transport(self, request: Request) -> Response:
        """Answers in the same way without a network."""
        path = request.url[request.url.index("/api/") :]
        self.bodies.append(json.loads(request.body))
        self.asked.append(path)
        return Response(200, {}, json.dumps(self.answers[path]).encode())

    def add(self, path: str, **more: object) -> None:
        """From now on, the answers to a path say this as well."""
        self.answers[path] = {**self.answers[path], **more}

    def hold(self, path: str) -> threading.Event:
        """What is asked there is answered once the event that is returned is set."""
        self._held[path] = threading.Event()
        return self._held[path]

    def count(self, path: str) -> int:
        return self.asked.count(path)

    def asked_with(self, path: str) -> list[dict[str, Any]]:
        """The bodies that were posted to a path."""
        return [body for asked, body in zip(list(self.asked), self.bodies) if asked == path]

    def forget(self) -> None:
        """What was asked so far."""
        for noted in (self.asked, self.bodies, self.texts):
            noted.clear()

    def close(self) -> None:
        for held in self._held.values():
            held.set()
        self.server.shutdown()
        self.server.server_close()


def until(condition: Callable[[], Any], seconds: float = 60.0) -> bool:
    """Waits for what is sure to come. The limit is for the case that it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


class ServiceTest(unittest.TestCase):
    """A test with a service of its own."""

    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)

    def open(self, url: str = "", **options: Any) -> Session:
        """A session that the end of the test releases."""
        options = {"logger": QUIET, **options}
        session = open_session(url or self.service.url, "KEY", "device", **options)
        self.addCleanup(session.release)
        return session

    def event(self) -> threading.Event:
        """Set by the end of the test at the latest."""
        event = threading.Event()
        self.addCleanup(event.set)
        return event

    def heartbeats(self, count: int) -> bool:
        """Waits until there were as many."""
        return until(lambda: self.service.count(HEARTBEAT) >= count)
