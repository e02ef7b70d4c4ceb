"""Interprets the service's answers. Only ``code`` counts: a proxy's 200 grants nothing, and a
firewall's 403 ends nothing.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Literal, Mapping, NamedTuple, Optional, Tuple, Union, cast

from .errors import (
    LicenseEndCode,
    LicenseRefused,
    LicenseSessionError,
    RefusalCode,
    RequestUnreadable,
    ServiceNotFound,
    SessionRefused,
)
from .holder import Blocked, Holder, LossCode, ReleaseRequest, SymbolLost
from .license import License
from .requests import CLAIM_PATH
from .runtime import Answer, Exchange, NoAnswer
from .status import End

__all__ = [
    "Available",
    "Granted",
    "Lease",
    "PartLost",
    "Recorded",
    "Trouble",
    "Unreadable",
    "read_claim_answer",
    "read_heartbeat_answer",
    "read_release_answer",
]

#: What a service can mean. Anything else is a broken or hostile one, which must not decide how
#: often this client sends.
_SHORTEST_TIMEOUT_SECONDS = 1
_LONGEST_TIMEOUT_SECONDS = 86_400
_SHORTEST_INTERVAL_MS = 200

_Released = Literal["released", "not_held", "left_to_lapse"]


class Granted(NamedTuple):
    session_id: str
    fencing_token: int
    session_timeout_ms: float
    heartbeat_interval_ms: float
    #: How long the right lasts, from the sending of this very request.
    held_for_ms: float
    license: License


class Available(NamedTuple):
    license: License


class Lease(NamedTuple):
    """How long a session and the right to it last, from the sending of the request."""

    session_timeout_ms: float
    held_for_ms: float


class Recorded(NamedTuple):
    session_timeout_ms: float
    held_for_ms: float
    license: License
    release_request: Optional[ReleaseRequest] = None


class Trouble(NamedTuple):
    """The state of the session is unknown: the request may or may not have been carried out."""

    problem: str
    status: Optional[int] = None
    request_id: Optional[str] = None
    cause: Optional[BaseException] = None
    #: How long to wait before the next request, if the answer says so.
    retry_after_ms: Optional[int] = None
    #: Whether it can't pass by itself, as with a certificate of somebody else.
    lasts: bool = False


class PartLost(NamedTuple):
    """Of several symbols some are lost. The lease is that of the others."""

    held: Tuple[str, ...]
    lost: Tuple[SymbolLost, ...]
    lease: Optional[Lease]
    release_request: Optional[ReleaseRequest]
    trouble: Trouble


class Unreadable(NamedTuple):
    problem: str


def read_claim_answer(
    exchange: Exchange,
) -> Union[Granted, Available, LicenseSessionError, Trouble]:
    """Interprets the answer to a claim, or to a check whether one would be granted."""
    if isinstance(exchange, NoAnswer):
        return _troubled(exchange)
    fields = _Fields(exchange)
    code, status, request_id = fields.code, exchange.status, fields.request_id
    message = fields.text("message") or str(code)
    if code == "granted" and status == 200:
        granted = _granted(fields)
        if granted:
            return granted
    elif code == "available" and status == 200:
        return Available(fields.license("expiry_date"))
    elif code in ("session_conflict", "session_limit", "claim_late", "session_ended"):
        return SessionRefused(
            message,
            code=cast(RefusalCode, code),
            active_device=fields.text("active_device"),
            wait_seconds=fields.number("estimated_wait_seconds"),
            held_by_this_device=fields.flag("held_by_this_device"),
            blocked=fields.blocked(),
            holder=fields.holder(),
            holder_asked=fields.flag("holder_asked"),
            holder_told=fields.flag("holder_told"),
            holder_keeps=fields.flag("holder_keeps"),
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


def read_heartbeat_answer(
    exchange: Exchange, has_report: bool = False
) -> Union[Recorded, PartLost, End, Unreadable, Trouble]:
    """Interprets the answer to a heartbeat. ``heartbeat_late`` is trouble like any other: it
    neither confirms nor ends anything.

    :param has_report: a 413, of whomever on the way, is then due to the report
    """
    if isinstance(exchange, NoAnswer):
        return _troubled(exchange)
    fields = _Fields(exchange)
    code = fields.code
    lease, request = fields.lease(), fields.release_request()
    if code == "recorded" and exchange.status == 200 and lease:
        return Recorded(*lease, fields.license("license_expiration"), request)
    if _is_loss(code):
        held = fields.texts("symbols_held")
        if held:
            return PartLost(held, fields.symbols_lost(), lease, request, _troubled(exchange))
        if code == "session_not_found":
            return End("lost", "session_not_found")
        return End("taken", cast(LossCode, code), fields.text("active_device"))
    if _ends_license(code):
        return End("license_ended", cast(LicenseEndCode, code))
    if code == "bad_request":
        return Unreadable(f"bad_request {fields.text('field') or ''}".rstrip())
    if has_report and exchange.status == 413:
        return Unreadable("HTTP 413")
    return _troubled(exchange)


def read_release_answer(exchange: Exchange) -> Optional[_Released]:
    """``None`` if the answer does not say what became of the session."""
    if isinstance(exchange, NoAnswer) or exchange.status != 200:
        return None
    code = _Fields(exchange).code
    known = ("released", "not_held", "left_to_lapse")
    return cast(_Released, code) if code in known else None


def _granted(fields: _Fields) -> Optional[Granted]:
    session_id, fencing_token = fields.text("session_id"), fields.number("fencing_token")
    lease = fields.lease()
    if not session_id or fencing_token is None or fencing_token % 1 or lease is None:
        return None
    timeout_ms, held_for_ms = lease
    interval_ms = timeout_ms / 3
    if fields.has("heartbeat_interval_seconds"):
        interval_ms = (fields.number("heartbeat_interval_seconds") or 0) * 1000
    if not max(_SHORTEST_INTERVAL_MS, timeout_ms / 10) <= interval_ms <= timeout_ms / 2:
        return None
    license = fields.license("expiry_date")
    return Granted(session_id, int(fencing_token), timeout_ms, interval_ms, held_for_ms, license)


def _is_loss(code: Optional[str]) -> bool:
    return code in ("session_taken", "session_replaced", "session_ended", "session_not_found")


def _ends_license(code: Optional[str]) -> bool:
    return code in ("license_unknown", "license_suspended", "license_cancelled", "license_expired")


def _troubled(exchange: Exchange) -> Trouble:
    if isinstance(exchange, NoAnswer):
        return Trouble(exchange.problem, cause=exchange.cause, lasts=exchange.lasts)
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
    """The members of a JSON object that have the expected type."""

    def __init__(self, source: Union[Answer, Mapping[str, object]]) -> None:
        if isinstance(source, Answer):
            try:
                body = json.loads(source.body)
            except (ValueError, RecursionError):
                body = None
            self._members: Mapping[str, object] = body if isinstance(body, dict) else {}
            self.request_id = self.text("request_id") or source.headers.get("apigw-requestid")
        else:
            self._members = source
        self.code = self.text("code")

    def text(self, name: str) -> Optional[str]:
        value = self._members.get(name)
        return value if isinstance(value, str) else None

    def texts(self, name: str) -> Tuple[str, ...]:
        value = self._members.get(name)
        return tuple(_ for _ in value if isinstance(_, str)) if isinstance(value, list) else ()

    def has(self, name: str) -> bool:
        return self._members.get(name) is not None

    def flag(self, name: str) -> Optional[bool]:
        value = self._members.get(name)
        return value if isinstance(value, bool) else None

    def number(self, name: str) -> Optional[float]:
        value = self._members.get(name)
        # Python's JSON parser accepts Infinity and NaN.
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return value if 0 <= value < 2**53 else None

    def objects(self, name: str) -> Tuple[_Fields, ...]:
        value = self._members.get(name)
        listed = value if isinstance(value, list) else [value]
        return tuple(_Fields(entry) for entry in listed if isinstance(entry, dict))

    def lease(self) -> Optional[Lease]:
        """``None`` unless both make sense."""
        timeout_seconds = self.number("session_timeout_seconds") or 0
        held_for_seconds = self.number("held_for_seconds") or 0
        if not _SHORTEST_TIMEOUT_SECONDS <= timeout_seconds <= _LONGEST_TIMEOUT_SECONDS:
            return None
        if not 0 < held_for_seconds <= timeout_seconds:
            return None
        return Lease(timeout_seconds * 1000, held_for_seconds * 1000)

    def license(self, expiry_field: str) -> License:
        return License(
            self.text("license_type"),
            _instant(self.text(expiry_field)),
            self.texts("active_symbols"),
        )

    def holder(self) -> Optional[Holder]:
        for fields in self.objects("holder"):
            device = fields.text("device")
            if device is None:
                break
            return Holder(
                device,
                fields.number("since_seconds"),
                fields.number("last_heartbeat_seconds_ago"),
                fields.text("status"),
            )
        return None

    def blocked(self) -> Tuple[Blocked, ...]:
        return tuple(
            Blocked(
                fields.text("symbol") or "",
                fields.text("active_device"),
                fields.number("estimated_wait_seconds"),
                fields.flag("held_by_this_device"),
                fields.holder(),
                fields.flag("holder_asked"),
                fields.flag("holder_told"),
                fields.flag("holder_keeps"),
            )
            for fields in self.objects("blocked")
            if fields.text("symbol") is not None
        )

    def symbols_lost(self) -> Tuple[SymbolLost, ...]:
        return tuple(
            SymbolLost(
                fields.text("symbol") or "",
                cast(LossCode, fields.code if _is_loss(fields.code) else "session_not_found"),
                fields.text("active_device"),
            )
            for fields in self.objects("symbols_lost")
            if fields.text("symbol") is not None
        )

    def release_request(self) -> Optional[ReleaseRequest]:
        device = self.text("release_asked_by")
        if device is None:
            return None
        seconds_ago = self.number("release_asked_seconds_ago") or 0.0
        return ReleaseRequest(device, seconds_ago, self.texts("release_asked_symbols"))


def _instant(iso: Optional[str]) -> Optional[datetime]:
    try:
        # Python reads the Z only from 3.11 on.
        instant = datetime.fromisoformat((iso or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)
