"""One attempt to send a request, which another thread may abort."""

from __future__ import annotations

import socket
import threading
from typing import Optional

__all__ = ["Attempt", "GivenUp"]


class GivenUp(Exception):
    """The request was abandoned; nothing waits for the answer."""


class Attempt:
    """Ensures that an abandoned request is not sent later, and closes a hanging connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = None
        self._given_up = False
        self._sent = False

    def hold(self, connection: socket.socket) -> None:
        """Sets the socket to shut down if the attempt is given up."""
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
                    # Of the plain socket: the TLS socket would first finish its current operation.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                except OSError:
                    pass
            return self._sent
