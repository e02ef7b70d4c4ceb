"""The real runtime: threads, clocks, and a transport."""

from __future__ import annotations

import http.client
import queue
import random
import socket
import ssl
import threading
import time
import uuid
from typing import Callable, Dict, List, Optional, TypeVar, Union

from .attempt import Attempt, GivenUp
from .claim_names import ClaimName, next_claim_name
from .clock import choose_clock
from .program_calls import ProgramCalls
from .request_threads import RequestThreads
from .runtime import NO_ANSWER_IN_TIME, Answer, Exchange, NoAnswer, Until
from .transport import USER_AGENT, HttpTransport, Request, Response, Transport

__all__ = ["ThreadRuntime"]

T = TypeVar("T")


class ThreadRuntime:
    """The runtime of one session. Whoever waits has a queue of their own, in which a note wakes
    them. There is no lock that a stopped thread or an interrupted one could hold.
    """

    #: Waits are split into slices of this length, so that waking from sleep is noticed soon.
    _SLICE_MS = 1_000

    def __init__(self, url: str, transport: Union[HttpTransport, Transport]) -> None:
        """:param url: the address below which the routes are, without a slash at its end"""
        self._url = url
        self._transport = transport
        self._clock_ns = choose_clock()
        self._waiting: Dict[object, Callable[[], object]] = {}
        self._requests = RequestThreads()
        self.calls = ProgramCalls(self.pause, self.wake, "license-session-callbacks")
        self.logs = ProgramCalls(self.pause, self.wake, "license-session-log")

    def now_ms(self) -> int:
        return self._clock_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def random(self) -> float:
        return random.random()

    def random_id(self) -> str:
        return uuid.uuid4().hex

    def next_claim_name(self) -> ClaimName:
        return next_claim_name()

    def pause(self, until: Until) -> None:
        woken: "queue.SimpleQueue[None]" = queue.SimpleQueue()
        take_back = self.when_woken(lambda: woken.put(None))
        try:
            while True:
                left_ms = until() - self.now_ms()
                if left_ms <= 0:
                    return
                try:
                    woken.get(timeout=min(left_ms, self._SLICE_MS) / 1000)
                except queue.Empty:
                    pass
        finally:
            take_back()

    def exchange(self, path: str, body: bytes, until: Until) -> Exchange:
        # Runs on a separate thread, so that neither a slow name resolution nor an answer that
        # arrives byte by byte can delay the caller beyond its time limit.
        left_ms = until() - self.now_ms()
        if left_ms <= 0:
            return NoAnswer(NO_ANSWER_IN_TIME)
        headers = {"content-type": "application/json", "user-agent": USER_AGENT}
        request = Request(f"{self._url}/{path}", headers, body, left_ms / 1000)
        attempt = Attempt()
        results: List[Exchange] = []

        def run() -> None:
            results.append(self._try(request, attempt))
            self.wake()

        self._requests.run(run)
        self.pause(lambda: 0 if results else until())
        if results:
            return results[0]
        # A result that arrives after this is only the effect of giving up.
        attempt.give_up()
        return NoAnswer(NO_ANSWER_IN_TIME)

    def call(self, program: Callable[[], object]) -> None:
        self.calls.put(program)

    def call_within(self, program: Callable[[], T], until: Until) -> Optional[T]:
        return self.calls.result_within(program, until)

    def log(self, log: Callable[[], object]) -> None:
        self.logs.put(log)

    def wake(self) -> None:
        for call in list(self._waiting.values()):
            call()

    def when_woken(self, call: Callable[[], object]) -> Callable[[], None]:
        """Registers a call for each wake, on any thread. Returns a function that unregisters it."""
        key = object()
        self._waiting[key] = call

        def take_back() -> None:
            del self._waiting[key]

        return take_back

    def spawn(self, run: Callable[[], None]) -> None:
        """:raises RuntimeError: no thread could be started"""
        threading.Thread(target=run, name="license-session", daemon=True).start()

    def is_idle(self) -> bool:
        """Whether no code of the program is running that could be waited for."""
        calls = self.calls
        return self.logs.is_idle() and (calls.is_idle() or calls.is_own_thread())

    def close(self) -> None:
        """Ends the threads once they have done what is left to do."""
        self._requests.close()
        self.calls.close()
        self.logs.close()

    def _try(self, request: Request, attempt: Attempt) -> Exchange:
        try:
            attempt.check()
            response = self._send(request, attempt)
            return Answer(response.status, response.body, response.headers)
        except (TimeoutError, socket.timeout, GivenUp) as error:  # The second from Python 3.9.
            return NoAnswer(NO_ANSWER_IN_TIME, error)
        except http.client.RemoteDisconnected as error:
            return NoAnswer("the connection was closed without an answer", error)
        except BaseException as error:  # There are many kinds, and none may end the thread.
            return NoAnswer(_in_words(error), error, _lasts(error))

    def _send(self, request: Request, attempt: Attempt) -> Response:
        if isinstance(self._transport, HttpTransport):
            return self._transport.send(request, attempt)
        response = self._transport(request)
        headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
        return Response(int(response.status), headers, bytes(response.body))


#: Of TLS, what no later attempt changes: each side speaks only versions that the other does not.
_LASTING_TLS_PROBLEMS = (
    "NO_PROTOCOLS_AVAILABLE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_SSL_VERSION",
)


def _lasts(error: BaseException) -> bool:
    """Whether a later attempt would fail by the same."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    return isinstance(error, ssl.SSLError) and error.reason in _LASTING_TLS_PROBLEMS


def _in_words(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__
