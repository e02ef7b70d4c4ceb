"""Releases all sessions of the process when the program ends, in parallel and within 5 s.

The program takes precedence. If it handles SIGTERM or SIGHUP itself, nothing is done on that
signal, in whatever order handlers and sessions were set up: the program closes its positions while
it still holds the session, which is released when it exits; a warning says so. Only where the
signal would end the process at once does this module set a handler, one for all sessions. The
handler takes no lock and does not use the network. It wakes a thread that releases the sessions and
then lets the signal take its effect. Where the main thread can't run the handler, ``SignalWatch``
wakes that thread.
"""

from __future__ import annotations

import atexit
import logging  # noqa: F401  (see at the end)
import os
import queue
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, Dict, List, NamedTuple, Optional, Protocol

from .one_per_process import is_first
from .signal_watch import SignalWatch

__all__ = ["Leaving", "enter", "handle_signals", "leave", "refuse_import_by_child", "warning_of"]

_WITHIN_SECONDS = 5.0

#: How often the main thread is interrupted, to let it run a handler that it has not run yet. A count
#: and not a time, as on a busy machine it may take longer.
_INTERRUPTS = 100
_INTERRUPT_SECONDS = 0.02

#: Windows sends none of them.
_SIGNALS = [] if sys.platform == "win32" else [signal.SIGTERM, signal.SIGHUP]


class Leaving(Protocol):
    """What is released when the process ends: a session, or its opening."""

    finished: bool

    def begin_release(self) -> None:
        ...

    def wait_finished(self, seconds: float) -> None:
        ...


class _Ends(NamedTuple):
    """On which kinds of program end a session is released."""

    exit: bool
    signals: bool


class _Process:
    """The state of this process. A forked child starts with a new one."""

    def __init__(self) -> None:
        self.id = os.getpid()
        #: No lock guards it: a signal handler of the program, which may release a session, would
        #: wait for a lock that the code it interrupted holds.
        self.sessions: Dict[Leaving, _Ends] = {}
        #: Filled by the signal handler, which is safe because ``SimpleQueue.put`` is reentrant.
        self.signals: "queue.SimpleQueue[int]" = queue.SimpleQueue()
        self.thread: Optional[threading.Thread] = None
        self.watch = SignalWatch(lambda number: _leave_if_ours(self, number))
        self.keeps_handlers = False
        #: Whether a session was opened where the handlers could not be set.
        self.is_unprepared = False
        self.has_warned = False
        self.has_yielded = False
        self.leaves_by: Optional[int] = None
        self.ends_as_child = False


_process = _Process()


def handle_signals() -> None:
    """Makes SIGTERM and SIGHUP release the sessions of this process, unless the program handles
    them itself. Opening a session on the main thread does the same. A program that opens its
    sessions on other threads calls this once, on the main thread.

    :raises ValueError: this is not the main thread, the only one that Python lets set handlers
    """
    _process.keeps_handlers = True
    _set_handlers()


def enter(session: Leaving, at_exit: bool, on_signals: bool) -> None:
    """Registers a session to be released when the program ends.

    :raises RuntimeError: no thread could be started
    """
    _process.sessions[session] = _Ends(at_exit, on_signals)
    if at_exit:
        _release_as_child()
    if not on_signals:
        return
    if threading.current_thread() is threading.main_thread():
        _set_handlers()
    elif any(signal.getsignal(number) == signal.SIG_DFL for number in _SIGNALS):
        _process.is_unprepared = True


def leave(session: Leaving) -> None:
    """Unregisters a session. With the last one, the handlers are removed."""
    process = _process
    process.sessions.pop(session, None)
    if not process.sessions and not process.keeps_handlers:
        _take_handlers_out()


def warning_of(session: Leaving) -> Optional[str]:
    """What a signal does instead of releasing a session, once per process."""
    process = _process
    ends = process.sessions.get(session)
    if ends is None or not ends.signals:
        return None
    if process.is_unprepared and not process.has_warned:
        process.has_warned = True
        return (
            "SIGTERM ends the program without a release, as the session is opened off the main "
            "thread: call license_session.handle_signals() on that once"
        )
    for number in _SIGNALS:
        is_programs = signal.getsignal(number) not in (signal.SIG_DFL, signal.SIG_IGN, _handle)
        if is_programs and not process.has_yielded:
            process.has_yielded = True
            return (
                f"{number.name} is handled by the program, and releases no session before the "
                "program does, or ends: release_on_signals=False says that this is meant"
            )
    return None


def refuse_import_by_child() -> None:
    """:raises RuntimeError: a session is opened by a mere import. A child that ``multiprocessing``
    spawns imports the main module, and would take the session from its parent.
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


def _release_as_child() -> None:
    """A child of ``multiprocessing`` may end without ``atexit``, but not without its finalizers."""
    util, processes = (sys.modules.get(f"multiprocessing.{name}") for name in ("util", "process"))
    if util and processes and processes.parent_process() and not _process.ends_as_child:
        _process.ends_as_child = True
        # After those of the program, which have a priority of 0 or more.
        util.Finalize(None, _release_at_exit, exitpriority=0)


def _set_handlers() -> None:
    for number in _SIGNALS:
        # A signal that the program handles or ignores is left alone.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _handle)
    if _process.thread is None:
        thread = threading.Thread(
            target=_release_on_signal, args=(_process,), name="license-session-leave", daemon=True
        )
        thread.start()
        _process.thread = thread
    _process.watch.begin()


def _take_handlers_out() -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # The handlers do no harm, and are removed with the next session.
    for number in _SIGNALS:
        if signal.getsignal(number) is _handle:
            signal.signal(number, signal.SIG_DFL)
    _process.watch.end()


def _handle(number: int, _: Optional[FrameType]) -> None:
    # A second signal then ends the program at once, as it would without this module.
    signal.signal(number, signal.SIG_DFL)
    process = _process
    if process.id != os.getpid() or process.thread is None:
        os.kill(os.getpid(), number)
        return
    _leave_by(process, number)


def _leave_if_ours(process: _Process, number: int) -> None:
    # Else the program's own handler takes precedence, or the signal is handled already.
    if signal.getsignal(number) is _handle:
        _leave_by(process, number)


def _leave_by(process: _Process, number: int) -> None:
    process.leaves_by = number
    process.signals.put(number)


def _release_on_signal(process: _Process) -> None:
    number = process.signals.get()
    _release_all([session for session, ends in _listed(process) if ends.signals])
    if os.getpid() == 1:
        # Process 1 of a container is not ended by signals that it does not handle.
        os._exit(128 + number)
    _end_by(number)


def _end_by(number: int) -> None:
    os.kill(os.getpid(), number)
    # The process is still there, so the main thread has not run the handler yet. The signal has
    # interrupted its wait, and the next one finds no handler any more.
    for _ in range(_INTERRUPTS):
        time.sleep(_INTERRUPT_SECONDS)
        if signal.getsignal(number) not in (signal.SIG_DFL, _handle):
            return  # The program has set a handler by now, which takes precedence.
        os.kill(os.getpid(), number)
    # It is in foreign code that nothing interrupts.
    os._exit(128 + number)


def _release_at_exit() -> None:
    process = _process
    if process.id != os.getpid():
        return
    _release_all([session for session, ends in _listed(process) if ends.exit])
    if process.leaves_by is not None and process.thread is not None:
        # So that the program ends by the signal, as it would without this module.
        process.thread.join(1.0)
    if threading.current_thread() is threading.main_thread():
        process.watch.end()


def _listed(process: _Process) -> "List[Any]":
    return list(process.sessions.items())


def _release_all(sessions: List[Leaving]) -> None:
    ends = time.monotonic() + _WITHIN_SECONDS
    for session in sessions:
        session.begin_release()
    for session in sessions:
        session.wait_finished(max(0.0, ends - time.monotonic()))


def _begin_anew() -> None:
    """Runs in a forked child, which has neither the threads nor the sessions."""
    global _process
    watch = _process.watch
    _process = _Process()
    try:
        _take_handlers_out()
        watch.end()
    except ValueError:
        pass


if is_first(__name__, 1):
    # `atexit` handlers run last in, first out, so the program's, which are set later, run before
    # this. That of `logging` runs after it, as it is imported above: it waits for each log handler.
    atexit.register(_release_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_begin_anew)
