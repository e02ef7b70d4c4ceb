"""Programs of their own, with a session, for what only a real process shows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from typing import Any, Callable

from fake_service import FakeService
from scripted_runtime import ROOT

CLAIM = "/api/validate-license"
HEARTBEAT = "/api/heartbeat"
RELEASE = "/api/session/release"


def until(condition: Callable[[], Any], seconds: float = 60.0) -> bool:
    """Waits for what is sure to come. The limit is for the case that it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


class ProcessTest(unittest.TestCase):
    """Runs programs against a service that answers as the test says."""

    def setUp(self) -> None:
        self.service = FakeService()
        self.addCleanup(self.service.close)

    def run_program(self, source: str, *before: str) -> "subprocess.Popen[str]":
        """A program of which ``url`` is known, and ``say`` prints a line that the test can read.

        :param before: a command that runs it
        """
        head = f"""
            import os, signal, sys, threading, time
            from license_session import open_session
            url = {self.service.url!r}
            def say(*words):
                print(*words, flush=True)
        """
        file = tempfile.NamedTemporaryFile("w", suffix=".py", delete=False)
        with file:
            file.write(textwrap.dedent(head) + textwrap.dedent(source))
        self.addCleanup(os.unlink, file.name)
        process = subprocess.Popen(
            [*before, sys.executable, "-B", file.name],
            env={**os.environ, "PYTHONPATH": str(ROOT / "clients/python")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout and process.stderr
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def line_of(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout
        return process.stdout.readline().strip()

    def releases(self) -> int:
        return self.service.asked.count(RELEASE)
