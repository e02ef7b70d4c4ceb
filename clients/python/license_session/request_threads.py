"""Sends requests on threads of their own, each of which is kept for the next request."""

from __future__ import annotations

import queue
import threading
from typing import Callable, List, Optional

__all__ = ["RequestThreads"]

Job = Callable[[], None]


class RequestThreads:
    """One is enough, unless a request hangs: in a name server, or in a transport of the program.
    Once a program ends no thread can be started any more, but the one that is there still releases.
    """

    def __init__(self) -> None:
        self._jobs: "queue.SimpleQueue[Optional[Job]]" = queue.SimpleQueue()
        #: As many as there are threads without a job.
        self._idle: "queue.SimpleQueue[None]" = queue.SimpleQueue()
        self._threads: List[threading.Thread] = []

    def run(self, job: Job) -> None:
        """Runs a job as soon as a thread is free."""
        try:
            self._idle.get_nowait()
        except queue.Empty:
            self._start()
        self._jobs.put(job)

    def close(self) -> None:
        """Stops the threads after their jobs."""
        for _ in self._threads:
            self._jobs.put(None)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name="license-session-request", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return  # The first one that is free takes the job.
        self._threads.append(thread)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job()
            self._idle.put(None)
