"""The life of one session, on a thread of its own: claimed, kept, released.

That thread, the keeper, alone changes the state of the session, and calls no code of the program,
be it a callback, a transport or a logger. What others want of it they leave as a note, without a
lock: a thread that is stopped while it holds one, or a signal handler that interrupted it, would
take the session with it.
"""

from __future__ import annotations

import math
import os
from typing import Callable, Dict, Mapping, Optional, Sequence, Tuple

from .answers import Granted, PartLost, Recorded, Unreadable, read_heartbeat_answer
from .claiming import Claim, Claiming
from .errors import LicenseSessionError
from .keeping_state import (
    Keeping,
    Step,
    answered,
    held_status,
    limit_ms,
    request_timeout_ms,
    right_lasts_ms,
    start_keeping,
    wake_ms,
    woke,
)
from .notifier import Notifier
from .once import Once
from .options import Options
from .releasing import release_session
from .requests import HEARTBEAT_PATH, heartbeat_body, release_body
from .runtime import Runtime, read_clocks
from .service import Service
from .status import End, ReleaseOutcome, Status
from .symbols import symbols_among, symbols_without
from .timing import RELEASE_WITHIN_MS

__all__ = ["Life"]


class Life:
    """``live`` runs on the keeper's thread. Everything else may be called from any thread."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        self.options = options
        self.runtime = runtime
        #: Set once the claim is granted.
        self.granted: Optional[Granted] = None
        #: Set if the opening has failed.
        self.error: Optional[LicenseSessionError] = None
        #: Set once the release has succeeded or failed.
        self.outcome: Optional[ReleaseOutcome] = None
        #: Set when the keeper is done.
        self.finished = False
        self._process_id = os.getpid()
        self._service = Service(options, runtime)
        self._notifier = Notifier(options, runtime)
        self._claiming = Claiming(self._service, self._notifier)
        self._keeping: Optional[Keeping] = None
        self._end: Once[End] = Once()
        self._release_begun_ms: Once[int] = Once()
        self._dropped = False
        #: The symbols that the program gave back. The service keeps what heartbeats no longer name,
        #: so those that it did not confirm are released again.
        self._given_back: Dict[str, None] = {}
        self._unreleased: Dict[str, None] = {}
        self._release_again_ms = math.inf
        #: How often the program said that it keeps the session, and how often that was confirmed.
        self._keeps = 0
        self._keeps_confirmed = 0
        #: How often a heartbeat has been sent for it. After trouble it goes with the next one.
        self._keeps_sent = 0

    @property
    def keeping(self) -> Keeping:
        """The state of the session, available once it was granted."""
        assert self._keeping is not None
        return self._keeping

    @property
    def end(self) -> Optional[End]:
        return self._end.value

    @property
    def release_begun_ms(self) -> Optional[int]:
        return self._release_begun_ms.value

    @property
    def symbols(self) -> Tuple[str, ...]:
        """Those to which there is a right."""
        return self._left() if self.right_lasts_ms() else ()

    def holds(self, symbol: str) -> bool:
        return bool(symbols_among([symbol], self.symbols))

    def is_elsewhere(self) -> bool:
        """A forked child has a copy of this object, but no thread that would keep the session."""
        return os.getpid() != self._process_id

    def is_over(self) -> bool:
        return self.end is not None or self.is_elsewhere()

    def right_lasts_ms(self) -> int:
        if self._keeping is None or self.is_over():
            return 0
        return right_lasts_ms(self._keeping, read_clocks(self.runtime))

    def is_open_or_failed(self) -> bool:
        return self.granted is not None or self.error is not None

    def is_released(self) -> bool:
        """Whether the release has succeeded or failed, and nothing of the session is left to do."""
        return self.finished or self.is_elsewhere()

    def begin_release(self) -> None:
        """Ends the session or cancels its opening. The keeper does the rest."""
        if self.is_elsewhere():
            return
        self._release_begun_ms.set(self.runtime.now_ms())
        self._claiming.cancel()
        if self._keeping:
            self._end.set(End("released", "released"))
        self.runtime.wake()

    def drop(self) -> None:
        """Releases a session of which the program has let go, so that nothing can release it."""
        if not self.is_over():
            self._dropped = True
        self.begin_release()

    def give_back(self, symbols: Sequence[str]) -> Optional[Tuple[str, ...]]:
        """Gives up some of the symbols.

        Returns those that are to be freed, or ``None`` if that is the end of the session.
        """
        left = self._left()
        freed = symbols_among(left, symbols)
        if freed and (self.is_over() or len(freed) == len(left)):
            return None
        self._given_back.update(dict.fromkeys(freed))
        return freed

    def release_some(self, symbols: Sequence[str]) -> ReleaseOutcome:
        """Frees at the service what was given back. Blocks for 5 s at most, and never raises."""
        if not symbols:
            return "not_held"
        now_ms = self.runtime.now_ms()
        return self._release_symbols(symbols, now_ms + RELEASE_WITHIN_MS)

    def keep(self) -> None:
        """Tells the service, by a heartbeat at once, that the program keeps the session."""
        self._keeps += 1
        self.runtime.wake()

    def live(self) -> None:
        try:
            self._warn()
            claim = self._claim()
            if claim and self._begin_keeping(claim):
                self._keep()
            else:
                self.runtime.wake()
                self._claiming.give_back()
        except BaseException as error:  # Even of a SystemExit nobody would hear otherwise.
            self._fail(error)
        try:
            if self.granted:
                self._linger()
                self._release()
        finally:
            if self.release_begun_ms is not None:
                self.outcome = self.outcome or "unconfirmed"
            self.finished = True
            self.runtime.wake()

    def _warn(self) -> None:
        warning = self.warning()
        if warning:
            self._notifier.warning(warning)

    def _claim(self) -> Optional[Claim]:
        try:
            return self._claiming.claim()
        except LicenseSessionError as error:
            self.error = error
            return None

    def warning(self) -> Optional[str]:
        """What the log must say by now. Asked whenever the keeper wakes."""
        return None

    def lapsed(self) -> None:
        """Called when a lost session has lapsed at the service, so that no end has to free it."""

    def _fail(self, error: BaseException) -> None:
        self._notifier.exception("Keeping the session failed, which is a bug of the client", error)
        if self.granted is None:
            self.error = LicenseSessionError("Opening failed, which is a bug of the client")
            self.error.__cause__ = error
        else:
            self._say_end(self._end.set(End("lost", "keeper_failed")))
        self.runtime.wake()

    def _begin_keeping(self, claim: Claim) -> bool:
        runtime = self.runtime
        chance = runtime.random()
        self._keeping = start_keeping(claim.granted, claim.sent, self.options, chance)
        if self.release_begun_ms is not None:
            return False
        self.granted = claim.granted
        self._notifier.notify(held_status(self._keeping, read_clocks(runtime)))
        runtime.wake()
        return True

    def _keep(self) -> None:
        runtime = self.runtime
        while not self.is_over():
            self._warn()
            planned_ms = wake_ms(self.keeping)
            runtime.pause(lambda: 0 if self._is_to_look() else self._planned_ms(planned_ms))
            self._take(woke(self.keeping, planned_ms, read_clocks(runtime)))
            if self.is_over():
                break
            if runtime.now_ms() >= self.keeping.next_beat_ms or self._is_keep_due():
                self._beat()
            elif runtime.now_ms() >= self._release_again_ms:
                self._release_again()
        end = self.end
        if end:
            self._say_end(end)

    def _is_to_look(self) -> bool:
        """Whether the session is over, or its right has ended before its time was over."""
        keeping = self.keeping
        at = read_clocks(self.runtime)
        is_over = self.is_over() or self._is_keep_due()
        return is_over or woke(keeping, at.now_ms, at).keeping is not keeping

    def _planned_ms(self, wake_ms: int) -> float:
        return min(wake_ms, self._release_again_ms)

    def _beat(self) -> None:
        runtime, keeping = self.runtime, self.keeping
        keeps = self._keeps
        self._keeps_sent = keeps
        report = self._next_report()
        if self.is_over():
            return
        is_kept = keeps > self._keeps_confirmed
        sent = read_clocks(runtime)
        body = heartbeat_body(
            self.options.caller, keeping.granted.session_id, self._left(), report, is_kept
        )
        planned_ms = min(sent.now_ms + request_timeout_ms(keeping), limit_ms(keeping))
        exchange = self._service.exchange(
            HEARTBEAT_PATH, body, lambda: 0 if self.is_over() else planned_ms
        )
        outcome = read_heartbeat_answer(exchange, has_report=bool(report))
        at, chance = read_clocks(runtime), runtime.random()
        if isinstance(outcome, Unreadable) and report:
            self._notifier.warning(
                f"The service can't read the report ({outcome.problem}): from now on, heartbeats "
                "are sent without one"
            )
        self._take(answered(self.keeping, outcome, sent, planned_ms, at, chance))
        if is_kept and isinstance(outcome, (Recorded, PartLost)):
            self._keeps_confirmed = keeps

    def _next_report(self) -> Mapping[str, object]:
        """The heartbeat matters more: it waits not long for a report, and is repeated without."""
        keeping = self.keeping
        if keeping.report_refused or keeping.failures:
            return {}
        until_ms = self.runtime.now_ms() + keeping.timing.report_within_ms
        return self._notifier.report(lambda: 0 if self.is_over() else until_ms)

    def _release_again(self) -> None:
        """Tries to free what was given back, in the time until the next heartbeat."""
        until_ms = self.runtime.now_ms() + RELEASE_WITHIN_MS
        self._release_again_ms = math.inf
        self._release_symbols(list(self._unreleased), min(until_ms, self.keeping.next_beat_ms))

    def _linger(self) -> None:
        """Waits until the program releases a session that was lost: its entry may still take a
        seat. Until then the thread is kept, because where the release is called, as in a signal
        handler, none may be startable.
        """
        keeping = self.keeping
        lapses_ms = keeping.right_ends_ms - keeping.timing.right_ms
        lapses_ms += int(keeping.granted.session_timeout_ms)
        if self._is_gone():
            return
        self.runtime.pause(lambda: lapses_ms if self.release_begun_ms is None else 0)
        if self.release_begun_ms is None:
            self.lapsed()
        self.runtime.pause(lambda: math.inf if self.release_begun_ms is None else 0)

    def _release(self) -> None:
        if self._is_gone():
            self.outcome = "not_held"
        elif self.release_begun_ms is not None:
            symbols = [*self._left(), *list(self._unreleased)]
            until_ms = self.release_begun_ms + RELEASE_WITHIN_MS
            self.outcome = self._release_at_service(symbols, until_ms)

    def _release_symbols(self, symbols: Sequence[str], until_ms: int) -> ReleaseOutcome:
        self._unreleased.update(dict.fromkeys(symbols))
        # The end of the session releases them as well.
        outcome = self._release_at_service(symbols, until_ms, self.is_over)
        if outcome == "unconfirmed":
            interval_ms = self.keeping.timing.heartbeat_interval_ms
            self._release_again_ms = self.runtime.now_ms() + interval_ms
            self.runtime.wake()
        elif outcome != "left_to_lapse":  # That is freed by the end, which names it as well.
            for symbol in symbols:
                self._unreleased.pop(symbol, None)
        return outcome

    def _release_at_service(
        self,
        symbols: Sequence[str],
        until_ms: int,
        is_needless: Callable[[], bool] = lambda: False,
    ) -> ReleaseOutcome:
        timing, who = self.keeping.timing, {"session_id": self.keeping.granted.session_id}
        return release_session(
            self._service,
            release_body(self.options.caller, who, symbols),
            request_timeout_ms=timing.request_timeout_ms,
            heartbeat_interval_ms=timing.heartbeat_interval_ms,
            until_ms=until_ms,
            is_needless=is_needless,
        )

    def _is_gone(self) -> bool:
        end = self.end
        return end is not None and (end.reason == "taken" or end.code == "session_not_found")

    def _is_keep_due(self) -> bool:
        return self._keeps > self._keeps_sent

    def _left(self) -> Tuple[str, ...]:
        """The symbols that are neither lost nor given back."""
        return symbols_without(self.keeping.symbols, list(self._given_back))

    def _take(self, step: Step) -> None:
        self._keeping = step.keeping
        end = step.keeping.end
        if end:
            # Unless the program has ended it before. What it ended by is said at the end.
            self._end.set(end)
            self.runtime.wake()
        elif not self.is_over():
            if step.status:
                self._notifier.notify(step.status)
            for lost in step.lost:
                if lost.symbol not in self._given_back:
                    self._notifier.lost(lost)
            if step.release_request:
                self._notifier.release_request(step.release_request)

    def _say_end(self, end: End) -> None:
        self._notifier.notify(Status("ended", end=end, active_device=end.active_device))
        if self._dropped:
            self._notifier.warning(
                "the program has let go of the session, which is released: keep what open_session "
                "returns, or use it in a with statement"
            )
