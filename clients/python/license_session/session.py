"""A session that is being kept."""

from __future__ import annotations

import math
from types import TracebackType
from typing import NoReturn, Optional, Sequence, Tuple, Type

from . import process_end
from .license import License
from .live_session import Life
from .options import symbols_of
from .status import End, ReleaseOutcome
from .thread_runtime import ThreadRuntime
from .timing import RELEASE_WITHIN_MS

__all__ = ["CALLBACKS_WITHIN_MS", "LiveSession", "Session", "SessionView"]

#: How long to wait for running callbacks after a session has been released.
CALLBACKS_WITHIN_MS = 1_000


class LiveSession(Life):
    """A ``Life`` with the real runtime."""

    runtime: ThreadRuntime

    def live(self) -> None:
        try:
            super().live()
        finally:
            self.runtime.close()
            process_end.leave(self)

    def warning(self) -> Optional[str]:
        return process_end.warning_of(self)

    def lapsed(self) -> None:
        process_end.leave(self)

    def wait_finished(self, seconds: float) -> None:
        """Waits until the release is finished, but no longer."""
        runtime = self.runtime
        until_ms = runtime.now_ms() + int(seconds * 1000)
        runtime.pause(lambda: 0 if self.is_released() else until_ms)
        callbacks_until_ms = min(runtime.now_ms() + CALLBACKS_WITHIN_MS, until_ms)
        runtime.pause(lambda: 0 if runtime.is_idle() else callbacks_until_ms)


class SessionView:
    """The readable state of a session, for any thread."""

    def __init__(self, life: LiveSession) -> None:
        granted = life.keeping.granted
        #: Names this session.
        self.session_id: str = granted.session_id
        #: Grows with every claim on the license: a smaller token belongs to an older session.
        self.fencing_token: int = granted.fencing_token
        self._life = life

    @property
    def held(self) -> bool:
        """Whether there is a right to the session right now. Check it before each order; with
        several symbols, check :meth:`holds` instead.
        """
        return self._life.right_lasts_ms() > 0

    def holds(self, symbol: str) -> bool:
        """Whether there is a right to this symbol right now."""
        return self._life.holds(symbol)

    @property
    def symbols(self) -> Tuple[str, ...]:
        """The symbols to which there is a right at this moment: none that was lost or released."""
        return self._life.symbols

    @property
    def right_lasts_seconds(self) -> float:
        """How long the right lasts unless a heartbeat is confirmed; 0 without one."""
        return self._life.right_lasts_ms() / 1000

    @property
    def license(self) -> License:
        """Type, end and active symbols of the license, as of the last answer."""
        return self._life.keeping.license

    @property
    def ended(self) -> Optional[End]:
        """Why the session is over, or ``None`` if it is not. A session that is not over may briefly
        have no right: after the machine was asleep, until the service has answered.
        """
        return self._life.end

    def keep(self) -> None:
        """Answers a request to release: the device that asked is told that this one keeps the
        session. May be called at any time; returns at once.
        """
        self._life.keep()

    def __del__(self) -> None:
        # Nobody can ask it any more whether it is held, so nobody may trade on it.
        life = getattr(self, "_life", None)
        if life is not None:
            life.drop()

    def __reduce__(self) -> NoReturn:
        raise TypeError("A session belongs to the process that opened it and can't be pickled")

    def __repr__(self) -> str:
        end = self.ended
        state = f"over: {end.reason}" if end else ("held" if self.held else "asking")
        return f"<{type(self).__name__} {self.session_id} {state}>"


class Session(SessionView):
    """A session that is being kept. Made by :func:`open_session`."""

    def wait_lost(self, timeout: Optional[float] = None) -> bool:
        """Waits until the session is over, for whatever reason, or for ``timeout`` seconds.

        Returns whether it is over; :attr:`ended` says why. A session of several symbols is over
        with its last one.
        """
        runtime, is_over = self._life.runtime, self._life.is_over
        until_ms = math.inf if timeout is None else runtime.now_ms() + timeout * 1000
        runtime.pause(lambda: 0 if is_over() else until_ms)
        return is_over()

    def release(self, symbols: Optional[Sequence[str]] = None) -> ReleaseOutcome:
        """Ends the session, or gives up some of its symbols, and frees them at the service. Safe to
        call twice; takes 5 s at most, whatever hangs.

        Returns ``released``; ``not_held`` if the session no longer existed or was not held;
        ``left_to_lapse`` if the service keeps the session for others of its symbols until it
        lapses; or ``unconfirmed`` if no answer came, so that the session lapses on its own. Some
        symbols that are ``unconfirmed`` are released again until the service has confirmed it.

        :raises TypeError, ValueError: ``symbols`` is no list of names
        """
        life = self._life
        if life.is_elsewhere():
            return "not_held"
        freed = None if symbols is None else life.give_back(symbols_of("symbols", symbols))
        if freed is not None:
            return life.release_some(freed)
        life.begin_release()
        give_up_ms = (life.release_begun_ms or 0) + RELEASE_WITHIN_MS
        life.wait_finished((give_up_ms - life.runtime.now_ms()) / 1000)
        if life.finished:
            # Again, on this thread: the session's own thread could not remove the signal handlers.
            process_end.leave(life)
        return life.outcome or "unconfirmed"

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.release()
