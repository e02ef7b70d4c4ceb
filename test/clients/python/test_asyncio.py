"""The asyncio twin, against a service over HTTP."""

from __future__ import annotations

import asyncio
import threading
import unittest
from http.server import BaseHTTPRequestHandler
from typing import Any

from fake_service import FakeService, answer
from license_session import LicenseRefused, ReleaseRequest, SessionRefused, Status, SymbolLost
from license_session.asyncio import AsyncSession, Opening, _wait, check_session, open_session
from license_session.thread_runtime import ThreadRuntime
from license_session.transport import HttpTransport
from processes import CLAIM, HEARTBEAT, RELEASE, until
from quiet import QUIET


class Asyncio(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)

    def open(self, **options: Any) -> Opening:
        return open_session(self.service.url, "KEY", "device", logger=QUIET, **options)

    def hold(self, path: str) -> threading.Event:
        """What is asked there is answered once the event that is returned is set."""
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def wait(handler: BaseHTTPRequestHandler) -> bool:
            if handler.path == path:
                go_on.wait(60)
            return False

        self.service.instead = wait
        return go_on

    async def asked(self, path: str) -> None:
        while path not in self.service.asked:
            await asyncio.sleep(0.005)

    async def test_async_with_holds_the_session_and_releases_it(self) -> None:
        async with self.open(symbol="ES") as session:
            self.assertTrue(session.held)
            self.assertEqual((session.session_id, session.fencing_token), ("session-1", 1))
            await self.asked(HEARTBEAT)
            self.assertFalse(await session.wait_lost(0.01))
        self.assertFalse(session.held)
        self.assertTrue(await session.wait_lost())
        self.assertEqual(await session.release(), "released")
        self.assertEqual(self.service.asked.count(RELEASE), 1)

    async def test_it_can_be_awaited_instead(self) -> None:
        session = await self.open()
        self.assertIsInstance(session, AsyncSession)
        async with session:
            self.assertTrue(session.held)
        self.assertEqual(self.service.asked.count(RELEASE), 1)

    async def test_the_loop_goes_on_while_a_session_is_opened_and_released(self) -> None:
        go_on = self.hold(CLAIM)
        opening = asyncio.ensure_future(self.open().__aenter__())
        await self.asked(CLAIM)
        go_on.set()
        session = await opening
        go_on = self.hold(RELEASE)
        releasing = asyncio.ensure_future(session.release())
        await self.asked(RELEASE)
        self.assertFalse(session.held)
        go_on.set()
        self.assertEqual(await releasing, "released")

    async def test_a_loop_that_is_busy_loses_no_session(self) -> None:
        async with self.open() as session:
            self.assertTrue(until(lambda: self.service.asked.count(HEARTBEAT) >= 2))
            self.assertTrue(session.held)

    async def test_an_opening_that_is_cancelled_releases_what_it_was_granted_after_all(
        self,
    ) -> None:
        go_on = self.hold(CLAIM)
        opening = asyncio.ensure_future(self.open().__aenter__())
        await self.asked(CLAIM)
        opening.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await opening
        go_on.set()
        await self.asked(RELEASE)

    async def test_a_release_goes_on_when_nobody_waits_for_it_any_more(self) -> None:
        session = await self.open()
        go_on = self.hold(RELEASE)
        releasing = asyncio.ensure_future(session.release())
        await self.asked(RELEASE)
        releasing.cancel()
        go_on.set()
        self.assertEqual(await session.release(), "released")
        self.assertEqual(self.service.asked.count(RELEASE), 1)

    async def test_wait_lost_wakes_as_soon_as_the_session_is_taken(self) -> None:
        session = await self.open()
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

        async with self.open(on_status=on_status, report=report):
            await self.asked(HEARTBEAT)
        self.assertEqual((statuses[0], statuses[-1]), ("held", "ended"))
        self.assertEqual(self.service.asked_with(HEARTBEAT)[0]["status"], "trading")

    async def test_a_callback_may_be_a_plain_function_and_may_release(self) -> None:
        seen: list[str] = []
        async with self.open(on_status=lambda status: seen.append(status.state)) as session:
            pass
        self.assertEqual(seen[-1], "ended")
        sessions: list[AsyncSession] = []
        outcomes: list[str] = []

        async def release(status: Status) -> None:
            if status.state == "held" and sessions:
                outcomes.append(await sessions[0].release())

        session = await self.open(on_status=release)
        sessions.append(session)
        self.assertTrue(await session.wait_lost())
        while not outcomes:
            await asyncio.sleep(0.005)
        self.assertEqual(outcomes, ["released"])

    async def test_an_opening_can_be_a_task(self) -> None:
        session = await asyncio.create_task(self.open())
        self.assertTrue(session.held)
        self.assertEqual(await session.release(), "released")
        (gathered,) = await asyncio.gather(self.open())
        await gathered.release()
        opening = self.open()
        opening.close()
        self.assertEqual(self.service.asked.count(CLAIM), 2)

    @unittest.skipUnless(hasattr(asyncio, "TaskGroup"), "needs Python 3.11")
    async def test_an_opening_can_be_a_task_of_a_group(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.open(symbol=symbol)) for symbol in ("ES", "NQ")]
        for task in tasks:
            async with task.result() as session:
                self.assertTrue(session.held)
        self.assertEqual(self.service.asked.count(RELEASE), 2)

    async def test_an_opening_in_a_task_can_be_cancelled(self) -> None:
        go_on = self.hold(CLAIM)
        opening = asyncio.create_task(self.open())
        await self.asked(CLAIM)
        opening.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await opening
        go_on.set()
        await self.asked(RELEASE)

    async def test_a_broken_service_does_not_decide_how_often_it_is_asked(self) -> None:
        second = {"session_timeout_seconds": 1, "held_for_seconds": 1}
        self.service.answers[HEARTBEAT] = {**self.service.answers[HEARTBEAT], **second}
        async with self.open() as session:
            await session.wait_lost(1.5)
        # A machine that is slow asks less often.
        self.assertLessEqual(self.service.asked.count(HEARTBEAT), 20)

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

    async def test_several_symbols_are_one_session(self) -> None:
        lost: list[SymbolLost] = []

        async def on_symbol_lost(loss: SymbolLost) -> None:
            lost.append(loss)

        async with self.open(symbols=["ES", "NQ", "CL"], on_symbol_lost=on_symbol_lost) as session:
            self.assertEqual(session.symbols, ("ES", "NQ", "CL"))
            self.assertTrue(session.holds("nq"))
            self.assertEqual(await session.release(["CL"]), "released")
            self.assertEqual(await session.release(["GC"]), "not_held")
            self.assertEqual(session.symbols, ("ES", "NQ"))
            part = {
                "code": "session_taken",
                "symbols_held": ["ES"],
                "symbols_lost": [
                    {"symbol": "NQ", "code": "session_taken", "active_device": "x..."}
                ],
            }
            self.service.answers[HEARTBEAT] = {**self.service.answers[HEARTBEAT], **part}
            while not lost:
                await asyncio.sleep(0.005)
            self.assertEqual(session.symbols, ("ES",))
            self.assertTrue(session.held)
        self.assertEqual(lost, [SymbolLost("NQ", "session_taken", "x...")])
        released = [body["symbols"] for body in self.service.asked_with(RELEASE)]
        self.assertEqual(released, [["CL"], ["ES"]])

    async def test_a_release_of_some_symbols_keeps_no_loop(self) -> None:
        async with self.open(symbols=["ES", "NQ"]) as session:
            go_on = self.hold(RELEASE)
            releasing = asyncio.create_task(session.release(["NQ"]))
            await self.asked(RELEASE)
            self.assertFalse(session.holds("NQ"))
            go_on.set()
            self.assertEqual(await releasing, "released")

    async def test_who_is_asked_to_release_may_keep(self) -> None:
        sessions: list[AsyncSession] = []
        requests: list[ReleaseRequest] = []

        def on_release_request(request: ReleaseRequest) -> None:
            requests.append(request)
            sessions[0].keep()

        asks = {"release_asked_by": "x...", "release_asked_seconds_ago": 3}
        self.service.answers[HEARTBEAT] = {**self.service.answers[HEARTBEAT], **asks}
        async with self.open(on_release_request=on_release_request) as session:
            sessions.append(session)
            while not any(body.get("keep") for body in self.service.bodies):
                await asyncio.sleep(0.005)
        self.assertEqual(requests, [ReleaseRequest("x...", 3, ())])

    async def test_who_wants_it_may_ask_its_holder(self) -> None:
        self.service.instead = lambda handler: (
            answer(handler, {"code": "session_conflict", "holder_asked": True}, 403) or True
        )
        with self.assertRaises(SessionRefused) as refused:
            await self.open(ask_holder=True, only_if_free=True)
        self.assertTrue(refused.exception.holder_asked)
        asked = self.service.bodies[0]
        self.assertEqual((asked["ask_holder"], asked["only_if_free"]), (True, True))

    async def test_refusals_are_those_of_the_other_client(self) -> None:
        self.service.instead = lambda handler: (
            answer(handler, {"code": "session_conflict", "active_device": "x..."}, 403) or True
        )
        with self.assertRaises(SessionRefused) as refused:
            await self.open()
        self.assertEqual((refused.exception.active_device, refused.exception.status), ("x...", 403))
        self.service.instead = lambda handler: (
            answer(handler, {"code": "license_expired"}, 401) or True
        )
        with self.assertRaises(LicenseRefused):
            await check_session(self.service.url, "KEY", "device")

    async def test_whether_a_session_could_be_opened(self) -> None:
        self.service.answers[CLAIM] = {"code": "available", "license_type": "pro"}
        license = await check_session(self.service.url, "KEY", "device")
        self.assertEqual(license.type, "pro")
        self.assertEqual(self.service.bodies[0]["check_only"], True)


if __name__ == "__main__":
    unittest.main()
