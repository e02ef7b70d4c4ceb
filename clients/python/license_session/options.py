"""The program's arguments, validated and converted to milliseconds."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Protocol, Sequence, Union

from .answers import Granted
from .signatures import Verifier
from .status import Status
from .timing import Timing, milliseconds, timing_of
from .transport import path_of

__all__ = ["Logger", "OnStatus", "Options", "Report", "Signing", "options_of"]

OnStatus = Callable[[Status], object]
Report = Callable[[], Mapping[str, Any]]


class Logger(Protocol):
    """A logger of ``logging``, an adapter of one, or any object with these methods."""

    def debug(self, msg: str, *args: object) -> object:
        ...

    def info(self, msg: str, *args: object) -> object:
        ...

    def warning(self, msg: str, *args: object) -> object:
        ...

    def exception(self, msg: str, *args: object) -> object:
        ...


LOGGER = logging.getLogger("license_session")


@dataclass(frozen=True)
class Signing:
    """What is needed to verify signed answers."""

    verifier: Verifier
    #: The path of the service's address, which the signature covers.
    base_path: str


@dataclass(frozen=True)
class Options:
    """The arguments of an opening. All times are milliseconds."""

    #: ``license_key``, ``device_fingerprint`` and, if there is one, ``symbol``.
    caller: Mapping[str, str]
    report: Optional[Report] = None
    on_status: Optional[OnStatus] = None
    logger: Union[logging.Logger, "logging.LoggerAdapter[Any]", Logger] = LOGGER
    margin_ms: Optional[int] = None
    request_timeout_ms: int = 5_000
    open_within_ms: int = 30_000
    wait_within_ms: int = 0
    signing: Optional[Signing] = None

    def timing_of(self, granted: Granted) -> Timing:
        """The timing of a session, by what the service named."""
        return timing_of(
            granted.session_timeout_ms,
            granted.heartbeat_interval_ms,
            self.margin_ms,
            self.request_timeout_ms,
        )


def options_of(
    license_key: str,
    device_fingerprint: str,
    symbol: Optional[str],
    *,
    report: Optional[Report] = None,
    on_status: Optional[OnStatus] = None,
    logger: Optional[Logger] = None,
    margin_seconds: Optional[float] = None,
    request_timeout_seconds: float = 5.0,
    open_within_seconds: float = 30.0,
    wait_within_seconds: float = 0.0,
    public_keys: Union[str, Sequence[str], None] = None,
    url: str = "",
) -> Options:
    """:raises ValueError: an argument is invalid"""
    if margin_seconds is not None and not 0 <= margin_seconds < math.inf:
        raise ValueError(f"margin_seconds is {margin_seconds}: it must be 0 or more, and finite")
    if not 0 < request_timeout_seconds < math.inf:
        raise ValueError(
            f"request_timeout_seconds is {request_timeout_seconds}: it must be positive and finite"
        )
    if not open_within_seconds >= 0:
        raise ValueError(f"open_within_seconds is {open_within_seconds}: it must be 0 or more")
    if not wait_within_seconds >= 0:
        raise ValueError(f"wait_within_seconds is {wait_within_seconds}: it must be 0 or more")
    caller = {"license_key": license_key, "device_fingerprint": device_fingerprint}
    if symbol is not None:
        caller["symbol"] = symbol
    return Options(
        caller=caller,
        report=report,
        on_status=on_status,
        logger=LOGGER if logger is None else logger,
        margin_ms=None if margin_seconds is None else milliseconds(margin_seconds),
        request_timeout_ms=max(1, milliseconds(request_timeout_seconds)),
        open_within_ms=milliseconds(open_within_seconds),
        wait_within_ms=milliseconds(wait_within_seconds),
        signing=None
        if public_keys is None
        else Signing(Verifier(public_keys), path_of(url).rstrip("/")),
    )
