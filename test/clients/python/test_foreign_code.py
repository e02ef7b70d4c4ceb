"""Whatever of the program hangs, be it a logger, a callback or a transport: the session is kept, its
loss is noticed, and every end comes in time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import pathlib
import re
import signal
import threading
from typing import Any, Callable

import license_session
import license_session.asyncio
from fake_service import HEARTBEAT, RELEASE, ServiceTest, until
from license_session import Request, Response
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport
from processes import ProcessTest
from quiet import QUIET
from set_clock import SetClock


def logger_that(does: Callable[[logging.LogRecord], object]) -> logging.Logger:
    logger = logging.Logger("of the program", logging.DEBUG)
    logger.addFilter(lambda record: bool(does(record)))
    return logger


CALLBACKS = ("on_status", "on_symbol_lost", "on_release_request", "report")


class Hanging(ServiceTest):
    """Code of the program that returns only when the test is over."""

    def setUp(self) -> None:
        super().setUp()
        self.over = self.event()
        self.hangs = True
        part = {"code": "session_ended", "symbols_held": ["ES"], "release_asked_by": "x..."}
        self.service.add(HEARTBEAT, **part)

    def hang(self, *_: object) -> Any:
        if self.hangs:
            self.over.wait(120)

    def open_async(self, **options: Any) -> license_session.asyncio.Opening:
        options = {"logger": QUIET, **options}
        return license_session.asyncio.open_session(self.service.url, "KEY", "device", **options)

    def test_it_keeps_neither_the_session_nor_its_release(self) -> None:
        for name in (*CALLBACKS, "logger"):
            self.service.forget()
            hangs = threading.Event()
            hang = lambda *_, hangs=hangs: hangs.set() or self.hang()  # noqa: E731
            given: "dict[str, Any]" = {name: logger_that(hang) if name == "logger" else hang}
            session = self.open(symbols=["ES", "NQ"], **given)
            self.assertTrue(hangs.wait(60), name)
            self.assertTrue(self.heartbeats(self.service.count(HEARTBEAT) + 2), name)
            self.assertTrue(session.holds("ES"), name)
            self.assertEqual(session.release(), "released", name)
        self.assertFalse(self.over.is_set())

    def test_of_asyncio_it_keeps_neither_the_session_nor_the_loop(self) -> None:
        async def trade() -> None:
            for name in CALLBACKS:
                self.service.forget()
                hangs = asyncio.Event()

                async def hang(*_: object, hangs: asyncio.Event = hangs) -> Any:
                    hangs.set()
                    await asyncio.Event().wait()

                given: "dict[str, Any]" = {name: hang}
                session = await self.open_async(symbols=["ES", "NQ"], **given)
                await hangs.wait()
                before = self.service.count(HEARTBEAT)
                while self.service.count(HEARTBEAT) < before + 2:
                    await asyncio.sleep(0.005)
                self.assertTrue(session.holds("ES"), name)
                self.assertEqual(await session.release(), "released", name)

        asyncio.run(asyncio.wait_for(trade(), 120))

    def test_all_of_it_at_once_hides_no_loss(self) -> None:
        given: "dict[str, Any]" = dict.fromkeys(CALLBACKS, self.hang)
        session = self.open(logger=logger_that(self.hang), **given)
        self.assertTrue(self.heartbeats(1))
        self.service.answers[HEARTBEAT] = {"code": "session_taken"}
        self.assertTrue(session.wait_lost(30))

    def test_callbacks_and_reports_go_on_without_the_logger(self) -> None:
        states: "list[str]" = []
        self.open(
            on_status=lambda status: states.append(status.state),
            report=lambda: {"status": "on"},
            logger=logger_that(self.hang),
        )
        self.assertTrue(until(lambda: len(states) >= 3, 30))
        self.assertEqual(self.service.asked_with(HEARTBEAT)[-1]["status"], "on")

    def test_a_transport_that_hangs_costs_its_own_request_alone(self) -> None:
        calls = itertools.count(1)

        def transport(request: Request) -> Response:
            if next(calls) == 2:
                self.hang()
            return self.service.transport(request)

        session = self.open(transport=transport, request_timeout_seconds=0.2)
        self.assertTrue(self.heartbeats(2))
        self.assertTrue(session.held)
        self.assertEqual(session.release(), "released")
        self.assertFalse(self.over.is_set())

    def test_a_release_takes_five_seconds_when_everything_hangs(self) -> None:
        clock = self.hang_later()
        session = self.open(**self.everything, on_status=self.hang, report=self.hang)
        self.hangs = True
        outcomes: "list[str]" = []
        releasing = threading.Thread(target=lambda: outcomes.append(session.release()), name="bot")
        releasing.start()
        self.assertTrue(until(lambda: session.ended))
        clock.move(4_999)
        self.assertTrue(until(lambda: clock.was_seen_by("bot")))
        self.assertEqual(outcomes, [])
        clock.move(1)
        releasing.join(60)
        self.assertEqual(outcomes, ["unconfirmed"])
        self.assertFalse(session.held)
        self.assertFalse(self.over.is_set())

    def test_a_release_of_asyncio_takes_five_seconds_in_which_the_loop_goes_on(self) -> None:
        async def hang(*_: object) -> Any:
            while self.hangs:
                await asyncio.sleep(0.005)

        async def trade() -> None:
            session = await self.open_async(**self.everything, on_status=hang, report=hang)
            self.hangs = True
            releasing = asyncio.create_task(session.release())
            await asyncio.sleep(0)
            clock.move(4_999)
            while not releasing.done() and not clock.was_seen_by("MainThread"):
                await asyncio.sleep(0.005)
            self.assertFalse(releasing.done())
            clock.move(1)
            self.assertEqual(await releasing, "unconfirmed")
            self.assertFalse(session.held)
            self.assertFalse(self.over.is_set())
            self.hangs = False

        clock = self.hang_later()
        asyncio.run(asyncio.wait_for(trade(), 120))

    def hang_later(self) -> SetClock:
        """A clock that is set, while nothing hangs yet."""
        self.hangs = False

        def transport(request: Request) -> Response:
            self.hang()
            return self.service.transport(request)

        self.everything = {"transport": transport, "logger": logger_that(self.hang)}
        return SetClock(self)


class Keeper(ServiceTest):
    def test_the_keeper_calls_no_code_of_the_program(self) -> None:
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
            return self.service.transport(request)

        session = self.open(
            transport=transport,
            report=report,
            on_status=lambda status: note("on_status"),
            logger=Noting(),
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
import asyncio, logging, license_session.asyncio
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
OF_ASYNCIO = (
    HANGING_LOGGER
    + """
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


class Signals(ProcessTest):
    def test_sigterm_ends_a_program_whose_logger_hangs_and_releases(self) -> None:
        for program in (HANG + "say('ready')\nsession.wait_lost()\ntime.sleep(3600)", OF_ASYNCIO):
            self.play(program, "ready", by=signal.SIGTERM, leaves=-signal.SIGTERM)

    def test_a_program_whose_logger_hangs_releases_when_it_ends(self) -> None:
        # Python itself then waits for the handler, in `logging.shutdown`.
        self.run_program(HANG)
        self.assertTrue(until(lambda: RELEASE in self.service.asked))

    def test_a_session_that_warns_before_it_opens_opens(self) -> None:
        # Off the main thread it warns that no signal releases it.
        process = self.run_program(
            HANGING_LOGGER
            + """
def trade():
    say(open_session(url, "KEY", "device", logger=logger).session_id)
thread = threading.Thread(target=trade)
thread.start()
thread.join()
"""
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
