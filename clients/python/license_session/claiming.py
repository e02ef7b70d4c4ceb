"""Claims a session until there is an answer that can be used."""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Union

from .answers import Available, Granted, Trouble, read_claim_answer
from .attempts import Attempts
from .errors import LicenseSessionError, SessionRefused
from .keeping_state import right_lasts_ms, start_keeping
from .notifier import Notifier
from .releasing import release_session
from .requests import CLAIM_PATH, claim_body, release_body
from .runtime import NO_ANSWER_IN_TIME, Instant, Runtime, read_clocks
from .service import Service
from .status import Status
from .timing import OPENING_INTERVAL_MS, RELEASE_WITHIN_MS, poll_delay_ms

__all__ = ["Claim", "Claiming"]


#: The least time for which the service remembers a request (30 s), less the longest poll.
_REQUEST_LASTS_MS = 24_000


class Claim(NamedTuple):
    """A granted claim, and when its right to the session starts."""

    granted: Granted
    sent: Instant


class Claiming:
    """All attempts of one opening. They share one name, by which the service takes each for what it
    is: one that the network delivers late replaces nothing.
    """

    def __init__(self, service: Service, notifier: Notifier) -> None:
        self._service = service
        self._options = service.options
        self._runtime: Runtime = service.runtime
        self._notifier = notifier
        self._name = self._runtime.next_claim_name()
        self._cancelled_ms: Optional[int] = None
        #: Whether the attempts ask the holder to release the session.
        self._asks_holder = self._options.ask_holder
        #: When a refusal first said that it was asked.
        self._asked_ms: Optional[int] = None
        #: What the last refusals said about that.
        self._request: Dict[str, bool] = {}
        #: Whether an attempt may have been granted without anybody keeping its session.
        self._maybe_granted = False

    def cancel(self) -> None:
        """May be called on any thread. The caller must then wake the runtime."""
        if self._cancelled_ms is None:
            self._cancelled_ms = self._runtime.now_ms()

    def claim(self) -> Optional[Claim]:
        """Claims, with retries; returns ``None`` if cancelled.

        :raises LicenseSessionError: it was refused, or got no usable answer in time
        """
        runtime, options = self._runtime, self._options
        wait_until_ms = runtime.now_ms() + options.wait_within_ms
        attempts = Attempts(options, runtime)
        while self._cancelled_ms is None:
            sent = read_clocks(runtime)
            outcome = self._attempt(attempts.until_ms())
            if isinstance(outcome, Granted):
                self._maybe_granted = True
                keeping = start_keeping(outcome, sent, options, 0)
                if self._cancelled_ms is None and right_lasts_ms(keeping, read_clocks(runtime)):
                    return Claim(outcome, sent)
                # Its right is over before it began. The same claim again begins the lease anew.
                outcome = Trouble(NO_ANSWER_IN_TIME)
            if isinstance(outcome, Trouble):
                self._maybe_granted = True
                if self._cancelled_ms is not None:
                    return None
                again_ms = attempts.next_at_ms(outcome)
                self._notifier.notify(Status("opening", problem=outcome.problem))
                self._pause(again_ms)
                continue
            is_over = runtime.now_ms() >= wait_until_ms
            if is_over or not isinstance(outcome, SessionRefused) or not _may_pass(outcome):
                raise outcome
            self._wait(outcome, wait_until_ms)
            attempts.begin_anew()
        return None

    def give_back(self) -> None:
        """Releases a session that was granted, or may have been, but is not used."""
        if not self._maybe_granted:
            return
        begun_ms = self._runtime.now_ms() if self._cancelled_ms is None else self._cancelled_ms
        release_session(
            self._service,
            release_body(self._options.caller, self._name._asdict()),
            request_timeout_ms=self._options.request_timeout_ms,
            heartbeat_interval_ms=OPENING_INTERVAL_MS,
            until_ms=begun_ms + RELEASE_WITHIN_MS,
        )

    def _attempt(self, until_ms: int) -> Union[Granted, LicenseSessionError, Trouble]:
        options = self._options
        body = claim_body(options.caller, self._name, options.only_if_free, self._asks_holder)
        exchange = self._service.exchange(CLAIM_PATH, body, lambda: min(until_ms, self._drop_ms()))
        outcome = read_claim_answer(exchange)
        return Trouble("available") if isinstance(outcome, Available) else outcome

    def _drop_ms(self) -> float:
        """A release that overtook its claim would free nothing. So when cancelled, this still waits
        a while for the answer to the current claim.
        """
        if self._cancelled_ms is None:
            return float("inf")
        return self._cancelled_ms + RELEASE_WITHIN_MS / 2

    def _wait(self, refused: SessionRefused, wait_until_ms: int) -> None:
        for name in ("holder_asked", "holder_told", "holder_keeps"):
            said = getattr(refused, name)
            if said is not None:
                self._request[name] = said
        self._asks_holder = self._asks_holder and self._goes_on_asking(refused)
        self._notifier.notify(
            Status(
                "waiting",
                wait_seconds=refused.wait_seconds,
                active_device=refused.active_device,
                refusal=refused.code,
                holder_asked=self._request.get("holder_asked"),
                holder_told=self._request.get("holder_told"),
                holder_keeps=self._request.get("holder_keeps"),
            )
        )
        delay_ms = poll_delay_ms(refused.wait_seconds, self._runtime.random())
        self._pause(min(self._runtime.now_ms() + delay_ms, wait_until_ms))

    def _goes_on_asking(self, refused: SessionRefused) -> bool:
        """Asking again is free as long as the last request is remembered, and brings the holder's
        answer. Later it would be a second request, which is only for holders that the first has
        not reached.
        """
        now_ms, holders = self._runtime.now_ms(), refused.blocked or (refused,)
        if refused.holder_asked and self._asked_ms is None:
            self._asked_ms = now_ms
        is_remembered = self._asked_ms is None or now_ms < self._asked_ms + _REQUEST_LASTS_MS
        all_keep = all(_.holder_keeps for _ in holders)
        all_told = all(_.holder_told or _.holder_keeps for _ in holders)
        return not all_keep and (is_remembered or not all_told)

    def _pause(self, until_ms: int) -> None:
        self._runtime.pause(lambda: until_ms if self._cancelled_ms is None else 0)


def _may_pass(refused: SessionRefused) -> bool:
    """Whether waiting can help. An opening that came too late is refused for good, and nobody waits
    for their own device.
    """
    is_late = refused.code in ("claim_late", "session_ended")
    is_own = refused.held_by_this_device or any(_.held_by_this_device for _ in refused.blocked)
    return not is_late and not is_own
