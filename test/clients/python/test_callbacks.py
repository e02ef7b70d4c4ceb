"""Code of the program that is slow, hangs or fails costs no session."""

from __future__ import annotations

import itertools
import logging
import threading
import unittest
from http.server import BaseHTTPRequestHandler
from typing import Any

from fake_service import RECORDED, FakeService, answer
from license_session import Session, Status, open_session
from license_session.program_calls import ProgramCalls
from processes import HEARTBEAT, RELEASE, until
from quiet import QUIET


class Callbacks(unittest.TestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def open(self, **options: Any) -> Session:
        session = open_session(self.service.url, "KEY", "device", logger=QUIET, **options)
        self.addCleanup(session.release)
        return session

    def heartbeats(self, count: int) -> bool:
        return until(lambda: self.service.asked.count(HEARTBEAT) >= count)

    def test_an_error_of_either_does_not_end_the_keeping(self) -> None:
        for error in (RuntimeError("of the program"), SystemExit(1)):

            def fail(*_: object, error: BaseException = error) -> Any:
                raise error

            self.service.asked.clear()
            session = self.open(on_status=fail, report=fail)
            self.assertTrue(self.heartbeats(2))
            self.assertTrue(session.held)
            session.release()

    def test_a_status_callback_that_hangs_stops_nothing(self) -> None:
        session = self.open(on_status=lambda _: self.over.wait(60))
        self.assertTrue(self.heartbeats(2))
        self.service.answers[HEARTBEAT] = {"code": "session_taken"}
        self.assertTrue(session.wait_lost(60))
        self.assertEqual(session.release(), "not_held")

    def test_a_report_that_hangs_costs_the_report_and_not_the_heartbeat(self) -> None:
        hangs = threading.Event()

        def report() -> "dict[str, Any]":
            if self.heartbeats(1):
                hangs.set()
                self.over.wait(60)
            return {"status": "trading"}

        # The first report waits for the first heartbeat, which does not wait for it.
        session = self.open(report=report)
        self.assertTrue(hangs.wait(60))
        self.assertTrue(self.heartbeats(3))
        self.assertTrue(session.held)
        self.assertNotIn("status", self.service.asked_with(HEARTBEAT)[0])
        self.over.set()
        self.assertTrue(until(lambda: "status" in self.service.asked_with(HEARTBEAT)[-1]))

    def test_a_report_that_is_no_json_costs_the_report_and_not_the_heartbeat(self) -> None:
        for report in ({"metadata": {"x": object()}}, {"metadata": {"x": float("nan")}}, 7, None):
            self.service.asked.clear()
            self.service.bodies.clear()
            session = self.open(report=lambda report=report: report)
            self.assertTrue(self.heartbeats(1))
            self.assertNotIn("metadata", self.service.asked_with(HEARTBEAT)[0])
            session.release()

    def test_a_report_that_is_refused_is_left_out_from_then_on(self) -> None:
        refusals = ((400, {"code": "bad_request", "field": "status"}), (413, {}))
        for status, body in refusals:

            def refuse_reports(handler: BaseHTTPRequestHandler) -> bool:
                if handler.path != HEARTBEAT or "status" not in self.service.bodies[-1]:
                    return False
                if len(self.service.bodies[-1]["status"]) <= 64:
                    return False
                answer(handler, body, status)
                return True

            self.service.instead = refuse_reports
            self.service.asked.clear()
            self.service.bodies.clear()
            reports = itertools.chain(["x" * 65], itertools.repeat("fine"))
            session = self.open(report=lambda: {"status": next(reports)})
            self.assertTrue(self.heartbeats(4))
            sent = [body.get("status") for body in self.service.asked_with(HEARTBEAT)][:4]
            self.assertEqual(sent, ["x" * 65, None, None, None])
            self.assertTrue(session.held)
            session.release()

    def test_callbacks_come_one_at_a_time_and_in_order(self) -> None:
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

    def test_release_returns_after_the_last_callback(self) -> None:
        statuses: list[str] = []
        with self.open(on_status=lambda status: statuses.append(status.state)):
            pass
        self.assertEqual(statuses[-1], "ended")

    def test_on_status_may_release(self) -> None:
        sessions: list[Session] = []
        outcomes: list[str] = []

        def stop(status: Status) -> None:
            if sessions and status.state == "held":
                outcomes.append(sessions[0].release())

        sessions.append(self.open(on_status=stop))
        self.assertTrue(sessions[0].wait_lost(60))
        self.assertTrue(until(lambda: outcomes == ["released"]))
        self.assertEqual(self.service.asked.count(RELEASE), 1)

    def test_a_call_that_came_too_late_is_not_made_any_more(self) -> None:
        calls = ProgramCalls(lambda until: None, lambda: None, "calls")
        busy, called = threading.Event(), []
        calls.put(lambda: busy.set() or self.over.wait(60))
        self.assertTrue(busy.wait(60))
        self.assertIsNone(calls.result_within(lambda: called.append("late"), lambda: 0))
        calls.put(lambda: called.append("next"))
        self.over.set()
        self.assertTrue(until(lambda: called))
        self.assertEqual(called, ["next"])

    def test_each_loss_is_a_warning_with_its_reason(self) -> None:
        def fail(*_: object) -> Any:
            raise RuntimeError("of the program")

        lost = [{"symbol": "NQ", "code": "session_taken", "active_device": "x..."}]
        part = {"code": "session_taken", "symbols_held": ["ES"], "symbols_lost": lost}
        confirmed = (200, {**RECORDED, "release_asked_by": "y..."})
        partly = (500, {**RECORDED, **part})
        unreadable = (400, {"code": "bad_request", "field": "status"})
        for options, (status, body), warning in (
            ({"report": lambda: self.over.wait(60)}, confirmed, "The report took too long"),
            ({"report": fail}, confirmed, "The report failed; the heartbeat is sent without it"),
            (
                {"report": lambda: {"status": "x"}},
                unreadable,
                "(bad_request status): from now on, heartbeats are sent without one",
            ),
            ({}, partly, "NQ is lost (session_taken), held by x..."),
            ({"on_status": fail}, confirmed, "on_status failed"),
            ({"on_symbol_lost": fail}, partly, "on_symbol_lost failed"),
            ({"on_release_request": fail}, confirmed, "on_release_request failed"),
        ):
            with self.subTest(warning):
                texts: "list[str]" = []
                logger = logging.Logger("of the program", logging.WARNING)
                logger.addFilter(lambda record: texts.append(record.getMessage()))
                self.service.instead = lambda handler: (
                    handler.path == HEARTBEAT and (answer(handler, body, status) or True)
                )
                session = open_session(
                    self.service.url,
                    "KEY",
                    "device",
                    symbols=["ES", "NQ"],
                    logger=logger,
                    **options,  # type: ignore[arg-type]
                )
                said = lambda: any(warning in text for text in texts)  # noqa: E731
                self.assertTrue(until(said), texts)
                session.release()

    def test_of_statuses_that_nobody_takes_the_oldest_are_dropped(self) -> None:
        calls = ProgramCalls(lambda until: None, lambda: None, "calls")
        busy, called = threading.Event(), []
        calls.put(lambda: busy.set() or self.over.wait(60))
        self.assertTrue(busy.wait(60))
        for number in range(1000):
            calls.put(lambda number=number: called.append(number))
        self.over.set()
        calls.close()
        self.assertTrue(until(lambda: len(called) == 100))
        self.assertEqual(called, list(range(900, 1000)))


if __name__ == "__main__":
    unittest.main()
