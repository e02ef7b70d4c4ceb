"""A first use without riddles: each message names the argument, what was given and what is expected."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import unittest
from typing import Any

import license_session.asyncio
from license_session import Request, Response, check_session, open_session
from license_session.service_url import base_url
from quiet import QUIET
from scripted_runtime import ROOT

URLS = json.loads((ROOT / "clients/vectors/urls.json").read_text(encoding="utf-8"))


class Urls(unittest.TestCase):
    def test_an_address_is_taken_or_refused_as_by_the_other_clients(self) -> None:
        for case in URLS:
            with self.subTest(case["guarantee"]):
                if "claim" in case:
                    self.assertEqual(
                        f"{base_url(case['given'])}/api/validate-license", case["claim"]
                    )
                    continue
                with self.assertRaisesRegex(ValueError, "^url .*expected the address") as refused:
                    base_url(case["given"])
                self.assertNotIn("s3cret", str(refused.exception))

    def test_requests_go_to_where_the_table_says_with_what_was_asked_for(self) -> None:
        asked = []

        def transport(request: Request) -> Response:
            asked.append((request.url, json.loads(request.body)))
            return Response(200, {}, b'{"code": "available"}')

        options: "dict[str, Any]" = {"only_if_free": True, "symbol": "ES", "transport": transport}
        check_session(" https://license.example/stage// ", "KEY", "device", **options)
        ((url, body),) = asked
        self.assertEqual(url, "https://license.example/stage/api/validate-license")
        wanted = {
            "license_key": "KEY",
            "device_fingerprint": "device",
            "symbol": "ES",
            "only_if_free": True,
            "check_only": True,
        }
        self.assertEqual({name: body.get(name) for name in wanted}, wanted)


class Wrong:
    pass


#: What is given, and what is said of it.
WRONG = (
    ({"url": None}, TypeError, "url is a NoneType: expected the address"),
    ({"license_key": b"SECRET"}, TypeError, "license_key is a bytes: expected a str"),
    ({"license_key": None}, TypeError, "license_key is a NoneType: expected a str"),
    ({"license_key": " "}, ValueError, "license_key is empty: expected the key"),
    ({"device_fingerprint": Wrong()}, TypeError, "device_fingerprint is a Wrong: expected a str"),
    ({"device_fingerprint": ""}, ValueError, "device_fingerprint is empty: expected"),
    ({"symbol": 7}, TypeError, "symbol is a int: expected a str"),
    ({"symbol": ""}, ValueError, "symbol is empty: expected"),
    ({"symbol": "ES", "symbols": ["NQ"]}, ValueError, "symbol and symbols are both given"),
    ({"symbols": []}, ValueError, "symbols is empty: expected at least one"),
    ({"symbols": "ES,NQ"}, TypeError, "symbols is a str: expected a list"),
    ({"symbols": 7}, TypeError, "symbols is a int: expected a list"),
    ({"symbols": ["ES", 7]}, TypeError, r"symbols\[1\] is a int: expected a str"),
    ({"symbols": ["ES", " es"]}, ValueError, "symbols has 'ES' and ' es', which are the same"),
    (
        {"open_within_seconds": "2"},
        TypeError,
        "open_within_seconds is '2', a str: expected a number",
    ),
    ({"wait_within_seconds": None}, TypeError, "wait_within_seconds is None, a NoneType: expected"),
    ({"open_within_seconds": -1}, ValueError, "open_within_seconds is -1: expected 0 or more"),
    ({"open_within_seconds": -math.inf}, ValueError, "open_within_seconds is -inf: expected 0"),
    ({"open_within_seconds": math.nan}, ValueError, "open_within_seconds is nan: expected 0"),
    ({"wait_within_seconds": -1}, ValueError, "wait_within_seconds is -1: expected 0 or more"),
    ({"margin_seconds": -1}, ValueError, "margin_seconds is -1: expected 0 or more"),
    ({"margin_seconds": math.nan}, ValueError, "margin_seconds is nan: expected 0 or more"),
    ({"margin_seconds": math.inf}, ValueError, "margin_seconds is inf: .* and finite"),
    ({"request_timeout_seconds": 0}, ValueError, "request_timeout_seconds is 0.*expected more"),
    ({"request_timeout_seconds": math.nan}, ValueError, "request_timeout_seconds is nan"),
    ({"request_timeout_seconds": math.inf}, ValueError, "request_timeout_seconds is inf"),
    ({"report": "status"}, TypeError, "report is a str: expected a function"),
    ({"on_status": 7}, TypeError, "on_status is a int: expected a function"),
    ({"on_symbol_lost": 7}, TypeError, "on_symbol_lost is a int: expected a function"),
    ({"on_release_request": 7}, TypeError, "on_release_request is a int: expected a function"),
    ({"transport": 7}, TypeError, "transport is a int: expected a function"),
    ({"logger": "root"}, TypeError, "logger is a str: expected"),
    ({"public_keys": 7}, TypeError, "public_keys is a int: expected"),
)


def nothing_is_sent(request: Request) -> Response:
    raise AssertionError("something was sent")


def given(options: "dict[str, Any]") -> "dict[str, Any]":
    base = {"url": "http://license.example", "license_key": "KEY", "device_fingerprint": "device"}
    return {**base, "transport": nothing_is_sent, "logger": QUIET, **options}


async def open_async(**options: Any) -> None:
    await license_session.asyncio.open_session(**options)


class Arguments(unittest.TestCase):
    def test_each_is_refused_at_once_by_its_name(self) -> None:
        for options, error, message in WRONG:
            for opening in (open_session, lambda **options: asyncio.run(open_async(**options))):
                with self.subTest(message), self.assertRaisesRegex(error, f"^{message}") as refused:
                    opening(**given(options))
                self.assertNotIn("SECRET", str(refused.exception))
                self.assertEqual(threading.active_count(), 1)

    def test_without_an_event_loop_of_asyncio_that_is_what_is_said(self) -> None:
        opening = license_session.asyncio.open_session(**given({}))
        for coroutine in (opening, license_session.asyncio.check_session("http://h", "KEY", "d")):
            # As trio would run it.
            with self.assertRaisesRegex(RuntimeError, "works with no other: under trio, call"):
                coroutine.send(None)
