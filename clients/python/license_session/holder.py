"""Who holds a session, what was asked of them, and what was lost to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

__all__ = ["Blocked", "Holder", "LossCode", "ReleaseRequest", "SymbolLost"]

LossCode = Literal["session_taken", "session_replaced", "session_ended", "session_not_found"]


@dataclass(frozen=True)
class Holder:
    """The device that holds a session, as of the answer. Its fingerprint is masked."""

    device: str
    #: How long ago the session began.
    since_seconds: Optional[float]
    last_heartbeat_seconds_ago: Optional[float]
    #: What the device reported last, if it reports anything.
    status: Optional[str]


@dataclass(frozen=True)
class Blocked:
    """A symbol that was refused, of a claim for several."""

    symbol: str
    active_device: Optional[str]
    #: How long until the symbol is free if its holder sends nothing more.
    wait_seconds: Optional[float]
    #: As those of :class:`license_session.SessionRefused`.
    held_by_this_device: Optional[bool]
    holder: Optional[Holder]
    holder_asked: Optional[bool]
    holder_told: Optional[bool]
    holder_keeps: Optional[bool]


@dataclass(frozen=True)
class ReleaseRequest:
    """Another device asks for the session. Answer with ``release`` or with ``keep``."""

    #: The first characters of its fingerprint.
    device: str
    seconds_ago: float
    #: What it asks for; empty if the session has no symbols.
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class SymbolLost:
    """One symbol of a session was lost; the others are still held."""

    symbol: str
    code: LossCode
    active_device: Optional[str]
