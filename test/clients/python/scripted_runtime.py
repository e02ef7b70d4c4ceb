"""The world of a scenario: its time, and a service that answers as written.

What a scenario may say is described in ``test/clients/scenarios.ts``.
"""

from __future__ import annotations

import json
import math
import pathlib
from typing import Any, Callable, Optional

from license_session.claim_names import ClaimName
from license_session.runtime import Answer, Exchange, NoAnswer, Until

ROOT = pathlib.Path(__file__).resolve().parents[3]

_PATHS = {
    "claim": "/api/validate-license",
    "heartbeat": "/api/heartbeat",
    "release": "/api/session/release",
}

_OPEN_API = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))

#: Later than anything that a scenario says.
_END_MS = 10**9

_PROGRAM, _PROBE = 0, 1

NAME = ClaimName("run-1" * 4, 1)

#: Between the two clocks, which have nothing else to do with each other.
_WALL_LEAD_MS = 1_700_000_000_000


class ScriptedRuntime:
    """Time passes only while the client waits, from one thing to do to the next."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self._now_ms = 0
        self._wall_lead_ms = _WALL_LEAD_MS
        self._random = scenario.get("random", 0)
        self._asleep = scenario.get("asleep", [])
        self._report_takes = scenario.get("reportTakes", 0)
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._session_id: object = None
        #: Whether the program has a session.
        self.opened = False
        self._ids = 0
        self.spawned: list[Callable[[], None]] = []
        self.script = [
            (at_ms, entry)
            for entry in scenario["server"]
            for at_ms in (entry["at"] if isinstance(entry["at"], list) else [entry["at"]])
        ]
        for at_ms, by_ms in scenario.get("wallMovesOn", []):
            self.program(at_ms, lambda by_ms=by_ms: self._set_wall(by_ms))

    def program(self, at_ms: int, run: Callable[[], None]) -> None:
        """Lets the program do something, before anything else of that instant."""
        self._due.append((at_ms, _PROGRAM, run))

    def probe(self, at_ms: int, run: Callable[[], None]) -> None:
        """Looks at something, after everything else of that instant."""
        self._due.append((at_ms, _PROBE, run))

    def run(self) -> None:
        """Until nothing is left to do."""
        while self.spawned:
            self.spawned.pop(0)()
        self._pass(lambda: _END_MS)

    def now_ms(self) -> int:
        return self._now_ms

    def wall_ms(self) -> int:
        return self._now_ms + self._wall_lead_ms

    def random(self) -> float:
        return self._random

    def random_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"

    def next_claim_name(self) -> ClaimName:
        return NAME

    def wake(self) -> None:
        pass

    def spawn(self, run: Callable[[], None]) -> None:
        self.spawned.append(run)

    def call(self, program: Callable[[], object]) -> None:
        program()

    def log(self, log: Callable[[], object]) -> None:
        pass  # It would read the wall clock.

    def call_within(self, program: Callable[[], Any], until: Until) -> Optional[Any]:
        takes_ms = math.inf if self._report_takes == "for ever" else self._report_takes
        done_ms = self._now_ms + takes_ms
        is_in_time = done_ms < until()
        if takes_ms:
            self._pass(lambda: min(done_ms, until()))
        return program() if is_in_time else None

    def pause(self, until: Until) -> None:
        self._pass(lambda: min(until(), _END_MS))

    def exchange(self, path: str, body: bytes, until: Until) -> Exchange:
        request = json.loads(body)
        if not self.script:
            raise AssertionError(f"{path} was asked at {self._now_ms}, which nobody expects")
        at_ms, entry = self.script.pop(0)
        assert (self._now_ms, f"/{path}") == (
            at_ms,
            _PATHS[entry["ask"]],
        ), f"{path} was asked at {self._now_ms} instead of {entry['ask']} at {at_ms}"
        for field, value in entry.get("sends", {}).items():
            assert request.get(field) == value, f"{field} is {request.get(field)}"
        for field in entry.get("lacks", []):
            assert field not in request, f"{field} was sent"
        # All attempts of an opening share a name, by which one without a usable answer is released.
        is_named = entry["ask"] == "claim" or not self.opened
        who = NAME._asdict() if is_named else {"session_id": self._session_id}
        assert who.items() <= request.items(), request
        assert ("session_id" if is_named else "run_id") not in request, request

        result = self._result_of(entry)
        answered_ms = math.inf if result is None else self._now_ms + entry.get("after", 0)
        self._pass(lambda: min(answered_ms, until()))
        if result is None or not answered_ms < until():
            return NoAnswer("no_answer_in_time")
        if isinstance(result, Answer) and b'"session_id"' in result.body:
            self._session_id = json.loads(result.body)["session_id"]
        return result

    def _set_wall(self, by_ms: int) -> None:
        self._wall_lead_ms += by_ms

    def _pass(self, until: Until) -> None:
        while True:
            until_ms = until()
            before = [
                due
                for due in self._due
                if due[0] < until_ms or (due[0] == until_ms and due[1] == _PROGRAM)
            ]
            if until_ms <= self._now_ms and not before:
                return
            if not before:
                self._now_ms = max(self._now_ms, self._awake_at(int(until_ms)))
                return
            due = min(before, key=lambda entry: entry[:2])
            self._due.remove(due)
            self._now_ms = max(self._now_ms, self._awake_at(due[0]))
            due[2]()

    def _awake_at(self, planned_ms: int) -> int:
        for from_ms, to_ms in self._asleep:
            if from_ms < planned_ms < to_ms:
                return to_ms
        return planned_ms

    def _result_of(self, entry: dict[str, Any]) -> Optional[Exchange]:
        if entry.get("drop"):
            return None
        if "fails" in entry:
            return NoAnswer(entry["fails"], lasts=entry.get("lasting", False))
        answer = entry["answer"]
        if isinstance(answer, dict):
            body = json.dumps(answer["body"]).encode() if "body" in answer else b""
            return Answer(answer["status"], body, answer.get("headers", {}))
        responses = _OPEN_API["paths"][_PATHS[entry["ask"]]]["post"]["responses"]
        for status, response in responses.items():
            examples = response["content"]["application/json"].get("examples", {})
            if answer in examples:
                value = {
                    "held_for_seconds": 55,
                    **examples[answer]["value"],
                    **entry.get("with", {}),
                }
                return Answer(int(status), json.dumps(value).encode(), {})
        raise AssertionError(f"openapi.json has no example of {answer}")
