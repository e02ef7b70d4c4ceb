"""Code of the program that is slow, hangs or fails costs no session."""

from __future__ import annotations

import logging
import math
import threading
from typing import Any

from fake_service import HEARTBEAT, RECORDED, RELEASE, ServiceTest, until
from license_session import Session, Status
from license_session.program_calls import ProgramCalls


class Callbacks(ServiceTest):
    def test_callbacks_come_one_at_a_time_in_order_and_before_a_release_returns(self) -> None:
        under_way = threading.Lock()
        statuses: list[Status] = []

        def on_status(status: Status) -> None:
            self.assertTrue(under_way.acquire(blocking=False))
            if status.state == "held":
                self.assertTrue(self.heartbeats(len(statuses)))
            statuses.append(status)
            under_way.release()

        def report() -> "dict[str, Any]":
            self.assertTrue(under_way.acquire(blocking=False))
            under_way.release()
            return {}

        with self.open(on_status=on_status, report=report):
            self.assertTrue(until(lambda: len(statuses) >= 4))
        states = [status.state for status in statuses]
        self.assertEqual(states, ["held"] * (len(states) - 1) + ["ended"])

    def test_on_status_may_release(self) -> None:
        sessions: list[Session] = []
        outcomes: list[str] = []

        def stop(status: Status) -> None:
            if sessions and status.state == "held":
                outcomes.append(sessions[0].release())

        sessions.append(self.open(on_status=stop))
        self.assertTrue(sessions[0].wait_lost(60))
        self.assertTrue(until(lambda: outcomes == ["released"]))
        self.assertEqual(self.service.count(RELEASE), 1)

    def test_a_call_that_came_too_late_is_not_made_any_more(self) -> None:
        calls, over = self.busy_calls()
        called: "list[object]" = []
        self.assertIsNone(calls.result_within(lambda: called.append("late"), lambda: 0))
        calls.put(lambda: called.append("next"))
        over.set()
        self.assertTrue(until(lambda: called))
        self.assertEqual(called, ["next"])

    def test_each_loss_and_each_failure_is_a_warning_with_its_reason(self) -> None:
        def fail(*_: object) -> Any:
            raise RuntimeError("of the program")

        def leave(*_: object) -> Any:
            raise SystemExit(1)

        over = self.event()
        lost = [{"symbol": "NQ", "code": "session_taken", "active_device": "x..."}]
        part = {"code": "session_taken", "symbols_held": ["ES"], "symbols_lost": lost}
        confirmed = {**RECORDED, "release_asked_by": "y..."}
        partly = {**RECORDED, **part}
        unreadable = {"code": "bad_request", "field": "status"}
        failed = "The report failed; the heartbeat is sent without it"
        cases: "list[tuple[dict[str, Any], dict[str, Any], str]]" = [
            ({"report": lambda: over.wait(60)}, confirmed, "The report took too long"),
            *(({"report": raises}, confirmed, failed) for raises in (fail, leave)),
            *(
                ({"report": lambda report=report: report}, confirmed, failed)
                for report in ({"metadata": object()}, {"metadata": {"x": math.nan}}, 7, None)
            ),
            (
                {"report": lambda: {"status": "x"}},
                unreadable,
                "(bad_request status): from now on, heartbeats are sent without one",
            ),
            ({}, partly, "NQ is lost (session_taken), held by x..."),
            *(({"on_status": raises}, confirmed, "on_status failed") for raises in (fail, leave)),
            ({"on_symbol_lost": fail}, partly, "on_symbol_lost failed"),
            ({"on_release_request": fail}, confirmed, "on_release_request failed"),
        ]
        for options, answer, warning in cases:
            with self.subTest(warning):
                texts: "list[str]" = []
                logger = logging.Logger("of the program", logging.WARNING)
                logger.addFilter(lambda record: texts.append(record.getMessage()))
                self.service.answers[HEARTBEAT] = answer
                session = self.open(symbols=["ES", "NQ"], logger=logger, **options)
                said = lambda: any(warning in text for text in texts)  # noqa: E731
                self.assertTrue(until(said), texts)
                self.assertTrue(session.held)
                session.release()

    def test_of_statuses_that_nobody_takes_the_oldest_are_dropped(self) -> None:
        calls, over = self.busy_calls()
        called: "list[object]" = []
        for number in range(1000):
            calls.put(lambda number=number: called.append(number))
        over.set()
        calls.close()
        self.assertTrue(until(lambda: len(called) == 100))
        self.assertEqual(called, list(range(900, 1000)))

    def busy_calls(self) -> "tuple[ProgramCalls, threading.Event]":
        """Behind a call that lasts until the event is set."""
        calls = ProgramCalls(lambda until: None, lambda: None, "calls")
        busy, over = threading.Event(), self.event()
        calls.put(lambda: busy.set() or over.wait(60))
        self.assertTrue(busy.wait(60))
        return calls, over
