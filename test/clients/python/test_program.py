"""What the scenarios can't show: threads, real time and arguments."""

from __future__ import annotations

import math
import sys
import threading
import time
import unittest
import unittest.mock

from fake_service import CLAIM, HEARTBEAT, RELEASE, ServiceTest, until
from license_session import LicenseSessionError, Status, SymbolLost
from license_session.clock import choose_clock
from license_session.live_session import Life
from license_session.options import Options
from license_session.runtime import Until
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport
from quiet import QUIET
from scripted_runtime import ScriptedRuntime


class Program(ServiceTest):
    def test_a_with_block_holds_the_session_and_releases_it(self) -> None:
        with self.open() as session:
            self.assertTrue(session.held)
            self.assertEqual((session.session_id, session.fencing_token), ("session-1", 1))
            self.assertTrue(self.heartbeats(1))
            self.assertFalse(session.wait_lost(0.01))
        self.assertFalse(session.held)
        self.assertTrue(session.wait_lost())
        self.assertEqual(session.release(), "released")
        self.assertEqual(self.service.count(RELEASE), 1)

    def test_wait_lost_wakes_as_soon_as_the_session_is_taken(self) -> None:
        session = self.open()
        self.service.answers[HEARTBEAT] = {"code": "session_taken", "active_device": "x..."}
        self.assertTrue(session.wait_lost(10))
        self.assertEqual((session.ended.reason, session.ended.active_device), ("taken", "x..."))

    def test_several_symbols_are_one_session(self) -> None:
        lost: list[SymbolLost] = []
        with self.open(symbols=["ES", "NQ", "CL"], on_symbol_lost=lost.append) as session:
            self.assertEqual(session.symbols, ("ES", "NQ", "CL"))
            self.assertTrue(session.holds("nq") and session.held)
            self.assertEqual(session.release(["CL"]), "released")
            self.assertEqual(session.release(["CL"]), "not_held")
            self.assertFalse(session.holds("CL"))
            lost_one = {"symbol": "NQ", "code": "session_taken", "active_device": "x..."}
            self.service.add(
                HEARTBEAT, code="session_taken", symbols_held=["ES"], symbols_lost=[lost_one]
            )
            self.assertTrue(until(lambda: lost))
            self.assertEqual((session.symbols, session.held), (("ES",), True))
            with self.assertRaisesRegex(TypeError, "symbols is a str: expected a list"):
                session.release("ES")
        self.assertEqual(lost, [SymbolLost("NQ", "session_taken", "x...")])
        self.assertEqual((session.symbols, session.holds("ES")), ((), False))
        released = [body["symbols"] for body in self.service.asked_with(RELEASE)]
        self.assertEqual(released, [["CL"], ["ES"]])

    def test_some_symbols_of_a_session_that_is_over_are_released_with_it(self) -> None:
        self.service.answers[HEARTBEAT] = {"code": "license_expired"}
        session = self.open(symbols=["ES", "NQ"])
        self.assertTrue(session.wait_lost(60))
        self.assertEqual(session.release(["ES"]), "released")
        self.assertEqual(self.service.asked_with(RELEASE)[0]["symbols"], ["ES", "NQ"])

    def test_a_release_wakes_the_keeper(self) -> None:
        self.service.add(CLAIM, session_timeout_seconds=86_400, heartbeat_interval_seconds=28_800)
        with unittest.mock.patch.object(ThreadRuntime, "_SLICE_MS", 86_400_000):
            self.assertEqual(self.open().release(), "released")

    def test_a_session_that_was_lost_is_released_however_late_and_by_the_end_only_until_it_lapsed(
        self,
    ) -> None:
        silent = [20_000, 26_000, 38_000, 52_000]
        server = [
            {"at": 0, "ask": "claim", "answer": "granted"},
            {"at": silent, "ask": "heartbeat", "drop": True},
            {"at": 500_000, "ask": "release", "answer": "released"},
        ]
        runtime = ScriptedRuntime({"server": server})
        lapsed: list[int] = []

        class Noting(Life):
            def lapsed(self) -> None:
                lapsed.append(runtime.now_ms())

        life = Noting(Options(caller={}, logger=QUIET), runtime)
        runtime.opened = True
        runtime.program(500_000, life.begin_release)
        life.live()
        self.assertEqual((lapsed, life.outcome), ([60_000], "released"))

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

    def test_any_length_of_time_can_be_chosen(self) -> None:
        longest = sys.float_info.max
        for open_within_seconds in (longest, math.inf):
            session = self.open(
                margin_seconds=longest,
                request_timeout_seconds=longest,
                open_within_seconds=open_within_seconds,
            )
            self.assertTrue(session.held)

    def test_a_sleep_of_the_machine_is_noticed_within_a_slice_of_a_wait(self) -> None:
        runtime = ThreadRuntime("http://127.0.0.1", HttpTransport("http://127.0.0.1"))
        self.assertLessEqual(runtime._SLICE_MS, 1_000)
        slept_ns = 0
        clock = runtime._clock_ns
        runtime._clock_ns = lambda: clock() + slept_ns
        runtime._SLICE_MS = 20
        until_ms = runtime.now_ms() + 3_600_000
        waiting = threading.Thread(target=runtime.pause, args=(lambda: until_ms,), daemon=True)
        waiting.start()
        # Nobody wakes it.
        slept_ns = 3_600_000_000_000
        waiting.join(60)
        self.assertFalse(waiting.is_alive())

    def test_the_clock_is_one_that_counts_sleep_where_there_is_one(self) -> None:
        read = unittest.mock.Mock(return_value=7)
        with unittest.mock.patch.multiple(
            time, CLOCK_BOOTTIME=70, clock_gettime_ns=read, create=True
        ):
            self.assertEqual(choose_clock()(), 7)
            read.assert_called_with(70)
            with unittest.mock.patch.object(sys, "platform", "darwin"):
                # Of a Mac the monotonic clock counts it, and there is no other.
                with unittest.mock.patch.multiple(time, CLOCK_BOOTTIME=-1, CLOCK_MONOTONIC=71):
                    choose_clock()()
                    read.assert_called_with(71)

    def test_where_no_clock_counts_sleep_the_monotonic_one_is_taken(self) -> None:
        refused = unittest.mock.Mock(side_effect=OSError)
        for boottime in (-1, 70):
            with unittest.mock.patch.multiple(
                time, CLOCK_BOOTTIME=boottime, clock_gettime_ns=refused, create=True
            ), unittest.mock.patch.object(sys, "platform", "win32"):
                self.assertIs(choose_clock(), time.monotonic_ns)

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
