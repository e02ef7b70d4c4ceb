"""One attempt to send a request, which another thread may abort."""

from __future__ import annotations

import socket
from typing import Optional

__all__ = ["Attempt", "GivenUp"]


class GivenUp(Exception):
    """The request was abandoned; nothing waits for the answer."""


class Attempt:
    """Ensures that an abandoned request is not sent later, and closes a hanging connection.

    Whether it was sent already is nobody's business: it may have been, whatever is said of it.
    """

    def __init__(self) -> None:
        self._socket: Optional[socket.socket] = None
        self._given_up = False

    def hold(self, connection: socket.socket) -> None:
        """Sets the socket to shut down if the attempt is given up.

        :raises GivenUp: it was before
        """
        # Either this sees that it was given up, or that sees the socket: no lock is needed.
        self._socket = connection
        self.check()

    def check(self) -> None:
        """:raises GivenUp: nothing must be sent any more"""
        if self._given_up:
            raise GivenUp

    def give_up(self) -> None:
        self._given_up = True
        if self._socket is not None:
            try:
                # Of the plain socket: the TLS socket would first finish its current operation.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                pass
