"""The world of a scenario: its time, and a service that answers as written.

What a scenario may say is described in ``test/clients/scenarios.ts``.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any, Callable, Optional

from license_session import Answer, Exchange, Problem

ROOT = pathlib.Path(__file__).resolve().parents[3]

_PATHS = {
    "claim": "/api/validate-license",
    "heartbeat": "/api/heartbeat",
    "release": "/api/session/release",
}

_OPEN_API = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))

_PROGRAM, _PROBE = 0, 1


class ScriptedRuntime:
    """Time passes only while the client waits, from one thing to do to the next."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self._now_ms = 0
        self._random = scenario.get("random", 0)
        self._asleep = scenario.get("asleep", [])
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._session_id: object = None
        self.keep: Optional[Callable[[], None]] = None
        self.script = [
            (at_ms, entry)
            for entry in scenario["server"]
            for at_ms in (entry["at"] if isinstance(entry["at"], list) else [entry["at"]])
        ]

    def program(self, at_ms: int, run: Callable[[], None]) -> None:
        """Lets the program do something, before anything else of that instant."""
        self._due.append((at_ms, _PROGRAM, run))

    def probe(self, at_ms: int, run: Callable[[], None]) -> None:
        """Looks at something, after everything else of that instant."""
        self._due.append((at_ms, _PROBE, run))

    def run(self) -> None:
        """Runs the keeping of the session, and then what is left to do."""
        if self.keep:
            self.keep()
        self._pass(10**9, lambda: False)

    def now_ms(self) -> int:
        return self._now_ms

    def random(self) -> float:
        return self._random

    def wake(self) -> None:
        pass

    def spawn(self, keep: Callable[[], None]) -> None:
        self.keep = keep

    def pause(self, until_ms: int, cancelled: Callable[[], bool]) -> None:
        self._pass(until_ms, cancelled)

    def exchange_here(self, path: str, text: str, until_ms: int) -> Exchange:
        return self.exchange(path, text, until_ms, lambda: False)

    def exchange(
        self, path: str, text: str, until_ms: int, cancelled: Callable[[], bool]
    ) -> Exchange:
        request = json.loads(text)
        if not self.script:
            raise AssertionError(f"{path} was asked at {self._now_ms}, which nobody expects")
        at_ms, entry = self.script.pop(0)
        assert (self._now_ms, f"/{path}") == (at_ms, _PATHS[entry["ask"]]), (
            f"{path} was asked at {self._now_ms} instead of {entry['ask']} at {at_ms}"
        )
        for field, value in entry.get("sends", {}).items():
            assert request.get(field) == value, f"{field} is {request.get(field)}"
        for field in entry.get("lacks", []):
            assert field not in request, f"{field} was sent"
        if entry["ask"] != "claim":
            assert request["session_id"] == self._session_id

        result = self._result_of(entry)
        answered_ms = self._now_ms + entry.get("after", 0)
        if result is not None and answered_ms < until_ms:
            self._pass(answered_ms, cancelled)
        else:
            self._pass(until_ms, cancelled)
            result = Problem("no_answer_in_time")
        return Problem("cancelled") if cancelled() else result

    def _pass(self, until_ms: int, cancelled: Callable[[], bool]) -> None:
        while not cancelled():
            before = [
                due
                for due in self._due
                if due[0] < until_ms or (due[0] == until_ms and due[1] == _PROGRAM)
            ]
            if not before:
                self._now_ms = max(self._now_ms, self._awake_at(until_ms))
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
            return Problem(entry["fails"])
        answer = entry["answer"]
        if isinstance(answer, dict):
            return Answer(answer["status"], answer.get("body"))
        responses = _OPEN_API["paths"][_PATHS[entry["ask"]]]["post"]["responses"]
        for status, response in responses.items():
            examples = response["content"]["application/json"].get("examples", {})
            if answer in examples:
                body = {**examples[answer]["value"], **entry.get("with", {})}
                if answer == "granted":
                    self._session_id = body["session_id"]
                return Answer(int(status), body)
        raise AssertionError(f"openapi.json has no example of {answer}")
