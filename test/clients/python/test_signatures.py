"""Answers that only the service can have given."""

from __future__ import annotations

import base64
import importlib.util
import json
import math
import os
import pathlib
import sys
import unittest
from http.server import BaseHTTPRequestHandler
from typing import Any, Dict, List, Optional
from unittest import mock

from fake_service import CLAIM, HEARTBEAT, RELEASE, ServiceTest, until
from license_session import Status, check_session, open_session
from license_session.options import Options, Signing
from license_session.runtime import Answer, NoAnswer
from license_session.service import Service
from license_session.signatures import Asked, Verifier, digest_of, key_id_of

COVERED = '("@status" "content-digest" "@method";req "@path";req "content-digest";req)'

HAS_CRYPTOGRAPHY = importlib.util.find_spec("cryptography") is not None


def setUpModule() -> None:
    if HAS_CRYPTOGRAPHY:
        return
    if os.environ.get("CI"):
        raise AssertionError("the Python package cryptography is missing")
    raise unittest.SkipTest("needs the package cryptography (Debian: python3-cryptography)")


class Key:
    """A key of the service."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519

        self.private = ed25519.Ed25519PrivateKey.generate()
        raw = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self.id = key_id_of(raw)
        self.public = "ed25519:" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(
    key: Key, asked: Asked, status: int, body: bytes, created: int = 1_800_000_000
) -> Dict[str, str]:
    values = {
        '"@status"': str(status),
        '"content-digest"': digest_of(body),
        '"@method";req': "POST",
        '"@path";req': asked.path,
        '"content-digest";req': digest_of(asked.body),
    }
    text = f'{COVERED};created={created};keyid="{key.id}";nonce="{asked.nonce}";alg="ed25519"'
    lines = [f"{name}: {values[name]}" for name in COVERED[1:-1].split(" ")]
    base = "\n".join([*lines, f'"@signature-params": {text}'])
    signature = base64.b64encode(key.private.sign(base.encode())).decode()
    return {
        "content-digest": digest_of(body),
        "signature-input": f"sig1={text}",
        "signature": f"sig1=:{signature}:",
    }


def problem_of(vector: Dict[str, Any]) -> Optional[str]:
    request, answer = vector["request"], vector["answer"]
    asked = Asked(request["path"], request["body"].encode(), request["nonce"])
    return (
        Verifier(vector["public_keys"])
        .verdict_on(
            Answer(answer["status"], answer["body"].encode(), answer["headers"]),
            asked,
            tuple(vector.get("created_between", (-math.inf, math.inf))),
        )
        .problem
    )


class Vectors(unittest.TestCase):
    """Those that the TypeScript client is tested with, too."""

    folder = pathlib.Path(__file__).parents[3] / "clients" / "vectors"

    def test_each_answer_is_taken_or_refused_for_the_reason_it_names(self) -> None:
        vectors = json.loads((self.folder / "signed-answers.json").read_text("utf-8"))
        for vector in vectors["cases"]:
            with self.subTest(vector["guarantee"]):
                self.assertEqual(problem_of(vector), vector.get("problem"))

    def test_keys_and_digests_have_the_names_of_the_standards(self) -> None:
        vectors = json.loads((self.folder / "rfc.json").read_text("utf-8"))
        for vector in vectors["key_ids"]:
            raw = base64.urlsafe_b64decode(vector["public_key"][len("ed25519:") :] + "=")
            self.assertEqual(key_id_of(raw), vector["keyid"])
        for vector in vectors["content_digests"]:
            self.assertEqual(digest_of(vector["body"].encode()), vector["content_digest"])


class Keys(unittest.TestCase):
    def test_keys_that_are_none_are_refused_without_being_shown(self) -> None:
        for keys in ([], "", "ed25519:", "ed25519:AAAA", "ed25519-private:" + "A" * 43, "A" * 43):
            with self.assertRaises(ValueError) as refused:
                Verifier(keys)
            self.assertNotIn("AAAA", str(refused.exception))

    def test_without_cryptography_keys_are_an_error_that_says_what_to_install(self) -> None:
        with mock.patch.dict(
            sys.modules, {"cryptography.hazmat.primitives.asymmetric.ed25519": None}
        ):
            with self.assertRaisesRegex(ModuleNotFoundError, r"pip install.*signed"):
                open_session("http://unused", "KEY", "device", public_keys=[Key().public])


class Clock:
    """A runtime of a clock and of answers."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.now = 0
        self.created = 1_800_000_000
        self.fails = False
        self.ids = 0

    def now_ms(self) -> int:
        return self.now

    def random_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def exchange(self, path: str, body: bytes, until: object) -> Answer:
        nonce = json.loads(body)["nonce"]
        text = b'{"code":"internal_error"}' if self.fails else b'{"code":"session_taken"}'
        headers = sign(self.key, Asked(f"/{path}", body, nonce), 500, text, self.created)
        return Answer(500, text, headers)


class Time(unittest.TestCase):
    def setUp(self) -> None:
        self.runtime = Clock(Key())
        signing = Signing(Verifier(self.runtime.key.public), "")
        self.service = Service(Options(caller={}, signing=signing), self.runtime)  # type: ignore[arg-type]

    def ask(self, at_seconds: int, created_seconds: int, fails: bool = False) -> object:
        self.runtime.now, self.runtime.fails = at_seconds * 1000, fails
        self.runtime.created = 1_800_000_000 + created_seconds
        exchange = self.service.exchange("api/heartbeat", {}, lambda: 0)
        return exchange.problem if isinstance(exchange, NoAnswer) else "taken"

    def test_an_answer_is_as_old_as_the_time_since_the_one_before_it_allows(self) -> None:
        self.assertEqual(self.ask(100, 0), "taken")
        self.assertEqual(self.ask(120, 14), "taken", "two clocks may differ")
        self.assertEqual(self.ask(140, 40), "taken", "two clocks may differ")
        self.assertEqual(self.ask(160, 53), "answer_time_wrong")
        self.assertEqual(self.ask(180, 73), "taken")
        self.assertEqual(self.ask(200, 100), "answer_time_wrong")

    def test_a_pause_of_this_machine_puts_one_answer_in_doubt_and_no_other(self) -> None:
        self.assertEqual(self.ask(100, 0), "taken")
        self.assertEqual(self.ask(120, 3_600), "answer_time_wrong")
        self.assertEqual(self.ask(121, 3_601), "taken")

    def test_clocks_that_drift_apart_never_part_the_client_and_the_service(self) -> None:
        for minute in range(24 * 60):
            self.assertEqual(self.ask(minute * 60, minute * 60 - minute // 60), "taken")

    def test_a_failure_of_a_function_whose_clock_is_wrong_promises_nothing(self) -> None:
        self.assertEqual(self.ask(0, 3_600, fails=True), "taken")
        self.assertEqual(self.ask(1, 1), "taken")
        self.assertEqual(self.ask(2, 3_600, fails=True), "answer_time_wrong")
        self.assertEqual(self.ask(3, 3), "taken")


class AgainstAService(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        self.key = Key()
        #: Of which the answers are signed.
        self.signed = {CLAIM, HEARTBEAT, RELEASE}
        self.service.instead = self.answer

    def answer(self, handler: BaseHTTPRequestHandler) -> bool:
        text = self.service.texts[-1]
        body = json.dumps(self.service.answers[handler.path]).encode()
        headers: Dict[str, str] = {}
        if handler.path in self.signed:
            asked = Asked(handler.path, text, json.loads(text)["nonce"])
            headers = sign(self.key, asked, 200, body)
        handler.send_response(200)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        return True

    def test_a_service_that_signs_is_as_good_as_ever(self) -> None:
        session = self.open(public_keys=[self.key.public])
        self.assertTrue(self.heartbeats(2))
        self.assertTrue(session.held)
        self.assertEqual(session.release(), "released")
        nonces = [body["nonce"] for body in self.service.bodies]
        self.assertEqual(len(set(nonces)), len(nonces))
        self.service.answers[CLAIM] = {"code": "available"}
        check_session(self.service.url, "KEY", "device", public_keys=self.key.public)

    def test_what_is_not_signed_grants_nothing_ends_nothing_and_renews_nothing(self) -> None:
        problems: List[Optional[str]] = []

        def on_status(status: Status) -> None:
            problems.append(status.problem)
            self.signed.add(CLAIM)

        self.signed = {RELEASE}
        self.service.answers[HEARTBEAT] = {"code": "session_taken"}
        session = self.open(public_keys=[self.key.public], on_status=on_status)
        before = session.right_lasts_seconds
        self.assertTrue(until(lambda: problems.count("answer_unsigned") >= 3))
        self.assertEqual(problems[:2], ["answer_unsigned", None])
        self.assertIsNone(session.ended)
        self.assertLess(session.right_lasts_seconds, before)
