"""Opens a license session and keeps it. Standard library only, Python 3.9 and later.

    from license_session import open_session

    with open_session(url, license_key, device_fingerprint, symbol="ES") as session:
        while not session.wait_lost(1.0):
            if session.held:
                ...  # place an order

The right to the session starts when the last *confirmed* request was *sent*, and lasts for as long
as its answer says. The service can't have received the request earlier, so until then it lets
nobody else in. Check ``session.held`` right before each order. After the machine has slept
it is false until the service answers. The session is over only when ``wait_lost`` says so.

``license_session.asyncio`` offers the same for asyncio.
"""

from __future__ import annotations

from .errors import (
    LicenseEndCode,
    LicenseRefused,
    LicenseSessionError,
    OpeningCancelled,
    RefusalCode,
    RequestUnreadable,
    ServiceNotFound,
    ServiceUnavailable,
    SessionRefused,
)
from .holder import Blocked, Holder, ReleaseRequest, SymbolLost
from .process_end import handle_signals
from .license import License
from .opening import check_session, open_session
from .session import Session
from .status import End, EndCode, EndReason, ReleaseOutcome, State, Status
from .transport import Request, Response, Transport
from .version import __version__

__all__ = [
    "Blocked",
    "End",
    "EndCode",
    "EndReason",
    "Holder",
    "License",
    "LicenseEndCode",
    "LicenseRefused",
    "LicenseSessionError",
    "OpeningCancelled",
    "RefusalCode",
    "ReleaseOutcome",
    "ReleaseRequest",
    "Request",
    "RequestUnreadable",
    "Response",
    "ServiceNotFound",
    "ServiceUnavailable",
    "Session",
    "SessionRefused",
    "State",
    "Status",
    "SymbolLost",
    "Transport",
    "__version__",
    "check_session",
    "handle_signals",
    "open_session",
]
