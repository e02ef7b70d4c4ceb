"""The clocks of sessions in the hands of a test: they stand still until it moves them."""

from __future__ import annotations

import threading
import unittest
from unittest import mock

from license_session.thread_runtime import ThreadRuntime


class SetClock:
    def __init__(self, test: unittest.TestCase) -> None:
        """Of every session that the test opens from now on."""
        self.now_ms = 1_000_000
        self._readers: "list[str]" = []
        for patch in (
            mock.patch("license_session.thread_runtime.choose_clock", lambda: self._read),
            mock.patch.object(ThreadRuntime, "wall_ms", lambda _: self.now_ms),
            # Whoever waits looks at the clock so often.
            mock.patch.object(ThreadRuntime, "_SLICE_MS", 5),
            mock.patch("license_session.asyncio._SLICE_MS", 5),
        ):
            patch.start()
            test.addCleanup(patch.stop)

    def move(self, ms: int) -> None:
        self.now_ms += ms
        self._readers.clear()

    def was_seen_by(self, thread: str) -> bool:
        """Whether a thread has looked at it since, often enough to have acted on it."""
        return self._readers.count(thread) >= 3

    def _read(self) -> int:
        self._readers.append(threading.current_thread().name)
        return self.now_ms * 1_000_000
