"""The scenarios both clients must pass, with virtual time."""

from __future__ import annotations

import json
import math
import unittest
from typing import Any, Optional
from unittest import mock

from license_session import LicenseSessionError, ServiceUnavailable, Status
from license_session.live_session import Life
from license_session.options import Options
from license_session.timing import milliseconds
from quiet import QUIET
from scripted_runtime import ROOT, ScriptedRuntime


class StrictLife(Life):
    """Fails where the scenario is not followed."""

    def _fail(self, error: BaseException) -> None:
        raise error


class Program:
    """What a program does with a session, and what it sees of it."""

    def __init__(self, runtime: ScriptedRuntime, life: Life) -> None:
        self.runtime = runtime
        self.life = life
        self.opened_ms: Optional[int] = None
        self.refused: Optional[dict[str, object]] = None
        self.held: list[list[object]] = []
        self.releases: list[list[object]] = []
        self._releasing = 0
        runtime.wake = self._look  # type: ignore[method-assign]

    def release(self) -> None:
        self._releasing += 1
        self.life.begin_release()

    def abort(self) -> None:
        """As ``open_session`` does when its waiting is interrupted."""
        if not self.life.is_open_or_failed():
            self.refused = {"at": self.runtime.now_ms(), "error": "AbortError"}
        self.life.begin_release()

    def look_whether_held(self, at_ms: int) -> None:
        self.held.append([at_ms, self.life.right_lasts_ms() > 0])

    def _look(self) -> None:
        life, now_ms = self.life, self.runtime.now_ms()
        if life.granted and self.opened_ms is None:
            self.opened_ms = now_ms
            self.runtime.opened = True
        if life.error and self.refused is None:
            self.refused = {"at": now_ms, **error_in_short(life.error)}
        while self._releasing and life.outcome:
            self._releasing -= 1
            self.releases.append([now_ms, life.outcome])


def play(test: unittest.TestCase, scenario: dict[str, Any]) -> None:
    runtime = ScriptedRuntime(scenario)
    statuses: list[list[object]] = []
    chosen = scenario.get("options", {})
    report = {
        {"botVersion": "bot_version"}.get(name, name): value
        for name, value in scenario.get("report", {}).items()
    }
    options = Options(
        caller={"license_key": "KEY", "device_fingerprint": "device"},
        report=lambda: report,
        on_status=lambda status: statuses.append([runtime.now_ms(), *in_short(status)]),
        logger=QUIET,
        wishes={"only_if_free": True} if chosen.get("onlyIfFree") else {},
        margin_ms=chosen.get("marginMs"),
        request_timeout_ms=chosen.get("requestTimeoutMs", 5_000),
        open_within_ms=length_of(chosen.get("openWithinMs", 30_000)),
        wait_within_ms=length_of(chosen.get("waitWithinMs", 0)),
    )
    life = StrictLife(options, runtime)
    program = Program(runtime, life)
    for at_ms, what in scenario.get("does", []):
        runtime.program(at_ms, {"release": program.release, "abort": program.abort}[what])
    for at_ms, _ in scenario.get("held", []):
        runtime.probe(at_ms, lambda at_ms=at_ms: program.look_whether_held(at_ms))
    runtime.spawn(life.live)
    # The wall clock is the runtime's, and decides nothing else.
    with mock.patch("time.time", side_effect=AssertionError("The wall clock was read")):
        runtime.run()

    test.assertEqual(statuses[-scenario.get("lastStatuses", 100) :], scenario["statuses"])
    test.assertEqual(runtime.script, [])
    test.assertEqual(program.opened_ms, scenario.get("opens"))
    test.assertEqual(program.refused, scenario.get("refused"))
    test.assertEqual(program.held, scenario.get("held", []))
    if "releases" in scenario:
        test.assertEqual(program.releases, scenario["releases"])
    if life.granted is None:
        return
    end = life.end
    assert end is not None
    test.assertEqual([end.reason, end.code], statuses[-1][2:])
    test.assertEqual(end.active_device, scenario.get("endedBy", end.active_device))


def length_of(ms: Any) -> int:
    return milliseconds(math.inf) if ms == "for ever" else int(ms)


def in_short(status: Status) -> list[object]:
    right_lasts_ms = round(status.right_lasts_seconds * 1000)
    if status.state == "held":
        return ["held", right_lasts_ms]
    if status.state == "waiting":
        wait_seconds = -1 if status.wait_seconds is None else status.wait_seconds
        return ["waiting", status.active_device or "", wait_seconds]
    if status.state == "troubled":
        return ["troubled", status.problem, right_lasts_ms]
    if status.state == "ended":
        return ["ended", status.reason, status.code]
    return [status.state] if status.problem is None else [status.state, status.problem]


def error_in_short(error: LicenseSessionError) -> dict[str, object]:
    fields = {"code": "code", "activeDevice": "active_device", "waitSeconds": "wait_seconds"}
    fields["field"] = "field"
    if isinstance(error, ServiceUnavailable):
        # What is refused has its code; of what gave no usable answer, this is all there is.
        fields.update(problem="problem", status="status")
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
