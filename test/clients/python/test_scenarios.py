"""The scenarios both clients must pass, with virtual time."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import unittest
from typing import Any, Optional
from unittest import mock

from camel_case import what_is_known
from license_session import End, LicenseSessionError, ServiceUnavailable, SessionRefused, Status
from license_session.checking import check
from license_session.live_session import Life
from license_session.options import Options
from license_session.service import Service
from license_session.timing import milliseconds
from quiet import QUIET
from scripted_runtime import ROOT, ScriptedRuntime


class StrictLife(Life):
    """Fails where the scenario is not followed."""

    def _fail(self, error: BaseException) -> None:
        raise error


class Played:
    """What a program saw of a session."""

    def __init__(self) -> None:
        self.opened_ms: Optional[int] = None
        self.refused: Optional[dict[str, object]] = None
        self.held: list[list[object]] = []
        self.holds: list[list[object]] = []
        self.symbols: list[list[object]] = []
        self.releases: list[list[object]] = []


class Program(Played):
    """What a program does with a session, and what it sees of it."""

    def __init__(self, runtime: ScriptedRuntime, life: Life) -> None:
        super().__init__()
        self.runtime = runtime
        self.life = life
        self._releasing = 0
        runtime.wake = self._look  # type: ignore[method-assign]

    def do(self, what: str, symbols: Optional[list[str]] = None) -> None:
        if what == "keep":
            self.life.keep()
        elif what == "abort":
            self._abort()
        else:
            self._release(symbols)

    def look_whether_held(self, at_ms: int) -> None:
        self.held.append([at_ms, self.life.right_lasts_ms() > 0])

    def look_whether_it_holds(self, at_ms: int, symbol: str) -> None:
        self.holds.append([at_ms, symbol, self.life.holds(symbol)])

    def look_at_symbols(self, at_ms: int) -> None:
        self.symbols.append([at_ms, list(self.life.symbols)])

    def _release(self, symbols: Optional[list[str]]) -> None:
        freed = None if symbols is None else self.life.give_back(symbols)
        if freed is not None:
            outcome = self.life.release_some(freed)
            self.releases.append([self.runtime.now_ms(), outcome])
            return
        self._releasing += 1
        self.life.begin_release()

    def _abort(self) -> None:
        """As ``open_session`` does when its waiting is interrupted."""
        if not self.life.is_open_or_failed():
            self.refused = {"at": self.runtime.now_ms(), "error": "AbortError"}
        self.life.begin_release()

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


class Seen:
    """What the callbacks of a program were called with."""

    def __init__(self, scenario: dict[str, Any], runtime: ScriptedRuntime) -> None:
        self.statuses: list[list[object]] = []
        self.lost: list[list[object]] = []
        self.asked: list[list[object]] = []
        report = {
            {"botVersion": "bot_version"}.get(name, name): value
            for name, value in scenario.get("report", {}).items()
        }
        self.callbacks: dict[str, Any] = {
            "report": lambda: report,
            "on_status": lambda status: self.statuses.append([runtime.now_ms(), *in_short(status)]),
            "on_symbol_lost": lambda loss: self.lost.append(
                [runtime.now_ms(), loss.symbol, loss.code, loss.active_device or ""]
            ),
            "on_release_request": lambda request: self.asked.append(
                [runtime.now_ms(), request.device, request.seconds_ago, list(request.symbols)]
            ),
        }


def play(test: unittest.TestCase, scenario: dict[str, Any]) -> None:
    runtime = ScriptedRuntime(scenario)
    seen = Seen(scenario, runtime)
    life = StrictLife(dataclasses.replace(options_in(scenario), **seen.callbacks), runtime)
    program = Program(runtime, life)
    schedule(scenario, runtime, program)
    runtime.spawn(life.live)
    # The wall clock is the runtime's, and decides nothing else.
    with mock.patch("time.time", side_effect=AssertionError("The wall clock was read")):
        runtime.run()
    assert_played(test, scenario, runtime, program, seen, life.end if life.granted else None)


def schedule(scenario: dict[str, Any], runtime: ScriptedRuntime, program: Any) -> None:
    """What the program does, and when it is looked at."""
    for at_ms, *what in scenario.get("does", []):
        runtime.program(at_ms, functools.partial(program.do, *what))
    for at_ms, _ in scenario.get("held", []):
        runtime.probe(at_ms, functools.partial(program.look_whether_held, at_ms))
    for at_ms, symbol, _ in scenario.get("holds", []):
        runtime.probe(at_ms, functools.partial(program.look_whether_it_holds, at_ms, symbol))
    for at_ms, _ in scenario.get("symbols", []):
        runtime.probe(at_ms, functools.partial(program.look_at_symbols, at_ms))


def assert_played(
    test: unittest.TestCase,
    scenario: dict[str, Any],
    runtime: ScriptedRuntime,
    program: Any,
    seen: Seen,
    end: Optional[End],
) -> None:
    """:param end: of the session, if one was opened"""
    test.assertEqual(seen.statuses[-scenario.get("lastStatuses", 100) :], scenario["statuses"])
    test.assertEqual(runtime.script, [])
    test.assertEqual(program.opened_ms, scenario.get("opens"))
    assert_named(test, program.refused, scenario.get("refused"))
    for name, noted in (
        ("held", program.held),
        ("holds", program.holds),
        ("symbols", program.symbols),
        ("lost", seen.lost),
        ("asked", seen.asked),
    ):
        test.assertEqual(noted, scenario.get(name, []), name)
    if "releases" in scenario:
        test.assertEqual(program.releases, scenario["releases"])
    if end:
        test.assertEqual([end.reason, end.code], seen.statuses[-1][2:])
        test.assertEqual(end.active_device, scenario.get("endedBy", end.active_device))


def play_check(test: unittest.TestCase, scenario: dict[str, Any]) -> None:
    runtime = ScriptedRuntime(scenario)
    outcome: Optional[LicenseSessionError] = None
    try:
        check(Service(options_in(scenario), runtime))
    except LicenseSessionError as error:
        outcome = error
    assert_checked(test, scenario, runtime, outcome, runtime.now_ms())


def assert_checked(
    test: unittest.TestCase,
    scenario: dict[str, Any],
    runtime: ScriptedRuntime,
    outcome: Optional[LicenseSessionError],
    at_ms: int,
) -> None:
    seen: dict[str, dict[str, Any]] = {}
    if outcome is None:
        seen["checked"] = {"available": True}
    elif isinstance(outcome, SessionRefused):
        # Of this, TypeScript returns what Python raises.
        seen["checked"] = {**error_in_short(outcome), "available": False}
        del seen["checked"]["error"]
    else:
        seen["refused"] = error_in_short(outcome)
    for name in ("checked", "refused"):
        named = seen.get(name) and {"at": at_ms, **seen[name]}
        assert_named(test, named, scenario.get(name))
    test.assertEqual(runtime.script, [])


def assert_named(
    test: unittest.TestCase, seen: Optional[dict[str, Any]], expected: Optional[dict[str, Any]]
) -> None:
    """What is expected is named; the examples of the contract may say more."""
    if seen is not None and expected is not None:
        seen = {name: value for name, value in seen.items() if name in expected}
    test.assertEqual(seen, expected)


def options_in(scenario: dict[str, Any]) -> Options:
    chosen = scenario.get("options", {})
    symbols = chosen.get("symbols")
    named = {name: chosen[name] for name in ("symbol", "symbols") if name in chosen}
    return Options(
        caller={"license_key": "KEY", "device_fingerprint": "device", **named},
        symbols=None if symbols is None else tuple(symbols),
        only_if_free=chosen.get("onlyIfFree", False),
        ask_holder=chosen.get("askHolder", False),
        logger=QUIET,
        margin_ms=chosen.get("marginMs"),
        request_timeout_ms=chosen.get("requestTimeoutMs", 5_000),
        open_within_ms=length_of(chosen.get("openWithinMs", 30_000)),
        wait_within_ms=length_of(chosen.get("waitWithinMs", 0)),
    )


def length_of(ms: Any) -> int:
    return milliseconds(math.inf) if ms == "for ever" else int(ms)


def in_short(status: Status) -> list[object]:
    right_lasts_ms = round(status.right_lasts_seconds * 1000)
    if status.state == "held":
        return ["held", right_lasts_ms]
    if status.state == "waiting":
        wait_seconds = -1 if status.wait_seconds is None else status.wait_seconds
        request = {
            "holderAsked": status.holder_asked,
            "holderTold": status.holder_told,
            "holderKeeps": status.holder_keeps,
        }
        said = [name for name, is_so in request.items() if is_so]
        return ["waiting", status.active_device or "", wait_seconds, *said]
    if status.state == "troubled":
        return ["troubled", status.problem, right_lasts_ms]
    if status.state == "ended":
        return ["ended", status.reason, status.code]
    return [status.state] if status.problem is None else [status.state, status.problem]


def error_in_short(error: LicenseSessionError) -> dict[str, object]:
    # What is refused has its code; of what gave no usable answer, problem and status are all there is.
    left_out = () if isinstance(error, ServiceUnavailable) else ("status",)
    facts = {name: value for name, value in vars(error).items() if name not in left_out}
    named = {name: value for name, value in facts.items() if name not in ("_code", "request_id")}
    known = {"code": error.code, **named}
    return {"error": type(error).__name__, **what_is_known(known)}


def add_tests(namespace: dict[str, Any], plays: Any, plays_check: Any, who: str = "") -> None:
    for file in sorted((ROOT / "clients/scenarios").glob("*.json")):
        tests = {
            f"test {scenario['guarantee']}": functools.partialmethod(
                plays_check if scenario.get("call") == "check" else plays, scenario
            )
            for scenario in json.loads(file.read_text(encoding="utf-8"))
            if "python" in scenario.get("clients", ["python"])
        }
        namespace[file.stem] = type(f"{who}{file.stem}", (unittest.TestCase,), tests)


add_tests(globals(), play, play_check)
