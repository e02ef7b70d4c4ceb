"""The same scenarios, played by the asyncio twin as a program calls it."""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
import unittest
from typing import Any, Callable, Optional
from unittest import mock

from license_session import LicenseSessionError
from license_session.asyncio import AsyncSession, check_session, open_session
from license_session.live_session import Life
from quiet import QUIET
from scripted_runtime import ScriptedRuntime
from test_scenarios import (
    Played,
    Seen,
    add_tests,
    assert_checked,
    assert_played,
    error_in_short,
    length_of,
    schedule,
)


class LoopRuntime(ScriptedRuntime):
    """Time passes on the keeper's thread, and only while the event loop has nothing left to do."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        super().__init__(scenario)
        self.loop = asyncio.get_running_loop()
        self.over = asyncio.Event()
        self.error: Optional[BaseException] = None
        self._waiting: dict[object, Callable[[], object]] = {}
        self._keeper: Optional[threading.Thread] = None

    def spawn(self, run: Callable[[], None]) -> None:
        self.spawned.append(run)
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._live, daemon=True)
            self._keeper.start()

    def wake(self) -> None:
        for call in list(self._waiting.values()):
            call()
        if threading.current_thread() is self._keeper:
            self.settle()

    def settle(self) -> None:
        asyncio.run_coroutine_threadsafe(self._turns(), self.loop).result()

    def when_woken(self, call: Callable[[], object]) -> Callable[[], None]:
        key = object()
        self._waiting[key] = call
        return lambda: self._waiting.pop(key) and None

    def is_idle(self) -> bool:
        return True

    def close(self) -> None:
        pass

    async def _turns(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    def _live(self) -> None:
        try:
            self.settle()
            self.run()
        except BaseException as error:
            self.error = error
        self.loop.call_soon_threadsafe(self.over.set)


class Program(Played):
    """What a program does with a session, and what it sees of it."""

    def __init__(self, runtime: LoopRuntime, opening: "asyncio.Task[AsyncSession]") -> None:
        super().__init__()
        self.runtime = runtime
        self.session: Optional[AsyncSession] = None
        self._opening = opening
        self._tasks = [asyncio.create_task(self._open())]

    def do(self, what: str, symbols: Optional[list[str]] = None) -> None:
        self.runtime.loop.call_soon_threadsafe(self._do, what, symbols)
        self.runtime.settle()
        # A release of some symbols has a thread of its own, and here waits for its turn.
        while self.runtime.spawned:
            self.runtime.spawned.pop(0)()

    def look_whether_held(self, at_ms: int) -> None:
        self.held.append([at_ms, self.session is not None and self.session.held])

    def look_whether_it_holds(self, at_ms: int, symbol: str) -> None:
        self.holds.append([at_ms, symbol, self.session is not None and self.session.holds(symbol)])

    def look_at_symbols(self, at_ms: int) -> None:
        self.symbols.append([at_ms, list(self.session.symbols) if self.session else []])

    async def _open(self) -> None:
        try:
            self.session = await self._opening
            self.opened_ms = self.runtime.now_ms()
            self.runtime.opened = True
        except LicenseSessionError as error:
            self.refused = {"at": self.runtime.now_ms(), **error_in_short(error)}
        except asyncio.CancelledError:
            self.refused = {"at": self.runtime.now_ms(), "error": "AbortError"}

    def _do(self, what: str, symbols: Optional[list[str]]) -> None:
        if what == "keep":
            assert self.session
            self.session.keep()
        elif what == "release":
            self._tasks.append(asyncio.create_task(self._release(symbols)))
        elif self.session:
            self._tasks.append(asyncio.create_task(self.session.release()))  # type: ignore[arg-type]
        else:
            self._opening.cancel()

    async def _release(self, symbols: Optional[list[str]]) -> None:
        assert self.session
        outcome = await self.session.release(symbols)
        self.releases.append([self.runtime.now_ms(), outcome])


def arguments_of(scenario: dict[str, Any], function: Callable[..., object]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "url": "http://unused",
        "license_key": "KEY",
        "device_fingerprint": "device",
    }
    for name, value in scenario.get("options", {}).items():
        words = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
        if words.endswith("_ms"):
            words, value = words.replace("_ms", "_seconds"), length_of(value) / 1000
        if words in inspect.signature(function).parameters:
            arguments[words] = value
    return arguments


def raise_it(life: Life, error: BaseException) -> None:
    raise error


async def play_opening(test: unittest.TestCase, scenario: dict[str, Any]) -> None:
    runtime = LoopRuntime(scenario)
    seen = Seen(scenario, runtime)
    with mock.patch("license_session.asyncio.runtime_of", lambda *_: runtime):
        with mock.patch.object(Life, "_fail", raise_it):
            opening = asyncio.create_task(
                open_session(
                    **arguments_of(scenario, open_session),
                    **seen.callbacks,
                    logger=QUIET,
                    release_at_exit=False,
                    release_on_signals=False,
                )
            )
            program = Program(runtime, opening)
            schedule(scenario, runtime, program)
            await runtime.over.wait()
    if runtime.error:
        raise runtime.error
    end = program.session.ended if program.session else None
    assert_played(test, scenario, runtime, program, seen, end)


async def play_check(test: unittest.TestCase, scenario: dict[str, Any]) -> None:
    runtime = LoopRuntime(scenario)
    outcome: Optional[LicenseSessionError] = None
    with mock.patch("license_session.asyncio.runtime_of", lambda *_: runtime):
        try:
            license = await check_session(**arguments_of(scenario, check_session))
            test.assertEqual(license.type, "pro")
        except LicenseSessionError as error:
            outcome = error
        at_ms = runtime.now_ms()
        await runtime.over.wait()
    assert_checked(test, scenario, runtime, outcome, at_ms)


add_tests(
    globals(),
    lambda test, scenario: asyncio.run(play_opening(test, scenario)),
    lambda test, scenario: asyncio.run(play_check(test, scenario)),
    "asyncio, ",
)
