"""Claims a session until there is an answer that can be used."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Union

from .answers import Available, Granted, Recorded, Trouble, read_claim_answer, read_heartbeat_answer
from .errors import LicenseSessionError, ServiceUnavailable, SessionRefused
from .keeping_state import right_lasts_ms, start_keeping
from .notifier import Notifier
from .releasing import release_session
from .requests import CLAIM_PATH, HEARTBEAT_PATH, claim_body, heartbeat_body
from .runtime import NO_ANSWER_IN_TIME, Exchange, Instant, Runtime, read_clocks
from .service import Service
from .status import End, Status
from .timing import OPENING_INTERVAL_MS, RELEASE_WITHIN_MS, retry_at_ms, retry_delay_ms

__all__ = ["Claim", "Claiming", "unavailable"]

#: How long to wait after a refusal if the service names no time.
_DEFAULT_WAIT_SECONDS = 20.0


class Claim(NamedTuple):
    """A granted claim, and when its right to the session starts."""

    granted: Granted
    sent: Instant


class Claiming:
    """All attempts of one opening. Attempts until a usable answer share one claim id, so that one
    which the network delivers late replaces nothing.
    """

    def __init__(self, service: Service, notifier: Notifier) -> None:
        self._service = service
        self._options = service.options
        self._runtime: Runtime = service.runtime
        self._notifier = notifier
        self._claim_id = self._runtime.next_claim_id()
        self._answered: Optional[Trouble] = None
        self._failures = 0
        self._give_up_ms = 0
        self._cancelled_ms: Optional[int] = None
        #: When the first attempt was sent that may have been granted without a usable answer.
        self._maybe_granted: Optional[Instant] = None
        #: Granted, but so late that only a heartbeat can tell whether the session is still held.
        self._unconfirmed: Optional[Granted] = None

    def cancel(self) -> None:
        """May be called on any thread. The caller must then wake the runtime."""
        if self._cancelled_ms is None:
            self._cancelled_ms = self._runtime.now_ms()

    def claim(self) -> Union[Claim, LicenseSessionError, None]:
        """Claims, with retries; returns ``None`` if cancelled."""
        runtime, options = self._runtime, self._options
        wait_until_ms = runtime.now_ms() + options.wait_within_ms
        self._give_up_ms = runtime.now_ms() + options.open_within_ms
        while self._cancelled_ms is None:
            sent = read_clocks(runtime)
            outcome = self._attempt()
            if isinstance(outcome, Granted):
                # A repeat writes nothing, so the right starts at the first attempt.
                since = sent if self._unconfirmed else (self._maybe_granted or sent)
                # Also for `give_back`, if the opening is cancelled before anybody keeps it.
                self._unconfirmed = outcome
                keeping = start_keeping(outcome, since, options, 0)
                if self._cancelled_ms is None and right_lasts_ms(keeping, read_clocks(runtime)):
                    return Claim(outcome, since)
                error = self._try_again(Trouble(NO_ANSWER_IN_TIME), 0)
            elif isinstance(outcome, SessionRefused) and runtime.now_ms() < wait_until_ms:
                # A late attempt at this claim may still be granted. The next claim gets a new id,
                # so that it replaces such a session.
                self._claim_id = runtime.next_claim_id()
                self._maybe_granted = None
                self._failures = 0
                self._wait(outcome, wait_until_ms)
                self._give_up_ms = runtime.now_ms() + options.open_within_ms
                error = None
            elif isinstance(outcome, Trouble):
                if not outcome.unsent and self._maybe_granted is None:
                    self._maybe_granted = sent
                error = self._try_again(outcome, self._next_delay_ms())
            else:
                self._maybe_granted = None
                return outcome
            if error:
                return error
        return None

    def give_back(self) -> None:
        """Releases a session that was granted, or may have been, but is not used."""
        if self._maybe_granted is None and self._unconfirmed is None:
            return
        session_id = self._unconfirmed.session_id if self._unconfirmed else self._claim_id
        begun_ms = self._runtime.now_ms() if self._cancelled_ms is None else self._cancelled_ms
        release_session(
            self._service,
            session_id,
            request_timeout_ms=self._options.request_timeout_ms,
            heartbeat_interval_ms=OPENING_INTERVAL_MS,
            until_ms=begun_ms + RELEASE_WITHIN_MS,
        )

    def _attempt(self) -> Union[Granted, LicenseSessionError, Trouble]:
        caller = self._options.caller
        if self._unconfirmed is None:
            exchange = self._exchange(CLAIM_PATH, claim_body(caller, self._claim_id))
            claimed = read_claim_answer(exchange)
            return Trouble("available") if isinstance(claimed, Available) else claimed
        body = heartbeat_body(caller, self._unconfirmed.session_id, {})
        confirmed = read_heartbeat_answer(self._exchange(HEARTBEAT_PATH, body))
        if isinstance(confirmed, Recorded):
            timeout_ms = confirmed.session_timeout_ms or self._unconfirmed.session_timeout_ms
            return self._unconfirmed._replace(session_timeout_ms=timeout_ms)
        if isinstance(confirmed, End):
            # The next claim will get the reason as its own answer.
            self._unconfirmed = None
            return Trouble(confirmed.code)
        return confirmed if isinstance(confirmed, Trouble) else Trouble(confirmed.problem)

    def _exchange(self, path: str, body: Mapping[str, object]) -> Exchange:
        until_ms = min(self._runtime.now_ms() + self._options.request_timeout_ms, self._give_up_ms)
        return self._service.exchange(path, body, lambda: min(until_ms, self._drop_ms()))

    def _drop_ms(self) -> float:
        """A release that overtook its claim would free nothing. So when cancelled, this still waits
        a while for the answer to the current claim.
        """
        if self._cancelled_ms is None:
            return float("inf")
        return self._cancelled_ms + RELEASE_WITHIN_MS / 2

    def _next_delay_ms(self) -> int:
        self._failures += 1
        return retry_delay_ms(self._failures, OPENING_INTERVAL_MS, self._runtime.random())

    def _try_again(self, trouble: Trouble, delay_ms: int) -> Optional[LicenseSessionError]:
        if self._cancelled_ms is not None:
            return None
        again_ms = retry_at_ms(
            self._runtime.now_ms(),
            delay_ms,
            trouble.retry_after_ms,
            self._give_up_ms,
            self._options.request_timeout_ms,
        )
        if trouble.problem != NO_ANSWER_IN_TIME:
            self._answered = trouble
        if again_ms >= self._give_up_ms:
            # The last attempt may only have timed out. An earlier answer then explains more.
            was_cut_off = trouble.problem == NO_ANSWER_IN_TIME
            return unavailable((was_cut_off and self._answered) or trouble)
        self._notifier.notify(Status("opening", problem=trouble.problem))
        self._pause(again_ms)
        return None

    def _wait(self, refused: SessionRefused, wait_until_ms: int) -> None:
        named = _DEFAULT_WAIT_SECONDS if refused.wait_seconds is None else refused.wait_seconds
        self._notifier.notify(
            Status(
                "waiting",
                wait_seconds=refused.wait_seconds,
                active_device=refused.active_device,
                refusal=refused.code,
            )
        )
        wait_ms = int(max(1, named) * 1000)
        self._pause(min(self._runtime.now_ms() + wait_ms, wait_until_ms))

    def _pause(self, until_ms: int) -> None:
        self._runtime.pause(lambda: until_ms if self._cancelled_ms is None else 0)


def unavailable(trouble: Trouble) -> ServiceUnavailable:
    """The error if no usable answer came in time."""
    error = ServiceUnavailable(
        f"The license service gave no usable answer: {trouble.problem}",
        problem=trouble.problem,
        status=trouble.status,
        request_id=trouble.request_id,
    )
    error.__cause__ = trouble.cause
    return error
