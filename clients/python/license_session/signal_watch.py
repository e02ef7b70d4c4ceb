"""Reports signals that Python has caught but can't handle yet.

Python runs a handler on the main thread, between two steps of its code. A signal that arrives just
before the main thread begins to wait, as in ``Thread.join``, is handled when that wait ends, which
may be never. So is one that arrives while the main thread runs foreign code. But Python writes the
number of each signal at once to its "wakeup fd", here a socket on which a thread waits.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import threading
from typing import Callable, Optional

__all__ = ["SignalWatch"]

#: The process, the user and the group that have sent a byte.
_SENDER = struct.Struct("3i")


class SignalWatch:
    """One per process, on Linux only: a child that is just being forked shares the socket, and only
    Linux says which process has caught a signal.
    """

    def __init__(self, caught: Callable[[int], object]) -> None:
        """:param caught: called with the number of each signal, on a thread of its own"""
        self._caught = caught
        self._writer: Optional[socket.socket] = None
        self._programs_fd = -1

    def begin(self) -> None:
        """Without a socket or a thread nothing is reported, and all else works.

        :raises ValueError: this is not the main thread
        """
        try:
            if self._writer is None:
                self._start()
            self._replace_wakeup_fd(stays=True)
        except (OSError, RuntimeError):
            pass

    def end(self) -> None:
        """:raises ValueError: this is not the main thread"""
        try:
            self._replace_wakeup_fd(stays=False)
        except OSError:
            pass  # The program has closed the socket.

    def _start(self) -> None:
        if sys.platform != "linux":
            return
        reader, writer = socket.socketpair()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        writer.setblocking(False)
        threading.Thread(
            target=self._watch, args=(reader,), name="license-session-signals", daemon=True
        ).start()
        self._writer = writer

    def _replace_wakeup_fd(self, stays: bool) -> None:
        if self._writer is None:
            return
        own = self._writer.fileno()
        # It can only be read by being replaced.
        before = signal.set_wakeup_fd(own, warn_on_full_buffer=False)
        if before not in (-1, own):
            # The program's own takes precedence: whoever reads it wakes the main thread.
            self._programs_fd = before
            signal.set_wakeup_fd(before)
        elif not stays:
            signal.set_wakeup_fd(-1)

    def _watch(self, reader: socket.socket) -> None:
        while True:
            try:
                byte, senders, _, _ = reader.recvmsg(1, socket.CMSG_SPACE(_SENDER.size))
                if not byte:
                    return
                if any(_SENDER.unpack(sender)[0] == os.getpid() for _, _, sender in senders):
                    self._caught(byte[0])
                    if self._programs_fd != -1:
                        # Caught in the moment in which this socket was in the place of the other.
                        os.write(self._programs_fd, byte)
            except OSError:
                return  # The program has closed the socket.
