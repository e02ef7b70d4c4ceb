"""How a program ends, and what it leaves behind: nothing."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import unittest
import unittest.mock
from http.server import BaseHTTPRequestHandler

from fake_service import answer
from license_session import process_end
from processes import CLAIM, HEARTBEAT, RELEASE, ProcessTest, until

OPEN = """
session = open_session(url, "KEY", "device")
"""
STAY = """
say("ready")
session.wait_lost()
"""


class EndOfTheProgram(ProcessTest):
    def test_the_end_of_the_program_releases(self) -> None:
        for ending in ("", "sys.exit(3)", "raise KeyError('bug')"):
            self.service.asked.clear()
            self.run_program(OPEN + ending).wait(60)
            self.assertEqual(self.releases(), 1, ending)

    def test_one_that_opted_out_of_either_is_left_to_lapse(self) -> None:
        opened = 'session = open_session(url, "KEY", "device", {})'
        self.run_program(opened.format("release_at_exit=False")).wait(60)
        self.assertEqual(self.releases(), 0)
        process = self.run_program(opened.format("release_on_signals=False") + STAY)
        self.assertEqual(self.line_of(process), "ready")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        self.assertEqual(self.releases(), 0)

    def test_what_the_program_does_at_exit_it_does_while_it_still_holds(self) -> None:
        process = self.run_program(
            """
            import atexit
            session = None
            atexit.register(lambda: say("closing positions", session.held))
            session = open_session(url, "KEY", "device")
            """
        )
        self.assertEqual(self.line_of(process), "closing positions True")
        process.wait(60)
        self.assertEqual(self.releases(), 1)

    def test_all_sessions_are_released_side_by_side(self) -> None:
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

    def test_a_service_that_is_silent_keeps_no_program_from_ending(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)

        def stay_silent(handler: BaseHTTPRequestHandler) -> bool:
            return handler.path == RELEASE and over.wait(120)

        self.service.instead = stay_silent
        process = self.run_program(
            """
            sessions = [open_session(url, "KEY", "device", symbol=f"S{n}") for n in range(20)]
            import atexit, time
            from license_session import process_end
            atexit.unregister(process_end._release_at_exit)
            began = time.monotonic()
            process_end._release_at_exit()
            say(f"{time.monotonic() - began:.3f}")
            """
        )
        # Twenty in a row would be a hundred seconds.
        self.assertLess(float(self.line_of(process)), 50)
        process.wait(60)

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
    def end_by(self, process: "subprocess.Popen[str]", number: int) -> int:
        self.assertEqual(self.line_of(process), "ready")
        process.send_signal(number)
        return process.wait(60)

    def test_a_signal_that_nobody_handles_releases_and_then_does_what_it_would_have_done(
        self,
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            self.service.asked.clear()
            self.assertEqual(self.end_by(self.run_program(OPEN + STAY), number), -number)
            self.assertEqual(self.releases(), 1)

    def test_while_a_signal_releases_there_is_no_right(self) -> None:
        asked, go_on = threading.Event(), threading.Event()

        def wait_for_the_program(handler: BaseHTTPRequestHandler) -> bool:
            if handler.path == RELEASE:
                asked.set()
                go_on.wait(60)
            return False

        self.service.instead = wait_for_the_program
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
        self.assertTrue(asked.wait(60))
        self.assertEqual(self.line_of(process), "False released")
        go_on.set()
        self.assertEqual(process.wait(60), -signal.SIGTERM)

    def test_the_programs_own_handler_runs_first_and_holds_whenever_it_was_set(self) -> None:
        handler = """
def close_positions(number, frame):
    say("closing positions", session.held)
    sys.exit(0)
signal.signal(signal.SIGTERM, close_positions)
"""
        for program in (handler + OPEN + STAY, OPEN + handler + STAY):
            self.service.asked.clear()
            process = self.run_program(program)
            self.assertEqual(self.line_of(process), "ready")
            process.terminate()
            self.assertEqual(self.line_of(process), "closing positions True")
            self.assertEqual(process.wait(60), 0)
            self.assertEqual(self.releases(), 1)

    def test_a_handler_that_calls_the_one_before_it_still_comes_first(self) -> None:
        process = self.run_program(
            OPEN
            + """
def close_positions(number, frame):
    say("closing positions", session.held)
    before(number, frame)
before = signal.signal(signal.SIGTERM, close_positions)
"""
            + STAY
        )
        self.assertEqual(self.line_of(process), "ready")
        process.terminate()
        self.assertEqual(self.line_of(process), "closing positions True")
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        self.assertEqual(self.releases(), 1)

    def test_a_handler_that_only_takes_note_leaves_the_session_to_the_program(self) -> None:
        process = self.run_program(
            """
            noted = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: noted.set())
            with open_session(url, "KEY", "device") as session:
                say("ready")
                while not noted.is_set():
                    time.sleep(0.01)
                say("closing positions", session.held)
            say("released", session.ended.reason)
            """
        )
        self.assertEqual(self.line_of(process), "ready")
        process.terminate()
        self.assertEqual(self.line_of(process), "closing positions True")
        self.assertEqual(self.line_of(process), "released released")
        self.assertEqual(process.wait(60), 0)

    def test_where_the_program_s_handler_keeps_the_session_a_warning_says_so_once(self) -> None:
        of_python = "signal.signal(signal.SIGTERM, lambda *_: told.set())"
        of_asyncio = "asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)"
        opening = 'kept.append(open_session(url, "KEY", "device"))'
        awaited = 'kept.append(await license_session.asyncio.open_session(url, "KEY", "device"))'
        for handler, opened in ((of_python, opening), (of_asyncio, awaited)):
            for first, second in ((handler, opened), (opened, handler)):
                process = self.run_program(
                    f"""
                    import asyncio, logging, license_session.asyncio
                    logging.basicConfig(stream=sys.stdout, format="%(message)s")
                    async def main():
                        told, kept = asyncio.Event(), []
                        {first}
                        {second}
                        while not told.is_set():
                            await asyncio.sleep(0.01)
                        {opened}
                        say("told", kept[0].held)
                    asyncio.run(main())
                    """
                )
                self.assertIn("SIGTERM is handled by the program", self.line_of(process))
                process.terminate()
                self.assertEqual(self.line_of(process), "told True")
                self.assertEqual(process.wait(60), 0)

    def test_a_program_that_says_that_it_releases_itself_gets_no_warning(self) -> None:
        process = self.run_program(
            """
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            session = open_session(url, "KEY", "device", release_on_signals=False)
            session.wait_lost()
            """
        )
        self.assertTrue(until(lambda: HEARTBEAT in self.service.asked))
        process.terminate()
        self.assertEqual(process.wait(60), 0)
        assert process.stderr
        self.assertEqual(process.stderr.read(), "")

    def test_asyncios_handlers_run_first_whenever_they_were_set(self) -> None:
        handler = "loop.add_signal_handler(signal.SIGTERM, told.set)"
        opening = 'session = await license_session.asyncio.open_session(url, "KEY", "device")'
        on_main_thread = 'session = open_session(url, "KEY", "device")'
        for first, second in (
            (handler, opening),
            (opening, handler),
            (handler, on_main_thread),
            (on_main_thread, handler),
        ):
            self.service.asked.clear()
            process = self.run_program(
                f"""
                import asyncio, license_session.asyncio
                async def main():
                    loop, told = asyncio.get_running_loop(), asyncio.Event()
                    {first}
                    {second}
                    say("ready")
                    await told.wait()
                    say("closing positions", session.held)
                asyncio.run(main())
                """
            )
            self.assertEqual(self.line_of(process), "ready")
            process.terminate()
            self.assertEqual(self.line_of(process), "closing positions True")
            self.assertEqual(process.wait(60), 0)
            self.assertEqual(self.releases(), 1)

    def test_a_signal_that_the_program_ignores_stays_ignored(self) -> None:
        process = self.run_program(
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)"
            + OPEN
            + """
say(signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGTERM)
say(session.held)
"""
        )
        self.assertEqual([self.line_of(process), self.line_of(process)], ["True", "True"])
        process.wait(60)

    def test_one_handler_serves_all_sessions_and_goes_with_the_last(self) -> None:
        process = self.run_program(
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
            """
        )
        self.assertEqual([self.line_of(process) for _ in range(3)], ["True True", "True", "True"])
        self.assertEqual(process.wait(60), 0)

    def test_sessions_of_other_threads_are_released_by_a_signal_that_the_main_thread_prepared(
        self,
    ) -> None:
        process = self.run_program(
            """
            import license_session
            license_session.handle_signals()
            def trade():
                session = open_session(url, "KEY", "device")
                say("ready")
                session.wait_lost()
            thread = threading.Thread(target=trade)
            thread.start()
            thread.join()
            """
        )
        self.assertEqual(self.end_by(process, signal.SIGTERM), -signal.SIGTERM)
        self.assertEqual(self.releases(), 1)

    @unittest.skipUnless(sys.platform == "linux", "only Linux says who has caught a signal")
    def test_a_signal_releases_even_if_nothing_interrupts_the_wait_of_the_main_thread(
        self,
    ) -> None:
        # As when it arrives just before the main thread begins to wait.
        process = self.run_program(
            """
            import license_session
            license_session.handle_signals()
            def trade():
                session = open_session(url, "KEY", "device")
                signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
                session.wait_lost()
            thread = threading.Thread(target=trade)
            thread.start()
            thread.join()
            """
        )
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        self.assertEqual(self.releases(), 1)

    @unittest.skipUnless(sys.platform == "linux", "only Linux says who has caught a signal")
    def test_a_signal_releases_and_ends_even_if_foreign_code_has_locked_up(self) -> None:
        process = self.run_program(
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
"""
        )
        self.assertEqual(process.wait(60), 128 + signal.SIGTERM)
        self.assertEqual(self.releases(), 1)

    @unittest.skipUnless(sys.platform == "linux", "only Linux says who has caught a signal")
    def test_a_signal_that_a_child_catches_while_it_is_forked_is_none_of_its_parent(self) -> None:
        process = self.run_program(
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
            """
        )
        self.assertEqual(self.line_of(process), str(int(signal.SIGUSR1)))
        self.assertEqual(process.wait(60), 0)

    def test_a_session_opened_off_the_main_thread_says_once_that_no_signal_releases_it(
        self,
    ) -> None:
        awaited = 'async with license_session.asyncio.open_session(url, "KEY", "device"): pass'
        for opening in ('open_session(url, "KEY", "device").release()', awaited):
            process = self.run_program(
                f"""
                import asyncio, logging, license_session.asyncio
                logging.basicConfig(stream=sys.stdout, format="%(message)s")
                async def open_it():
                    {opening}
                for _ in range(2):
                    thread = threading.Thread(target=lambda: asyncio.run(open_it()))
                    thread.start()
                    thread.join()
                say("end")
                """
            )
            self.assertIn("call license_session.handle_signals()", self.line_of(process))
            self.assertEqual(self.line_of(process), "end")
            process.wait(60)

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
    def test_a_forked_child_has_no_right_and_releases_nothing(self) -> None:
        process = self.run_program(
            OPEN
            + """
child = os.fork()
if child == 0:
    say(session.held, session.wait_lost(), session.release())
    sys.exit(0)
os.waitpid(child, 0)
say(session.held)
session.wait_lost()
"""
        )
        self.assertEqual(self.line_of(process), "False True not_held")
        self.assertEqual(self.line_of(process), "True")
        self.assertEqual(self.releases(), 0)

    def test_a_signal_ends_a_forked_child_as_if_there_were_no_session(self) -> None:
        process = self.run_program(
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
session.wait_lost()
"""
        )
        self.assertEqual(self.line_of(process), f"{int(signal.SIGTERM)} True")
        self.assertEqual(self.releases(), 0)

    def test_a_forked_child_may_open_a_session_of_its_own(self) -> None:
        process = self.run_program(
            OPEN
            + """
child = os.fork()
session = open_session(url, "KEY", "child") if child == 0 else session
if child == 0:
    say(session.held)
    sys.exit(0)
os.waitpid(child, 0)
say(session.held)
"""
        )
        self.assertEqual([self.line_of(process), self.line_of(process)], ["True", "True"])
        process.wait(60)
        released = [body["device_fingerprint"] for body in self.service.asked_with(RELEASE)]
        self.assertEqual(released, ["child", "device"])

    def test_a_child_of_multiprocessing_that_ends_releases(self) -> None:
        for method in ("fork", "forkserver", "spawn"):
            self.service.asked.clear()
            self.service.bodies.clear()
            process = self.run_program(
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
                """
            )
            self.assertEqual(self.line_of(process), "0 True", method)
            released = [body["device_fingerprint"] for body in self.service.asked_with(RELEASE)]
            self.assertEqual(released, ["child"], method)

    def test_a_process_pool_releases_what_its_workers_opened(self) -> None:
        for pool, ending in (
            ("concurrent.futures.ProcessPoolExecutor(1)", "pool.shutdown()"),
            ("multiprocessing.Pool(1)", "pool.close(); pool.join()"),
            ("multiprocessing.Pool(1)", "pool.terminate(); pool.join()"),
        ):
            self.service.asked.clear()
            process = self.run_program(
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
                """
            )
            self.assertEqual(self.line_of(process), "[True]")
            self.assertEqual(self.line_of(process), "ended")
            self.assertEqual(self.releases(), 1, ending)

    def test_a_pool_that_imports_the_program_opens_no_session(self) -> None:
        for method in ("spawn", "forkserver"):
            self.service.asked.clear()
            process = self.run_program(
                f"""
                import multiprocessing
                session = None
                if __name__ == "__main__":
                    session = open_session(url, "KEY", "device")
                    with multiprocessing.get_context({method!r}).Pool(2) as pool:
                        say(pool.map(abs, [-1, -2]), session.held)
                """
            )
            self.assertEqual(self.line_of(process), "[1, 2] True")
            self.assertEqual(process.wait(60), 0)
            self.assertEqual((self.service.asked.count(CLAIM), self.releases()), (1, 1))

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
        self.assertEqual(self.service.asked.count(CLAIM), 1)

    def test_a_session_can_not_be_sent_to_another_process(self) -> None:
        process = self.run_program(
            OPEN
            + """
import pickle
try:
    pickle.dumps(session)
except TypeError as error:
    say(error)
"""
        )
        self.assertIn("belongs to the process that opened it", self.line_of(process))


class Dropped(ProcessTest):
    """Nobody can ask whether it is held any more, so nobody may go on trading by it."""

    LOG = "import gc, logging\nlogging.basicConfig(stream=sys.stdout, format='%(message)s')\n"

    def test_a_session_that_the_program_drops_is_released_with_a_warning(self) -> None:
        process = self.run_program(
            self.LOG
            + """
session = open_session(url, "KEY", "device")
del session
gc.collect()
time.sleep(60)
"""
        )
        self.assertIn("keep what open_session returns", self.line_of(process))
        self.assertTrue(until(lambda: self.releases() == 1))

    def test_so_is_one_of_asyncio(self) -> None:
        process = self.run_program(
            self.LOG
            + """
import asyncio, license_session.asyncio
async def main():
    await license_session.asyncio.open_session(url, "KEY", "device")
    gc.collect()
    await asyncio.sleep(60)
asyncio.run(main())
"""
        )
        self.assertIn("keep what open_session returns", self.line_of(process))
        self.assertTrue(until(lambda: self.releases() == 1))

    def test_one_in_a_with_statement_or_that_is_over_is_none(self) -> None:
        process = self.run_program(
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
"""
        )
        self.assertEqual([self.line_of(process), self.line_of(process)], ["held", "end"])
        self.assertEqual(process.wait(60), 0)
        assert process.stdout
        self.assertEqual(process.stdout.read(), "")

    def test_the_end_of_the_program_is_no_reason_to_warn(self) -> None:
        process = self.run_program(self.LOG + OPEN)
        self.assertEqual(process.wait(60), 0)
        assert process.stdout and process.stderr
        self.assertEqual((process.stdout.read(), process.stderr.read()), ("", ""))
        self.assertEqual(self.releases(), 1)


class InterruptedOpenings(ProcessTest):
    """What was granted after all, or may have been, is released."""

    def hold_the_claim(self) -> threading.Event:
        """The claim is answered once the event that is returned is set."""
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def wait(handler: BaseHTTPRequestHandler) -> bool:
            if handler.path == CLAIM:
                go_on.wait(60)
            return False

        self.service.instead = wait
        return go_on

    def test_ctrl_c_ends_it_at_once_and_releases_what_is_granted_after_it(self) -> None:
        go_on = self.hold_the_claim()
        process = self.run_program(
            """
            try:
                open_session(url, "KEY", "device")
            except KeyboardInterrupt:
                say("interrupted")
            """
        )
        self.assertTrue(until(lambda: CLAIM in self.service.asked))
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.line_of(process), "interrupted")
        go_on.set()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.service.asked_with(RELEASE)[0]["claim_number"], 1)

    def test_sigterm_releases_what_is_granted_after_it(self) -> None:
        go_on = self.hold_the_claim()
        process = self.run_program('open_session(url, "KEY", "device")')
        self.assertTrue(until(lambda: CLAIM in self.service.asked))
        process.terminate()
        go_on.set()
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        self.assertEqual(self.releases(), 1)

    def test_a_claim_that_is_never_answered_is_released_by_its_name(self) -> None:
        self.hold_the_claim()
        process = self.run_program(
            """
            from license_session import ServiceUnavailable
            try:
                open_session(url, "KEY", "device", open_within_seconds=2)
            except ServiceUnavailable as error:
                say(error.problem)
            """
        )
        self.assertEqual(self.line_of(process), "no_answer_in_time")
        self.assertEqual(process.wait(60), 0)
        for field in ("run_id", "claim_number"):
            claimed = self.service.asked_with(CLAIM)[0][field]
            self.assertEqual(self.service.asked_with(RELEASE)[0][field], claimed)

    def test_another_thread_can_cancel_it(self) -> None:
        self.service.instead = lambda handler: handler.path == CLAIM and (
            answer(handler, {"code": "session_conflict", "estimated_wait_seconds": 60}, 403) or True
        )
        process = self.run_program(
            """
            from license_session import OpeningCancelled
            cancel = threading.Event()
            on_status = lambda status: cancel.set() if status.state == "waiting" else None
            try:
                open_session(url, "KEY", "device", wait_within_seconds=3600, cancel=cancel,
                             on_status=on_status)
            except OpeningCancelled as error:
                say(error.code)
            """
        )
        self.assertEqual(self.line_of(process), "cancelled")
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.service.asked, [CLAIM])

    def test_without_a_thread_nothing_is_asked(self) -> None:
        process = self.run_program(
            """
            from license_session import ServiceUnavailable
            def start(thread):
                raise RuntimeError("can't start new thread")
            threading.Thread.start = start
            try:
                open_session(url, "KEY", "device")
            except ServiceUnavailable as error:
                say(error, repr(error.cause))
            """
        )
        self.assertIn("can't start new thread", self.line_of(process))
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.service.asked, [])


if __name__ == "__main__":
    unittest.main()
