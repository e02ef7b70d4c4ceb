"""How a program ends, and what it leaves behind: nothing."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import unittest
import unittest.mock
from http.server import BaseHTTPRequestHandler

from fake_service import CLAIM, RELEASE, until
from license_session import process_end
from processes import OPEN, ProcessTest

STAY = """
say("ready")
session.wait_lost()
"""
HANDLE = """
def close_positions(number, frame):
    say("closing positions", session.held)
    sys.exit(0)
signal.signal(signal.SIGTERM, close_positions)
"""

on_linux = unittest.skipUnless(sys.platform == "linux", "only Linux says who has caught a signal")


class EndOfTheProgram(ProcessTest):
    def test_the_end_of_the_program_releases(self) -> None:
        for ending, code in (("", 0), ("sys.exit(3)", 3), ("raise KeyError('bug')", 1)):
            self.play(OPEN + ending, leaves=code)

    def test_one_that_opted_out_of_either_is_left_to_lapse(self) -> None:
        opened = 'session = open_session(url, "KEY", "device", {})'
        self.play(opened.format("release_at_exit=False"), releases=0)
        self.play(
            opened.format("release_on_signals=False") + STAY,
            "ready",
            by=signal.SIGTERM,
            leaves=-signal.SIGTERM,
            releases=0,
        )

    def test_what_the_program_does_at_exit_it_does_while_it_still_holds(self) -> None:
        self.play(
            """
            import atexit
            session = None
            atexit.register(lambda: say("closing positions", session.held))
            session = open_session(url, "KEY", "device")
            """,
            "closing positions True",
        )

    def test_all_sessions_of_a_run_are_counted_and_released_side_by_side(self) -> None:
        count = 50
        waiting = itertools.count(1)
        all_asked = threading.Event()

        def answer_when_all_have_asked(handler: BaseHTTPRequestHandler) -> bool:
            if handler.path == RELEASE:
                # On a busy machine some may ask twice before all have.
                if next(waiting) >= count:
                    all_asked.set()
                all_asked.wait(60)
            return False

        self.service.instead = answer_when_all_have_asked
        process = self.run_program(
            f"""
            sessions = [open_session(url, "KEY", "device", symbol=f"S{{n}}") for n in range({count})]
            """
        )
        self.assertEqual(process.wait(120), 0)
        released = {body["symbol"] for body in self.service.asked_with(RELEASE)}
        self.assertEqual(len(released), count)
        self.assertTrue(all_asked.is_set())
        claims = self.service.asked_with(CLAIM)
        self.assertEqual({body["claim_number"] for body in claims}, set(range(1, count + 1)))
        (run,) = {body["run_id"] for body in claims}
        self.assertRegex(run, r"^[\x20-\x7e]{16,64}$")

    def test_of_all_sessions_together_no_more_than_five_seconds_are_waited_for(self) -> None:
        waits: "list[float]" = []

        class Hanging:
            finished = False

            def begin_release(self) -> None:
                pass

            def wait_finished(self, seconds: float) -> None:
                waits.append(seconds)

        clock = unittest.mock.Mock(monotonic=lambda: 100.0 + sum(waits))
        with unittest.mock.patch.object(process_end, "time", clock):
            process_end._release_all([Hanging(), Hanging()])
        self.assertEqual(waits, [5, 0])


class Signals(ProcessTest):
    def test_a_signal_that_nobody_handles_releases_and_then_does_what_it_would_have_done(
        self,
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            self.play(OPEN + STAY, "ready", by=number, leaves=-number)

    def test_while_a_signal_releases_there_is_no_right(self) -> None:
        go_on = self.service.hold(RELEASE)
        process = self.run_program(
            OPEN
            + """
say("ready")
session.wait_lost()
say(session.held, session.ended.reason)
while True: time.sleep(1)
"""
        )
        self.assertEqual(self.line_of(process), "ready")
        process.terminate()
        self.assertTrue(until(lambda: self.releases() == 1))
        self.assertEqual(self.line_of(process), "False released")
        go_on.set()
        self.assertEqual(process.wait(60), -signal.SIGTERM)

    def test_the_programs_own_handler_runs_first_and_holds_whenever_it_was_set(self) -> None:
        calls_the_one_before = HANDLE.replace("sys.exit(0)", "before(number, frame)").replace(
            "signal.signal(signal", "before = signal.signal(signal"
        )
        for program, code in (
            (HANDLE + OPEN, 0),
            (OPEN + HANDLE, 0),
            (OPEN + calls_the_one_before, -signal.SIGTERM),
        ):
            then = ["closing positions True"]
            self.play(program + STAY, "ready", by=signal.SIGTERM, then=then, leaves=code)

    def test_a_handler_that_only_takes_note_leaves_the_session_to_the_program(self) -> None:
        self.play(
            """
            noted = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: noted.set())
            with open_session(url, "KEY", "device") as session:
                say("ready")
                while not noted.is_set():
                    time.sleep(0.01)
                say("closing positions", session.held)
            say("released", session.ended.reason)
            """,
            "ready",
            by=signal.SIGTERM,
            then=["closing positions True", "released released"],
        )

    def test_where_the_program_s_handler_keeps_the_session_a_warning_says_so_once(self) -> None:
        of_python = "signal.signal(signal.SIGTERM, lambda *_: told.set())"
        of_asyncio = "asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)"
        opening = 'kept.append(open_session(url, "KEY", "device"))'
        awaited = 'kept.append(await license_session.asyncio.open_session(url, "KEY", "device"))'
        for handler, opened in (
            (of_python, opening),
            (of_asyncio, awaited),
            (of_asyncio, opening),
        ):
            for first, second in ((handler, opened), (opened, handler)):
                self.play(
                    f"""
                    import asyncio, logging, license_session.asyncio
                    def note(record):
                        say(record.getMessage()[17:].split(",")[0])
                    logging.getLogger("license_session").addFilter(note)
                    async def main():
                        told, kept = asyncio.Event(), []
                        {first}
                        {second}
                        while not told.is_set():
                            await asyncio.sleep(0.01)
                        {opened}
                        say("told", kept[0].held)
                    asyncio.run(main())
                    """,
                    "SIGTERM is handled by the program",
                    by=signal.SIGTERM,
                    then=["told True"],
                    releases=2,
                )

    def test_a_program_that_says_that_it_releases_itself_gets_no_warning(self) -> None:
        process = self.run_program(
            """
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            session = open_session(url, "KEY", "device", release_on_signals=False)
            session.wait_lost()
            """
        )
        self.assertTrue(self.heartbeats(1))
        process.terminate()
        self.assertEqual(process.wait(60), 0)
        assert process.stderr
        self.assertEqual(process.stderr.read(), "")

    def test_a_signal_that_the_program_ignores_stays_ignored(self) -> None:
        self.play(
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)"
            + OPEN
            + """
say(signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGTERM)
say(session.held)
""",
            True,
            True,
        )

    def test_one_handler_serves_all_sessions_and_goes_with_the_last(self) -> None:
        self.play(
            """
            from license_session import Response
            import json
            granted = {"code": "granted", "session_id": "s", "fencing_token": 1,
                       "session_timeout_seconds": 60, "held_for_seconds": 55}
            def transport(request):
                body = granted if request.url.endswith("license") else {"code": "released"}
                return Response(200, {}, json.dumps(body).encode())
            kept = open_session(url, "KEY", "device", transport=transport)
            ours = signal.getsignal(signal.SIGTERM)
            for _ in range(600):
                open_session(url, "KEY", "device", transport=transport).release()
            say(signal.getsignal(signal.SIGTERM) is ours, threading.active_count() < 10)
            kept.release()
            say(signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == signal.SIG_DFL)
            theirs = lambda *_: None
            kept = open_session(url, "KEY", "device", transport=transport)
            signal.signal(signal.SIGTERM, theirs)
            kept.release()
            say(signal.getsignal(signal.SIGTERM) is theirs)
            """,
            "True True",
            True,
            True,
            releases=0,
        )

    def test_sessions_of_other_threads_are_released_whatever_the_main_thread_waits_for(
        self,
    ) -> None:
        """On Linux also if no wait is interrupted, as by a signal just before it begins."""
        for interrupts in (True, False) if sys.platform == "linux" else (True,):
            self.play(
                f"""
                import license_session
                license_session.handle_signals()
                def trade():
                    session = open_session(url, "KEY", "device")
                    say("ready")
                    if not {interrupts}:
                        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
                    session.wait_lost()
                thread = threading.Thread(target=trade)
                thread.start()
                thread.join()
                """,
                "ready",
                by=signal.SIGTERM if interrupts else 0,
                leaves=-signal.SIGTERM,
            )

    @on_linux
    def test_a_signal_releases_and_ends_even_if_foreign_code_has_locked_up(self) -> None:
        self.play(
            OPEN
            + """
import ctypes
mutex = ctypes.create_string_buffer(64)
lock = ctypes.CDLL(None).pthread_mutex_lock
def end():
    while mutex.raw[0] != 2:  # Locked, and waited for.
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
lock(mutex)
threading.Thread(target=end).start()
lock(mutex)
""",
            leaves=128 + signal.SIGTERM,
        )

    @on_linux
    def test_a_signal_that_a_child_catches_while_it_is_forked_is_none_of_its_parent(self) -> None:
        self.play(
            """
            import ctypes, queue
            from license_session.signal_watch import SignalWatch
            caught = queue.SimpleQueue()
            watch = SignalWatch(caught.put)
            watch.begin()
            for number in (signal.SIGTERM, signal.SIGUSR1):
                signal.signal(number, lambda *_: None)
            # Of C, after which Python has no chance to tell the child from its parent.
            child = ctypes.PyDLL(None).fork()
            if child == 0:
                os.kill(os.getpid(), signal.SIGTERM)
                os._exit(0)
            os.waitpid(child, 0)
            os.kill(os.getpid(), signal.SIGUSR1)
            say(caught.get())
            """,
            int(signal.SIGUSR1),
            releases=0,
        )

    def test_a_session_opened_off_the_main_thread_says_once_that_no_signal_releases_it(
        self,
    ) -> None:
        awaited = 'async with license_session.asyncio.open_session(url, "KEY", "device"): pass'
        for opening in ('open_session(url, "KEY", "device").release()', awaited):
            self.play(
                f"""
                import asyncio, logging, license_session.asyncio
                def note(record):
                    say("handle_signals()" in record.getMessage())
                logging.getLogger("license_session").addFilter(note)
                async def open_it():
                    {opening}
                for _ in range(2):
                    thread = threading.Thread(target=lambda: asyncio.run(open_it()))
                    thread.start()
                    thread.join()
                say("end")
                """,
                True,
                "end",
                releases=2,
            )

    @unittest.skipIf(
        not os.environ.get("CI") and (not hasattr(os, "geteuid") or os.geteuid() != 0),
        "only root may start a first process of a namespace",
    )
    def test_the_first_process_of_a_container_leaves_with_143(self) -> None:
        process = self.run_program(
            OPEN + "say(os.getpid())\nwhile True: time.sleep(1)", "unshare", "--pid", "--fork"
        )
        self.assertEqual(self.line_of(process), "1")
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            first = int(file.read())
        os.kill(first, signal.SIGTERM)
        self.assertEqual(process.wait(60), 143)
        self.assertEqual(self.releases(), 1)


@unittest.skipUnless(hasattr(os, "fork"), "needs os.fork")
class Children(ProcessTest):
    def assert_released(self, *devices: str) -> None:
        released = [body["device_fingerprint"] for body in self.service.asked_with(RELEASE)]
        self.assertEqual(released, [*devices])

    def test_a_forked_child_has_no_right_and_releases_nothing_and_its_parent_goes_on(self) -> None:
        self.play(
            OPEN
            + """
child = os.fork()
if child == 0:
    say(session.held, session.wait_lost(), session.release())
    sys.exit(0)
os.waitpid(child, 0)
say(session.held)
os._exit(0)
""",
            "False True not_held",
            True,
            releases=0,
        )

    def test_a_signal_ends_a_forked_child_as_if_there_were_no_session(self) -> None:
        self.play(
            OPEN
            + """
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.write(writer, b"x")
    while True: time.sleep(1)
os.read(reader, 1)
os.kill(child, signal.SIGTERM)
say(os.WTERMSIG(os.waitpid(child, 0)[1]), session.held)
os._exit(0)
""",
            f"{int(signal.SIGTERM)} True",
            releases=0,
        )

    def test_a_forked_child_may_open_a_session_of_its_own_in_a_run_of_its_own(self) -> None:
        self.play(
            OPEN
            + """
child = os.fork()
session = open_session(url, "KEY", "child") if child == 0 else session
if child == 0:
    say(session.held)
    sys.exit(0)
os.waitpid(child, 0)
say(session.held)
""",
            True,
            True,
            releases=2,
        )
        self.assert_released("child", "device")
        self.assertEqual(len({body["run_id"] for body in self.service.asked_with(CLAIM)}), 2)

    def test_a_child_of_multiprocessing_that_ends_releases(self) -> None:
        for method in ("fork", "forkserver", "spawn"):
            self.play(
                f"""
                import multiprocessing
                kept = []
                def trade():
                    kept.append(open_session(url, "KEY", "child"))
                if __name__ == "__main__":
                    session = open_session(url, "KEY", "device")
                    child = multiprocessing.get_context({method!r}).Process(target=trade)
                    child.start()
                    child.join()
                    say(child.exitcode, session.held)
                    os._exit(0)
                """,
                "0 True",
            )
            self.assert_released("child")

    def test_a_process_pool_releases_what_its_workers_opened(self) -> None:
        for pool, ending in (
            ("concurrent.futures.ProcessPoolExecutor(1)", "pool.shutdown()"),
            ("multiprocessing.Pool(1)", "pool.close(); pool.join()"),
            ("multiprocessing.Pool(1)", "pool.terminate(); pool.join()"),
        ):
            self.play(
                f"""
                import concurrent.futures, multiprocessing
                kept = []
                def trade(device):
                    kept.append(open_session(url, "KEY", device))
                    return kept[0].held
                if __name__ == "__main__":
                    multiprocessing.set_start_method("fork")
                    pool = {pool}
                    say(list(pool.map(trade, ["worker"])))
                    {ending}
                    say("ended")
                    os._exit(0)
                """,
                "[True]",
                "ended",
            )

    def test_a_pool_that_imports_the_program_opens_no_session(self) -> None:
        for method in ("spawn", "forkserver"):
            self.play(
                f"""
                import multiprocessing
                session = None
                if __name__ == "__main__":
                    session = open_session(url, "KEY", "device")
                    with multiprocessing.get_context({method!r}).Pool(2) as pool:
                        say(pool.map(abs, [-1, -2]), session.held)
                """,
                "[1, 2] True",
            )
            self.assertEqual(self.service.count(CLAIM), 1)

    def test_an_import_by_a_child_that_would_open_a_session_says_what_to_do(self) -> None:
        process = self.run_program(
            OPEN
            + """
import multiprocessing
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=print)
    child.start()
    child.join()
    say(child.exitcode, session.held)
"""
        )
        self.assertEqual(self.line_of(process), "1 True")
        assert process.stderr
        self.assertIn('Open it under if __name__ == "__main__":', process.stderr.read())
        self.assertEqual(self.service.count(CLAIM), 1)


class Dropped(ProcessTest):
    """Nobody can ask whether it is held any more, so nobody may go on trading by it."""

    LOG = """
import asyncio, gc, logging, license_session.asyncio
sys.stderr = sys.stdout
def note(record):
    say("keep what open_session returns" in record.getMessage())
logging.getLogger("license_session").addFilter(note)
"""

    def test_a_session_that_the_program_drops_is_released_with_a_warning(self) -> None:
        of_asyncio = """
async def main():
    await license_session.asyncio.open_session(url, "KEY", "device")
    gc.collect()
    await asyncio.sleep(60)
asyncio.run(main())
"""
        for program in (OPEN + "del session\ngc.collect()\ntime.sleep(60)", of_asyncio):
            self.service.forget()
            process = self.run_program(self.LOG + program)
            self.assertEqual(self.line_of(process), "True")
            self.assertTrue(until(lambda: self.releases() == 1))

    def test_the_end_of_a_with_statement_of_a_session_or_of_the_program_is_no_reason_to_warn(
        self,
    ) -> None:
        self.play(
            self.LOG
            + """
with open_session(url, "KEY", "device"):
    gc.collect()
    say("held")
session = open_session(url, "KEY", "device")
session.release()
del session
gc.collect()
say("end")
session = open_session(url, "KEY", "device")
""",
            "held",
            "end",
            "",
            releases=3,
        )


class InterruptedOpenings(ProcessTest):
    """What was granted after all, or may have been, is released."""

    def test_an_opening_that_a_signal_ends_releases_what_is_granted_after_it(self) -> None:
        program = """
        try:
            open_session(url, "KEY", "device")
        except KeyboardInterrupt:
            say("interrupted")
        """
        for number, says, code in (
            (signal.SIGINT, "interrupted", 0),
            (signal.SIGTERM, "", -signal.SIGTERM),
        ):
            self.service.forget()
            go_on = self.service.hold(CLAIM)
            process = self.run_program(program)
            self.assertTrue(until(lambda: CLAIM in self.service.asked))
            process.send_signal(number)
            if says:
                # At once, with the claim still under way.
                self.assertEqual(self.line_of(process), says)
            go_on.set()
            self.assertEqual(process.wait(60), code)
            [released] = self.service.asked_with(RELEASE)
            # The answer may come before SIGTERM is noticed: then its session is known by name.
            self.assertTrue("claim_number" in released or (not says and "session_id" in released))

    def test_a_claim_that_is_never_answered_is_released_by_its_name(self) -> None:
        self.service.hold(CLAIM)
        self.play(
            """
            from license_session import ServiceUnavailable
            try:
                open_session(url, "KEY", "device", open_within_seconds=2)
            except ServiceUnavailable as error:
                say(error.problem)
            """,
            "no_answer_in_time",
        )
        for field in ("run_id", "claim_number"):
            claimed = self.service.asked_with(CLAIM)[0][field]
            self.assertEqual(self.service.asked_with(RELEASE)[0][field], claimed)

    def test_another_thread_can_cancel_it(self) -> None:
        self.service.answers[CLAIM] = {"code": "session_conflict", "estimated_wait_seconds": 60}
        self.play(
            """
            from license_session import OpeningCancelled
            cancel = threading.Event()
            on_status = lambda status: cancel.set() if status.state == "waiting" else None
            try:
                open_session(url, "KEY", "device", wait_within_seconds=3600, cancel=cancel,
                             on_status=on_status)
            except OpeningCancelled as error:
                say(error.code)
            """,
            "cancelled",
            releases=0,
        )
        self.assertEqual(self.service.asked, [CLAIM])

    def test_without_a_thread_nothing_is_asked(self) -> None:
        self.play(
            """
            from license_session import ServiceUnavailable
            def start(thread):
                raise RuntimeError("can't start new thread")
            threading.Thread.start = start
            try:
                open_session(url, "KEY", "device")
            except ServiceUnavailable as error:
                say(repr(error.cause))
            """,
            '''RuntimeError("can't start new thread")''',
            releases=0,
        )
        self.assertEqual(self.service.asked, [])
