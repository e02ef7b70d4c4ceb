"""Two copies of the package in one process: two versions, or one that another package brings."""

from __future__ import annotations

import shutil
import signal
import tempfile
import textwrap

from fake_service import RELEASE
from processes import ProcessTest
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

    def with_both(self, source: str) -> str:
        head = f"""
            sys.path.insert(0, {self.folder!r})
            import first.license_session as first
            import second.license_session as second
            assert first.open_session is not second.open_session
        """
        return textwrap.dedent(head) + textwrap.dedent(source)

    def test_a_signal_releases_the_sessions_of_both(self) -> None:
        program = """
            sessions = [copy.open_session(url, "KEY", copy.__name__) for copy in (first, second)]
            say("ready")
            time.sleep(3600)
        """
        self.play(
            self.with_both(program), "ready", by=signal.SIGTERM, leaves=-signal.SIGTERM, releases=2
        )
        released = {body["device_fingerprint"] for body in self.service.asked_with(RELEASE)}
        self.assertEqual(released, {"first.license_session", "second.license_session"})

    def test_the_last_session_of_any_takes_the_handler_out(self) -> None:
        program = """
            one, other = [copy.open_session(url, "KEY", "device") for copy in (first, second)]
            one.release()
            say(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
            other.release()
            say(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
        """
        self.play(self.with_both(program), False, True, releases=2)

    def test_an_error_is_caught_whichever_copy_raises_it(self) -> None:
        refusal = '{"code": "session_conflict", "active_device": "x..."}'
        program = f"""
            transport = lambda request: second.Response(403, {{}}, b'{refusal}')
            try:
                second.open_session(url, "KEY", "device", transport=transport)
            except first.SessionRefused as error:
                say(error.active_device, isinstance(error, first.LicenseSessionError))
        """
        self.play(self.with_both(program), "x... True", releases=0)
