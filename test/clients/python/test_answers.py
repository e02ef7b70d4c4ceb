"""What an answer means: both clients read each in ``clients/vectors/answers.json`` alike."""

from __future__ import annotations

import json
import unittest
from datetime import datetime, timezone
from typing import Any, Optional

from license_session.answers import (
    Available,
    Granted,
    PartLost,
    Recorded,
    Trouble,
    Unreadable,
    read_claim_answer,
    read_heartbeat_answer,
    read_release_answer,
)
from license_session.errors import RequestUnreadable, ServiceNotFound, SessionRefused
from license_session.license import License
from license_session.runtime import Answer, NoAnswer
from license_session.status import End
from camel_case import in_camel_case, what_is_known
from scripted_runtime import ROOT

_KINDS = {Granted: "granted", Recorded: "recorded", Available: "available"}

#: Of a request without an answer.
_INNER = ("cause", "lasts")

_OF_EACH_ERROR = ("_code", "status", "request_id")
_NAMED = {SessionRefused: ("activeDevice", "waitSeconds"), RequestUnreadable: ("field",)}


def meaning_of(ask: str, answer: Answer) -> dict[str, Any]:
    if ask == "release":
        return {"is": read_release_answer(answer)}
    read = read_claim_answer(answer) if ask == "claim" else read_heartbeat_answer(answer)
    if isinstance(read, (Granted, Recorded, Available)):
        return {
            "is": _KINDS[type(read)],
            **what_is_known(read),
            "license": license_of(read.license),
        }
    if isinstance(read, PartLost):
        known = what_is_known(read._replace(trouble=None))
        return {"is": "part_lost", "lease": None, **known}
    if isinstance(read, End):
        by = read.active_device
        return {"is": "ended", "reason": read.reason, "code": read.code, "activeDevice": by}
    if isinstance(read, Unreadable):
        return {"is": "unreadable", "problem": read.problem}
    if isinstance(read, Trouble):
        known = in_camel_case(read)
        return {"is": "trouble", **{name: known[name] for name in known if name not in _INNER}}
    facts = {name: each for name, each in vars(read).items() if name not in _OF_EACH_ERROR}
    return {
        "is": type(read).__name__,
        "code": read.code,
        # It names the option by which each language takes the URL.
        **({} if isinstance(read, ServiceNotFound) else {"message": str(read)}),
        # What only newer refusals say is left out where it is not known.
        **{name: None for name in _NAMED.get(type(read), ())},
        **what_is_known(facts),
        "status": read.status,
        "requestId": read.request_id,
    }


def license_of(license: License) -> dict[str, Any]:
    expires_at: Optional[str] = None
    if license.expires_at is not None:
        expires_at = license.expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "type": license.type,
        "expiresAt": expires_at,
        "activeSymbols": list(license.active_symbols),
    }


class Answers(unittest.TestCase):
    maxDiff = None

    def test_no_answer_is_trouble_and_says_nothing_of_a_release(self) -> None:
        cause = OSError("refused")
        for lasts in (True, False):
            exchange = NoAnswer("ECONNREFUSED", cause=cause, lasts=lasts)
            trouble = Trouble("ECONNREFUSED", cause=cause, lasts=lasts)
            self.assertEqual(read_claim_answer(exchange), trouble)
            self.assertEqual(read_heartbeat_answer(exchange), trouble)
            self.assertIsNone(read_release_answer(exchange))

    def test_an_end_without_zone_is_of_utc_and_one_of_another_zone_the_same_instant(self) -> None:
        for written in ("2027-01-31T18:00:00", "2027-01-31T19:00:00+01:00"):
            body = json.dumps({"code": "available", "expiry_date": written}).encode()
            read = read_claim_answer(Answer(200, body, {}))
            assert isinstance(read, Available)
            ends = datetime(2027, 1, 31, 18, tzinfo=timezone.utc)
            self.assertEqual(read.license.expires_at, ends)

    def test_a_server_without_the_service_is_named_with_its_path(self) -> None:
        read = read_claim_answer(Answer(404, b"", {}))
        self.assertIn("no /api/validate-license (HTTP 404): check the URL", str(read))


def add_tests() -> None:
    file = ROOT / "clients/vectors/answers.json"
    for case in json.loads(file.read_text(encoding="utf-8")):

        def check(self: unittest.TestCase, case: dict[str, Any] = case) -> None:
            body = case["text"] if "text" in case else json.dumps(case["body"])
            answer = Answer(case["status"], body.encode(), case.get("headers", {}))
            self.assertEqual(meaning_of(case["ask"], answer), case["means"])

        name = f"test {case['ask']}, {case['status']}: {case['guarantee']}"
        assert not hasattr(Answers, name), name
        setattr(Answers, name, check)


add_tests()
