"""What the scenarios can't show: threads, real time and arguments."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
import unittest
import unittest.mock

from fake_service import FakeService
from license_session import LicenseSessionError, Status, open_session
from license_session.live_session import Life
from license_session.options import Options
from license_session.runtime import Until
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport
from processes import RELEASE, until
from quiet import QUIET
from scripted_runtime import ScriptedRuntime


class Program(unittest.TestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)

    def open(self, **options):
        session = open_session(self.service.url, "KEY", "device", **options)
        self.addCleanup(session.release)
        return session

    def test_a_with_block_holds_the_session_and_releases_it(self) -> None:
        with self.open() as session:
            self.assertTrue(session.held)
            self.assertEqual((session.session_id, session.fencing_token), ("session-1", 1))
            self.assertTrue(until(lambda: "/api/heartbeat" in self.service.asked))
            self.assertFalse(session.wait_lost(0.01))
        self.assertFalse(session.held)
        self.assertTrue(session.wait_lost())
        self.assertEqual(self.service.asked.count(RELEASE), 1)
        self.assertEqual(session.release(), "released")
        self.assertEqual(self.service.asked.count(RELEASE), 1)

    def test_wait_lost_wakes_as_soon_as_the_session_is_taken(self) -> None:
        session = self.open()
        self.service.answers["/api/heartbeat"] = {"code": "session_taken", "active_device": "x..."}
        self.assertTrue(session.wait_lost(10))
        self.assertEqual((session.ended.reason, session.ended.active_device), ("taken", "x..."))

    def test_a_keeper_that_fails_ends_the_session_and_says_so(self) -> None:
        server = [
            {"at": 0, "ask": "claim", "answer": "granted"},
            {"at": 5_000, "ask": "release", "answer": "released"},
        ]
        for error in (RuntimeError("bug"), SystemExit(1)):
            runtime = ScriptedRuntime({"server": server})
            statuses: list[Status] = []
            options = Options(caller={}, on_status=statuses.append, logger=QUIET)
            life = Life(options, runtime)
            pauses = iter([error])
            pause = runtime.pause

            def fail_once(until: Until) -> None:
                for error in pauses:
                    raise error
                pause(until)

            runtime.pause = fail_once  # type: ignore[method-assign]
            runtime.opened = True
            runtime.program(5_000, life.begin_release)
            life.live()
            self.assertEqual(life.right_lasts_ms(), 0)
            self.assertEqual((statuses[-1].reason, statuses[-1].code), ("lost", "keeper_failed"))
            self.assertEqual(life.outcome, "released")

    def test_a_grant_that_meets_the_end_of_its_opening_is_released(self) -> None:
        runtime = ScriptedRuntime(
            {
                "server": [
                    {"at": 0, "ask": "claim", "answer": "granted"},
                    {"at": 0, "ask": "release", "answer": "released"},
                ]
            }
        )
        life = Life(Options(caller={}, logger=QUIET), runtime)
        claim = life._claiming.claim

        def claim_and_end() -> object:
            claimed = claim()
            life.begin_release()
            return claimed

        with unittest.mock.patch.object(life._claiming, "claim", claim_and_end):
            life.live()
        self.assertIsNone(life.granted)
        self.assertEqual(runtime.script, [])

    def test_an_opening_that_fails_by_a_bug_ends_with_an_error(self) -> None:
        runtime = ScriptedRuntime({"server": []})
        life = Life(Options(caller={}, logger=QUIET), runtime)
        life.live()
        self.assertIsInstance(life.error, LicenseSessionError)
        self.assertIsInstance(life.error.cause, AssertionError)

    def test_opening_works_on_any_thread(self) -> None:
        sessions = []
        thread = threading.Thread(target=lambda: sessions.append(self.open()))
        thread.start()
        thread.join()
        self.assertTrue(sessions[0].held)

    def test_what_could_not_work_is_refused_before_anything_is_sent(self) -> None:
        for options in (
            {"margin_seconds": -1},
            {"margin_seconds": math.nan},
            {"margin_seconds": math.inf},
            {"request_timeout_seconds": 0},
            {"request_timeout_seconds": math.nan},
            {"request_timeout_seconds": math.inf},
            {"open_within_seconds": -1},
            {"open_within_seconds": math.nan},
            {"open_within_seconds": -math.inf},
            {"wait_within_seconds": -1},
        ):
            with self.assertRaises(ValueError):
                self.open(**options)
        self.assertEqual(self.service.asked, [])

    def test_any_length_of_time_can_be_chosen(self) -> None:
        longest = sys.float_info.max
        for open_within_seconds in (longest, math.inf):
            session = self.open(
                margin_seconds=longest,
                request_timeout_seconds=longest,
                open_within_seconds=open_within_seconds,
            )
            self.assertTrue(session.held)

    def test_the_clock_never_goes_back_and_keeps_step(self) -> None:
        runtime = ThreadRuntime("http://127.0.0.1", HttpTransport("http://127.0.0.1"))
        # Each reading lies between two of the other clock, however long the machine takes for it.
        earliest, started_ms, started = time.monotonic(), runtime.now_ms(), time.monotonic()
        readings = [runtime.now_ms() for _ in range(1000)]
        runtime.pause(lambda: started_ms + 200)
        self.assertEqual(readings, sorted(readings))
        ended, ended_ms, latest = time.monotonic(), runtime.now_ms(), time.monotonic()
        passed_ms = ended_ms - started_ms
        self.assertGreaterEqual(passed_ms, 200)
        self.assertGreaterEqual(passed_ms, (ended - started) * 1000 - 5)
        self.assertLessEqual(passed_ms, (latest - earliest) * 1000 + 5)


if __name__ == "__main__":
    unittest.main()
