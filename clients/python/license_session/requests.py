"""The bodies of the requests."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional, Sequence

from .claim_names import ClaimName

__all__ = [
    "CLAIM_PATH",
    "HEARTBEAT_PATH",
    "RELEASE_PATH",
    "check_body",
    "claim_body",
    "heartbeat_body",
    "read_report",
    "release_body",
]

CLAIM_PATH = "api/validate-license"
HEARTBEAT_PATH = "api/heartbeat"
RELEASE_PATH = "api/session/release"

_REPORTED = ("bot_version", "status", "metadata")

Body = Mapping[str, object]


def claim_body(caller: Body, name: ClaimName, wishes: Body) -> Body:
    """:param wishes: ``only_if_free`` and ``ask_holder``"""
    return {**caller, **name._asdict(), **wishes}


def check_body(caller: Body, name: ClaimName, wishes: Body) -> Body:
    return {**claim_body(caller, name, wishes), "check_only": True}


def heartbeat_body(
    caller: Body, session_id: str, symbols: Sequence[str], report: Body, keep: bool = False
) -> Body:
    """:param symbols: those that are still held, of a session of several"""
    kept = {"keep": True} if keep else {}
    return {**_naming(caller, symbols), "session_id": session_id, **report, **kept}


def read_report(report: Mapping[str, Any]) -> Dict[str, object]:
    """A copy of what can be reported, in plain values.

    :raises Exception: the report can't be read or can't be serialised as JSON
    """
    reported = {name: report[name] for name in _REPORTED if report.get(name) is not None}
    plain: Dict[str, object] = json.loads(json.dumps(reported, allow_nan=False))
    return plain


def release_body(
    caller: Body, who: Body, symbols: Optional[Sequence[str]] = None
) -> Body:
    """:param who: the ``session_id``, or the name of its opening"""
    return {**(caller if symbols is None else _naming(caller, symbols)), **who}


def _naming(caller: Body, symbols: Sequence[str]) -> Body:
    return {**caller, "symbols": list(symbols)} if "symbols" in caller else caller
