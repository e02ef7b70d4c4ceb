"""What opening a session may end with. All errors have one root and survive pickling."""

from __future__ import annotations

import pickle
from typing import Any, Literal, Optional, Union, cast

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

RefusalCode = Literal["session_conflict", "session_limit"]
LicenseEndCode = Literal[
    "license_unknown", "license_suspended", "license_cancelled", "license_expired"
]


class LicenseSessionError(Exception):
    """The root of every error of this package, but for arguments that can't work (ValueError)."""

    _code: str = "error"

    def __init__(
        self, message: str, *, status: Optional[int] = None, request_id: Optional[str] = None
    ) -> None:
        super().__init__(message)
        #: The HTTP status, if there was an answer.
        self.status = status
        #: For the operator of the service, who finds it in the logs.
        self.request_id = request_id

    @property
    def code(self) -> str:
        """Stable, for programs: a code of the service, or one of the client's own."""
        return self._code

    @property
    def cause(self) -> Optional[BaseException]:
        """What the transport raised, if that was the reason."""
        return self.__cause__

    def __reduce__(self) -> Union[str, tuple[Any, ...]]:
        # A cause of somebody else's may be none that can be pickled: the error matters more.
        cause = self.__cause__
        try:
            pickle.dumps(cause)
        except Exception:
            cause = None
        return type(self), self.args, {**vars(self), "__cause__": cause}


class SessionRefused(LicenseSessionError):
    """Another device holds the session, or every seat of the license is taken (403)."""

    def __init__(
        self,
        message: str,
        *,
        code: RefusalCode = "session_conflict",
        active_device: Optional[str] = None,
        wait_seconds: Optional[float] = None,
        status: Optional[int] = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self._code = code
        #: The first characters of the holder's fingerprint.
        self.active_device = active_device
        #: How long until the session lapses if its holder sends nothing more.
        self.wait_seconds = wait_seconds

    @property
    def code(self) -> RefusalCode:
        """Whether a device is in the way or there is no seat."""
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
        """What has become of the license."""
        return cast(LicenseEndCode, self._code)


class RequestUnreadable(LicenseSessionError):
    """The service can't read what it was given (400); ``field`` says which part."""

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
    """At this address there is a server, but not the license service (404 without a code)."""

    _code = "service_not_found"


class ServiceUnavailable(LicenseSessionError):
    """No usable answer came in the time there was; ``problem`` says what came instead."""

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
    """The program gave up the opening by its ``cancel`` event."""

    _code = "cancelled"
