"""A service on a free port of this machine that answers as a test says."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

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
    "/api/validate-license": GRANTED,
    "/api/heartbeat": RECORDED,
    "/api/session/release": {"code": "released"},
}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


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

    def __init__(self) -> None:
        self.answers = dict(ANSWERS)
        self.asked: list[str] = []
        #: What was asked, in the same order.
        self.bodies: list[dict[str, Any]] = []
        #: The same as it came.
        self.texts: list[bytes] = []
        #: Called with each handler before it answers; may write something else and return True.
        self.instead: Callable[[BaseHTTPRequestHandler], bool] = lambda handler: False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["content-length"]))
                if len(text) < int(self.headers["content-length"]):
                    return  # The program ended while it was sending.
                service.texts.append(text)
                service.bodies.append(json.loads(text))
                service.asked.append(self.path)
                if service.instead(self):
                    return
                answer(self, service.answers[self.path])

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def asked_with(self, path: str) -> list[dict[str, Any]]:
        """The bodies that were posted to a path."""
        return [body for asked, body in zip(list(self.asked), self.bodies) if asked == path]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
