"""Two copies of the package in one process: two versions, or one that another package brings."""

from __future__ import annotations

import shutil
import signal
import tempfile
import unittest

from processes import RELEASE, ProcessTest
from scripted_runtime import ROOT


class Copies(ProcessTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("first", "second"):
            source = ROOT / "clients/python/license_session"
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, f"{self.folder}/{name}/license_session", ignore=ignored)

    def program(self, source: str) -> str:
        return f"""
import sys
sys.path.insert(0, {self.folder!r})
import first.license_session as first
import second.license_session as second
{source}
"""

    def test_the_copies_are_two(self) -> None:
        process = self.run_program(self.program("say(first.open_session is second.open_session)"))
        self.assertEqual(self.line_of(process), "False")

    def test_a_signal_releases_the_sessions_of_both(self) -> None:
        process = self.run_program(
            self.program(
                """
sessions = [copy.open_session(url, "KEY", copy.__name__) for copy in (first, second)]
say("ready")
time.sleep(3600)
"""
            )
        )
        self.assertEqual(self.line_of(process), "ready")
        process.terminate()
        self.assertEqual(process.wait(60), -signal.SIGTERM)
        released = {body["device_fingerprint"] for body in self.service.asked_with(RELEASE)}
        self.assertEqual(released, {"first.license_session", "second.license_session"})

    def test_the_last_session_of_any_takes_the_handler_out(self) -> None:
        process = self.run_program(
            self.program(
                """
one, other = [copy.open_session(url, "KEY", "device") for copy in (first, second)]
one.release()
say(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
other.release()
say(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
"""
            )
        )
        self.assertEqual([self.line_of(process), self.line_of(process)], ["False", "True"])

    def test_an_error_is_caught_whichever_copy_raises_it(self) -> None:
        refusal = '{"code": "session_conflict", "active_device": "x..."}'
        process = self.run_program(
            self.program(
                f"""
transport = lambda request: second.Response(403, {{}}, b'{refusal}')
try:
    second.open_session(url, "KEY", "device", transport=transport)
except first.SessionRefused as error:
    say(error.active_device, isinstance(error, first.LicenseSessionError))
"""
            )
        )
        self.assertEqual(self.line_of(process), "x... True")


if __name__ == "__main__":
    unittest.main()
