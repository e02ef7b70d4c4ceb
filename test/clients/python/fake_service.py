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
    "heartbeat_interval_seconds": 1,
}
RECORDED = {"code": "recorded", "session_timeout_seconds": 6}

ANSWERS: dict[str, dict[str, Any]] = {
    "/api/validate-license": GRANTED,
    "/api/heartbeat": RECORDED,
    "/api/session/release": {"code": "released"},
}


class FakeService:
    """Answers 200 with what ``answers`` has for the path, and keeps which paths were asked."""

    def __init__(self) -> None:
        self.answers = dict(ANSWERS)
        self.asked: list[str] = []
        #: Called with each handler before it answers; may write something else and return True.
        self.instead: Callable[[BaseHTTPRequestHandler], bool] = lambda handler: False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                service.asked.append(self.path)
                if service.instead(self):
                    return
                body = json.dumps(service.answers[self.path]).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
