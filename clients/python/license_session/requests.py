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


def claim_body(caller: Body, name: ClaimName, only_if_free: bool, asks_holder: bool) -> Body:
    wishes = {"only_if_free": only_if_free, "ask_holder": asks_holder}
    return {**caller, **name._asdict(), **_those_set(wishes)}


def check_body(caller: Body, name: ClaimName, only_if_free: bool) -> Body:
    """A check names itself like a claim, because the service judges it as that claim would be."""
    return {**claim_body(caller, name, only_if_free, False), "check_only": True}


def heartbeat_body(
    caller: Body, session_id: str, symbols: Sequence[str], report: Body, keep: bool = False
) -> Body:
    """:param symbols: those that are still held, of a session of several"""
    named = _naming(caller, symbols)
    return {**named, "session_id": session_id, **report, **_those_set({"keep": keep})}


def read_report(report: Mapping[str, Any]) -> Dict[str, object]:
    """A copy of what can be reported, in plain values.

    :raises Exception: the report can't be read or can't be serialised as JSON
    """
    reported = {name: report[name] for name in _REPORTED if report.get(name) is not None}
    plain: Dict[str, object] = json.loads(json.dumps(reported, allow_nan=False))
    return plain


def release_body(caller: Body, who: Body, symbols: Optional[Sequence[str]] = None) -> Body:
    """:param who: the ``session_id``, or the name of its opening"""
    return {**(caller if symbols is None else _naming(caller, symbols)), **who}


def _those_set(flags: Mapping[str, bool]) -> Body:
    return {name: True for name, is_set in flags.items() if is_set}


def _naming(caller: Body, symbols: Sequence[str]) -> Body:
    return {**caller, "symbols": list(symbols)} if "symbols" in caller else caller
