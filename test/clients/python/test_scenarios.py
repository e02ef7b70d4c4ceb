"""The scenarios both clients must pass, with virtual time."""

from __future__ import annotations

import json
import math
import unittest
from typing import Any, Optional
from unittest import mock

import license_session
from license_session import Session, Status
from scripted_runtime import ROOT, ScriptedRuntime


def play(test: unittest.TestCase, scenario: dict[str, Any]) -> None:
    runtime = ScriptedRuntime(scenario)
    statuses: list[list[object]] = []
    releases: list[list[object]] = []
    held: list[list[object]] = []
    session: Optional[Session] = None
    opened_ms: Optional[int] = None
    refused: Optional[dict[str, object]] = None

    def release() -> None:
        if session is not None:
            outcome = session.release()
            releases.append([runtime.now_ms(), outcome])

    def look(at_ms: int) -> None:
        held.append([at_ms, session is not None and session.held])

    for at_ms, what in scenario.get("does", []):
        test.assertEqual(what, "release")
        runtime.program(at_ms, release)
    for at_ms, _ in scenario.get("held", []):
        runtime.probe(at_ms, lambda at_ms=at_ms: look(at_ms))

    chosen = scenario.get("options", {})
    open_within = chosen.get("openWithinMs", 30_000)
    report = {
        {"botVersion": "bot_version"}.get(name, name): value
        for name, value in scenario.get("report", {}).items()
    }
    options = license_session._Options(
        caller={"license_key": "KEY", "device_fingerprint": "device"},
        report=lambda: report,
        on_status=lambda status: statuses.append([runtime.now_ms(), *in_short(status)]),
        margin_ms=chosen.get("marginMs"),
        request_timeout_ms=chosen.get("requestTimeoutMs", 5_000),
        open_within_ms=(
            license_session._milliseconds(math.inf) if open_within == "for ever" else open_within
        ),
    )
    wall_clock = AssertionError("The wall clock was read")
    with mock.patch("time.time", side_effect=wall_clock):
        try:
            session = license_session._open_with(options, runtime)
            opened_ms = runtime.now_ms()
        except Exception as error:
            refused = {"at": runtime.now_ms(), **error_in_short(error)}
        runtime.run()

    test.assertEqual(statuses[-scenario.get("lastStatuses", 100) :], scenario["statuses"])
    test.assertEqual(runtime.script, [])
    test.assertEqual(opened_ms, scenario.get("opens"))
    test.assertEqual(refused, scenario.get("refused"))
    test.assertEqual(held, scenario.get("held", []))
    if "releases" in scenario:
        test.assertEqual(releases, scenario["releases"])
    if session is None:
        return
    test.assertTrue(session.wait_lost(0))
    end = session.ended
    assert end is not None
    test.assertEqual([end.reason, end.code], statuses[-1][2:])
    test.assertEqual(end.active_device, scenario.get("endedBy", end.active_device))


def in_short(status: Status) -> list[object]:
    right_lasts_ms = round(status.right_lasts_seconds * 1000)
    if status.state == "held":
        return ["held", right_lasts_ms]
    if status.state == "troubled":
        return ["troubled", status.problem, right_lasts_ms]
    if status.state == "ended":
        return ["ended", status.reason, status.code]
    return [status.state] if status.problem is None else [status.state, status.problem]


def error_in_short(error: Exception) -> dict[str, object]:
    fields = {"code": "code", "activeDevice": "active_device", "waitSeconds": "wait_seconds"}
    fields["field"] = "field"
    known = {name: getattr(error, attribute, None) for name, attribute in fields.items()}
    return {
        "error": type(error).__name__,
        **{name: value for name, value in known.items() if value is not None},
    }


def add_tests() -> None:
    for file in sorted((ROOT / "clients/scenarios").glob("*.json")):
        tests = {
            f"test {scenario['guarantee']}": lambda self, scenario=scenario: play(self, scenario)
            for scenario in json.loads(file.read_text(encoding="utf-8"))
            if "python" in scenario.get("clients", ["python"])
        }
        globals()[file.stem] = type(file.stem, (unittest.TestCase,), tests)


add_tests()

if __name__ == "__main__":
    unittest.main()
