"""Whatever of the program hangs, be it a logger, a callback or a transport: the session is kept, its
loss is noticed, and every end comes in time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import re
import signal
import threading
import unittest
from typing import Any

import license_session
import license_session.asyncio
from fake_service import FakeService
from license_session import Request, Response, Session, open_session
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport
from processes import HEARTBEAT, RELEASE, ProcessTest, until
from quiet import QUIET
from set_clock import SetClock


class Hanging(logging.Handler):
    """A log handler that returns only when the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = threading.Event()
        self.over = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.hangs.set()
        self.over.wait(120)


def logger_with(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("of the program", logging.DEBUG)
    logger.addHandler(handler)
    return logger


class HangingLogger(unittest.TestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)
        self.handler = Hanging()
        self.addCleanup(self.handler.over.set)
        self.logger = logger_with(self.handler)

    def open(self, **options: Any) -> Session:
        return open_session(self.service.url, "KEY", "device", logger=self.logger, **options)

    def test_the_session_is_kept(self) -> None:
        session = self.open()
        self.assertTrue(self.handler.hangs.wait(60))
        before = self.service.asked.count(HEARTBEAT)
        self.assertTrue(until(lambda: self.service.asked.count(HEARTBEAT) >= before + 3, 30))
        self.assertTrue(session.held)
        session.release()

    def test_the_loss_is_noticed(self) -> None:
        session = self.open()
        self.assertTrue(self.handler.hangs.wait(60))
        self.service.answers[HEARTBEAT] = {"code": "session_taken"}
        self.assertTrue(session.wait_lost(30))

    def test_a_release_frees_the_session_and_returns(self) -> None:
        session = self.open()
        self.assertTrue(self.handler.hangs.wait(60))
        self.assertEqual(session.release(), "released")
        self.assertFalse(self.handler.over.is_set())

    def test_callbacks_and_reports_go_on(self) -> None:
        states: "list[str]" = []
        session = self.open(
            on_status=lambda status: states.append(status.state), report=lambda: {"status": "on"}
        )
        self.assertTrue(until(lambda: len(states) >= 3, 30))
        self.assertEqual(self.service.asked_with(HEARTBEAT)[-1]["status"], "on")
        session.release()

    def test_the_event_loop_of_asyncio_goes_on(self) -> None:
        async def trade() -> None:
            url = self.service.url
            session = await license_session.asyncio.open_session(
                url, "KEY", "device", logger=self.logger
            )
            while not self.handler.hangs.is_set():
                await asyncio.sleep(0.005)
            self.service.answers[HEARTBEAT] = {"code": "heartbeat_late"}
            self.assertFalse(await session.wait_lost(0.7))
            self.assertEqual(await session.release(), "released")

        asyncio.run(asyncio.wait_for(trade(), 30))
        self.assertFalse(self.handler.over.is_set())


CALLBACKS = ("on_status", "on_symbol_lost", "on_release_request", "report")


class HangingCallbacks(unittest.TestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)
        part = {"code": "session_ended", "symbols_held": ["ES"], "release_asked_by": "x..."}
        self.service.answers[HEARTBEAT] = {**self.service.answers[HEARTBEAT], **part}

    def test_they_keep_neither_the_session_nor_its_release(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)
        for name in CALLBACKS:
            self.service.asked.clear()
            hangs = threading.Event()
            callback: "dict[str, Any]" = {
                name: lambda *_, hangs=hangs: hangs.set() or over.wait(120)
            }
            session = open_session(
                self.service.url, "KEY", "device", symbols=["ES", "NQ"], logger=QUIET, **callback
            )
            self.assertTrue(hangs.wait(60), name)
            before = self.service.asked.count(HEARTBEAT)
            self.assertTrue(until(lambda: self.service.asked.count(HEARTBEAT) >= before + 2), name)
            self.assertTrue(session.holds("ES"), name)
            self.assertEqual(session.release(), "released", name)
        self.assertFalse(over.is_set())

    def test_of_asyncio_they_keep_neither_the_session_nor_the_loop(self) -> None:
        async def trade() -> None:
            for name in CALLBACKS:
                self.service.asked.clear()
                hangs = asyncio.Event()

                async def hang(*_: object, hangs: asyncio.Event = hangs) -> Any:
                    hangs.set()
                    await asyncio.Event().wait()

                callback: "dict[str, Any]" = {name: hang}
                session = await license_session.asyncio.open_session(
                    self.service.url,
                    "KEY",
                    "device",
                    symbols=["ES", "NQ"],
                    logger=QUIET,
                    **callback,
                )
                await hangs.wait()
                before = self.service.asked.count(HEARTBEAT)
                while self.service.asked.count(HEARTBEAT) < before + 2:
                    await asyncio.sleep(0.005)
                self.assertTrue(session.holds("ES"), name)
                self.assertEqual(await session.release(), "released", name)

        asyncio.run(asyncio.wait_for(trade(), 120))


class EverythingHangs(unittest.TestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)
        self.handler = Hanging()
        self.over = self.handler.over
        self.addCleanup(self.over.set)
        self.hang = False
        self.clock = SetClock(self)
        self.options: "dict[str, Any]" = {
            "transport": self.transport,
            "on_status": self.wait,
            "report": self.wait,
            "logger": logger_with(self.handler),
        }

    def wait(self, *_: object) -> Any:
        if self.hang:
            self.over.wait(120)

    def transport(self, request: Request) -> Response:
        self.wait()
        path = request.url[len(self.service.url) :]
        return Response(200, {}, answer_of(self.service, path))

    def test_a_release_takes_five_seconds(self) -> None:
        session = open_session(self.service.url, "KEY", "device", **self.options)
        self.hang = True
        outcomes: "list[str]" = []
        releasing = threading.Thread(target=lambda: outcomes.append(session.release()), name="bot")
        releasing.start()
        self.assertTrue(until(lambda: session.ended))
        self.clock.move(4_999)
        self.assertTrue(until(lambda: self.clock.was_seen_by("bot")))
        self.assertEqual(outcomes, [])
        self.clock.move(1)
        releasing.join(60)
        self.assertEqual(outcomes, ["unconfirmed"])
        self.assertFalse(session.held)
        self.assertFalse(self.over.is_set())

    def test_a_release_of_asyncio_takes_five_seconds_in_which_the_loop_goes_on(self) -> None:
        async def hang(*_: object) -> Any:
            while self.hang:
                await asyncio.sleep(0.005)

        async def trade() -> None:
            options = {**self.options, "on_status": hang, "report": hang}
            session = await license_session.asyncio.open_session(
                self.service.url, "KEY", "device", **options
            )
            self.hang = True
            releasing = asyncio.create_task(session.release())
            await asyncio.sleep(0)
            self.clock.move(4_999)
            while not releasing.done() and not self.clock.was_seen_by("MainThread"):
                await asyncio.sleep(0.005)
            self.assertFalse(releasing.done())
            self.clock.move(1)
            self.assertEqual(await releasing, "unconfirmed")
            self.assertFalse(session.held)
            self.assertFalse(self.over.is_set())
            self.hang = False

        asyncio.run(asyncio.wait_for(trade(), 120))


class HangingTransport(unittest.TestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        self.calls = 0
        self.options: "dict[str, Any]" = {
            "transport": self.transport,
            "request_timeout_seconds": 0.2,
            "logger": QUIET,
        }

    def transport(self, request: Request) -> Response:
        self.calls += 1
        if self.calls == 2:
            self.over.wait(120)
        return Response(200, {}, answer_of(self.service, request.url[len(self.service.url) :]))

    def test_it_costs_its_own_request_alone(self) -> None:
        session = open_session(self.service.url, "KEY", "device", **self.options)
        self.assertTrue(until(lambda: self.calls >= 4))
        self.assertTrue(session.held)
        self.assertEqual(session.release(), "released")
        self.assertFalse(self.over.is_set())

    def test_of_asyncio_it_costs_neither_the_session_nor_the_loop(self) -> None:
        async def trade() -> None:
            url = self.service.url
            async with license_session.asyncio.open_session(
                url, "KEY", "device", **self.options
            ) as session:
                while self.calls < 4:
                    await asyncio.sleep(0.005)
                self.assertTrue(session.held)
            self.assertEqual(await session.release(), "released")
            self.assertFalse(self.over.is_set())

        asyncio.run(asyncio.wait_for(trade(), 120))


def answer_of(service: FakeService, path: str) -> bytes:
    return json.dumps(service.answers[path]).encode()


class Keeper(unittest.TestCase):
    def test_the_keeper_calls_no_code_of_the_program(self) -> None:
        service = FakeService()
        self.addCleanup(service.close)
        threads: "dict[str, set[str]]" = {}

        def note(what: str) -> None:
            threads.setdefault(what, set()).add(threading.current_thread().name)

        class Noting:
            def __getattr__(self, name: str) -> Any:
                note("logger")
                return lambda *_: note("logger")

        class Report(dict):  # type: ignore[type-arg]
            def get(self, *_: Any) -> Any:
                note("report's mapping")
                return None

        def report() -> Any:
            note("report")
            return Report()

        def transport(request: Request) -> Response:
            note("transport")
            return Response(200, {}, answer_of(service, request.url[10:]))

        session = open_session(
            "any://host",
            "KEY",
            "device",
            transport=transport,
            report=report,
            on_status=lambda status: note("on_status"),
            logger=Noting(),  # type: ignore[arg-type]
        )
        self.assertTrue(until(lambda: len(threads) == 5))
        session.release()
        self.assertEqual(threads["logger"], {"license-session-log"})
        self.assertEqual(threads["transport"], {"license-session-request"})
        for what in ("report", "report's mapping", "on_status"):
            self.assertEqual(threads[what], {"license-session-callbacks"})

    def test_there_is_no_lock_that_somebody_could_hold(self) -> None:
        folder = pathlib.Path(license_session.__file__).parent
        for file in folder.glob("*.py"):
            source = file.read_text(encoding="utf-8")
            self.assertIsNone(
                re.search(r"threading\.(R?Lock|Condition|Event|Semaphore)\(", source), file
            )

    def test_a_wait_is_woken_on_every_thread(self) -> None:
        runtime = ThreadRuntime("http://127.0.0.1", HttpTransport("http://127.0.0.1"))
        is_over = False
        threads = [
            threading.Thread(target=runtime.pause, args=(lambda: 0 if is_over else 10**15,))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        is_over = True
        runtime.wake()
        for thread in threads:
            thread.join(60)
        self.assertFalse(any(thread.is_alive() for thread in threads))


HANGING_LOGGER = """
import logging
class Hanging(logging.Handler):
    def emit(self, record):
        hangs.set()
        threading.Event().wait()
hangs = threading.Event()
logger = logging.Logger("of the program", logging.DEBUG)
logger.addHandler(Hanging())
"""
HANG = (
    HANGING_LOGGER
    + """
session = open_session(url, "KEY", "device", logger=logger)
hangs.wait()
"""
)


class Signals(ProcessTest):
    def test_sigterm_ends_a_program_whose_logger_hangs_and_releases(self) -> None:
        process = self.run_program(HANG + "say('ready')\nsession.wait_lost()\ntime.sleep(3600)")
        self.assertEqual(self.line_of(process), "ready")
        process.terminate()
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        self.assertEqual(self.releases(), 1)

    def test_so_it_does_with_asyncio(self) -> None:
        process = self.run_program(
            HANGING_LOGGER
            + """
import asyncio, license_session.asyncio
async def main():
    opening = license_session.asyncio.open_session(url, "KEY", "device", logger=logger)
    async with opening as session:
        while not hangs.is_set():
            await asyncio.sleep(0.01)
        say("ready")
        await session.wait_lost()
        await asyncio.sleep(3600)
asyncio.run(main())
"""
        )
        self.assertEqual(self.line_of(process), "ready")
        process.terminate()
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        self.assertEqual(self.releases(), 1)

    def test_a_program_whose_logger_hangs_releases_when_it_ends(self) -> None:
        # Python itself then waits for the handler, in `logging.shutdown`.
        self.run_program(HANG)
        self.assertTrue(until(lambda: RELEASE in self.service.asked))

    def test_a_session_that_warns_before_it_opens_opens(self) -> None:
        process = self.run_program(
            HANG.replace("session = open_session", "open_it = lambda: open_session").replace(
                "hangs.wait()",
                """
thread = threading.Thread(target=lambda: say(open_it().session_id))
thread.start()
thread.join()
""",
            )
        )
        self.assertEqual(self.line_of(process), "session-1")

    def test_a_release_in_the_program_s_own_handler_ends_wherever_it_interrupted(self) -> None:
        """The handler runs in the middle of a wait, while the loss is being reported."""
        process = self.run_program(
            """
            from license_session import live_session
            in_handler, reporting = threading.Event(), threading.Event()
            class Logger:
                def debug(self, *words):
                    pass
                info = exception = debug
                def warning(self, *words):
                    reporting.set()
                    in_handler.wait()
            def release(number, frame):
                in_handler.set()
                say(session.release())
                sys.exit(0)
            signal.signal(signal.SIGTERM, release)
            is_over = live_session.Life.is_over
            def look(life):
                if threading.current_thread() is threading.main_thread() and reporting.is_set():
                    if not in_handler.is_set():
                        os.kill(os.getpid(), signal.SIGTERM)
                return is_over(life)
            session = open_session(
                url, "KEY", "device", logger=Logger(), release_on_signals=False
            )
            live_session.Life.is_over = look
            say("ready")
            while True:
                session.wait_lost(0.05)
                time.sleep(0.05)
            """
        )
        self.assertEqual(self.line_of(process), "ready")
        self.service.answers[HEARTBEAT] = {"code": "session_taken"}
        self.assertEqual(self.line_of(process), "not_held")
        self.assertEqual(process.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
