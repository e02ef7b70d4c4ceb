"""The life of one session, on a thread of its own: claimed, kept, released."""

from __future__ import annotations

import os
import threading
from typing import Mapping, Optional

from .answers import Granted, Unreadable, read_heartbeat_answer
from .claiming import Claim, Claiming
from .errors import LicenseSessionError
from .keeping_state import (
    Keeping,
    Step,
    answered,
    ended,
    held_status,
    limit_ms,
    right_lasts_ms,
    start_keeping,
    wake_ms,
    woke,
)
from .notifier import Notifier
from .options import Options
from .releasing import release_session
from .requests import HEARTBEAT_PATH, heartbeat_body
from .runtime import Runtime, read_clocks
from .service import Service
from .status import End, ReleaseOutcome
from .timing import RELEASE_WITHIN_MS

__all__ = ["Life"]


class Life:
    """``live`` runs on the session's thread. Everything else may be called from any thread."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        self.options = options
        self.runtime = runtime
        #: Set once the claim is granted.
        self.granted: Optional[Granted] = None
        #: Set if the opening has failed.
        self.error: Optional[LicenseSessionError] = None
        #: Set once the release has succeeded or failed.
        self.outcome: Optional[ReleaseOutcome] = None
        self.release_begun_ms: Optional[int] = None
        #: Set when the session's thread is done.
        self.finished = False
        self._process_id = os.getpid()
        self._service = Service(options, runtime)
        self._notifier = Notifier(options, runtime)
        self._claiming = Claiming(self._service, self._notifier)
        self._keeping: Optional[Keeping] = None
        self._lock = threading.RLock()

    @property
    def keeping(self) -> Keeping:
        """The state of the session, available once it was granted."""
        assert self._keeping is not None
        return self._keeping

    @property
    def end(self) -> Optional[End]:
        return self._keeping.end if self._keeping else None

    def is_elsewhere(self) -> bool:
        """A forked child has a copy of this object, but no thread that would keep the session."""
        return os.getpid() != self._process_id

    def is_over(self) -> bool:
        return self.end is not None or self.is_elsewhere()

    def right_lasts_ms(self) -> int:
        if self._keeping is None or self.is_elsewhere():
            return 0
        return right_lasts_ms(self._keeping, read_clocks(self.runtime))

    def is_open_or_failed(self) -> bool:
        return self.granted is not None or self.error is not None

    def is_released(self) -> bool:
        """Whether the outcome of the release is known."""
        return self.outcome is not None or self.is_elsewhere()

    def begin_release(self) -> None:
        """Ends the session or cancels its opening. The session's own thread does the rest."""
        if self.is_elsewhere():
            return
        with self._lock:
            is_first = self.release_begun_ms is None
            if is_first:
                self.release_begun_ms = self.runtime.now_ms()
            self._claiming.cancel()
            if self._keeping:
                self._take(ended(self._keeping, End("released", "released")))
            is_late = is_first and self.finished and self._keeping is not None
        self.runtime.wake()
        if is_late:
            self._release_late()

    def live(self) -> None:
        try:
            claim = self._claiming.claim()
            if isinstance(claim, Claim) and self._begin_keeping(claim):
                self._keep()
                self._linger()
                self._release()
            else:
                self.error = claim if isinstance(claim, LicenseSessionError) else None
                self.runtime.wake()
                self._claiming.give_back()
        except BaseException as error:
            self._notifier.exception("Keeping the session failed, which is a bug of the client")
            if self.granted is None:
                self.error = LicenseSessionError("Opening failed, which is a bug of the client")
                self.error.__cause__ = error
            self._end(End("lost", "keeper_failed"))
            raise
        finally:
            with self._lock:
                self.finished = True
                if self.release_begun_ms is not None:
                    self.outcome = self.outcome or "unconfirmed"
            self.runtime.wake()

    def _begin_keeping(self, claim: Claim) -> bool:
        with self._lock:
            if self.release_begun_ms is not None:
                return False
            runtime = self.runtime
            chance = runtime.random()
            self._keeping = start_keeping(claim.granted, claim.sent, self.options, chance)
            self.granted = claim.granted
            self._notifier.notify(held_status(self._keeping, read_clocks(runtime)))
        self.runtime.wake()
        return True

    def _keep(self) -> None:
        runtime = self.runtime
        while not self.is_over():
            planned_ms = wake_ms(self.keeping)
            runtime.pause(lambda: 0 if self._is_to_look() else planned_ms)
            with self._lock:
                self._take(woke(self.keeping, planned_ms, read_clocks(runtime)))
            if not self.is_over() and runtime.now_ms() >= self.keeping.next_beat_ms:
                self._beat()

    def _is_to_look(self) -> bool:
        """Whether the session is over, or its right has ended before its time was over."""
        keeping = self.keeping
        at = read_clocks(self.runtime)
        return self.is_over() or woke(keeping, at.now_ms, at).keeping is not keeping

    def _beat(self) -> None:
        runtime = self.runtime
        body = self._next_body()
        if self.is_over():
            return
        sent = read_clocks(runtime)
        planned_ms = min(sent.now_ms + self.keeping.timing.request_timeout_ms, self._limit_ms())
        exchange = self._service.exchange(
            HEARTBEAT_PATH, body, lambda: 0 if self.is_over() else planned_ms
        )
        outcome = read_heartbeat_answer(exchange)
        if isinstance(outcome, Unreadable):
            problem = outcome.problem
            self._notifier.warning(f"The service can't read the report ({problem}); sending none now")
        with self._lock:
            at, chance = read_clocks(runtime), runtime.random()
            self._take(answered(self.keeping, outcome, sent, planned_ms, at, chance))

    def _next_body(self) -> Mapping[str, object]:
        """If the report fails, the heartbeat is sent without it: it matters more."""
        keeping, caller = self.keeping, self.options.caller
        session_id = keeping.granted.session_id
        if keeping.report_refused:
            return heartbeat_body(caller, session_id, {})
        until_ms = self.runtime.now_ms() + keeping.timing.report_within_ms
        report = self._notifier.report(lambda: 0 if self.is_over() else until_ms)
        try:
            return heartbeat_body(caller, session_id, report)
        except Exception:
            self._notifier.exception("The report can't be written as JSON; the heartbeat is sent without it")
            return heartbeat_body(caller, session_id, {})

    def _linger(self) -> None:
        """Waits until it is clear whether to release: a lost session may exist for a while."""
        if self.release_begun_ms is not None or self._is_gone():
            return
        keeping = self.keeping
        session_timeout_ms = keeping.granted.session_timeout_ms
        lapses_ms = keeping.right_ends_ms - keeping.timing.right_ms + session_timeout_ms
        self.runtime.pause(lambda: 0 if self.release_begun_ms is not None else lapses_ms)

    def _release(self) -> None:
        if self._is_gone():
            self.outcome = "not_held"
        elif self.release_begun_ms is not None:
            timing = self.keeping.timing
            self.outcome = release_session(
                self._service,
                self.keeping.granted.session_id,
                request_timeout_ms=timing.request_timeout_ms,
                heartbeat_interval_ms=timing.heartbeat_interval_ms,
                until_ms=self.release_begun_ms + RELEASE_WITHIN_MS,
            )

    def _release_late(self) -> None:
        """Releases a session that was over long before, because its entry may still take a seat."""

        def run() -> None:
            try:
                self._release()
            finally:
                self.outcome = self.outcome or "unconfirmed"
                self.runtime.wake()

        try:
            self.runtime.spawn(run)
        except RuntimeError:
            self.outcome = "unconfirmed"

    def _is_gone(self) -> bool:
        end = self.end
        return end is not None and (end.reason == "taken" or end.code == "session_not_found")

    def _limit_ms(self) -> int:
        return limit_ms(self.keeping)

    def _end(self, end: End) -> None:
        with self._lock:
            if self._keeping:
                self._take(ended(self._keeping, end))

    def _take(self, step: Step) -> None:
        """Must be called with the lock held, so that no later step undoes an end."""
        self._keeping = step.keeping
        if step.status:
            self._notifier.notify(step.status)
            if step.status.state == "ended":
                self.runtime.wake()
