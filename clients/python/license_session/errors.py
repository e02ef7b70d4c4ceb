"""The errors of opening a session. They share one base class and survive pickling."""

from __future__ import annotations

import pickle
from typing import Any, Literal, Optional, Tuple, Union, cast

from .holder import Blocked, Holder
from .one_per_process import is_first

__all__ = [
    "LicenseEndCode",
    "LicenseRefused",
    "LicenseSessionError",
    "OpeningCancelled",
    "RefusalCode",
    "RequestUnreadable",
    "ServiceNotFound",
    "ServiceUnavailable",
    "SessionRefused",
]

RefusalCode = Literal["session_conflict", "session_limit", "claim_late", "session_ended"]
LicenseEndCode = Literal[
    "license_unknown", "license_suspended", "license_cancelled", "license_expired"
]


class LicenseSessionError(Exception):
    """The base class of all errors of this package, except for invalid arguments (ValueError)."""

    _code: str = "error"

    def __init__(
        self, message: str, *, status: Optional[int] = None, request_id: Optional[str] = None
    ) -> None:
        super().__init__(message)
        #: The HTTP status, if there was an answer.
        self.status = status
        #: By this id the operator of the service finds the request in the logs.
        self.request_id = request_id

    @property
    def code(self) -> str:
        """A stable code for programs: one of the service, or of this client."""
        return self._code

    @property
    def cause(self) -> Optional[BaseException]:
        """The exception of the transport, if that was the reason."""
        return self.__cause__

    def __reduce__(self) -> Union[str, tuple[Any, ...]]:
        # A foreign cause may not be picklable. The error is then pickled without it.
        cause = self.__cause__
        try:
            pickle.dumps(cause)
        except Exception:
            cause = None
        return type(self), self.args, {**vars(self), "__cause__": cause}


class SessionRefused(LicenseSessionError):
    """Another device holds the session, or every seat of the license is taken (403); or this
    opening came too late (409).
    """

    def __init__(
        self,
        message: str,
        *,
        code: RefusalCode = "session_conflict",
        active_device: Optional[str] = None,
        wait_seconds: Optional[float] = None,
        held_by_this_device: Optional[bool] = None,
        blocked: Tuple[Blocked, ...] = (),
        holder: Optional[Holder] = None,
        holder_asked: Optional[bool] = None,
        holder_told: Optional[bool] = None,
        holder_keeps: Optional[bool] = None,
        status: Optional[int] = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self._code = code
        #: The first characters of the holder's fingerprint.
        self.active_device = active_device
        #: How long until the session lapses if its holder sends nothing more.
        self.wait_seconds = wait_seconds
        #: Whether this very device holds what is in the way, so that waiting would not help.
        self.held_by_this_device = held_by_this_device
        #: With several symbols: each that is in the way. The others can be claimed without them.
        self.blocked = blocked
        #: What is known of the session in the way.
        self.holder = holder
        #: With ``ask_holder``: whether the holder was asked to release. False if it can't be asked.
        self.holder_asked = holder_asked
        #: Whether a heartbeat's answer has told the holder.
        self.holder_told = holder_told
        #: Whether the holder answered that it keeps the session.
        self.holder_keeps = holder_keeps

    @property
    def code(self) -> RefusalCode:
        """Another device holds the session, no seat is free, or this opening is over: a later one
        of this process went ahead (``claim_late``), or an operator ended it (``session_ended``).
        """
        return cast(RefusalCode, self._code)


class LicenseRefused(LicenseSessionError):
    """The license is unknown, suspended, cancelled or expired (401)."""

    def __init__(
        self,
        message: str,
        *,
        code: LicenseEndCode = "license_unknown",
        status: Optional[int] = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self._code = code

    @property
    def code(self) -> LicenseEndCode:
        """Why the license can't be used."""
        return cast(LicenseEndCode, self._code)


class RequestUnreadable(LicenseSessionError):
    """The service can't read the request (400); ``field`` names the part."""

    _code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        field: Optional[str] = None,
        status: Optional[int] = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.field = field


class ServiceNotFound(LicenseSessionError):
    """The server at this address is not the license service (404 without a code)."""

    _code = "service_not_found"


class ServiceUnavailable(LicenseSessionError):
    """No usable answer came in time; ``problem`` says what happened instead."""

    _code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        problem: str = "",
        status: Optional[int] = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.problem = problem


class OpeningCancelled(LicenseSessionError):
    """The program cancelled the opening by its ``cancel`` event."""

    _code = "cancelled"


is_first(__name__, 1)
