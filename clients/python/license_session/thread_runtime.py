"""The real runtime: threads, clocks, and a transport."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
import uuid
from typing import Callable, List, Optional, TypeVar, Union

from .attempt import Attempt, GivenUp
from .claim_ids import next_claim_id
from .clock import choose_clock
from .program_calls import ProgramCalls
from .runtime import NO_ANSWER_IN_TIME, Answer, Exchange, NoAnswer, Until
from .transport import USER_AGENT, HttpTransport, Request, Response, Transport

__all__ = ["ThreadRuntime"]

T = TypeVar("T")


class ThreadRuntime:
    """The runtime of one session."""

    #: Waits are split into slices of this length, so that waking from sleep is noticed soon.
    _SLICE_MS = 1_000

    def __init__(self, url: str, transport: Union[HttpTransport, Transport]) -> None:
        self._url = url.rstrip("/")
        self._transport = transport
        self._clock_ns = choose_clock()
        self._changed = threading.Condition()
        self._when_woken: List[Callable[[], None]] = []
        self.calls = ProgramCalls(self.pause, self.wake)

    def now_ms(self) -> int:
        return self._clock_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def random(self) -> float:
        return random.random()

    def random_id(self) -> str:
        return uuid.uuid4().hex

    def next_claim_id(self) -> str:
        return next_claim_id()

    def pause(self, until: Until) -> None:
        with self._changed:
            while True:
                left_ms = until() - self.now_ms()
                if left_ms <= 0:
                    return
                self._changed.wait(min(left_ms, self._SLICE_MS) / 1000)

    def exchange(self, path: str, body: bytes, until: Until) -> Exchange:
        # Runs on a separate thread, so that neither a slow name resolution nor an answer that
        # arrives byte by byte can delay the caller beyond its time limit.
        left_ms = until() - self.now_ms()
        if left_ms <= 0:
            return NoAnswer(NO_ANSWER_IN_TIME, unsent=True)
        headers = {"content-type": "application/json", "user-agent": USER_AGENT}
        request = Request(f"{self._url}/{path}", headers, body, left_ms / 1000)
        attempt = Attempt()
        results: List[Exchange] = []

        def run() -> None:
            results.append(self._try(request, attempt))
            self.wake()

        try:
            threading.Thread(target=run, name="license-session-request", daemon=True).start()
        except RuntimeError:
            run()  # No thread can be started any more while the interpreter exits.
        self.pause(lambda: 0 if results else until())
        if results:
            return results[0]
        # A result that arrives after this is only the effect of giving up.
        return NoAnswer(NO_ANSWER_IN_TIME, unsent=not attempt.give_up())

    def call(self, program: Callable[[], object]) -> None:
        self.calls.put(program)

    def call_within(self, program: Callable[[], T], until: Until) -> Optional[T]:
        return self.calls.result_within(program, until)

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for call in list(self._when_woken):
            call()

    def when_woken(self, call: Callable[[], None]) -> Callable[[], None]:
        """Registers a call for each wake, on any thread. Returns a function that unregisters it."""
        self._when_woken.append(call)
        return lambda: self._when_woken.remove(call)

    def spawn(self, run: Callable[[], None]) -> None:
        """:raises RuntimeError: no thread could be started"""
        threading.Thread(target=run, name="license-session", daemon=True).start()

    def _try(self, request: Request, attempt: Attempt) -> Exchange:
        try:
            response = self._send(request, attempt)
            return Answer(response.status, response.body, response.headers)
        except (TimeoutError, socket.timeout, GivenUp) as error:  # The second from Python 3.9.
            return NoAnswer(NO_ANSWER_IN_TIME, error, not attempt.is_sent)
        except http.client.RemoteDisconnected as error:
            return NoAnswer("the connection was closed without an answer", error)
        except Exception as error:  # There are many kinds, and none may end the thread.
            return NoAnswer(str(error) or type(error).__name__, error, not attempt.is_sent)

    def _send(self, request: Request, attempt: Attempt) -> Response:
        if isinstance(self._transport, HttpTransport):
            return self._transport.send(request, attempt)
        attempt.begin_sending()
        response = self._transport(request)
        headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
        return Response(int(response.status), headers, bytes(response.body))
