"""One try to get a request through, which another thread may give up."""

from __future__ import annotations

import socket
import threading
from typing import Optional

__all__ = ["Attempt", "GivenUp"]


class GivenUp(Exception):
    """Nobody waits for the answer any more."""


class Attempt:
    """Keeps the promise that a request given up is not sent afterwards, and ends what hangs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = None
        self._given_up = False
        self._sent = False

    def hold(self, connection: socket.socket) -> None:
        """What is to be shut down if the attempt is given up."""
        with self._lock:
            self._socket = connection
            if self._given_up:
                raise GivenUp

    def begin_sending(self) -> None:
        """:raises GivenUp: it must not be sent any more"""
        with self._lock:
            if self._given_up:
                raise GivenUp
            self._sent = True

    @property
    def is_sent(self) -> bool:
        """Whether the service may have received the request, or a part of it."""
        return self._sent

    def give_up(self) -> bool:
        """Returns whether the request had been sent."""
        with self._lock:
            self._given_up = True
            if self._socket is not None:
                try:
                    # Of the socket below TLS: that of TLS would first finish what it is at.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                except OSError:
                    pass
            return self._sent
