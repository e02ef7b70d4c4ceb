"""Calls the program's own code, which may be slow, hang or fail without harming the session."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Deque, List, Optional, TypeVar, Union

from .runtime import Until

__all__ = ["ProgramCalls"]

T = TypeVar("T")

#: The most calls that are queued behind one that does not return.
_LONGEST_QUEUE = 100


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class ProgramCalls:
    """Makes one call at a time, in order, on a thread that is started for the first one."""

    def __init__(self, pause: Callable[[Until], None], wake: Callable[[], None]) -> None:
        self._pause = pause
        self._wake = wake
        self._lock = threading.Condition()
        self._queue: Deque[Callable[[], object]] = deque()
        self._busy = False
        self._closed = False
        self._thread: Optional[threading.Thread] = None

    def put(self, call: Callable[[], object]) -> None:
        """Queues a call. If the queue is full, the oldest call is dropped."""
        with self._lock:
            self._queue.append(call)
            if len(self._queue) > _LONGEST_QUEUE:
                self._queue.popleft()
            if self._thread is None:
                thread = threading.Thread(
                    target=self._work, name="license-session-callbacks", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:
                    return  # No thread: retried at the next call. The session works without.
                self._thread = thread
            self._lock.notify()

    def result_within(self, call: Callable[[], T], until: Until) -> Optional[T]:
        """Returns the result, or ``None`` if there was none in time; a queued call is then dropped.

        :raises BaseException: what the call raised
        """
        results: List[Union[T, _Raised]] = []
        late = False

        def run() -> None:
            if late:
                return
            try:
                results.append(call())
            except BaseException as error:
                results.append(_Raised(error))
            self._wake()

        self.put(run)
        self._pause(lambda: 0 if results else until())
        late = True
        if not results:
            return None
        result = results[0]
        if isinstance(result, _Raised):
            raise result.error
        return result

    def is_idle(self) -> bool:
        """Whether every call has returned."""
        return not self._busy and not self._queue

    def is_own_thread(self) -> bool:
        """Whether the program is being called on this very thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Stops the thread after the queued calls have been made."""
        with self._lock:
            self._closed = True
            self._lock.notify()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._busy = False
                while not self._queue and not self._closed:
                    self._lock.wait()
                if not self._queue:
                    break
                call = self._queue.popleft()
                self._busy = True
            call()
            self._wake()
        self._wake()
