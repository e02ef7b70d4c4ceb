"""Leaves nothing behind when the program ends: every session of the process is released, side by
side, within 5 s.

The program comes first. A SIGTERM or SIGHUP that the program handles itself is its own affair, in
whatever order handlers and sessions were set up: it closes its positions while it still holds, and
the release comes when it exits. Only where the signal would end the process at once is there a
handler here, one for all sessions. It takes no lock and does not use the network; a thread that
waits for it releases, and then lets the signal do what it would have done.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, Dict, List, NamedTuple, Optional, Protocol

__all__ = ["Leaving", "enter", "handle_signals", "leave", "prepare", "refuse_import_by_child"]

_WITHIN_SECONDS = 5.0

_SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP.


class Leaving(Protocol):
    """What leaves with the process: a session, or its opening."""

    finished: bool

    def begin_release(self) -> None:
        ...

    def wait_finished(self, seconds: float) -> None:
        ...


class _Ends(NamedTuple):
    """At which ends of the program a session is released."""

    exit: bool
    signals: bool


class _Process:
    """What is of this process alone: a forked child begins anew."""

    def __init__(self) -> None:
        self.id = os.getpid()
        self.lock = threading.RLock()
        self.sessions: Dict[Leaving, _Ends] = {}
        #: Put by the signal handler, which may: ``SimpleQueue.put`` is reentrant.
        self.signals: "queue.SimpleQueue[int]" = queue.SimpleQueue()
        self.thread: Optional[threading.Thread] = None
        self.keeps_handlers = False
        self.has_warned = False
        self.leaves_by: Optional[int] = None


_process = _Process()


def handle_signals() -> None:
    """Has SIGTERM and SIGHUP release the sessions of this process, where the program does not
    handle them itself. Opening a session on the main thread does the same; a program that opens its
    sessions on other threads calls this once, on the main thread.

    :raises ValueError: this is not the main thread, the only one that Python lets set handlers
    """
    _process.keeps_handlers = True
    _set_handlers()


def prepare(signals: bool) -> bool:
    """Sets the handlers if this thread may. Returns whether there is nothing to say about it: once
    in a process it is said that signals release no session.
    """
    if not signals or sys.platform == "win32":  # Windows sends none of them.
        return True
    if threading.current_thread() is threading.main_thread():
        _set_handlers()
        return True
    process = _process
    is_known = process.has_warned
    process.has_warned = True
    return is_known or all(signal.getsignal(number) != signal.SIG_DFL for number in _SIGNALS)


def enter(session: Leaving, at_exit: bool, on_signals: bool) -> None:
    """From now on the session is released when the program ends."""
    with _process.lock:
        _process.sessions[session] = _Ends(at_exit, on_signals)


def leave(session: Leaving) -> None:
    """There is nothing more to release of it. With the last one the handlers go."""
    process = _process
    with process.lock:
        process.sessions.pop(session, None)
        is_last = not process.sessions
    if is_last and not process.keeps_handlers:
        _take_handlers_out()


def refuse_import_by_child() -> None:
    """:raises RuntimeError: this would open a session by mere import: a child that
    ``multiprocessing`` starts by spawn imports the main module, and would take the session from its
    parent.
    """
    if "__mp_main__" not in sys.modules:
        return
    frame: Optional[FrameType] = sys._getframe()
    while frame:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__mp_main__":
            raise RuntimeError(
                "A session would be opened because a multiprocessing child imports the main "
                "module, and it would take the session of its parent. Open it under "
                'if __name__ == "__main__":'
            )
        frame = frame.f_back


def _set_handlers() -> None:
    for number in _SIGNALS:
        # Where the program handles it, or ignores it, it is the program's.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _handle)
    with _process.lock:
        if _process.thread is None:
            thread = threading.Thread(
                target=_release_on_signal,
                args=(_process,),
                name="license-session-leave",
                daemon=True,
            )
            thread.start()
            _process.thread = thread


def _take_handlers_out() -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # It does no harm where it is, and goes with the next one.
    for number in _SIGNALS:
        if signal.getsignal(number) is _handle:
            signal.signal(number, signal.SIG_DFL)


def _handle(number: int, _: Optional[FrameType]) -> None:
    # A second one ends the program at once, as it would have without us.
    signal.signal(number, signal.SIG_DFL)
    process = _process
    if process.id != os.getpid() or process.thread is None:
        os.kill(os.getpid(), number)
        return
    process.leaves_by = number
    process.signals.put(number)


def _release_on_signal(process: _Process) -> None:
    number = process.signals.get()
    _release_all([session for session, ends in _listed(process) if ends.signals])
    if os.getpid() == 1:
        # The first process of a container is spared by the signals it does not handle.
        os._exit(128 + number)
    os.kill(os.getpid(), number)


def _release_at_exit() -> None:
    process = _process
    if process.id != os.getpid():
        return
    _release_all([session for session, ends in _listed(process) if ends.exit])
    if process.leaves_by is not None and process.thread is not None:
        # So that the program ends by the signal, as it would have without us.
        process.thread.join(1.0)


def _listed(process: _Process) -> "List[Any]":
    with process.lock:
        return list(process.sessions.items())


def _release_all(sessions: List[Leaving]) -> None:
    ends = time.monotonic() + _WITHIN_SECONDS
    for session in sessions:
        session.begin_release()
    for session in sessions:
        session.wait_finished(max(0.0, ends - time.monotonic()))


def _begin_anew() -> None:
    """In a forked child, which has none of the threads and none of the sessions."""
    global _process
    _process = _Process()
    try:
        _take_handlers_out()
    except ValueError:
        pass


# Handlers of `atexit` run last in, first out: those of the program, set later, come before this.
atexit.register(_release_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
