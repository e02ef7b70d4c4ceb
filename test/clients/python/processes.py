"""Programs of their own, with a session, for what only a real process shows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from typing import Sequence

from fake_service import RELEASE, ServiceTest
from scripted_runtime import ROOT

OPEN = """
session = open_session(url, "KEY", "device")
"""


class ProcessTest(ServiceTest):
    """Runs programs against a service that answers as the test says."""

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

    def play(
        self,
        source: str,
        *says: object,
        by: int = 0,
        then: Sequence[object] = (),
        leaves: int = 0,
        releases: int = 1,
    ) -> None:
        """Runs a program from its beginning to its end.

        :param says: the lines that it prints at first
        :param by: the signal that it is then sent
        :param then: the lines that it prints after that
        :param leaves: its exit code; below 0, the signal that ends it
        """
        self.service.forget()
        process = self.run_program(source)
        for line in says:
            self.assertEqual(self.line_of(process), str(line))
        if by:
            process.send_signal(by)
        for line in then:
            self.assertEqual(self.line_of(process), str(line))
        self.assertEqual(process.wait(60), leaves, source)
        self.assertEqual(self.releases(), releases, source)

    def line_of(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout
        return process.stdout.readline().strip()

    def releases(self) -> int:
        return self.service.count(RELEASE)
