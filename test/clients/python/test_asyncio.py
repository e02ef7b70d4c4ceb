"""The asyncio twin on a real loop, of which the scenarios, that it plays as well, show nothing."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any

from fake_service import CLAIM, HEARTBEAT, RELEASE, ServiceTest
from license_session import Status
from license_session.asyncio import AsyncSession, Opening, _wait, open_session
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport
from quiet import QUIET


class Asyncio(ServiceTest, unittest.IsolatedAsyncioTestCase):
    def opening(self, **options: Any) -> Opening:
        return open_session(self.service.url, "KEY", "device", logger=QUIET, **options)

    async def asked(self, path: str) -> None:
        while path not in self.service.asked:
            await asyncio.sleep(0.005)

    async def test_async_with_holds_the_session_and_releases_it(self) -> None:
        for is_awaited in (False, True):
            self.service.forget()
            self.opening().close()  # Never awaited, it opens nothing.
            opening = self.opening(symbol="ES")
            async with await opening if is_awaited else opening as session:
                self.assertTrue(session.held)
                self.assertEqual((session.session_id, session.fencing_token), ("session-1", 1))
                await self.asked(HEARTBEAT)
                self.assertFalse(await session.wait_lost(0.01))
            self.assertFalse(session.held)
            self.assertTrue(await session.wait_lost())
            self.assertEqual(await session.release(), "released")
            self.assertEqual((self.service.count(CLAIM), self.service.count(RELEASE)), (1, 1))

    async def test_the_loop_goes_on_while_a_session_is_opened_and_released(self) -> None:
        go_on = self.service.hold(CLAIM)
        opening = asyncio.ensure_future(self.opening().__aenter__())
        await self.asked(CLAIM)
        go_on.set()
        session = await opening
        go_on = self.service.hold(RELEASE)
        releasing = asyncio.ensure_future(session.release())
        await self.asked(RELEASE)
        self.assertFalse(session.held)
        # The release goes on when nobody waits for it any more.
        releasing.cancel()
        go_on.set()
        self.assertEqual(await session.release(), "released")
        self.assertEqual(self.service.count(RELEASE), 1)

    async def test_a_release_of_some_symbols_keeps_no_loop(self) -> None:
        async with self.opening(symbols=["ES", "NQ"]) as session:
            go_on = self.service.hold(RELEASE)
            releasing = asyncio.create_task(session.release(["NQ"]))
            await self.asked(RELEASE)
            self.assertFalse(session.holds("NQ"))
            go_on.set()
            self.assertEqual(await releasing, "released")

    async def test_a_loop_that_is_busy_loses_no_session(self) -> None:
        async with self.opening() as session:
            self.assertTrue(self.heartbeats(2))
            self.assertTrue(session.held)

    async def test_wait_lost_wakes_when_the_session_is_taken(self) -> None:
        session = await self.opening()
        self.service.answers[HEARTBEAT] = {"code": "session_taken", "active_device": "x..."}
        self.assertTrue(await session.wait_lost())
        assert session.ended
        self.assertEqual((session.ended.reason, session.ended.active_device), ("taken", "x..."))
        self.assertEqual(await session.release(), "not_held")

    async def test_callbacks_are_called_in_the_loop_one_at_a_time_and_in_order(self) -> None:
        statuses: list[str] = []
        loop = asyncio.get_running_loop()
        under_way = 0

        async def on_status(status: Status) -> None:
            nonlocal under_way
            self.assertIs(asyncio.get_running_loop(), loop)
            under_way += 1
            self.assertEqual(under_way, 1)
            await asyncio.sleep(0.01)
            under_way -= 1
            statuses.append(status.state)

        async def report() -> dict[str, str]:
            self.assertEqual(under_way, 0)
            return {"status": "trading"}

        async with self.opening(on_status=on_status, report=report):
            await self.asked(HEARTBEAT)
        self.assertEqual((statuses[0], statuses[-1]), ("held", "ended"))
        self.assertEqual(self.service.asked_with(HEARTBEAT)[0]["status"], "trading")

    async def test_a_callback_may_release(self) -> None:
        sessions: list[AsyncSession] = []
        outcomes: list[str] = []

        async def release(status: Status) -> None:
            if status.state == "held" and sessions:
                outcomes.append(await sessions[0].release())

        sessions.append(await self.opening(on_status=release))
        self.assertTrue(await sessions[0].wait_lost())
        while not outcomes:
            await asyncio.sleep(0.005)
        self.assertEqual(outcomes, ["released"])

    async def test_a_wait_that_is_woken_all_the_time_gives_the_loop_its_turn_each_time(
        self,
    ) -> None:
        runtime = ThreadRuntime(self.service.url, HttpTransport(self.service.url))
        turn = 0
        looked_in: list[int] = []

        async def take_turns() -> None:
            nonlocal turn
            while True:
                turn += 1
                await asyncio.sleep(0)

        def is_enough() -> bool:
            looked_in.append(turn)
            runtime.wake()
            return len(looked_in) == 100

        taking_turns = asyncio.create_task(take_turns())
        await _wait(runtime, is_enough)
        taking_turns.cancel()
        self.assertEqual(looked_in, sorted(set(looked_in)))
