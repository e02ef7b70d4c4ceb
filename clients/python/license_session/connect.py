"""Connects to the address of a name that answers first."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from typing import Any, List, Sequence, Tuple, cast

__all__ = ["connect"]

#: How long an address is tried before the next one is tried in parallel (RFC 8305).
_HEAD_START_SECONDS = 0.25

_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, errno.EINTR)

_Address = Tuple[Any, ...]


def connect(host: str, port: int, ends: float) -> socket.socket:
    """Connects in time even if many addresses of the name don't answer.

    :param ends: by ``time.monotonic()``
    :raises TimeoutError: no address answered in time
    :raises OSError: no address can be connected to
    """
    waiting = _in_turn(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    problem: OSError = OSError(f"{host} has no address")
    with selectors.DefaultSelector() as trying:
        try:
            next_start = 0.0
            while waiting or trying.get_map():
                now = time.monotonic()
                if now >= ends:
                    raise TimeoutError(f"no address of {host} answered in time")
                if waiting and (now >= next_start or not trying.get_map()):
                    next_start = now + _HEAD_START_SECONDS
                    try:
                        trying.register(_begin(waiting.pop(0)), selectors.EVENT_WRITE)
                    except OSError as error:
                        problem, next_start = error, 0.0
                    continue
                for key, _ in trying.select((min(ends, next_start) if waiting else ends) - now):
                    connection = cast(socket.socket, key.fileobj)
                    trying.unregister(connection)
                    code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        return connection
                    connection.close()
                    problem, next_start = OSError(code, os.strerror(code)), 0.0
        finally:
            for key in list((trying.get_map() or {}).values()):
                cast(socket.socket, key.fileobj).close()
    raise problem


def _in_turn(addresses: Sequence[_Address]) -> List[_Address]:
    """Alternates between address families, starting with the one that the system prefers."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    ordered: List[_Address] = []
    while first or others:
        ordered += first[:1] + others[:1]
        first, others = first[1:], others[1:]
    return ordered


def _begin(address: _Address) -> socket.socket:
    family, kind, protocol, _, where = address
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        code = connection.connect_ex(where)
        if code not in _UNDER_WAY:
            raise OSError(code, os.strerror(code))
    except BaseException:
        connection.close()
        raise
    return connection
