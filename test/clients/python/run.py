"""Runs the tests of a file and prints the outcome of each as a line of JSON."""

from __future__ import annotations

import json
import pathlib
import sys
import unittest
from typing import Any


class LineByLine(unittest.TestResult):
    def addSuccess(self, test: Any) -> None:
        self._say(test, "passed")

    def addSkip(self, test: Any, reason: str) -> None:
        self._say(test, "skipped", reason)

    def addFailure(self, test: Any, error: Any) -> None:
        super().addFailure(test, error)
        self._say(test, "failed", self.failures[-1][1])

    def addError(self, test: Any, error: Any) -> None:
        super().addError(test, error)
        self._say(test, "failed", self.errors[-1][1])

    def addSubTest(self, test: Any, subtest: Any, error: Any) -> None:
        before = len(self.failures) + len(self.errors)
        super().addSubTest(test, subtest, error)
        if len(self.failures) + len(self.errors) > before:
            failed = [*self.failures, *self.errors]
            self._say(test, "failed", next(text for of, text in failed if of is subtest))

    def _say(self, test: Any, outcome: str, detail: str = "") -> None:
        words = test._testMethodName.removeprefix("test").replace("_", " ").strip()
        line = {"group": type(test).__name__, "name": words, "outcome": outcome, "detail": detail}
        print(json.dumps(line), flush=True)


folder = pathlib.Path(__file__).parent
result = LineByLine()
unittest.defaultTestLoader.discover(str(folder), pattern=sys.argv[1]).run(result)
sys.exit(0 if result.wasSuccessful() else 1)
