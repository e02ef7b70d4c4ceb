"""What a program can read: errors, the license, and the log."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
import unittest
from datetime import datetime, timezone
from typing import Any

import license_session
from fake_service import CLAIM, HEARTBEAT, ServiceTest, until
from license_session import (
    Blocked,
    Holder,
    LicenseRefused,
    LicenseSessionError,
    OpeningCancelled,
    Request,
    RequestUnreadable,
    Response,
    ServiceNotFound,
    ServiceUnavailable,
    SessionRefused,
    Status,
    open_session,
)

ALL = [
    SessionRefused(
        "Held.",
        code="session_limit",
        active_device="x...",
        wait_seconds=7,
        held_by_this_device=False,
        blocked=(Blocked("ES", "x...", 7, None, Holder("x...", 60, 7, None), True, False, None),),
        holder=Holder("x...", 60, 7, "flat"),
        holder_asked=True,
        holder_told=False,
        holder_keeps=None,
        status=403,
        request_id="r",
    ),
    LicenseRefused("Over.", code="license_expired", status=401, request_id="r"),
    RequestUnreadable("What?", field="symbol", status=400, request_id="r"),
    ServiceNotFound("Where?", status=404, request_id="r"),
    ServiceUnavailable("Later.", problem="HTTP 503", status=503, request_id="r"),
    OpeningCancelled("Stopped."),
]


class Unpicklable(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("no")


class Errors(unittest.TestCase):
    def test_all_have_one_root_and_survive_pickling_and_copying(self) -> None:
        for error in ALL:
            self.assertIsInstance(error, LicenseSessionError)
            for again in (
                pickle.loads(pickle.dumps(error)),
                copy.copy(error),
                copy.deepcopy(error),
            ):
                self.assertIs(type(again), type(error))
                self.assertEqual(str(again), str(error))
                self.assertEqual(vars(again), vars(error))
                self.assertEqual(again.code, error.code)

    def test_the_cause_survives_where_it_can_be_pickled(self) -> None:
        error = ServiceUnavailable("Later.", problem="reset")
        error.__cause__ = ConnectionResetError(104, "reset")
        again = pickle.loads(pickle.dumps(error))
        self.assertIsInstance(again.cause, ConnectionResetError)
        error.__cause__ = Unpicklable()
        self.assertIsNone(pickle.loads(pickle.dumps(error)).cause)

    def test_each_code_is_of_its_own(self) -> None:
        codes = [error.code for error in ALL]
        self.assertEqual(len(set(codes)), len(codes))

    def test_all_names_that_are_promised_are_there(self) -> None:
        for name in license_session.__all__:
            self.assertTrue(hasattr(license_session, name), name)


class WhatIsKnown(ServiceTest):
    def test_an_outage_has_the_status_and_the_request_id_of_the_last_answer(self) -> None:
        outage = Response(500, {}, b'{"code": "internal_error", "request_id": "r"}')
        with self.assertRaises(ServiceUnavailable) as raised:
            self.open(transport=lambda request: outage, open_within_seconds=0.1)
        error = raised.exception
        self.assertEqual(
            (error.problem, error.status, error.request_id), ("internal_error", 500, "r")
        )

    def test_the_license_can_be_read_from_the_session(self) -> None:
        self.service.add(
            CLAIM,
            license_type="pro",
            expiry_date="2027-01-31T12:00:00.000Z",
            active_symbols=["ES"],
        )
        self.service.add(HEARTBEAT, license_expiration=None, active_symbols=["ES", "NQ"])
        with self.open() as session:
            license = session.license
            self.assertEqual((license.type, license.active_symbols), ("pro", ("ES",)))
            self.assertEqual(license.expires_at, datetime(2027, 1, 31, 12, tzinfo=timezone.utc))
            self.assertTrue(until(lambda: session.license != license))
            self.assertEqual(
                (session.license.type, session.license.expires_at, session.license.active_symbols),
                ("pro", None, ("ES", "NQ")),
            )

    def test_the_log_has_every_change_and_warns_of_the_loss(self) -> None:
        records: list[logging.LogRecord] = []
        logger = logging.Logger("of the program", logging.DEBUG)
        logger.addFilter(lambda record: bool(records.append(record)))
        session = open_session(
            self.service.url, "SECRET", "device-secret", symbol="ES", logger=logger
        )
        self.assertTrue(until(lambda: len(records) >= 2))
        self.service.answers[HEARTBEAT] = {"code": "session_taken", "active_device": "x..."}
        self.assertTrue(session.wait_lost(60))
        session.release()
        levels = [record.levelname for record in records]
        self.assertEqual((levels[0], levels[1], levels[-1]), ("INFO", "DEBUG", "WARNING"))
        texts = [record.getMessage() for record in records]
        self.assertEqual(texts[-1], "License session ES: over: taken (session_taken), held by x...")
        self.assertNotIn("secret", "".join(texts).lower())

    def test_of_the_attempts_to_open_the_first_that_fails_is_a_warning(self) -> None:
        """So that a wrong port is not silent for half a minute."""
        statuses: list[Status] = []
        cancel = threading.Event()

        def on_status(status: Status) -> None:
            statuses.append(status)
            if len(statuses) == 2:
                cancel.set()

        def transport(_: Request) -> Response:
            raise RuntimeError("refused")

        options: dict[str, Any] = {
            "transport": transport,
            "on_status": on_status,
            "cancel": cancel,
        }
        with self.assertLogs("license_session", logging.WARNING) as logged:
            with self.assertRaises(OpeningCancelled):
                open_session("any://host", "KEY", "device", **options)
        texts = [record.getMessage() for record in logged.records]
        self.assertEqual(texts, ["License session: not open yet (refused); trying again"])

    def test_a_release_by_the_program_is_no_warning_and_a_session_says_how_it_stands(self) -> None:
        with self.assertLogs("license_session", logging.INFO) as logged:
            session = self.open(logger=None)
            self.assertEqual(repr(session), "<Session session-1 held>")
            session.release()
        self.assertEqual({record.levelname for record in logged.records}, {"INFO"})
        self.assertEqual(repr(session), "<Session session-1 over: released>")

    def test_a_logger_that_fails_ends_nothing(self) -> None:
        class Broken:
            def __getattr__(self, name: str) -> Any:
                raise RuntimeError("no logger")

        with self.open(logger=Broken()) as session:
            self.assertTrue(self.heartbeats(1))
            self.assertTrue(session.held)
