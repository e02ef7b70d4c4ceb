"""The bodies of the requests."""

from __future__ import annotations

import json
from typing import Any, Mapping

__all__ = [
    "CLAIM_PATH",
    "HEARTBEAT_PATH",
    "RELEASE_PATH",
    "check_body",
    "claim_body",
    "heartbeat_body",
    "release_body",
]

CLAIM_PATH = "api/validate-license"
HEARTBEAT_PATH = "api/heartbeat"
RELEASE_PATH = "api/session/release"

_REPORTED = ("bot_version", "status", "metadata")

Body = Mapping[str, object]


def claim_body(caller: Body, claim_id: str) -> Body:
    return {**caller, "claim_id": claim_id}


def check_body(caller: Body) -> Body:
    return {**caller, "check_only": True}


def heartbeat_body(caller: Body, session_id: str, report: Mapping[str, Any]) -> Body:
    """:raises Exception: the report can't be read or can't be serialised as JSON"""
    reported = {name: report[name] for name in _REPORTED if report.get(name) is not None}
    json.dumps(reported, allow_nan=False)
    return {**caller, "session_id": session_id, **reported}


def release_body(caller: Body, session_id: str) -> Body:
    return {**caller, "session_id": session_id}
