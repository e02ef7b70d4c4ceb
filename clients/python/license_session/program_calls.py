"""Calls the program's own code, which may be slow, hang or fail without harming the session."""

from __future__ import annotations

import queue
import threading
from typing import Callable, List, Optional, TypeVar, Union

from .runtime import Until

__all__ = ["ProgramCalls"]

T = TypeVar("T")

#: The most calls that are queued behind one that does not return.
_LONGEST_QUEUE = 100


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class ProgramCalls:
    """Makes one call at a time, in order, on a thread that is started for the first one. Calls are
    queued by one thread, the keeper, and without a lock.
    """

    def __init__(
        self, pause: Callable[[Until], None], wake: Callable[[], None], thread_name: str
    ) -> None:
        self._pause = pause
        self._wake = wake
        self._thread_name = thread_name
        self._queue: "queue.SimpleQueue[Optional[Callable[[], object]]]" = queue.SimpleQueue()
        self._queued = 0
        self._made = 0
        self._thread: Optional[threading.Thread] = None

    def put(self, call: Callable[[], object]) -> None:
        """Queues a call. If the queue is full, the oldest call is dropped."""
        self._queued += 1
        self._queue.put(call)
        if self._queue.qsize() > _LONGEST_QUEUE:
            self._drop_oldest()
        if self._thread is None:
            thread = threading.Thread(target=self._work, name=self._thread_name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # No thread: retried at the next call. The session works without.
            self._thread = thread

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
        return self._made >= self._queued

    def is_own_thread(self) -> bool:
        """Whether the program is being called on this very thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Stops the thread after the queued calls have been made."""
        self._queue.put(None)

    def _drop_oldest(self) -> None:
        try:
            self._queue.get_nowait()
            self._queued -= 1
        except queue.Empty:
            pass

    def _work(self) -> None:
        while True:
            call = self._queue.get()
            if call is None:
                return
            try:
                call()
            except BaseException:  # Even a SystemExit must not end this thread.
                pass
            self._made += 1
            self._wake()
