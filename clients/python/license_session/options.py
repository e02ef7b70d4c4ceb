"""The program's arguments, validated and converted to milliseconds."""

from __future__ import annotations

import logging
import math
import numbers
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Protocol, Sequence, Tuple, Union

from .answers import Granted
from .holder import ReleaseRequest, SymbolLost
from .service_url import base_url, path_of
from .signatures import Verifier
from .status import Status
from .symbols import in_service_form
from .timing import Timing, milliseconds, timing_of
from .transport import Transport

__all__ = [
    "Logger",
    "OnReleaseRequest",
    "OnStatus",
    "OnSymbolLost",
    "Options",
    "Report",
    "Signing",
    "options_of",
    "symbols_of",
]

OnStatus = Callable[[Status], object]
OnSymbolLost = Callable[[SymbolLost], object]
OnReleaseRequest = Callable[[ReleaseRequest], object]
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

    #: ``license_key``, ``device_fingerprint`` and, if there is one, ``symbol`` or ``symbols``.
    caller: Mapping[str, object]
    #: Those of a session of several.
    symbols: Optional[Tuple[str, ...]] = None
    only_if_free: bool = False
    ask_holder: bool = False
    report: Optional[Report] = None
    on_status: Optional[OnStatus] = None
    on_symbol_lost: Optional[OnSymbolLost] = None
    on_release_request: Optional[OnReleaseRequest] = None
    logger: Union[logging.Logger, "logging.LoggerAdapter[Any]", Logger] = LOGGER
    margin_ms: Optional[int] = None
    request_timeout_ms: int = 5_000
    open_within_ms: int = 30_000
    wait_within_ms: int = 0
    signing: Optional[Signing] = None

    @property
    def all_symbols(self) -> Tuple[str, ...]:
        """The symbol or the symbols; empty without one."""
        symbol = self.caller.get("symbol")
        return self.symbols or ((symbol,) if isinstance(symbol, str) else ())

    def timing_of(self, granted: Granted) -> Timing:
        """The timing of a session, by what the service named."""
        return timing_of(
            granted.session_timeout_ms,
            granted.held_for_ms,
            granted.heartbeat_interval_ms,
            self.margin_ms,
            self.request_timeout_ms,
        )


def options_of(
    url: str,
    license_key: str,
    device_fingerprint: str,
    symbol: Optional[str],
    symbols: Optional[Sequence[str]] = None,
    *,
    only_if_free: bool = False,
    ask_holder: bool = False,
    report: Optional[Report] = None,
    on_status: Optional[OnStatus] = None,
    on_symbol_lost: Optional[OnSymbolLost] = None,
    on_release_request: Optional[OnReleaseRequest] = None,
    logger: Optional[Logger] = None,
    margin_seconds: Optional[float] = None,
    request_timeout_seconds: float = 5.0,
    open_within_seconds: float = 30.0,
    wait_within_seconds: float = 0.0,
    transport: Optional[Transport] = None,
    public_keys: Union[str, Sequence[str], None] = None,
) -> Options:
    """:raises TypeError, ValueError: an argument is invalid; says which, and what is expected"""
    base = base_url(url, any_scheme=transport is not None)
    caller: dict[str, object] = {
        "license_key": _text("license_key", license_key, "the key as its owner received it"),
        "device_fingerprint": _text(
            "device_fingerprint", device_fingerprint, "1 to 255 characters"
        ),
    }
    several: Optional[Tuple[str, ...]] = None
    if symbols is not None:
        if symbol is not None:
            raise ValueError("symbol and symbols are both given: name all of them in symbols")
        several = symbols_of("symbols", symbols)
        caller["symbols"] = list(several)
    elif symbol is not None:
        caller["symbol"] = _text("symbol", symbol)
    margin_s = None if margin_seconds is None else _seconds("margin_seconds", margin_seconds)
    request_timeout_s = _seconds("request_timeout_seconds", request_timeout_seconds)
    if margin_s == math.inf:
        raise ValueError("margin_seconds is inf: expected a number of seconds, and finite")
    if not 0 < request_timeout_s < math.inf:
        raise ValueError(
            f"request_timeout_seconds is {request_timeout_s}: expected more than 0, and finite"
        )
    open_within_s = _seconds("open_within_seconds", open_within_seconds)
    wait_within_s = _seconds("wait_within_seconds", wait_within_seconds)
    for name, call in (
        ("report", report),
        ("on_status", on_status),
        ("on_symbol_lost", on_symbol_lost),
        ("on_release_request", on_release_request),
        ("transport", transport),
    ):
        if call is not None and not callable(call):
            raise TypeError(f"{name} is a {type(call).__name__}: expected a function")
    if isinstance(logger, str):
        raise TypeError(
            "logger is a str: expected a logger, such as logging.getLogger of that name"
        )
    return Options(
        caller=caller,
        symbols=several,
        only_if_free=bool(only_if_free),
        ask_holder=bool(ask_holder),
        report=report,
        on_status=on_status,
        on_symbol_lost=on_symbol_lost,
        on_release_request=on_release_request,
        logger=LOGGER if logger is None else logger,
        margin_ms=None if margin_s is None else milliseconds(margin_s),
        request_timeout_ms=max(1, milliseconds(request_timeout_s)),
        open_within_ms=milliseconds(open_within_s),
        wait_within_ms=milliseconds(wait_within_s),
        signing=None if public_keys is None else Signing(Verifier(public_keys), path_of(base)),
    )


def symbols_of(name: str, symbols: Sequence[str]) -> Tuple[str, ...]:
    """:raises TypeError, ValueError: it is no list of names, or names one twice"""
    if isinstance(symbols, (str, bytes)):
        raise TypeError(f"{name} is a {type(symbols).__name__}: expected a list of names")
    try:
        several = tuple(_text(f"{name}[{at}]", each) for at, each in enumerate(symbols))
    except TypeError as error:
        if "is not iterable" not in str(error):
            raise
        raise TypeError(f"{name} is a {type(symbols).__name__}: expected a list of names") from None
    if not several:
        raise ValueError(f"{name} is empty: expected at least one name")
    known: dict[str, str] = {}
    for each in several:
        other = known.setdefault(in_service_form(each), each)
        if other is not each:
            raise ValueError(f"{name} has {other!r} and {each!r}, which are the same symbol")
    return several


def _text(name: str, value: object, expected: str = "a name") -> str:
    if not isinstance(value, str):
        # Without the value: it may be the key.
        raise TypeError(f"{name} is a {type(value).__name__}: expected a str, {expected}")
    if not value.strip():
        raise ValueError(f"{name} is empty: expected {expected}")
    return value


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        given = f"{value!r}, a {type(value).__name__}"
        raise TypeError(f"{name} is {given}: expected a number of seconds")
    seconds = float(value)
    if not seconds >= 0:
        raise ValueError(f"{name} is {value}: expected 0 or more seconds")
    return seconds
