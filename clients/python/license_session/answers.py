"""Interprets the service's answers. Only ``code`` counts: a proxy's 200 grants nothing, and a
firewall's 403 ends nothing.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Literal, Mapping, NamedTuple, Optional, Union, cast

from .errors import (
    LicenseEndCode,
    LicenseRefused,
    LicenseSessionError,
    RefusalCode,
    RequestUnreadable,
    ServiceNotFound,
    SessionRefused,
)
from .license import License
from .requests import CLAIM_PATH
from .runtime import Answer, Exchange, NoAnswer
from .status import End, EndCode

__all__ = [
    "Available",
    "Granted",
    "Recorded",
    "Trouble",
    "Unreadable",
    "read_claim_answer",
    "read_heartbeat_answer",
    "read_release_answer",
]


_Released = Literal["released", "not_held"]


class Granted(NamedTuple):
    session_id: str
    fencing_token: int
    session_timeout_ms: float
    heartbeat_interval_ms: float
    license: License


class Available(NamedTuple):
    license: License


class Recorded(NamedTuple):
    session_timeout_ms: Optional[float]
    license: License


class Unreadable(NamedTuple):
    problem: str


class Trouble(NamedTuple):
    """The state of the session is unknown: the request may or may not have been carried out."""

    problem: str
    status: Optional[int] = None
    request_id: Optional[str] = None
    cause: Optional[BaseException] = None
    #: How long to wait before the next request, if the answer says so.
    retry_after_ms: Optional[int] = None
    #: Whether the request certainly never left this machine.
    unsent: bool = False


def read_claim_answer(exchange: Exchange) -> Union[Granted, Available, LicenseSessionError, Trouble]:
    """Interprets the answer to a claim, or to a check whether one would be granted."""
    if isinstance(exchange, NoAnswer):
        return _troubled(exchange)
    fields = _Fields(exchange)
    code, status, request_id = fields.code, exchange.status, fields.request_id
    message = fields.text("message") or str(code)
    if code == "granted" and status == 200:
        session_id = fields.text("session_id")
        fencing_token = fields.number("fencing_token")
        timeout_seconds = fields.number("session_timeout_seconds")
        if session_id and fencing_token is not None and timeout_seconds:
            interval_seconds = fields.number("heartbeat_interval_seconds") or timeout_seconds / 3
            return Granted(
                session_id,
                int(fencing_token),
                timeout_seconds * 1000,
                interval_seconds * 1000,
                fields.license("expiry_date"),
            )
    elif code == "available" and status == 200:
        return Available(fields.license("expiry_date"))
    elif code in ("session_conflict", "session_limit"):
        return SessionRefused(
            message,
            code=cast(RefusalCode, code),
            active_device=fields.text("active_device"),
            wait_seconds=fields.number("estimated_wait_seconds"),
            status=status,
            request_id=request_id,
        )
    elif _ends_license(code):
        return LicenseRefused(
            message, code=cast(LicenseEndCode, code), status=status, request_id=request_id
        )
    elif code == "bad_request":
        field = fields.text("field")
        return RequestUnreadable(message, field=field, status=status, request_id=request_id)
    elif code is None and status == 404:
        # A gateway or web server that does not know the route. A retry would not help.
        return ServiceNotFound(
            f"The server has no /{CLAIM_PATH} (HTTP 404): check the URL of the service",
            status=status,
            request_id=request_id,
        )
    return _troubled(exchange)


def read_heartbeat_answer(exchange: Exchange) -> Union[Recorded, End, Unreadable, Trouble]:
    """Interprets the answer to a heartbeat. ``heartbeat_late`` is trouble like any other: it
    neither confirms nor ends anything.
    """
    if isinstance(exchange, NoAnswer):
        return _troubled(exchange)
    fields = _Fields(exchange)
    code = fields.code
    if code == "recorded" and exchange.status == 200:
        timeout_seconds = fields.number("session_timeout_seconds")
        return Recorded(
            timeout_seconds * 1000 if timeout_seconds else None,
            fields.license("license_expiration"),
        )
    if code in ("session_taken", "session_replaced", "session_ended"):
        return End("taken", cast(EndCode, code), fields.text("active_device"))
    if code == "session_not_found":
        return End("lost", "session_not_found")
    if _ends_license(code):
        return End("license_ended", cast(LicenseEndCode, code))
    if code == "bad_request":
        return Unreadable(f"bad_request {fields.text('field') or ''}".rstrip())
    return _troubled(exchange)


def read_release_answer(exchange: Exchange) -> Optional[_Released]:
    """``released`` or ``not_held``; ``None`` if the answer does not say which."""
    if isinstance(exchange, NoAnswer) or exchange.status != 200:
        return None
    code = _Fields(exchange).code
    return cast(_Released, code) if code in ("released", "not_held") else None


def _ends_license(code: Optional[str]) -> bool:
    return code in ("license_unknown", "license_suspended", "license_cancelled", "license_expired")


def _troubled(exchange: Exchange) -> Trouble:
    if isinstance(exchange, NoAnswer):
        return Trouble(exchange.problem, cause=exchange.cause, unsent=exchange.unsent)
    fields = _Fields(exchange)
    return Trouble(
        fields.code or f"HTTP {exchange.status}",
        status=exchange.status,
        request_id=fields.request_id,
        retry_after_ms=_retry_after_ms(exchange.headers),
    )


def _retry_after_ms(headers: Mapping[str, str]) -> Optional[int]:
    """Reads only the form in seconds. A date would depend on two wall clocks that may be wrong."""
    value = headers.get("retry-after", "").strip()
    return int(value) * 1000 if value.isdecimal() and len(value) <= 6 else None


class _Fields:
    """The members of a body that have the expected type."""

    def __init__(self, answer: Answer) -> None:
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            body = None
        self._members: Mapping[str, object] = body if isinstance(body, dict) else {}
        self.code = self.text("code")
        self.request_id = self.text("request_id") or answer.headers.get("apigw-requestid")

    def text(self, name: str) -> Optional[str]:
        value = self._members.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> Optional[float]:
        value = self._members.get(name)
        # Python's JSON parser accepts Infinity and NaN.
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return value if 0 <= value < 2**53 else None

    def license(self, expiry_field: str) -> License:
        symbols = self._members.get("active_symbols")
        listed = symbols if isinstance(symbols, list) else []
        return License(
            self.text("license_type"),
            _instant(self.text(expiry_field)),
            tuple(symbol for symbol in listed if isinstance(symbol, str)),
        )


def _instant(iso: Optional[str]) -> Optional[datetime]:
    try:
        # Python reads the Z only from 3.11 on.
        instant = datetime.fromisoformat((iso or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)
