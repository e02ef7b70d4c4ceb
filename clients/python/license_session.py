"""Opens a license session and keeps it. Standard library only, Python 3.9 and later.

    with open_session(url, license_key, device_fingerprint, symbol="ES") as session:
        while session.held:
            ...

The right to the session lasts from the moment the last request that was *confirmed* was *sent*,
for the session's time-out less a margin: the service can't have received it earlier, so it lets
nobody else in before. Look at ``session.held`` right before each order.
"""

from __future__ import annotations

import atexit
import http.client
import json
import logging
import math
import os
import random
import signal
import socket
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Callable, Mapping, NamedTuple, Optional, Protocol, Union

__all__ = [
    "LicenseRefused",
    "RequestUnreadable",
    "ServiceUnavailable",
    "Session",
    "SessionRefused",
    "Status",
    "open_session",
]

_log = logging.getLogger("license_session")


# --- What opening may end with ------------------------------------------------------------------


class SessionRefused(Exception):
    """Another device holds the session, or every seat of the license is taken (403)."""

    def __init__(
        self, code: str, message: str, active_device: Optional[str], wait_seconds: Optional[float]
    ) -> None:
        super().__init__(message)
        #: ``session_conflict`` or ``session_limit``
        self.code = code
        #: The first characters of the holder's fingerprint.
        self.active_device = active_device
        #: How long until the session lapses if its holder sends nothing more.
        self.wait_seconds = wait_seconds


class LicenseRefused(Exception):
    """The license is unknown, suspended, cancelled or expired (401)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        #: ``license_unknown``, ``license_suspended``, ``license_cancelled``, ``license_expired``
        self.code = code


class RequestUnreadable(Exception):
    """The service can't read what it was given (400)."""

    code = "bad_request"

    def __init__(self, message: str, field: Optional[str]) -> None:
        super().__init__(message)
        self.field = field


class ServiceUnavailable(Exception):
    """No usable answer came in the time there was for opening a session."""

    code = "unavailable"

    def __init__(self, problem: str) -> None:
        super().__init__(f"The license service gave no usable answer: {problem}")


# --- What a program is told ---------------------------------------------------------------------


@dataclass(frozen=True)
class Status:
    """What ``on_status`` is told. ``state`` is one of:

    ``opening``  a claim got no usable answer (``problem``); it is tried again
    ``held``     the service has confirmed the session; the right lasts ``right_lasts_seconds``
    ``troubled`` a heartbeat was not confirmed (``problem``); the right still lasts so long
    ``asking``   the process was asleep or stuck until its right was over; no right until the answer
    ``ended``    nothing follows; see ``reason`` and ``code``

    ``reason`` is one of:

    ``taken``         another device (``active_device``), or a later claim of this one, has it. Stop
    ``license_ended`` the license was suspended, cancelled or has expired. Stop
    ``lost``          not confirmed in time, or gone from the service. May be claimed again
    ``released``      by the program itself
    """

    state: str
    problem: Optional[str] = None
    right_lasts_seconds: float = 0.0
    reason: Optional[str] = None
    code: Optional[str] = None
    active_device: Optional[str] = None


OnStatus = Callable[[Status], object]
Report = Callable[[], Mapping[str, Any]]


# --- What the service says ----------------------------------------------------------------------


class Answer(NamedTuple):
    """An answer of some kind; ``body`` is ``None`` if it was no JSON."""

    status: int
    body: object


class Problem(NamedTuple):
    """No answer. What was asked may have been done or not."""

    text: str


Exchange = Union[Answer, Problem]

_CLAIM = "api/validate-license"
_HEARTBEAT = "api/heartbeat"
_RELEASE = "api/session/release"

_NO_ANSWER_IN_TIME = "no_answer_in_time"

_ENDED_CODES = ("license_suspended", "license_cancelled", "license_expired")


class _Granted(NamedTuple):
    session_id: str
    fencing_token: int
    session_timeout_ms: int
    heartbeat_interval_ms: int


class _Recorded(NamedTuple):
    session_timeout_ms: Optional[int]


class _Ended(NamedTuple):
    reason: str
    code: str
    active_device: Optional[str] = None


class _Unreadable(NamedTuple):
    problem: str


class _Trouble(NamedTuple):
    problem: str


class _Fields:
    """The members of a body, if it has any, of the types they should have."""

    def __init__(self, body: object) -> None:
        self._members: Mapping[str, object] = body if isinstance(body, dict) else {}
        self.code = self.text("code")

    def text(self, name: str) -> Optional[str]:
        value = self._members.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> Optional[float]:
        value = self._members.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
            return None
        return value


def _judge_claim(exchange: Exchange) -> Union[_Granted, Exception, _Trouble]:
    """What a claim's answer means. Only ``code`` decides: a 200 of a proxy grants nothing."""
    if isinstance(exchange, Problem):
        return _Trouble(exchange.text)
    fields = _Fields(exchange.body)
    code = fields.code
    message = fields.text("message") or str(code)
    if code == "granted" and exchange.status == 200:
        session_id = fields.text("session_id")
        fencing_token = fields.number("fencing_token")
        timeout_seconds = fields.number("session_timeout_seconds")
        if session_id and fencing_token is not None and timeout_seconds:
            interval = fields.number("heartbeat_interval_seconds") or timeout_seconds / 3
            return _Granted(
                session_id, int(fencing_token), int(timeout_seconds * 1000), int(interval * 1000)
            )
    if code in ("session_conflict", "session_limit"):
        return SessionRefused(
            code, message, fields.text("active_device"), fields.number("estimated_wait_seconds")
        )
    if code is not None and code in ("license_unknown", *_ENDED_CODES):
        return LicenseRefused(code, message)
    if code == "bad_request":
        return RequestUnreadable(message, fields.text("field"))
    return _Trouble(code or f"HTTP {exchange.status}")


def _judge_heartbeat(exchange: Exchange) -> Union[_Recorded, _Ended, _Unreadable, _Trouble]:
    if isinstance(exchange, Problem):
        return _Trouble(exchange.text)
    fields = _Fields(exchange.body)
    code = fields.code
    if code == "recorded" and exchange.status == 200:
        timeout_seconds = fields.number("session_timeout_seconds")
        return _Recorded(int(timeout_seconds * 1000) if timeout_seconds else None)
    if code in ("session_taken", "session_replaced"):
        return _Ended("taken", code, fields.text("active_device"))
    if code == "session_not_found":
        return _Ended("lost", code)
    if code is not None and code in _ENDED_CODES:
        return _Ended("license_ended", code)
    if code == "bad_request":
        return _Unreadable(f"bad_request {fields.text('field') or ''}".rstrip())
    return _Trouble(code or f"HTTP {exchange.status}")


def _judge_release(exchange: Exchange) -> Optional[str]:
    """``None`` if the answer says nothing of the release."""
    if isinstance(exchange, Problem) or exchange.status != 200:
        return None
    code = _Fields(exchange.body).code
    return code if code in ("released", "not_held") else None


# --- When ---------------------------------------------------------------------------------------

_OPENING_INTERVAL_MS = 20_000
_RELEASE_WITHIN_MS = 5_000


class _Timing(NamedTuple):
    """How a session is kept in time. Everything follows from what the service named."""

    right_ms: int
    heartbeat_interval_ms: int
    request_timeout_ms: int
    ask_within_ms: int
    #: Later than this is not a late timer: the process was asleep or stuck.
    overslept_after_ms: int


def _timing_of(
    session_timeout_ms: int,
    named_interval_ms: int,
    margin_ms: Optional[int],
    request_timeout_ms: int,
) -> _Timing:
    margin = min(5_000, session_timeout_ms / 6) if margin_ms is None else margin_ms
    right_ms = int(session_timeout_ms - min(margin, session_timeout_ms / 2))
    return _Timing(
        right_ms=right_ms,
        heartbeat_interval_ms=int(min(named_interval_ms, session_timeout_ms / 3)),
        request_timeout_ms=int(min(request_timeout_ms, right_ms / 3)),
        ask_within_ms=min(10_000, right_ms),
        overslept_after_ms=min(1_000, right_ms // 5),
    )


def _heartbeat_delay_ms(interval_ms: int, chance: float) -> int:
    """Up to a tenth early, so that bots which started together drift apart."""
    return int(interval_ms * (1 - 0.1 * chance))


def _retry_delay_ms(failures: int, interval_ms: int, chance: float) -> int:
    """Half a second, then twice as long each time up to 4 s, for an interval of 20 s."""
    delay_ms = min(interval_ms / 40 * 2 ** min(failures - 1, 10), interval_ms / 5)
    return int(delay_ms * (1 - 0.5 * chance))


# --- The world outside --------------------------------------------------------------------------


class Runtime(Protocol):
    """The world outside of the client. The tests bring one with a clock of its own."""

    def now_ms(self) -> int:
        """Milliseconds that only ever grow, also while the machine is asleep. No wall clock."""

    def random(self) -> float:
        """From 0 up to 1."""

    def pause(self, until_ms: int, cancelled: Callable[[], bool]) -> None:
        """Returns at the instant, or when it is woken and cancelled."""

    def exchange(
        self, path: str, text: str, until_ms: int, cancelled: Callable[[], bool]
    ) -> Exchange:
        """Posts JSON text. Returns by the instant, or when it is woken and cancelled."""

    def exchange_here(self, path: str, text: str, until_ms: int) -> Exchange:
        """The same on the calling thread alone: at the exit no other can be started."""

    def wake(self) -> None:
        """Lets whoever waits look whether it is cancelled."""

    def spawn(self, keep: Callable[[], None]) -> None:
        """Runs the keeping of a session beside the program."""


def _choose_clock() -> Callable[[], int]:
    """A clock that nobody can set and that goes on while the machine sleeps, in nanoseconds.

    ``time.monotonic`` stands still during the sleep of a Linux machine and of a Mac.
    """
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        clock = getattr(time, name, None)
        if clock is None or (name == "CLOCK_MONOTONIC" and sys.platform != "darwin"):
            continue
        try:
            time.clock_gettime_ns(clock)
        except OSError:
            continue
        return lambda: time.clock_gettime_ns(clock)
    return time.monotonic_ns


class _WebRuntime:
    """The real world: threads, and HTTP by ``http.client``."""

    #: At most so long at once, so that waking from sleep is noticed soon.
    _SLICE_MS = 1_000

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("The URL must be one of http or https")
        self._https = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._base_path = parts.path.rstrip("/")
        self._clock_ns = _choose_clock()
        # Its lock can be taken again by the thread that has it: a signal handler may need it.
        self._changed = threading.Condition()

    def now_ms(self) -> int:
        return self._clock_ns() // 1_000_000

    def random(self) -> float:
        return random.random()

    def pause(self, until_ms: int, cancelled: Callable[[], bool]) -> None:
        with self._changed:
            while not cancelled():
                left_ms = until_ms - self.now_ms()
                if left_ms <= 0:
                    return
                self._changed.wait(min(left_ms, self._SLICE_MS) / 1000)

    def exchange(
        self, path: str, text: str, until_ms: int, cancelled: Callable[[], bool]
    ) -> Exchange:
        # On a thread of its own: neither a name that is slow to resolve nor an answer that trickles
        # in byte by byte can keep the caller beyond its time.
        results: list[Exchange] = []

        def attempt() -> None:
            result = self.exchange_here(path, text, until_ms)
            with self._changed:
                results.append(result)
                self._changed.notify_all()

        try:
            threading.Thread(target=attempt, name="license-session-request", daemon=True).start()
        except RuntimeError as error:
            return Problem(str(error))
        self.pause(until_ms, lambda: bool(results) or cancelled())
        return results[0] if results else Problem(_NO_ANSWER_IN_TIME)

    def exchange_here(self, path: str, text: str, until_ms: int) -> Exchange:
        timeout_seconds = (until_ms - self.now_ms()) / 1000
        if timeout_seconds <= 0:
            return Problem(_NO_ANSWER_IN_TIME)
        connection_type = http.client.HTTPSConnection if self._https else http.client.HTTPConnection
        connection = connection_type(self._host, self._port, timeout=timeout_seconds)
        try:
            connection.request(
                "POST",
                f"{self._base_path}/{path}",
                body=text.encode(),
                headers={"content-type": "application/json"},
            )
            response = connection.getresponse()
            return Answer(response.status, _parsed(response.read()))
        except (TimeoutError, socket.timeout):  # One and the same from Python 3.10 on.
            return Problem(_NO_ANSWER_IN_TIME)
        except Exception as error:  # Of many kinds, and none of them may end a thread.
            return Problem(str(error) or type(error).__name__)
        finally:
            connection.close()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def spawn(self, keep: Callable[[], None]) -> None:
        threading.Thread(target=keep, name="license-session", daemon=True).start()


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _never() -> bool:
    return False


# --- The session --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Options:
    caller: Mapping[str, str]
    report: Optional[Report]
    on_status: Optional[OnStatus]
    margin_ms: Optional[int]
    request_timeout_ms: int
    open_within_ms: int

    def timing_of(self, session_timeout_ms: int, named_interval_ms: int) -> _Timing:
        return _timing_of(
            session_timeout_ms, named_interval_ms, self.margin_ms, self.request_timeout_ms
        )

    def tell(self, status: Status) -> None:
        """Tells the program. An error of its own must not end the keeping."""
        if self.on_status is None:
            return
        try:
            self.on_status(status)
        except Exception:
            _log.exception("on_status failed")

    def text(self, **more: object) -> str:
        return json.dumps({**self.caller, **more})

    def heartbeat_text(self, session_id: str) -> str:
        """A report that can't be had or written down is left out: the heartbeat matters more."""
        try:
            report = self.report() if self.report else {}
            known = {name: report[name] for name in _REPORTED if report.get(name) is not None}
            return self.text(session_id=session_id, **known)
        except Exception:
            _log.exception("The report for a heartbeat failed")
            return self.text(session_id=session_id)


_REPORTED = ("bot_version", "status", "metadata")


class Session:
    """A session that is being kept. Made by :func:`open_session`."""

    #: Names this claim.
    session_id: str
    #: Grows with every claim on the license: what carries a smaller one is of an older session.
    fencing_token: int

    def __init__(
        self, granted: _Granted, sent_ms: int, options: _Options, runtime: Runtime
    ) -> None:
        self.session_id = granted.session_id
        self.fencing_token = granted.fencing_token
        self._granted = granted
        self._options = options
        self._runtime = runtime
        self._process_id = os.getpid()
        self._lock = threading.RLock()
        self._end: Optional[_Ended] = None
        self._release_outcome: Optional[str] = None
        self._timing = options.timing_of(granted.session_timeout_ms, granted.heartbeat_interval_ms)
        self._right_ends_ms = sent_ms + self._timing.right_ms
        # Set while there is no right because the process overslept it: when to give up asking.
        self._ask_until_ms: Optional[int] = None
        self._next_beat_ms = sent_ms + self._beat_delay_ms()
        self._failures = 0
        self._report_refused = False
        self._on_release: list[Callable[[], None]] = []

    @property
    def held(self) -> bool:
        """Whether there is a right to the session at this very moment. Look before each order."""
        return self.right_lasts_seconds > 0

    @property
    def right_lasts_seconds(self) -> float:
        """How long the right lasts unless a heartbeat is confirmed; 0 without one."""
        if self._is_over():
            return 0.0
        return max(0, self._right_ends_ms - self._runtime.now_ms()) / 1000

    @property
    def ended(self) -> Optional[Status]:
        """Why the session is over, or ``None`` while it is not."""
        end = self._end
        if end is None:
            return None
        return Status("ended", reason=end.reason, code=end.code, active_device=end.active_device)

    def wait_lost(self, timeout: Optional[float] = None) -> bool:
        """Waits until the session is over, for whatever reason, or for ``timeout`` seconds.

        Returns whether it is over; :attr:`ended` tells why.
        """
        runtime = self._runtime
        until_ms = None if timeout is None else runtime.now_ms() + int(timeout * 1000)
        while not self._is_over():
            now_ms = runtime.now_ms()
            if until_ms is not None and now_ms >= until_ms:
                break
            slice_ms = now_ms + 60_000
            runtime.pause(
                slice_ms if until_ms is None else min(until_ms, slice_ms),
                self._is_over,
            )
        return self._is_over()

    def release(self) -> str:
        """Ends the session and tells the service. Safe to call twice; raises nothing.

        Returns ``released``; ``not_held`` if there was nothing to release any more; or
        ``unconfirmed`` if there was no answer within 5 s: then the session lapses by itself.
        """
        if os.getpid() != self._process_id:
            return "not_held"
        before = self._end
        self._finish(_Ended("released", "released"))
        if before is not None and (before.reason == "taken" or before.code == "session_not_found"):
            self._release_outcome = "not_held"
        if self._release_outcome is None:
            self._release_outcome = self._tell_release()
        for undo in self._on_release:
            undo()
        self._on_release = []
        return self._release_outcome

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.release()

    def _start(self) -> None:
        self._options.tell(self._held_status())
        self._runtime.spawn(self._keep)

    def _keep(self) -> None:
        try:
            while not self._is_over():
                self._beat()
        except BaseException as error:
            _log.exception("Keeping the session failed")
            self._finish(_Ended("lost", "keeper_failed"))
            if not isinstance(error, Exception):
                raise

    def _beat(self) -> None:
        runtime = self._runtime
        wake_ms = min(self._next_beat_ms, self._limit_ms())
        runtime.pause(wake_ms, self._is_over)
        if self._is_over() or self._is_over_at(wake_ms):
            return

        sent_ms = runtime.now_ms()
        until_ms = min(sent_ms + self._timing.request_timeout_ms, self._limit_ms())
        if self._report_refused:
            text = self._options.text(session_id=self.session_id)
        else:
            text = self._options.heartbeat_text(self.session_id)
        exchange = runtime.exchange(_HEARTBEAT, text, until_ms, self._is_over)
        if not self._is_over():
            self._take_in(_judge_heartbeat(exchange), sent_ms, until_ms)

    def _take_in(
        self,
        outcome: Union[_Recorded, _Ended, _Unreadable, _Trouble],
        sent_ms: int,
        until_ms: int,
    ) -> None:
        if isinstance(outcome, _Ended):
            self._finish(outcome)
        elif isinstance(outcome, _Recorded):
            self._timing = self._options.timing_of(
                outcome.session_timeout_ms or self._granted.session_timeout_ms,
                self._granted.heartbeat_interval_ms,
            )
            self._right_ends_ms = sent_ms + self._timing.right_ms
            self._next_beat_ms = sent_ms + self._beat_delay_ms()
            self._failures = 0
            self._report_refused = False
            self._ask_until_ms = None
            # An answer that was slept through may say nothing any more.
            if self._right_ends_ms <= self._runtime.now_ms():
                self._ask()
            else:
                self._tell(self._held_status())
        else:
            # What can't be read is the report: the rest was good enough for the claim.
            if isinstance(outcome, _Unreadable):
                self._report_refused = True
            self._try_again(outcome.problem, until_ms)

    def _try_again(self, problem: str, until_ms: int) -> None:
        if self._is_over_at(until_ms):
            return
        self._failures += 1
        runtime = self._runtime
        self._next_beat_ms = runtime.now_ms() + _retry_delay_ms(
            self._failures, self._timing.heartbeat_interval_ms, runtime.random()
        )
        if self._ask_until_ms is not None:
            self._tell(Status("asking", problem=problem))
        else:
            self._tell(
                Status("troubled", problem=problem, right_lasts_seconds=self.right_lasts_seconds)
            )

    def _is_over_at(self, planned_ms: int) -> bool:
        """Whether the time is over for the right, or for asking. Then the session is lost; unless
        this process overslept, which is no fault of the service: it asks whether the session is
        still there.
        """
        now_ms = self._runtime.now_ms()
        if now_ms < self._limit_ms():
            return False
        if now_ms - planned_ms > self._timing.overslept_after_ms:
            self._ask()
        else:
            self._finish(_Ended("lost", _NO_ANSWER_IN_TIME))
        return True

    def _ask(self) -> None:
        self._ask_until_ms = self._runtime.now_ms() + self._timing.ask_within_ms
        self._next_beat_ms = self._runtime.now_ms()
        self._failures = 0
        self._tell(Status("asking"))

    def _tell(self, status: Status) -> None:
        # The program may have released meanwhile, on another thread: then nothing follows.
        if not self._is_over():
            self._options.tell(status)

    def _finish(self, end: _Ended) -> None:
        with self._lock:
            if self._end is not None:
                return
            self._end = end
        self._runtime.wake()
        ended = self.ended
        if ended is not None:
            self._options.tell(ended)

    def _tell_release(self) -> str:
        runtime = self._runtime
        text = self._options.text(session_id=self.session_id)
        give_up_ms = runtime.now_ms() + _RELEASE_WITHIN_MS
        failures = 0
        while True:
            until_ms = min(runtime.now_ms() + self._timing.request_timeout_ms, give_up_ms)
            outcome = _judge_release(runtime.exchange_here(_RELEASE, text, until_ms))
            if outcome is not None:
                return outcome
            failures += 1
            again_ms = runtime.now_ms() + _retry_delay_ms(
                failures, self._timing.heartbeat_interval_ms, runtime.random()
            )
            if again_ms >= give_up_ms:
                return "unconfirmed"
            runtime.pause(again_ms, _never)

    def _limit_ms(self) -> int:
        return self._right_ends_ms if self._ask_until_ms is None else self._ask_until_ms

    def _is_over(self) -> bool:
        # A forked child has a copy of this object, but no thread that would keep the session.
        return self._end is not None or os.getpid() != self._process_id

    def _held_status(self) -> Status:
        return Status("held", right_lasts_seconds=self.right_lasts_seconds)

    def _beat_delay_ms(self) -> int:
        return _heartbeat_delay_ms(self._timing.heartbeat_interval_ms, self._runtime.random())


# --- Opening one --------------------------------------------------------------------------------


def open_session(
    url: str,
    license_key: str,
    device_fingerprint: str,
    *,
    symbol: Optional[str] = None,
    report: Optional[Report] = None,
    on_status: Optional[OnStatus] = None,
    margin_seconds: Optional[float] = None,
    request_timeout_seconds: float = 5.0,
    open_within_seconds: float = 30.0,
    release_at_exit: bool = True,
    release_on_sigterm: bool = True,
) -> Session:
    """Claims a session and keeps it with heartbeats, on a thread of its own, until it is over.

    :param url: where the service is, as ``https://abc.execute-api.eu-central-1.amazonaws.com``
    :param license_key: 1 to 128 characters
    :param device_fingerprint: 1 to 255 characters that stay the same on this device and differ
        from any other
    :param symbol: a session of its own for each symbol; without one, the session without symbol
    :param report: asked before each heartbeat for a mapping of ``bot_version``, ``status`` (at
        most 64 characters) and ``metadata`` (at most 1,024 bytes as JSON), each optional
    :param on_status: told of every change and of every heartbeat, on the thread that keeps the
        session: it must be quick. What it raises is logged and goes no further
    :param margin_seconds: how long before another device could be let in the right ends; by
        default 5 s, or a sixth of the session's time-out if that is less; never more than half
    :param request_timeout_seconds: for each request; a third of the right if that is less
    :param open_within_seconds: how long to try when the service gives no usable answer;
        ``math.inf``: until there is one
    :param release_at_exit: release the session when the interpreter ends
    :param release_on_sigterm: release it on SIGTERM, and then do what was set for SIGTERM before.
        Only from the main thread, where Python allows it; elsewhere this does nothing
    :raises SessionRefused: another device holds it; says who, and how long to wait
    :raises LicenseRefused: the license is unknown or has ended
    :raises RequestUnreadable: the service can't read what it was given
    :raises ServiceUnavailable: no usable answer came in time
    :raises ValueError: an argument is none that could work
    """
    if margin_seconds is not None and not 0 <= margin_seconds < math.inf:
        raise ValueError(f"margin_seconds is {margin_seconds}")
    if not 0 < request_timeout_seconds < math.inf:
        raise ValueError(f"request_timeout_seconds is {request_timeout_seconds}")
    if not open_within_seconds >= 0:
        raise ValueError(f"open_within_seconds is {open_within_seconds}")

    caller = {"license_key": license_key, "device_fingerprint": device_fingerprint}
    if symbol is not None:
        caller["symbol"] = symbol
    options = _Options(
        caller=caller,
        report=report,
        on_status=on_status,
        margin_ms=None if margin_seconds is None else _milliseconds(margin_seconds),
        request_timeout_ms=_milliseconds(request_timeout_seconds),
        open_within_ms=_milliseconds(open_within_seconds),
    )
    session = _open_with(options, _WebRuntime(url))
    if release_at_exit:
        atexit.register(session.release)
        session._on_release.append(lambda: atexit.unregister(session.release))
    if release_on_sigterm:
        _release_on_sigterm(session)
    return session


def _milliseconds(seconds: float) -> int:
    """Thirty years stand for all that is longer, and for ``math.inf``."""
    return int(min(seconds, 1e9) * 1000)


def _open_with(options: _Options, runtime: Runtime) -> Session:
    granted, sent_ms = _claim(options, runtime)
    session = Session(granted, sent_ms, options, runtime)
    session._start()
    return session


def _claim(options: _Options, runtime: Runtime) -> tuple[_Granted, int]:
    """Claims until there is an answer that can be used. A claim may be repeated: the service lets
    a device replace its own session.
    """
    text = options.text()
    give_up_ms = runtime.now_ms() + options.open_within_ms
    failures = 0
    while True:
        sent_ms = runtime.now_ms()
        until_ms = min(sent_ms + options.request_timeout_ms, give_up_ms)
        outcome = _judge_claim(runtime.exchange(_CLAIM, text, until_ms, _never))
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, _Granted):
            timing = options.timing_of(outcome.session_timeout_ms, outcome.heartbeat_interval_ms)
            if runtime.now_ms() < sent_ms + timing.right_ms:
                return outcome, sent_ms
            # It took longer than the right it gives: no more than a reason to ask again.
            problem = _NO_ANSWER_IN_TIME
        else:
            problem = outcome.problem
        failures += 1
        again_ms = runtime.now_ms() + _retry_delay_ms(
            failures, _OPENING_INTERVAL_MS, runtime.random()
        )
        if again_ms >= give_up_ms:
            raise ServiceUnavailable(problem)
        options.tell(Status("opening", problem=problem))
        runtime.pause(again_ms, _never)


def _release_on_sigterm(session: Session) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    previous = signal.getsignal(signal.SIGTERM)
    # Somebody wants to live on, or has a handler that Python does not know.
    if previous is signal.SIG_IGN or previous is None:
        return

    def handle(number: int, frame: Optional[FrameType]) -> None:
        session.release()
        if callable(previous):
            previous(number, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def restore() -> None:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGTERM) is handle:
            signal.signal(signal.SIGTERM, previous)

    signal.signal(signal.SIGTERM, handle)
    session._on_release.append(restore)
